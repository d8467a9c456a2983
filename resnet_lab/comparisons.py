"""Runs side by side: seeds of one configuration together, and whether they were trained alike."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from resnet_lab.events import Probe, Start
from resnet_lab.histories import Array, Histories, Steps
from resnet_lab.library import Readable
from resnet_lab.run_config import RunConfig, flat_fields
from resnet_lab.runs import Run

LAST_STEPS = 50  # over which the final loss is averaged: one batch says little


@dataclass(frozen=True)
class Spread:
    """Several runs' values of one number."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """Of a sample; None of a single value."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        return {"n": len(self.values), "mean": self.mean, "deviation": self.deviation, "values": list(self.values)}


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but their seeds. A number is None where no run has it."""

    config: RunConfig  # of the first
    runs: tuple[Run, ...]
    loss: Spread | None  # of training, mean of the last steps
    test_error: Spread | None  # percent
    gradient_ratio: Spread | None  # gradient norm of the first unit over that of the last, at the last probe
    seconds: Spread | None

    @property
    def num_diverged(self) -> int:
        return sum(run.status == "diverged" for run in self.runs)

    @property
    def num_unfinished(self) -> int:
        return sum(run.status not in ("done", "diverged") for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        counts = {"diverged": self.num_diverged, "unfinished": self.num_unfinished}
        told = {"title": self.config.title, "runs": [run.id for run in self.runs]} | counts
        spreads = {name: getattr(self, name) for name in ("loss", "test_error", "gradient_ratio", "seconds")}
        return told | {name: spread and spread.to_dict() for name, spread in spreads.items()}


def compare(store: Readable, runs: Sequence[Run]) -> list[Group]:
    """In the order of the runs."""
    ids, histories = [run.id for run in runs], Histories(store)
    steps, epochs, probes = histories.steps(ids), histories.epochs(ids), histories.last_probes(ids)
    return [
        Group(
            config=members[0].config,
            runs=members,
            loss=spread(final_loss(steps[run.id]) for run in members),
            test_error=spread(last(epochs[run.id].test_error) for run in members),
            gradient_ratio=spread(gradient_ratio(probes.get(run.id)) for run in members),
            seconds=spread(last(steps[run.id].seconds) for run in members),
        )
        for members in same_but_for_seeds(runs)
    ]


def same_but_for_seeds(runs: Sequence[Run]) -> list[tuple[Run, ...]]:
    """The runs of each configuration, in the order in which they first appear."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.config.changed(seed=0).key, []).append(run)
    return [tuple(members) for members in groups.values()]


def spread(values: Iterable[float | None]) -> Spread | None:
    known = tuple(value for value in values if value is not None)
    return Spread(known) if known else None


def final_loss(steps: Steps) -> float | None:
    return late_mean(steps, steps.loss)


def late_mean(steps: Steps, values: Array) -> float | None:
    """Over the last steps, each record weighted by the steps that it tells of."""
    if not len(steps.step):
        return None
    late = steps.step > steps.step[-1] - LAST_STEPS
    return number(np.average(values[late], weights=np.diff(steps.step, prepend=0)[late]))


def last(values: Array) -> float | None:
    return number(values[-1]) if len(values) else None


def number(value: Any) -> float | None:
    """None for what is not finite."""
    return float(value) if np.isfinite(value) else None


def gradient_ratio(probe: Probe | None) -> float | None:
    norms = probe.units.get("gradient_norm", []) if probe else []
    if not norms or norms[0] is None or not norms[-1]:
        return None
    return norms[0] / norms[-1]


def precisions(store: Readable, run_ids: Sequence[str]) -> dict[str, str]:
    """In which each of the runs is computed; they may differ where the machine chose anew for each."""
    starts = cast(dict[str, Start], store.last_many(run_ids, Start.kind))
    return {run_id: start.execution["precision"] for run_id, start in starts.items()}


def unlike(groups: Sequence[Group]) -> dict[str, list[Any]]:
    """What differs between the groups beside their blocks: field -> its values, in the order of the groups."""
    tables = [flat(group.config) for group in groups]
    columns = {name: [table[name] for table in tables] for name in flat(RunConfig())}
    return {name: values for name, values in columns.items() if any(value != values[0] for value in values)}


def flat(config: RunConfig) -> dict[str, Any]:
    """By the names that a run is given its fields by."""
    parts = {type(part): part for part in (config.model, config.data, config.recipe)}
    fields = {name: parts[part] for name, part in flat_fields().items() if part in parts}
    return {name: getattr(part, "name" if name == "data" else name) for name, part in fields.items()}
