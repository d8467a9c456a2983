"""The gradients of runs from their first probe to the last: a map for each, with one scale of colours for all."""

from collections.abc import Mapping, Sequence

import numpy as np

from resnet_lab.curves import positions
from resnet_lab.histories import Histories
from resnet_lab.runs import Run
from resnet_lab.ui.board import Chart
from resnet_lab.ui.run_charts import bounds_of, gradient_map, gradient_sentence


def gradient_maps(
    histories: Histories, runs: Sequence[Run], labels: Mapping[str, str], axis: str, theme: str
) -> dict[str, Chart]:
    """Of those that have been probed: a unit a row, the time from left to right."""
    probes = histories.probes([run.id for run in runs])
    tables = {run_id: told.units["gradient_norm"] for run_id, told in probes.items() if "gradient_norm" in told.units}
    known = {run_id: table for run_id, table in tables.items() if (np.isfinite(table) & (table > 0)).any()}
    bounds = bounds_of(list(known.values())) if known else None
    charts = {}
    for run in runs:
        if run.id in known:
            title, stages = f"Gradient norm, {labels[run.id]}", run.config.model.stages
            x = positions(probes[run.id], run.config, axis)
            figure = gradient_map(title, "norm", known[run.id], x, axis, theme, stages, bounds)
            charts[f"map_{run.id}"] = Chart(figure, gradient_sentence(title, known[run.id], x, axis))
    return charts
