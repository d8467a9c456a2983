"""Curves of runs: a number over steps or time, smoothed, seeds of one configuration together, thinned to be drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from resnet_lab.bands import BANDS, deviation, mean_of
from resnet_lab.config import check_choice
from resnet_lab.histories import Array, Epochs, Probes, Steps
from resnet_lab.run_config import RunConfig
from resnet_lab.series import Series
from resnet_lab.thinning import kept

AXES = {"step": "step", "epoch": "epoch", "images": "training images seen", "time": "training time, seconds"}
MOST_POINTS, FEWEST_POINTS, MOST_IN_ALL = 1000, 200, 12_000  # of a curve, of one among many, of all in a chart
LAST_TESTS = 5  # of which the median is taken


@dataclass(frozen=True)
class Curve:
    """y over x; NaN is a gap. All columns have a value a point."""

    label: str
    runs: tuple[str, ...]  # the ids of all that it is to show, even if some have said nothing yet
    x: Array
    y: Array  # of several runs, the mean of those that have a number there
    raw: Array | None = None  # of one run, before it was smoothed
    low: Array | None = None  # the band, NaN where there is none
    high: Array | None = None
    n: Array | None = None  # how many runs the mean and the band are of
    names: tuple[str, ...] = ()  # of the points, where they have any


def curves(
    series: Sequence[Series],
    columns: Mapping[str, Steps] | Mapping[str, Epochs],
    measure: str,
    axis: str = "step",
    smoothing: float = 0,
    band: str = "std",
    most: int = MOST_POINTS,
) -> list[Curve]:
    """One of each series that has a number: smoothed run by run, then averaged over its runs, then thinned."""
    check_choice("axis", axis, AXES)
    check_choice("band", band, BANDS)
    drawn = []
    for one in series:
        runs = [run for run in one.runs if np.isfinite(getattr(columns[run.id], measure)).any()]
        told = [columns[run.id] for run in runs]
        at = [positions(history, run.config, axis) for history, run in zip(told, runs, strict=True)]
        raw = [np.asarray(getattr(history, measure)) for history in told]
        smooth = [smoothed(values, smoothing) for values in raw]
        if len(runs) == 1:
            drawn.append(Curve(one.label, one.ids, at[0], smooth[0], raw=raw[0] if smoothing else None))
        elif runs:
            drawn.append(averaged(one, [history.step for history in told], at, smooth, band))
    share = max(FEWEST_POINTS, MOST_IN_ALL // max(1, len(drawn)))
    return [thinned(curve, min(most, share)) for curve in drawn]


def positions(history: Steps | Epochs | Probes, config: RunConfig, axis: str) -> Array:
    """Where on the axis each event stands; a run that a dead process left was trained on from an earlier second."""
    if axis == "time":
        return np.maximum.accumulate(history.seconds)
    images = history.step * config.recipe.batch_size
    return {"step": history.step, "images": images, "epoch": images / config.data.num_train}[axis]


def smoothed(values: Array, smoothing: float) -> Array:
    """s = Σ βʲ yₜ₋ⱼ / Σ βʲ over what is finite, β = smoothing: an exponential mean that starts without bias."""
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must be at least 0 and below 1, but is {smoothing!r}.")
    is_number = np.isfinite(values)
    total, weight = (decayed(column, smoothing) for column in (np.where(is_number, values, 0.0), is_number * 1.0))
    return np.divide(total, weight, out=np.full(len(values), np.nan), where=is_number)


def decayed(values: Array, factor: float) -> Array:
    """Σ βʲ yₜ₋ⱼ for all t in log₂ n passes, each of which doubles how far back the sum reaches."""
    total, reach = values, 1
    while reach < len(values) and factor**reach > 0:
        total = np.concatenate([total[:reach], total[reach:] + factor**reach * total[:-reach]])
        reach *= 2
    return total


def averaged(one: Series, keys: list[Array], at: list[Array], values: list[Array], band: str) -> Curve:
    """The mean over the runs at each key (a step, a unit) that any of them has."""
    common = np.unique(np.concatenate(keys))
    places = [np.searchsorted(common, own) for own in keys]
    table, where = spread_out(values, places, len(common)), spread_out(at, places, len(common))
    n, mean = np.isfinite(table).sum(0), mean_of(table)
    half = BANDS[band](deviation(table, mean, n), n)
    x = np.maximum.accumulate(mean_of(where))  # of seconds, which fall where a slow run stops early
    return Curve(one.label, one.ids, x, mean, low=mean - half, high=mean + half, n=n.astype(float))


def spread_out(columns: list[Array], places: list[np.ndarray], width: int) -> Array:
    """(runs, width), NaN where a run has nothing"""
    table = np.full((len(columns), width), np.nan)
    for row, column, place in zip(table, columns, places, strict=True):
        row[place] = column
    return table


def thinned(curve: Curve, most: int) -> Curve:
    """At most so many of its points, of a growing curve the same ones as before but for the last few."""
    drawn = [values for values in (curve.y, curve.raw) if values is not None]
    keep = np.unique(np.concatenate([kept(values, most // len(drawn)) for values in drawn]))
    if len(keep) == len(curve.x):
        return curve
    raw, low, high, n = (
        None if values is None else values[keep] for values in (curve.raw, curve.low, curve.high, curve.n)
    )
    return replace(curve, x=curve.x[keep], y=curve.y[keep], raw=raw, low=low, high=high, n=n)


@dataclass(frozen=True)
class Errors:
    """Of all tests of a run, in percent: the best one, the last one, and the median of the last few."""

    best: float
    final: float
    median: float


def errors_of(epochs: Epochs, last: int = LAST_TESTS) -> Errors | None:
    """None before the first test; the median is of the `last` ones, or of all where there were fewer."""
    errors = epochs.test_error
    if not len(errors):
        return None
    return Errors(best=float(errors.min()), final=float(errors[-1]), median=float(np.median(errors[-last:])))
