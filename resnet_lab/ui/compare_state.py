"""The view of the Compare page in the session, in the widgets and in the address; whichever was changed last wins."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from resnet_lab.runs import Run
from resnet_lab.ui.compare_view import FIELDS, CompareView, read_params

WIDGET = "c_"  # the keys of widgets that show a part of the view
SINGLE = ("view", "x", "log", "smooth", "seeds", "by", "baseline", *FIELDS)  # what one widget shows
LAUNCH_SECONDS = 5.0  # between runs that were started together
MOST_AT_FIRST = 8


def current_view(runs: Sequence[Run]) -> CompareView:
    """From the address where that is new, else from the session; at first the newest launch is chosen.

    After a quick click the browser may still send the address of a moment ago: then a widget has changed as well.
    """
    state, params = st.session_state, dict(st.query_params)
    is_here = bool(widgets())  # else the user comes from another page, and finds what was left there
    is_asked = params != state.get("compare_params") and is_untouched() and (params or is_here)
    if "compare_view" not in state or is_asked:
        view, state.compare_problems = read_params(params, [run.id for run in runs])
        show(view if view.runs else view.changed(runs=newest_launch(runs)))
    view = with_widgets(state.compare_view, SINGLE)
    if view != state.compare_view:
        state.compare_problems = []
    there = {run.id for run in runs}
    return view.changed(
        runs=tuple(run_id for run_id in view.runs if run_id in there),
        pair=tuple(run_id for run_id in view.pair if run_id in there),
        baseline=view.baseline if view.baseline in there else "",
    )


def with_widgets(view: CompareView, names: Sequence[str]) -> CompareView:
    """What these widgets say, where they are there already."""
    told = {name: st.session_state.get(WIDGET + name) for name in names}
    shown = {name: value for name, value in told.items() if value is not None}
    return view.changed(**{name: tuple(value) if isinstance(value, list) else value for name, value in shown.items()})


def newest_launch(runs: Sequence[Run]) -> tuple[str, ...]:
    """Of the runs as the library lists them, those that were started together with the first, in their order."""
    started: list[Run] = []
    for run in runs:
        if started and abs(started[-1].created - run.created) > LAUNCH_SECONDS:  # a shipped run may be newer
            break
        started.append(run)
    started.sort(key=lambda run: (run.created, abs(run.colour)))  # colours of shipped runs are counted down
    return tuple(run.id for run in started[:MOST_AT_FIRST])


def named(runs: Sequence[Run]) -> dict[str, str]:
    """By id, with all that tells a run apart."""
    return {run.id: f"{run.title}, seed {run.seed} [{run.id}]" for run in runs}


def widgets() -> dict[str, Any]:
    return {str(key): value for key, value in st.session_state.items() if str(key).startswith(WIDGET)}


def is_untouched() -> bool:
    """Whether the widgets still are as they were when the address was written."""
    before, now = st.session_state.get("compare_widgets", {}), widgets()
    return all(before[key] == now[key] for key in before.keys() & now.keys())


def show(view: CompareView) -> None:
    """From now on the widgets show this."""
    st.session_state.compare_view = view
    for key in widgets():
        del st.session_state[key]


def keep(view: CompareView) -> None:
    """The address says what the widgets say; what was wrong with a link is forgotten at the first change."""
    state = st.session_state
    if view != state.compare_view:
        state.compare_problems = []
    state.compare_view, state.compare_params, state.compare_widgets = view, view.to_params(), widgets()
    if dict(st.query_params) != state.compare_params:
        st.query_params.from_dict(state.compare_params)


def widget(name: str, value: Any) -> str:
    """The key of a widget, which starts from this value and then remembers its own."""
    key = WIDGET + name
    if st.session_state.get(key) is None:  # also where a browser was asked too early
        st.session_state[key] = value
    return key
