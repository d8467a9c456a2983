"""The parts of the Compare page: what is wrong with the link, how the chosen runs are shown, their charts."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from resnet_lab.comparisons import precisions
from resnet_lab.curves import AXES
from resnet_lab.runs import Run
from resnet_lab.ui.board import show_charts
from resnet_lab.ui.compare_charts import CHARTS, Shown
from resnet_lab.ui.compare_mistakes import mistakes
from resnet_lab.ui.compare_pair import blocks, pair_charts
from resnet_lab.ui.compare_state import named, newest_launch, widget
from resnet_lab.ui.compare_view import COLOURS, LOGS, MAX_SMOOTHING, SEEDS, VIEWS, CompareView
from resnet_lab.ui.drawings import Charts
from resnet_lab.ui.page import current_theme, verbatim
from resnet_lab.ui.shared import Shared

TICK_SECONDS = 1.0
CONTROL_WIDTH = 140
PAIRS = ("two", "mistakes")
WITH_AXES = ("curves", "gradients", "two")


def nothing_yet() -> None:
    st.info("There is nothing to compare yet: train a few blocks, and their curves can be laid over each other here.")
    if st.button("Train the first runs", type="primary"):
        st.switch_page("screens/train.py")


def say_problems() -> None:
    for problem in st.session_state.get("compare_problems", []):
        st.warning(verbatim(problem))


def shown_runs(runs: Sequence[Run], view: CompareView) -> tuple[Run, ...]:
    """The chosen ones in their order, else those of the newest launch."""
    there = {run.id: run for run in runs}
    return tuple(there[run_id] for run_id in view.runs or newest_launch(runs) if run_id in there)


# ---- how they are shown


def controls(runs: Sequence[Run], view: CompareView) -> CompareView:
    """The chosen view, and beside it what can be set there."""
    with st.container(key="compare_controls", horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "View", list(VIEWS), key=widget("view", view.view), format_func=VIEWS.__getitem__, required=True
        )
        view = view.changed(view=chosen)
        if chosen in PAIRS and len(runs) > 2:
            view = choose_pair(runs, view)
        if chosen in WITH_AXES:
            axes = {name: words.split(",")[0] for name, words in AXES.items()}
            axis = pick("x", "x axis", axes, view.x)
            view = view.changed(x=axis, log=pick("log", "Log axes", LOGS, view.log))
        if chosen in ("curves", "two"):
            smooth = st.slider(
                "Smoothing", 0.0, MAX_SMOOTHING, step=0.01, key=widget("smooth", view.smooth), width=CONTROL_WIDTH
            )
            view = view.changed(smooth=smooth)
        if chosen not in PAIRS:
            view = view.changed(seeds=pick("seeds", "Seeds", SEEDS, view.seeds))
        return view.changed(by=pick("by", "Colour by", COLOURS, view.by))


def pick(name: str, label: str, options: Mapping[str, str], value: str) -> str:
    chosen: str = st.selectbox(
        label, list(options), key=widget(name, value), format_func=options.__getitem__, width=CONTROL_WIDTH
    )
    return chosen


def choose_pair(runs: Sequence[Run], view: CompareView) -> CompareView:
    """Of more than two shown runs."""
    labels, ids = named(runs), [run.id for run in runs]
    first, second = usual_pair(runs, view)
    one = st.selectbox("First run", ids, key=valid("first", first, ids), format_func=labels.__getitem__, width=300)
    rest = [run_id for run_id in ids if run_id != one]
    usual = second if second in rest else rest[0]
    other = st.selectbox(
        "Second run", rest, key=valid("second", usual, rest), format_func=labels.__getitem__, width=300
    )
    return view.changed(pair=(one, other))


def usual_pair(runs: Sequence[Run], view: CompareView) -> tuple[str, str]:
    """What was chosen, else the baseline or the first run, and one that differs from it in more than the seed."""
    there = {run.id: run for run in runs}
    first = next(run_id for run_id in (*view.pair, view.baseline, *there) if run_id in there)
    seed, config = there[first].seed, there[first].config
    by_config = sorted(there, key=lambda run_id: there[run_id].config.changed(seed=seed) == config)
    return first, next(run_id for run_id in (*view.pair, *by_config) if run_id in there and run_id != first)


def valid(name: str, value: str, options: Sequence[str]) -> str:
    """The key of a widget whose options may have changed under it."""
    key = widget(name, value)
    if st.session_state[key] not in options:
        st.session_state[key] = value
    return key


def of_the_pair(runs: Sequence[Run], view: CompareView) -> tuple[Run, ...]:
    """The chosen ones, else the first two, from the baseline to the other."""
    there = {run.id: run for run in runs}
    if len(view.pair) == 2:
        return tuple(there[run_id] for run_id in view.pair if run_id in there)
    return tuple(sorted(runs[:2], key=lambda run: run.id != view.baseline))


# ---- what is shown


@st.fragment
def charts(lab: Shared, view: CompareView) -> None:
    """Grows while a shown run is active, and only then."""
    chosen = runs = shown_runs(lab.library.runs(), view)
    if not runs:  # deleted meanwhile, in another tab
        st.rerun()
    if not view.runs:
        st.caption("Nothing is chosen in the table: you see the newest launch.")
    if view.view in PAIRS:
        runs = of_the_pair(runs, view)
        view = view.changed(seeds="each")
    shown = Shown(runs, lab.histories, view, current_theme(), among=chosen)
    computed = precisions(lab.library, shown.ids)
    if len(names := sorted(set(computed.values()))) > 1:
        st.caption(f"Not alike in how they were computed: {' and '.join(names)}. The recipe's precision can be set.")
    tick = TICK_SECONDS if any(run.is_active for run in runs) else None
    if view.view == "mistakes":
        mistakes(lab.library, shown)
    elif view.view == "two" and len(runs) < 2:
        st.info("Choose two runs in the table to put them side by side.")
    elif view.view == "two":
        blocks(shown, computed)
        show_charts(drawn(lab, shown), "compare_two", tick)
    else:
        show_charts(drawn(lab, shown), f"compare_{view.view}", tick)


def drawn(lab: Shared, shown: Shown) -> Charts:
    """Once for all who look at the same."""
    draw = partial(pair_charts if shown.view.view == "two" else CHARTS[shown.view.view], shown)
    among = tuple(run.id for run in shown.among)
    return lab.drawn(shown.runs, (shown.view.of_charts, shown.theme, among), draw)
