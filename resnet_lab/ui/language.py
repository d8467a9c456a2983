"""The language of a page: in the address, and remembered while the visitor goes from page to page."""

import streamlit as st

from resnet_lab.config import short
from resnet_lab.ui.page import heading, verbatim
from resnet_lab.ui.strings import LANGUAGES, Say, speaking

PARAMETER = "lang"
USUAL = next(iter(LANGUAGES))
WIDGET = "language_choice"


def current_language() -> str:
    """What the address asks for, else what was chosen last; what is wrong with an address is said."""
    asked = st.query_params.get(PARAMETER) or st.session_state.get("language", USUAL)
    language = asked if asked in LANGUAGES else USUAL
    if asked != language:
        known = ", ".join(LANGUAGES)
        st.warning(speaking(USUAL)("language.unknown", asked=verbatim(short(asked, 20)), known=known))
    elif language != USUAL:
        st.query_params[PARAMETER] = language
    st.session_state.language = language
    return language


def top(title: str, promise: str, language: str, say: Say) -> None:
    """What such a page begins with: its heading, and the languages at the other end of the line."""
    with st.container(key="top", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        heading(title, promise)
        choose_language(language, say)


def choose_language(language: str, say: Say) -> None:
    st.session_state[WIDGET] = language
    st.segmented_control(
        say("language"),
        list(LANGUAGES),
        key=WIDGET,
        format_func=LANGUAGES.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=change,
    )


def change() -> None:
    st.session_state.language = st.query_params[PARAMETER] = st.session_state[WIDGET]


def in_language(language: str, **parameters: str) -> dict[str, str]:
    """Parameters of an address that keeps the language."""
    return parameters if language == USUAL else parameters | {PARAMETER: language}
