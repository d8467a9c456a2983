"""What a user brings along: pictures of their own, and weights that were trained elsewhere."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from resnet_lab.data import home
from resnet_lab.files import size_words
from resnet_lab.inside.looked import MAX_CHECKPOINT, import_checkpoint
from resnet_lab.inside.uploads import MAX_BYTES, MAX_PIXELS, keep_upload, uploaded
from resnet_lab.ui.look_state import Looked, change
from resnet_lab.ui.look_tiles import put, show, tiles
from resnet_lab.ui.look_view import MOST_NETS, taken_out
from resnet_lab.ui.page import verbatim

LARGE = 192  # pixels on the screen
MEGABYTE = 1_000_000
MOST_LISTED = 36
TAKEN = "look_taken"  # by the file's id: what came of it

T = TypeVar("T")


def own(looked: Looked) -> None:
    with st.container(key="look_own"):
        with st.container(key="look_own_picture", border=True):
            bring_picture(looked)
        with st.container(key="look_own_net", border=True):
            bring_checkpoint()
    if refs := uploaded(home())[:MOST_LISTED]:
        st.subheader("Pictures that were uploaded", anchor=False)
        tiles(looked, {ref: ref for ref in refs}, "own")


def bring_picture(looked: Looked) -> None:
    st.subheader("A picture of your own", anchor=False)
    st.markdown(
        f"PNG, JPEG or WebP, at most {size_words(MAX_BYTES)} and {MAX_PIXELS // MEGABYTE} million pixels. "
        "Its middle square is shrunk to 32×32 pixels, which is all that a net sees; nothing else of the file is kept. "
        "The picture is kept on this machine and seen by all who use this lab."
    )
    file = st.file_uploader(
        "Picture", ["png", "jpg", "jpeg", "webp"], key="look_upload", max_upload_size=MAX_BYTES // MEGABYTE
    )
    if file is None:
        return
    ref, problem = outcome(file, lambda: keep_upload(file.getvalue(), home()))
    if ref is None:
        st.error(verbatim(problem))
        return
    kept, problems = taken_out([ref])
    if not kept:  # it has been removed since
        st.error(verbatim(problems[0]))
        return
    with st.container(key="look_seen", horizontal=True, vertical_alignment="center"):
        with st.container(key="look_as_seen", gap=None, width="content"):
            show(kept[0].pixels, LARGE, "The uploaded picture at 32×32 pixels")
            st.caption("As the nets see it")
        if ref in looked.refs:
            st.caption("It is in the tray.")
        else:
            st.button("Put it into the tray", type="primary", key="look_put_own", on_click=look_at, args=(ref,))


def outcome(file: UploadedFile, take: Callable[[], T]) -> tuple[T | None, str]:
    """What came of this file, or why nothing did: a page runs many times while it lies there, and takes it once."""
    state = st.session_state.setdefault(TAKEN, {})
    if file.file_id not in state:
        try:
            state[file.file_id] = take(), ""
        except (ValueError, OSError) as problem:
            state[file.file_id] = None, str(problem)
    found: tuple[T | None, str] = state[file.file_id]
    return found


def look_at(ref: str) -> None:
    """Into the tray, and before all others."""
    put(ref)
    if ref in st.session_state.looked_view.tray:
        change(picture=ref)


def bring_checkpoint() -> None:
    """A public ResNet, to be looked into like a run."""
    st.subheader("Weights that were trained elsewhere", anchor=False)
    st.markdown(
        f"A ResNet in a public naming (akamaster, chenyaofo, torchvision) or of this lab: .safetensors, or .th and "
        f".pt with tensors alone, at most {size_words(MAX_CHECKPOINT)}. A file that holds code is refused."
    )
    file = st.file_uploader(
        "Weights", ["safetensors", "th", "pt"], key="look_weights", max_upload_size=MAX_CHECKPOINT // MEGABYTE
    )
    if file is None:
        return
    subject, problem = outcome(file, lambda: import_checkpoint(file.getvalue(), file.name, home()))
    if subject is None:
        st.error(verbatim(problem))
        return
    if "looked_view" not in st.session_state:  # it is the first net of this lab
        st.rerun()
    st.success(f"{verbatim(subject.title)} is imported.")
    if subject.id not in st.session_state.looked_view.nets:
        st.button("Look into it", type="primary", key="look_into", on_click=look_into, args=(subject.id,))


def look_into(net: str) -> None:
    """Among the chosen ones; where there are too many, in the place of the last."""
    nets: tuple[str, ...] = st.session_state.looked_view.nets
    change(nets=(*nets[: MOST_NETS - 1], net))
