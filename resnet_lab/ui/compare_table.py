"""The table of the Compare page: all runs, to be searched, sorted and chosen."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import streamlit as st

from resnet_lab.costs import PartCost
from resnet_lab.model_config import ModelConfig
from resnet_lab.pictures import picture
from resnet_lab.run_config import RunConfig
from resnet_lab.run_table import (
    COLUMNS,
    DELTA,
    Row,
    cost_of,
    fold,
    framed,
    matching,
    pinned_first,
    rows,
    titled,
    told_of,
)
from resnet_lab.runs import STATUSES, Run
from resnet_lab.summaries import Summary, summarise
from resnet_lab.ui.compare_state import WIDGET, keep, newest_launch, widget, with_widgets
from resnet_lab.ui.compare_view import FIELDS, MAX_TEXT, CompareView
from resnet_lab.ui.diagram import EMBLEM, draw
from resnet_lab.ui.page import current_theme, verbatim
from resnet_lab.ui.palette import Colour
from resnet_lab.ui.run_styles import Style, styles
from resnet_lab.ui.shared import Shared

MOST_LISTED = 200
TICK_SECONDS = 2.0
ROW_HEIGHT, HEADER_HEIGHT = 40, 38
MOST_ROWS = 5.5  # the half one says that there are more
FORMATS = {"{:.2f}": "%.2f", "{:.3f}": "%.3f", "{:,.1f}": "%.1f", "{:,.0f}": "%.0f", "{:,}": "localized"}
WIDTHS = {"drawn": 56, "block": 64, "tags": 150, "notes": 160, "ended": 200}
LETTER, MARGIN, MOST_ROOM = 6, 20, 480  # pixels
DASHES = {"solid": "", "dash": "9 5", "dot": "2 4", "dashdot": "9 4 2 4"}  # in pixels, as the charts have them


def table(lab: Shared, view: CompareView) -> None:
    """Ticks by itself while any run is active; another choice of runs draws the whole page anew."""
    is_active = any(run.is_active for run in lab.library.runs())
    st.fragment(live_table, run_every=TICK_SECONDS if is_active else None)(lab, view, is_active)


def live_table(lab: Shared, view: CompareView, was_active: bool) -> None:
    runs = lab.library.runs()
    search(runs, view)
    view = with_widgets(view, FIELDS)
    if (kept := with_widgets(st.session_state.compare_view, FIELDS)) != st.session_state.compare_view:
        keep(kept)
    listed = found(lab, runs, view)
    if not listed:
        st.info("No run fits: search for something else, or take a filter away.")
        return
    chosen = choose(lab, view, listed, lines(runs, view))
    if set(chosen) != set(view.runs):
        keep(view.changed(runs=chosen))
        st.rerun()
    if was_active and not any(run.is_active for run in runs):
        st.rerun()


def lines(runs: Sequence[Run], view: CompareView) -> dict[str, Style]:
    """How the charts draw each run; those that share their colours are numbered among the shown ones only."""
    shown = view.runs or newest_launch(runs)
    return styles(runs if view.by == "run" else [run for run in runs if run.id in shown], view.by)


def search(runs: Sequence[Run], view: CompareView) -> None:
    """The fields above the table."""
    words = "name, block, tag, note, data, id"
    with st.container(key="compare_search", horizontal=True, vertical_alignment="bottom"):
        st.text_input("Search", placeholder=words, key=widget("search", view.search), max_chars=MAX_TEXT)
        st.multiselect("Status", STATUSES, placeholder="any", key=widget("status", list(view.status)))
        key = widget("tags", list(view.tags))
        tags = sorted({tag for run in runs for tag in run.tags} | {*st.session_state[key]})
        if tags:
            st.multiselect("Tags", tags, placeholder="any", key=key)
        st.toggle("Only the chosen ones", key=widget("only", view.only), disabled=not view.runs)


def found(lab: Shared, runs: Sequence[Run], view: CompareView) -> list[Summary]:
    """What the fields above the table ask for: the pinned runs, then the others, newest first."""
    asked = [run for run in runs if run.id in view.runs] if view.only and view.runs else runs
    fitting = pinned_first(matching(summarise(lab.library, asked), view.search, view.tags, view.status))
    if len(fitting) > MOST_LISTED:
        st.caption(f"The first {MOST_LISTED} of {len(fitting):,} runs are listed; search for the others.")
    return fitting[:MOST_LISTED]


def choose(lab: Shared, view: CompareView, listed: Sequence[Summary], drawn: Mapping[str, Style]) -> tuple[str, ...]:
    """The ids of the chosen runs; what is chosen and not listed stays chosen."""
    ids = [summary.run.id for summary in listed]
    costs = known_costs()
    told = rows(told_of(lab.histories, listed, lambda config: costs.get(cost_key(config))))
    shown, sentence = fold(told)
    columns = looks(listed, drawn) | framed(told, shown, baseline_of(told, view.baseline))
    event: Any = st.dataframe(
        pa.table(columns),
        key=selection(ids, view.runs),
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=HEADER_HEIGHT + int(ROW_HEIGHT * min(len(ids), MOST_ROWS)),
        column_config={name: configured(name, values) for name, values in columns.items()},
        alt=f"{len(ids)} runs; choose rows to see them below",
        placeholder="",
    )
    st.caption(verbatim(f"{sentence} {explained(view, told)}".strip()))
    picked = {ids[row] for row in event["selection"]["rows"] if row < len(ids)}
    return in_order(view.runs, ids, picked)


def selection(ids: Sequence[str], chosen: Sequence[str]) -> str:
    """The key of the table with these rows, in which the chosen ones are ticked at first."""
    key = f"{WIDGET}table_{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:12]}"
    if key not in st.session_state:
        ticked = [place for place, run_id in enumerate(ids) if run_id in chosen]
        st.session_state[key] = {"selection": {"rows": ticked, "columns": [], "cells": []}}
    return key


def looks(listed: Sequence[Summary], drawn: Mapping[str, Style]) -> dict[str, list[Any]]:
    """The line and the block of each run, as pictures."""
    theme, runs = current_theme(), [summary.run for summary in listed]
    return {
        "drawn": [swatch(drawn[run.id], theme) if run.id in drawn else None for run in runs],
        "block": [emblem(run.config.model.to_json(), theme) for run in runs],
    }


@st.cache_resource
def known_costs() -> dict[tuple[str, int], PartCost]:
    """Of each net and size of image; the first cost of a server takes a second, so the page does not wait for it."""
    return {}


def cost_key(config: RunConfig) -> tuple[str, int]:
    return config.model.key, config.data.resolution


def fill_costs(runs: Sequence[Run]) -> None:
    """After all else is on the page: what is not known yet is worked out, and then shown."""
    known = known_costs()
    new = {cost_key(run.config): run.config for run in runs[:MOST_LISTED] if cost_key(run.config) not in known}
    known |= {key: cost_of(config) for key, config in new.items()}
    if new:
        st.rerun()


def in_order(before: Sequence[str], listed: Sequence[str], picked: set[str]) -> tuple[str, ...]:
    """Those chosen before in their order, then the new ones from the oldest to the newest."""
    kept = [run_id for run_id in before if run_id in picked or run_id not in listed]
    return (*kept, *(run_id for run_id in reversed(listed) if run_id in picked and run_id not in kept))


def baseline_of(told: Sequence[Row], run_id: str) -> Row | None:
    return next((row for row in told if row["id"] == run_id), None)


def explained(view: CompareView, told: Sequence[Row]) -> str:
    words = "Best errors are chosen on the test images."
    if view.baseline and (baseline := baseline_of(told, view.baseline)):
        words += f" {DELTA}: less that of the baseline, {baseline['run']}, seed {baseline['seed']}."
        if len({row["data"] for row in told}) > 1:
            words += " Not all were trained on the same data: such differences say nothing about the blocks."
    return words


def configured(name: str, values: Sequence[Any]) -> Any:
    if name in ("drawn", "block"):
        words = {"drawn": "The line of this run in the charts", "block": "Its block; a double click enlarges it"}[name]
        return st.column_config.ImageColumn(name.capitalize(), help=words, width=WIDTHS[name], pinned=True)
    column, title = COLUMNS[name.removeprefix(DELTA)], titled(name)
    if column.form in FORMATS:
        sign = "%+" if name.startswith(DELTA) else "%"
        form = "localized" if FORMATS[column.form] == "localized" else FORMATS[column.form].replace("%", sign)
        return st.column_config.NumberColumn(title, help=column.help or None, format=form)
    width = room(values) if name == "run" else WIDTHS.get(name)
    return st.column_config.Column(title, help=column.help or None, width=width, pinned=name == "run")


def room(names: Sequence[str]) -> int:
    """Pixels for the longest name: a column that sizes itself leaves those out that are much longer than most."""
    return min(MARGIN + LETTER * max(map(len, names)), MOST_ROOM)


def swatch(style: Style, theme: str) -> str:
    """The run's line as the charts draw it."""
    line = f'stroke="{style.colour.of(theme)}" stroke-width="4" stroke-dasharray="{DASHES[style.dash]}"'
    return as_image(f'<svg width="40" height="40"><line x1="2" y1="20" x2="38" y2="20" {line}/></svg>')


@st.cache_data(max_entries=1000, show_spinner=False)
def emblem(model_json: str, theme: str) -> str:
    return as_image(themed(draw(picture(ModelConfig.from_json(model_json)), "", EMBLEM), theme))


def themed(svg: str, theme: str) -> str:
    """In the colours of one theme, since a picture does not know that of the page."""
    return re.sub(r"light-dark\((.*?), (.*?)\)", lambda pair: Colour(*pair.groups()).of(theme), svg)


def as_image(svg: str) -> str:
    return "data:image/svg+xml," + quote(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
