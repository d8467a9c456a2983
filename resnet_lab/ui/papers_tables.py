"""The tables of the Papers page: what is published, what was measured here, and what is to be trained next."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import streamlit as st

from resnet_lab.data import data_is_here
from resnet_lab.estimates import expected_many
from resnet_lab.launches import MAX_RUNS, Sorted, sort_out
from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.cells import ON_THEIR_WAY, Cell, Place, cells_of
from resnet_lab.papers.paper_tables import EARLY, TABLES, Table
from resnet_lab.papers.results import results
from resnet_lab.presets import PRESETS
from resnet_lab.run_config import RunConfig
from resnet_lab.ui.board import show_charts
from resnet_lab.ui.launching import begin, counted
from resnet_lab.ui.page import current_theme
from resnet_lab.ui.paper_charts import depth_charts, response_charts
from resnet_lab.ui.paper_drawing import ALL, WHOLE, drawn_table, show_table
from resnet_lab.ui.paper_sources import sources
from resnet_lab.ui.papers import DEVICE, choose, known_words, price_words, say_missing_data
from resnet_lab.ui.shared import Shared

TICK_SECONDS = 3.0
MARKED = "papers_marked_{}"
STEPS_OF_EARLY = PRESETS[EARLY].fields["steps"]
Places = frozenset[Place]
HINT = (
    "Click a cell to have it trained; the name of a row, the head of a column or the corner marks all that is missing "
    "there. What it costs is said before it starts."
)


def tables(lab: Shared) -> None:
    key = choose("table", {key: table.title for key, table in TABLES.items()}, usual="table1")
    table = TABLES[key]
    title, number = table.paper
    st.markdown(f"{table.caption} {table.note}")
    st.caption(f"{table.source}: [{title}](https://arxiv.org/abs/{number}).")
    cells = look_up(lab, table)
    is_waiting = any(run.is_active for cell in cells.values() for run in cell.waiting)
    st.fragment(live_table, run_every=TICK_SECONDS if is_waiting else None)(lab, key, what_is_known(cells))
    show_figures(lab, table, cells)
    sources(table, cells)


def look_up(lab: Shared, table: Table) -> dict[Place, Cell]:
    return cells_of(table, results(lab.library, lab.histories), lab.library.runs(ON_THEIR_WAY))


def what_is_known(cells: Mapping[Place, Cell]) -> list[str]:
    """The ids of all runs that are over, in the order of the cells."""
    return [result.run.id for cell in cells.values() for result in cell.results]


def live_table(lab: Shared, key: str, known: Sequence[str]) -> None:
    """Ticks by itself while a run is on its way; a result draws the whole page anew."""
    table = TABLES[key]
    cells = look_up(lab, table)
    if what_is_known(cells) != list(known):
        st.rerun()
    columns = shown_columns(table, cells)
    can_train = {budget for budget in columns if data_is_here(BUDGETS[budget].data)}
    marked = {place for place in marks(key) if place in cells and place[1] in can_train}
    html = drawn_table(table, columns, cells, marked, can_train)
    show_table(html, f"paper_cells_{key}", partial(clicked, key, cells, can_train))
    st.caption(explained(columns, cells))
    say_missing_data(BUDGETS[budget].data for budget in columns)
    if can_train:
        queue_form(lab, key, cells, marked)


def shown_columns(table: Table, cells: Mapping[Place, Cell]) -> list[str]:
    """The bundled sample stands in for CIFAR-10 where that is not here; elsewhere it is shown if anything is known."""
    has_sample = any(not cell.is_empty for (_, budget), cell in cells.items() if budget == "sample")
    return [budget for budget in table.budgets if budget != "sample" or has_sample or not data_is_here("cifar10")]


def explained(columns: Sequence[str], cells: Mapping[Place, Cell]) -> str:
    """The words that the numbers need, no others."""
    shown = [cell for (_, budget), cell in cells.items() if budget in columns]
    words = ["Means over n seeds; budgets are never mixed, and an empty cell has no run yet."]
    if any(cell.half is not None for cell in shown):
        words.append("±: half of the 95% interval of the mean over seeds, by Student's t.")
    if any(cell.num_diverged for cell in shown):
        words.append("A run that diverged is counted, and is not in the mean.")
    if any(cell.num_shipped for cell in shown):
        words.append("Shipped: trained beforehand, comes with the lab.")
    if any(BUDGETS[budget].recipe == EARLY for budget in columns):
        words.append(f"{STEPS_OF_EARLY} steps show how a net begins to learn, not how good it becomes.")
    return " ".join(words)


# ---- what is to be trained


def marks(key: str) -> Places:
    """The cells of this table that are marked, in the session only."""
    found: Places = st.session_state.get(MARKED.format(key), frozenset())
    return found


def mark(key: str, places: Places) -> None:
    st.session_state[MARKED.format(key)] = places


def clicked(key: str, cells: Mapping[Place, Cell], can_train: Collection[str], row: int, budget: str) -> None:
    mark(key, toggled(marks(key), cells, can_train, row, budget))


def toggled(marked: Places, cells: Mapping[Place, Cell], can_train: Collection[str], row: int, budget: str) -> Places:
    """A cell is marked or not; of a row, a column or the table all that is missing, if anything is."""
    asked = {
        place for place in cells if row in (WHOLE, place[0]) and budget in (ALL, place[1]) and place[1] in can_train
    }
    places = {place for place in asked if cells[place].is_empty} or asked
    return marked - places if places <= marked else marked | places


def queue_form(lab: Shared, key: str, cells: Mapping[Place, Cell], marked: Collection[Place]) -> None:
    """What the marked cells cost, and the click that starts them."""
    with st.container(key="papers_queue", horizontal=True, vertical_alignment="center"):
        if not marked:
            st.caption(HINT)
            return
        number = st.number_input(
            "Runs a cell",
            1,
            20,
            1,
            help="Each with a seed that the cell does not have yet",
            key="papers_runs",
            width=120,
        )
        configs = new_runs([cells[place] for place in sorted(marked)], number)
        is_too_much = len(configs) > MAX_RUNS
        found = Sorted(configs, []) if is_too_much else sort_out(lab.store, configs)
        with st.spinner("Works out what that costs", width="stretch"):  # the first net of a server takes seconds
            words = price(lab, found)
        st.markdown(words, width="stretch")
        label = f"Train {counted(len(found.new), 'run')}" if found.new else "Show on Train"
        if st.button(label, type="primary", key="papers_train", disabled=is_too_much):
            mark(key, frozenset())
            begin(lab.store, found, DEVICE)
        st.button("Unmark", key="papers_unmark", on_click=mark, args=(key, frozenset()))


def new_runs(cells: Sequence[Cell], number: int) -> list[RunConfig]:
    """The first seed of each cell before the second of any."""
    each = [cell.new(number) for cell in cells]
    return [config for seeds in zip(*each, strict=True) for config in seeds]


def price(lab: Shared, found: Sorted) -> str:
    if len(found.new) > MAX_RUNS:
        return f"{counted(len(found.new), 'run')}. At most {MAX_RUNS} can be started together: unmark some."
    new = price_words(lab.store, expected_many(lab.store, found.new, DEVICE)) if found.new else ""
    return f"{new} {known_words(found)}".strip()


# ---- the figures


def show_figures(lab: Shared, table: Table, cells: Mapping[Place, Cell]) -> None:
    if not table.is_by_depth:
        return
    theme = current_theme()
    if table.measure == "response":
        charts = response_charts(table, cells, lab.histories, theme)
    else:
        charts = depth_charts(table, cells, theme)
    show_charts(charts, f"papers_charts_{table.title}")
