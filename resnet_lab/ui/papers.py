"""What the views of the Papers page share: a choice that the address keeps."""

from collections.abc import Mapping

import streamlit as st

from resnet_lab.config import short
from resnet_lab.ui.page import verbatim


def choose(name: str, titles: Mapping[str, str], usual: str) -> str:
    """Of a view, a table, ...: what the address names, else the usual one; what is wrong with an address is said."""
    asked = st.query_params.get(name, "")
    if asked and asked not in titles:
        st.warning(f"There is no {name} {verbatim(short(asked))} here: you see “{titles[usual]}”.")
    at_first = asked if asked in titles else usual
    chosen: str = st.segmented_control(
        name.capitalize(),
        list(titles),
        default=at_first,
        key=f"papers_{name}_{at_first}",
        format_func=titles.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if chosen != asked:
        st.query_params[name] = chosen
    return chosen
