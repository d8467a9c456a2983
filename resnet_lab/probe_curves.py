"""Curves of what the probes found: over depth at the end, over time, and the responses of the layers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from resnet_lab.bands import mean_of
from resnet_lab.config import check_choice
from resnet_lab.curves import AXES, MOST_POINTS, Curve, averaged, positions, thinned
from resnet_lab.events import Probe
from resnet_lab.histories import Array, Probes
from resnet_lab.runs import Run
from resnet_lab.series import Series


def over_depth(series: Sequence[Series], probes: Mapping[str, Probe], measure: str, band: str = "std") -> list[Curve]:
    """A value a unit, at the last probe."""
    drawn = []
    for one in series:
        values = [numbers(probes[run_id].units.get(measure, [])) for run_id in one.ids if run_id in probes]
        drawn += joint(one, [column for column in values if np.isfinite(column).any()], band)
    return drawn


def of_responses(
    series: Sequence[Series], probes: Mapping[str, Probe], by_size: bool, band: str = "std"
) -> list[Curve]:
    """The std of each layer's response at the last probe, from the input to the output or the largest first."""
    drawn = []
    for one in series:
        told = [found for run_id in one.ids if run_id in probes and (found := responses(probes[run_id]))]
        told = [by_response(found) for found in told] if by_size else told
        names = tuple(told[0]) if told and (len(told) == 1 or not by_size) else ()
        values = [numbers(found.values()) for found in told]
        drawn += [replace(curve, names=names) for curve in joint(one, values, band)]
    return drawn


def responses(probe: Probe) -> dict[str, float | None]:
    return {name: layer["response"] for name, layer in probe.layers.items() if "response" in layer}


def by_response(found: dict[str, float | None]) -> dict[str, float | None]:
    """The largest first, as in Figure 7 of He et al. 2015; what is not finite last."""
    return dict(sorted(found.items(), key=lambda entry: -math.inf if entry[1] is None else entry[1], reverse=True))


def joint(one: Series, values: list[Array], band: str) -> list[Curve]:
    """One curve, or the mean of several, over 1, 2, ...; none of nothing."""
    at = [np.arange(1.0, len(column) + 1) for column in values]
    if len(values) > 1:
        return [averaged(one, at, at, values, band)]
    return [Curve(one.label, one.ids, at[0], column) for column in values]


def numbers(values: Iterable[float | None]) -> Array:
    return np.array(list(values), dtype=np.float64)


def over_time(
    series: Sequence[Series], probes: Mapping[str, Probes], measure: str, axis: str = "step", most: int = MOST_POINTS
) -> list[Curve]:
    """The mean over the units of each run, and as a band from its lowest to its highest unit."""
    check_choice("axis", axis, AXES)
    known = [(one.label, run) for one in series for run in one.runs if has_number(probes[run.id].units.get(measure))]
    return [thinned(mean_and_range(label, run, probes[run.id], measure, axis), most) for label, run in known]


def has_number(table: Array | None) -> bool:
    return table is not None and bool(np.isfinite(table).any())


def mean_and_range(label: str, run: Run, history: Probes, measure: str, axis: str) -> Curve:
    table = history.units[measure]
    low, high = np.nanmin(table, 1, initial=np.inf), np.nanmax(table, 1, initial=-np.inf)
    low, high = (np.where(np.isfinite(edge), edge, np.nan) for edge in (low, high))
    x = positions(history, run.config, axis)
    return Curve(label, (run.id,), x, mean_of(table.T), low=low, high=high)
