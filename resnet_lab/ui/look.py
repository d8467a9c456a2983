"""How the curves of the Train page are looked at: in the widgets, and in the address in the words of Compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from resnet_lab.curves import AXES
from resnet_lab.ui.compare_view import LOGS, MAX_SMOOTHING, READERS, written
from resnet_lab.ui.page import verbatim

USUAL: dict[str, Any] = {"x": "step", "log": "none", "smooth": 0.0}  # by the name in the address
WIDGET = "look_"


@dataclass(frozen=True)
class Look:
    """How the curves are looked at."""

    axis: str
    log_x: bool
    log_y: bool
    smoothing: float


def choose_look() -> Look:
    follow_address()
    with st.container(key="look", horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = choice("x axis", "x", {name: words.split(",")[0] for name, words in AXES.items()})
        log = choice("Log axes", "log", LOGS)
        smoothing = st.slider(
            "Smoothing",
            0.0,
            MAX_SMOOTHING,
            step=0.01,
            key=f"{WIDGET}smooth",
            width=220,
            help="The curve as it is stays faint behind",
        )
    keep_address({"x": axis, "log": log, "smooth": smoothing})
    return Look(axis, log in ("x", "xy"), log in ("y", "xy"), smoothing)


def choice(label: str, name: str, options: Mapping[str, str]) -> str:
    key = WIDGET + name
    chosen = st.segmented_control(label, list(options), key=key, format_func=options.__getitem__, required=True)
    assert chosen is not None
    return chosen


def follow_address() -> None:
    """Where the address is new, the widgets show it; what they cannot show is said until one of them changes."""
    state, asked = st.session_state, look_params(st.query_params)
    is_new = f"{WIDGET}x" not in state or (asked != state.look_params and widgets() == state.look_widgets)
    if is_new:
        shown, state.look_problems = read_look(asked)
        for name, value in shown.items():
            state[WIDGET + name] = value
    elif widgets() != state.look_widgets:
        state.look_problems = []
    for problem in state.look_problems:
        st.warning(f"{verbatim(problem)} You see the usual choice.")


def keep_address(shown: Mapping[str, Any]) -> None:
    """Only what differs from the usual."""
    state = st.session_state
    state.look_params = {name: written(value) for name, value in shown.items() if value != USUAL[name]}
    state.look_widgets = widgets()
    if look_params(st.query_params) != state.look_params:
        others = {name: text for name, text in st.query_params.items() if name not in USUAL}
        st.query_params.from_dict(others | state.look_params)


def read_look(params: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What can be shown of what was asked for, and a sentence for everything that cannot."""
    shown, problems = dict(USUAL), []
    for name, text in params.items():
        try:
            shown[name], _ = READERS[name](name, text, [])
        except ValueError as problem:
            problems.append(str(problem))
    return shown, problems


def look_params(params: Mapping[str, str]) -> dict[str, str]:
    return {name: params[name] for name in USUAL if name in params}


def widgets() -> dict[str, Any]:
    return {name: st.session_state.get(WIDGET + name) for name in USUAL}
