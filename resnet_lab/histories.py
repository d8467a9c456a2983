"""The numbers of runs as columns, each event read once; one instance serves everyone who looks."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from resnet_lab.events import Epoch, Probe, Step
from resnet_lab.library import Readable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """A value for every event of the kind 'step'; NaN where there is no number."""

    step: Array
    seconds: Array
    loss: Array
    train_error: Array
    lr: Array
    images_per_second: Array


@dataclass(frozen=True)
class Epochs:
    """A value for every event of the kind 'epoch'; errors in percent."""

    step: Array
    seconds: Array
    epoch: Array
    test_error: Array
    test_loss: Array


@dataclass(frozen=True)
class Probes:
    """A row for every event of the kind 'probe'; NaN where a layer has not this measure."""

    step: Array
    seconds: Array
    units: Mapping[str, Array]  # measure -> (probes, units)
    layers: Mapping[str, Array]  # measure -> (probes, layers)
    layer_names: tuple[str, ...]


T = TypeVar("T", bound=Steps | Epochs | Probes)
Events = list[dict[str, Any]]
MANY = TypeAdapter(Events)  # many at once take a quarter of the time of json.loads one by one


@dataclass(frozen=True)
class Record(Generic[T]):
    cursor: int  # the number of the last event that was read
    history: T


class Shelf(Generic[T]):
    """What was read of one kind of event, of the `most` runs that were asked for last."""

    def __init__(self, store: Readable, kind: str, parse: Callable[[Events], T], most: int):
        self.store, self.kind, self.parse, self.most = store, kind, parse, most
        self.kept: OrderedDict[str, Record[T]] = OrderedDict()  # in the order of the last time it was asked for
        self.lock = Lock()

    def read(self, run_ids: Sequence[str]) -> dict[str, T]:
        """What was read before stays as it is in the hands of whoever has it."""
        with self.lock:
            nothing = Record(0, self.parse([]))
            known = {run_id: self.kept.get(run_id, nothing) for run_id in run_ids}
            new = self.store.bodies(self.kind, {run_id: record.cursor for run_id, record in known.items()})
            read = {run_id: self.longer(known[run_id], events) for run_id, events in new.items()}
            for run_id in known:
                self.kept.pop(run_id, None)
            self.kept.update(read)
            while len(self.kept) > self.most:
                self.kept.popitem(last=False)
        return {run_id: read.get(run_id, nothing).history for run_id in run_ids}

    def longer(self, known: Record[T], new: list[tuple[int, str]]) -> Record[T]:
        if not new:
            return known
        events = MANY.validate_json(f"[{','.join(body for _, body in new)}]")
        return Record(new[-1][0], joined(known.history, self.parse(events)))


class Histories:
    """Of the runs that were asked for last; a run that the store does not have any more has no numbers."""

    def __init__(self, store: Readable, max_runs: int = 200, max_probed: int = 60):
        self.store = store
        self._steps = Shelf(store, Step.kind, partial(columns, Steps), max_runs)
        self._epochs = Shelf(store, Epoch.kind, partial(columns, Epochs), max_runs)
        self._probes = Shelf(store, Probe.kind, probes_of, max_probed)

    def steps(self, run_ids: Sequence[str]) -> dict[str, Steps]:
        return self._steps.read(run_ids)

    def epochs(self, run_ids: Sequence[str]) -> dict[str, Epochs]:
        return self._epochs.read(run_ids)

    def probes(self, run_ids: Sequence[str]) -> dict[str, Probes]:
        """All of them, which is much: ask for few runs."""
        return self._probes.read(run_ids)

    def last_probes(self, run_ids: Sequence[str]) -> dict[str, Probe]:
        """Of every run that has one."""
        return cast(dict[str, Probe], self.store.last_many(run_ids, Probe.kind))


def columns(kind: Callable[..., T], events: Events) -> T:
    return kind(**{name: column([event.get(name) for event in events]) for name in names_of(kind)})


def names_of(history: Any) -> list[str]:
    return [field.name for field in fields(history)]


def column(values: list[Any]) -> Array:
    """None becomes NaN; nobody can change it, since many have it."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def probes_of(events: Events) -> Probes:
    names, of_units = (list(events[-1]["layers"]), list(events[-1]["units"])) if events else ([], [])
    measures = {measure for event in events for layer in event["layers"].values() for measure in layer}
    return Probes(
        step=column([event["step"] for event in events]),
        seconds=column([event["seconds"] for event in events]),
        units={measure: column([event["units"][measure] for event in events]) for measure in of_units},
        layers={measure: column([of_layers(event, measure) for event in events]) for measure in sorted(measures)},
        layer_names=tuple(names),
    )


def of_layers(event: dict[str, Any], measure: str) -> list[float | None]:
    return [layer.get(measure) for layer in event["layers"].values()]


def joined(old: T, new: T) -> T:
    """The events of one and of the other."""
    if not len(old.step):
        return new
    return type(old)(**{name: both(getattr(old, name), getattr(new, name)) for name in names_of(old)})


def both(old: Any, new: Any) -> Any:
    """Arrays end to end, measure by measure; the names of the layers stay."""
    if isinstance(old, dict):
        return {name: both(old[name], new[name]) for name in old}
    if isinstance(old, tuple):
        return new
    array = np.concatenate([old, new])
    array.flags.writeable = False
    return array
