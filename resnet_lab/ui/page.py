"""What every page begins with: its style, its title, what went wrong with the link, the link itself."""

import re
from pathlib import Path

import streamlit as st

STYLE = Path(__file__).parent / "lab.css"


def heading(title: str, promise: str) -> None:
    st.html(STYLE)
    with st.container(key="heading", horizontal=True, vertical_alignment="bottom"):
        st.title(title, anchor=False, width="content")
        st.markdown(promise, width="content")


def current_theme() -> str:
    """light or dark; light until the browser has told"""
    return st.context.theme.type or "light"


def verbatim(text: str) -> str:
    """Markdown that shows the text as it is, whatever a user typed into it."""
    return re.sub(r"([\\`*_{}\[\]<>#$~|:])", r"\\\1", text)


def share(link: str) -> None:
    """The address of what is shown, to copy."""
    base = (st.context.url or "").split("?")[0]
    with st.popover("Link to this block"):
        st.caption("Whoever opens it sees the same block, net, baseline and X-ray.")
        st.code(f"{base}?build={link}", language=None, wrap_lines=True)
