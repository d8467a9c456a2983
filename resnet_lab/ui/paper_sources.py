"""Where the numbers of a table are from: for each cell its runs, to be opened in Compare, with what they ran on."""

import time
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import streamlit as st

from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.cells import Cell, Place
from resnet_lab.papers.paper_tables import Table
from resnet_lab.papers.results import Result
from resnet_lab.ui.run_ids import RUNS, join_ids


def sources(table: Table, cells: Mapping[Place, Cell]) -> None:
    """Nothing where nothing was measured."""
    known = {place: cell for place, cell in cells.items() if cell.results}
    if not known:
        return
    with st.expander("Where these numbers are from"):
        lines = [line(table, place, cell, result) for place, cell in known.items() for result in cell.results]
        st.dataframe(
            pa.Table.from_pylist(lines),
            hide_index=True,
            column_config={
                "run": st.column_config.LinkColumn("run", display_text=rf"{RUNS}=(.*)", help="Opens it in Compare"),
                "test error, %": st.column_config.NumberColumn(format="%.2f"),
                "training loss": st.column_config.NumberColumn(format="%.3f"),
                "mean response": st.column_config.NumberColumn(format="%.3f"),
            },
            alt=f"{len(lines)} runs that the table is made of",
            key="papers_sources",
        )
        ids = [result.run.id for cell in known.values() for result in cell.results]
        st.page_link(
            "screens/compare.py",
            label="Open all of them in Compare",
            icon=":material/stacked_line_chart:",
            query_params={RUNS: join_ids(ids)},
        )


def line(table: Table, place: Place, cell: Cell, result: Result) -> dict[str, Any]:
    """One run, with every number that it has told."""
    number, budget = place
    run, ended = result.run, result.run.finished
    return {
        "row": table.rows[number].words,
        "budget": BUDGETS[budget].words,
        "net": run.config.model.title,
        "run": f"compare?{RUNS}={run.id}",
        "seed": run.seed,
        "test error, %": result.test_error,
        "training loss": result.loss,
        "mean response": result.response,
        "ended": "diverged" if result.has_diverged else time.strftime("%Y-%m-%d", time.gmtime(ended)) if ended else "",
        "hardware": result.hardware,
        "whose": result.origin,
    }
