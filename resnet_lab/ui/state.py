"""The view in the session, in the widgets and in the address; whichever was changed last wins."""

from typing import Any

import streamlit as st

from resnet_lab.ui.links import View, decode, encode

PARAMETER = "build"
WIDGET = "w_"  # the keys of widgets that show a part of the view


def current_view() -> View:
    """From the address where that is new, else from the session; a broken link says what is wrong with it.

    After a quick click the browser may still send the address of a moment ago: then a widget has changed as well.
    """
    link = st.query_params.get(PARAMETER)
    is_new = link and link != st.session_state.get("link") and widgets() == st.session_state.get("widgets")
    if "view" not in st.session_state or is_new:
        view, problem = opened(link)
        show(view)
        st.session_state.link, st.session_state.problem = link, problem
    return st.session_state.view


def widgets() -> dict[str, Any]:
    return {str(key): value for key, value in st.session_state.items() if str(key).startswith(WIDGET)}


def opened(link: str | None) -> tuple[View, str | None]:
    try:
        return (decode(link) if link else View()), None
    except ValueError as problem:
        return View(), f"{problem} You see the block that the lab starts with."


def show(view: View) -> None:
    """From now on the widgets show this."""
    st.session_state.view = view
    for key in widgets():
        del st.session_state[key]


def keep(view: View) -> None:
    """The address says what the widgets say; a broken link is forgotten at the first change."""
    if view != st.session_state.view:
        st.session_state.problem = None
    st.session_state.view, st.session_state.link, st.session_state.widgets = view, encode(view), widgets()
    st.query_params[PARAMETER] = st.session_state.link


def widget(name: str, value: Any) -> str:
    """The key of a widget, which starts from this value and then remembers its own."""
    key = WIDGET + name
    if key not in st.session_state:
        st.session_state[key] = value
    return key
