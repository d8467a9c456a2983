"""Pictures as they are shown everywhere: enlarged pixel by pixel, with their class; a click puts them into the tray."""

import base64
import io
import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import streamlit as st
from PIL import Image

from resnet_lab.inside.specimens import MOST, Specimen, specimen
from resnet_lab.ui.look_state import Looked, change

TILE = 72  # pixels on the screen


def tiles(looked: Looked, told: Mapping[str, str], key: str) -> None:
    """By reference, what is said of each; those in the tray are set off."""
    with st.container(key=f"look_tiles_{key}", horizontal=True, gap="small"):
        for ref, said in told.items():
            is_in = ref in looked.refs
            with st.container(key=f"look_tile_{key}_{ref}", gap=None, width="content"):
                show(specimen(ref).pixels, TILE, said)
                st.button(
                    said,
                    key=f"look_put_{key}_{ref}",
                    type="primary" if is_in else "secondary",
                    help="Take it out of the tray" if is_in else "Put it into the tray",
                    on_click=put,
                    args=(ref,),
                )


def put(ref: str) -> None:
    """Into the tray, or out of it."""
    tray: tuple[str, ...] = st.session_state.looked_view.tray
    if ref in tray:
        change(tray=tuple(each for each in tray if each != ref))
    elif len(tray) < MOST:
        change(tray=(*tray, ref))
    else:
        st.session_state.looked_problems = [f"The tray holds {MOST} pictures: take one out first."]


def show(pixels: np.ndarray, side: int, alt: str) -> None:
    """Of (3, S, S); without loss, and without a file for each."""
    st.html(f'<img class="look-pixels" src="{encoded(pixels.tobytes())}" width="{side}" height="{side}" alt="{alt}">')


@lru_cache(maxsize=2000)
def encoded(content: bytes) -> str:
    """A PNG as a part of the page."""
    side = math.isqrt(len(content) // 3)
    pixels, file = np.frombuffer(content, np.uint8).reshape(3, side, side).transpose(1, 2, 0), io.BytesIO()
    Image.fromarray(pixels.copy()).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def class_name(specimen: Specimen) -> str:
    """What it shows, as far as that is known."""
    return plain(specimen.class_name or "own picture")


def words(specimen: Specimen) -> str:
    known = f", {class_name(specimen)}" if specimen.class_name else ""
    return f"{specimen.title[0].upper()}{specimen.title[1:]}{known}"


def plain(name: str) -> str:
    """aquarium_fish -> aquarium fish"""
    return name.replace("_", " ")
