"""Runs side by side: seeds of one configuration together, and whether they were trained alike."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from resnet_lab.events import Epoch, Event, Probe, Start, Step
from resnet_lab.run_config import RunConfig, flat_fields
from resnet_lab.runs import Run
from resnet_lab.store import Store

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


def compare(store: Store, runs: Sequence[Run]) -> list[Group]:
    """In the order of the runs."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.config.changed(seed=0).key, []).append(run)
    return [group_of(store, tuple(members)) for members in groups.values()]


def group_of(store: Store, runs: tuple[Run, ...]) -> Group:
    ids = [run.id for run in runs]
    tests, steps = (in_order(store.last_many(ids, kind), ids) for kind in (Epoch.kind, Step.kind))
    return Group(
        config=runs[0].config,
        runs=runs,
        loss=spread(final_loss(store, run) for run in runs),
        test_error=spread(event.test_error for event in tests if isinstance(event, Epoch)),
        gradient_ratio=spread(gradient_ratio(store, run) for run in runs),
        seconds=spread(event.seconds for event in steps if isinstance(event, Step)),
    )


def in_order(events: dict[str, Event], ids: list[str]) -> list[Event]:
    return [events[run_id] for run_id in ids if run_id in events]


def spread(values: Any) -> Spread | None:
    known = tuple(value for value in values if value is not None)
    return Spread(known) if known else None


def final_loss(store: Store, run: Run) -> float | None:
    """The mean over the last steps; each event tells that of the steps since the one before it."""
    told = [event for _, event in store.events(run.id, kinds=[Step.kind]) if isinstance(event, Step)]
    spans = [step - before for before, step in pairwise([0, *(event.step for event in told)])]
    late = [index for index, event in enumerate(told) if event.step > told[-1].step - LAST_STEPS]
    losses = [loss for index in late if (loss := told[index].loss) is not None]
    is_known = late and len(losses) == len(late)
    return statistics.fmean(losses, [spans[index] for index in late]) if is_known else None


def gradient_ratio(store: Store, run: Run) -> float | None:
    probe = store.last(run.id, Probe.kind)
    norms = probe.units.get("gradient_norm", []) if isinstance(probe, Probe) else []
    if not norms or norms[0] is None or not norms[-1]:
        return None
    return norms[0] / norms[-1]


def precisions(store: Store, groups: Sequence[Group]) -> list[str]:
    """In which the runs were computed; more than one where a machine chose anew for each run."""
    ids = [run.id for group in groups for run in group.runs]
    starts = in_order(store.last_many(ids, Start.kind), ids)
    return sorted({event.execution["precision"] for event in starts if isinstance(event, Start)})


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
