"""What the views of the Papers page share: which of them is shown, in the address too."""

from collections.abc import Mapping

import streamlit as st

from resnet_lab.ui.page import verbatim

VIEW = "view"


def choose_view(titles: Mapping[str, str]) -> str:
    """The one that the address names, else the first; what is wrong with an address is said."""
    asked = st.query_params.get(VIEW, "")
    if asked and asked not in titles:
        st.warning(f"There is no view {verbatim(asked)} here: you see the {next(iter(titles.values()))}.")
    usual = asked if asked in titles else next(iter(titles))
    chosen: str = st.segmented_control(
        "View",
        list(titles),
        default=usual,
        key=f"papers_view_{usual}",
        format_func=titles.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if chosen != asked:
        st.query_params[VIEW] = chosen
    return chosen
