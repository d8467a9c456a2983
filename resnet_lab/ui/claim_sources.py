"""Where the numbers of the claims are from: every pair of runs, to be opened in Compare."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from resnet_lab.papers.measures import MEASURES
from resnet_lab.papers.verdicts import Comparison, Verdict
from resnet_lab.ui.claim_words import full_names
from resnet_lab.ui.run_ids import RUNS, join_ids


def sources(judged: Sequence[Verdict]) -> None:
    """Nothing where nothing was measured. A pair that several claims are about stands here once."""
    found = {(one.first.key, one.second.key, one.measure): one for verdict in judged for one in verdict.comparisons}
    lines = [line(one, place) for one in found.values() for place in range(one.n)]
    if not lines:
        return
    with st.expander("Where these numbers are from"):
        st.dataframe(
            pa.Table.from_pylist(lines),
            hide_index=True,
            column_config={
                "runs": st.column_config.LinkColumn("runs", display_text="compare", help="Opens both in Compare"),
                **{name: st.column_config.NumberColumn(format="%.3f") for name in ("first", "second", "difference")},
            },
            alt=f"{len(lines)} pairs of runs that the verdicts are made of",
            key="claims_sources",
        )


def line(one: Comparison, place: int) -> dict[str, Any]:
    """A seed of a comparison, with the numbers as they count."""
    pair, values = one.results[place], one.values[place]
    first, second = full_names(one)
    return {
        "first net": first,
        "second net": second,
        "measure": MEASURES[one.measure].words,
        "seed": one.seeds[place],
        "first": values[0],
        "second": values[1],
        "difference": one.differences[place],
        "runs": f"compare?{RUNS}={join_ids(result.run.id for result in pair)}",
        "hardware": " and ".join(dict.fromkeys(result.hardware for result in pair if result.hardware)),
        "whose": " and ".join(dict.fromkeys(result.origin for result in pair)),
    }
