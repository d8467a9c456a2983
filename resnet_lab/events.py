"""What a training run says while it runs. Every number that the lab shows was once in one of these."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Happened after `step` steps; `seconds` of training had passed, pauses not counted.

    A field that comes later needs a default: the events of older runs are read without it.
    """

    kind: ClassVar[str]
    step: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON: what is not a finite number becomes None."""
        return {"kind": self.kind} | finite(dataclasses.asdict(self))

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> "Event":
        return EVENTS[fields["kind"]](**{name: value for name, value in fields.items() if name != "kind"})


@dataclass(frozen=True)
class Start(Event):
    """What the run is about to do, and how."""

    kind = "start"
    steps: int
    num_train: int
    num_test: int
    parameters: int
    images_per_second: float  # measured in a few steps beforehand
    seconds_expected: float
    execution: dict[str, Any]  # device, precision, threads


@dataclass(frozen=True)
class Step(Event):
    """The training loss, its mean since the last event of this kind, and the training error since then."""

    kind = "step"
    loss: float | None  # None: not a finite number
    lr: float
    images_per_second: float
    seconds_left: float
    train_error: float | None = None  # in percent of the images as augmented, each as it was trained on


@dataclass(frozen=True)
class Epoch(Event):
    """The test error, in percent of `num_test` images."""

    kind = "epoch"
    epoch: float  # passes over the training images so far
    test_error: float
    test_loss: float | None
    num_test: int


@dataclass(frozen=True)
class Probe(Event):
    """One number a layer or a unit for each measure; the layers by name, the units in order."""

    kind = "probe"
    layers: dict[str, dict[str, float | None]]  # layer -> measure -> value
    units: dict[str, list[float | None]]  # measure -> one value a unit


@dataclass(frozen=True)
class Alert(Event):
    """Something that a person would want to know, in words."""

    kind = "warning"
    about: str  # nan, divergence, plateau, chance, launch
    words: str


@dataclass(frozen=True)
class Switch(Event):
    """From here on the same is computed in another way, which is faster."""

    kind = "switch"
    execution: dict[str, Any]
    words: str


@dataclass(frozen=True)
class Done(Event):
    """The last event: 'done' at the end of the budget, 'diverged' where training broke down."""

    kind = "done"
    status: str
    words: str
    epoch: float
    test_error: float | None


EVENTS: dict[str, type[Event]] = {kind.kind: kind for kind in (Start, Step, Epoch, Probe, Alert, Switch, Done)}


def finite(value: Any) -> Any:
    """The same value, with None for every number that JSON cannot write."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return value
