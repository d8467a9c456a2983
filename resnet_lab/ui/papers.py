"""What the views of the Papers page share: a choice that the address keeps, and what training is said to need."""

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from resnet_lab.config import short
from resnet_lab.data import DATASETS, HOW_TO_GET, data_is_here
from resnet_lab.launches import Sorted
from resnet_lab.store import Store
from resnet_lab.ui.launching import counted, places_for, time_words
from resnet_lab.ui.page import verbatim

DEVICE = "auto"  # that all runs of this page are trained on
WIDGET = "papers_{}"  # the keys of widgets that show what the address says


def choose(name: str, titles: Mapping[str, str], usual: str) -> str:
    """Of a view, a table, ...: what the address names, else the usual one; what is wrong with an address is said."""
    asked = st.query_params.get(name, "")
    if asked and asked not in titles:
        st.warning(f"There is no {name} {verbatim(short(asked))} here: you see “{titles[usual]}”.")
    st.session_state[WIDGET.format(name)] = asked if asked in titles else usual
    chosen = st.segmented_control(
        name.capitalize(),
        list(titles),
        key=WIDGET.format(name),
        format_func=titles.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=remember,
        args=(name,),
    )
    assert chosen is not None
    if chosen != asked:  # what is usual may be another in a moment
        st.query_params[name] = chosen
    return chosen


def remember(name: str) -> None:
    st.query_params[name] = st.session_state[WIDGET.format(name)]


def say_missing_data(names: Iterable[str]) -> None:
    for name in dict.fromkeys(names):
        if not data_is_here(name):
            title, how = DATASETS[name].title, HOW_TO_GET.format(name=name)
            st.info(f"{title} is not on this machine, so what needs it cannot be trained: get it with {how}.")


def price_words(store: Store, seconds: Sequence[float | None]) -> str:
    """Of runs that take so long each, as far as that is known."""
    return f"{counted(len(seconds), 'run')}. {time_words(seconds, places_for(store, DEVICE))}"


def known_words(found: Sorted) -> str:
    """Nothing where nothing of it is in the store."""
    here = counted(len(found.known), "run is", "runs are")
    return f"{here} on the way or stopped, and will count once finished." if found.known else ""
