"""The live part of the Train page: a line for each run, and their curves while they grow."""

import math
import time
from collections.abc import Hashable, Sequence
from functools import partial

import streamlit as st

from resnet_lab.events import Alert
from resnet_lab.pictures import picture
from resnet_lab.queueing import waiting
from resnet_lab.runs import Run
from resnet_lab.series import each_run
from resnet_lab.store import Store
from resnet_lab.summaries import Summary, duration, summarise
from resnet_lab.ui.board import show_charts
from resnet_lab.ui.compare_charts import first_read
from resnet_lab.ui.diagram import EMBLEM, draw
from resnet_lab.ui.drawings import Charts
from resnet_lab.ui.gradient_maps import gradient_maps
from resnet_lab.ui.live_charts import charts_of
from resnet_lab.ui.look import choose_look
from resnet_lab.ui.page import current_theme, verbatim
from resnet_lab.ui.run_buttons import NOTICE, buttons
from resnet_lab.ui.run_ids import RUNS, join_ids, split_ids
from resnet_lab.ui.run_styles import styles
from resnet_lab.ui.shared import Shared, serve_queue
from resnet_lab.watches import is_guess

MOST = 12  # runs with a line of their own
MOST_MAPS = 6  # of gradients, which are large
NEWEST = 3  # of the finished ones, where nothing else is asked for
TICK_SECONDS = 1.0
CARE_SECONDS = 10.0  # between two looks at whether the queue is served


def runs_to_show(store: Store, asked: Sequence[str]) -> tuple[list[Run], list[str]]:
    """The asked ones and all that are open, else the newest; and which of the asked ones are not there."""
    there = {run.id: run for run in store.runs()}
    chosen = [there[run_id] for run_id in asked if run_id in there]
    still_open = [run for run in reversed(there.values()) if not run.is_over and run not in chosen]
    newest = [] if chosen or still_open else list(there.values())[:NEWEST][::-1]
    return [*chosen, *still_open, *newest], [run_id for run_id in asked if run_id not in there]


@st.fragment
def live(lab: Shared) -> None:
    """Ticks while a run is active, and only then."""
    runs, missing = runs_to_show(lab.store, split_ids(st.query_params.get(RUNS, "")))
    is_active = any(run.is_active for run in runs)
    if missing:
        st.warning(f"There is no run {verbatim(', '.join(missing))}: it may be deleted. You see the others.")
    if notice := st.session_state.pop(NOTICE, None):
        st.warning(verbatim(notice))
    if not runs:
        st.info("Nothing has been trained yet. Choose blocks above and start, and their curves appear here.")
        return
    if is_active:
        care(lab.store)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.header("Runs", anchor=False, width="content")
        link = {RUNS: join_ids(run.id for run in runs)}
        st.page_link(
            "screens/compare.py", label="Compare these", icon=":material/stacked_line_chart:", query_params=link
        )
    with lab.turn:
        lines(lab.store, runs)
    look, theme = choose_look(), current_theme()
    charts = lab.drawn(runs, ("live", look, theme), partial(charts_of, lab.histories, runs, look, theme))
    show_charts({**charts, **maps(lab, runs, look.axis, theme)}, "live", TICK_SECONDS if is_active else None)
    if len(runs) > MOST_MAPS:
        st.caption(f"The gradients of units are shown of {MOST_MAPS} runs, the active ones first.")


def maps(lab: Shared, runs: Sequence[Run], axis: str, theme: str) -> Charts:
    """Of the gradients; drawn anew when one of these runs has been probed, and not whenever it tells its loss."""
    labels = {one.runs[0].id: one.label for one in each_run(runs)}
    first = {run.id for run in sorted(runs, key=lambda run: not run.is_active)[:MOST_MAPS]}
    shown = [run for run in runs if run.id in first]
    view = ("maps", axis, theme, tuple((run.id, labels[run.id]) for run in shown))

    def probed() -> Hashable:
        return frozenset((run_id, probe.step) for run_id, probe in lab.histories.last_probes([*first]).items())

    def drawn() -> Charts:
        return first_read(gradient_maps(lab.histories, shown, labels, axis, theme), "map")

    return lab.drawings.get(view, probed, drawn)


def care(store: Store) -> None:
    """The supervisor may have been killed, or the machine restarted."""
    if time.monotonic() > st.session_state.get("cared", 0.0) + CARE_SECONDS:
        st.session_state.cared = time.monotonic()
        try:
            serve_queue(store)
        except OSError as problem:
            st.warning(f"No process can be started that serves the queue ({verbatim(str(problem))}): it waits.")


def lines(store: Store, runs: Sequence[Run]) -> None:
    shown = runs[:MOST]
    colours = styles(runs, by="run")
    alerts = store.last_many([run.id for run in shown], Alert.kind)
    order = [run.id for run in waiting(store)]
    with st.container(key="runs"):
        for summary in summarise(store, shown):
            run = summary.run
            label = verbatim(run.title)
            with st.container(key=f"run_{run.id}", horizontal=True, vertical_alignment="center"):
                with st.container(width="content"):
                    st.markdown(emblem(run, colours[run.id].colour.css), unsafe_allow_html=True)
                with st.container(key=f"words_{run.id}", gap=None, width=420):
                    st.markdown(f"**{label}**, seed {run.seed}")
                    st.caption(standing(summary, order))
                    if (alert := alerts.get(run.id)) and isinstance(alert, Alert) and still_holds(alert, summary):
                        st.caption(f":orange[{verbatim(alert.words)}]")
                st.progress(min(1.0, summary.share), text=numbers(summary), width=300)
                with st.container(key=f"acts_{run.id}", horizontal=True, gap="small", width="content"):
                    buttons(store, run, f"{label}, seed {run.seed}", order)
    if len(runs) > MOST:
        st.caption(f"And {len(runs) - MOST} more, whose curves are below; the Compare page lists them all.")


def still_holds(alert: Alert, summary: Summary) -> bool:
    """That a net guessed is no news once it does better."""
    chance = math.log(summary.run.config.model.num_classes)
    return alert.about != "chance" or summary.loss is None or is_guess(summary.loss, chance)


def emblem(run: Run, colour: str) -> str:
    return f'<div class="run-emblem" style="border-left: 4px solid {colour}">{drawing(run.key, run)}</div>'


@st.cache_resource(max_entries=1000, show_spinner=False)
def drawing(key: str, _run: Run) -> str:
    """Of a configuration; to draw one takes longer than all else in its line."""
    return draw(picture(_run.config.model), _run.config.title, EMBLEM)


def standing(summary: Summary, order: Sequence[str]) -> str:
    run = summary.run
    if run.status == "queued":
        place = order.index(run.id) + 1 if run.id in order else 1
        return f"Waits for its turn, number {place} in the queue"
    if run.status == "running":
        if not summary.step:
            return "Starts: loads the images and measures this machine, some seconds"
        left = "" if summary.seconds_left is None else f", about {duration(summary.seconds_left)} left"
        asked = f"; it is asked to {run.request}" if run.request else ""
        return f"Trains for {duration(summary.seconds)}{left}{asked}"
    return verbatim(summary.words or run.status.capitalize())


def numbers(summary: Summary) -> str:
    loss = "" if summary.loss is None else f", loss {summary.loss:.3g}"
    error = "" if summary.test_error is None else f", test error {summary.test_error:.2f}%"
    return f"Step {summary.step:,} of {summary.run.config.recipe.steps:,}{loss}{error}"
