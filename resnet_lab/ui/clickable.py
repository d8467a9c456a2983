"""HTML drawn by Python, in which buttons can be clicked or reached with the keyboard."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

SCRIPT = Path(__file__).parent / "clickable.js"


def show_clickable(
    name: str, html: str, key: str, on_click: Callable[[Mapping[str, str]], Any], css: str | None = None
) -> None:
    """`on_click` is told the data of the button, before the page runs again; .button-row: arrow keys go along it."""

    def clicked() -> None:
        told = (st.session_state.get(key) or {}).get("click") or {}
        on_click({str(field): str(text) for field, text in told.items()})

    component(name, css)(key=key, data=json.dumps({"html": html}).encode(), on_click_change=clicked)


@st.cache_resource(show_spinner=False)
def component(name: str, css: str | None) -> Any:
    return st.components.v2.component(f"resnet_lab_{name}", css=css, js=SCRIPT.read_text(), isolate_styles=False)
