"""What a run reaches, and when: read from its events as they come."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from resnet_lab.events import Done, Epoch, Event, Start, Step
from resnet_lab.run_config import RunConfig

LOSS, ERROR = "training loss", "test error"


@dataclass(frozen=True)
class Target:
    measure: str  # LOSS, or ERROR in percent
    limit: float

    def __str__(self) -> str:
        return f"{self.measure} {self.limit:g}{'%' if self.measure == ERROR else ''}"


@dataclass(frozen=True)
class Moment:
    wall: float  # seconds since the process was started
    training: float  # seconds of training
    step: int


@dataclass
class Outcome:
    """Of one run; a target that it did not reach is missing."""

    config: RunConfig
    start: Moment | None = None  # ready for the first step
    execution: dict[str, Any] = field(default_factory=dict)
    reached: dict[Target, Moment] = field(default_factory=dict)
    status: str = "ended early"  # or as it ended by itself


class RecentLoss:
    """The mean over the last steps, of losses that each tell of the steps since the one before."""

    def __init__(self, num_steps: int):
        self.num_steps = num_steps
        self.told: deque[tuple[int, float]] = deque()  # how many steps, and their mean
        self.last_step = 0

    def after(self, event: Step) -> float:
        """Not a number before there are so many steps, or where one of the losses is none."""
        self.told.append((event.step - self.last_step, math.nan if event.loss is None else event.loss))
        self.last_step = event.step
        while self.length() - self.told[0][0] >= self.num_steps:
            self.told.popleft()
        if self.length() < self.num_steps:
            return math.nan
        return sum(count * loss for count, loss in self.told) / self.length()

    def length(self) -> int:
        return sum(count for count, _ in self.told)


def follow(
    config: RunConfig, told: Iterable[tuple[float, Event]], targets: Sequence[Target], loss_steps: int
) -> Outcome:
    """Until everything is reached. `told`: events, each with its wall time; `loss_steps`: those of a loss's mean."""
    outcome, recent = Outcome(config), RecentLoss(loss_steps)
    for wall, event in told:
        now = Moment(wall, event.seconds, event.step)
        match event:
            case Start():
                outcome.start, outcome.execution = now, event.execution
            case Step():
                reach(outcome, targets, LOSS, recent.after(event), now)
            case Epoch():
                reach(outcome, targets, ERROR, event.test_error, now)
            case Done():
                outcome.status = event.status
        if len(outcome.reached) == len(targets):
            break
    return outcome


def reach(outcome: Outcome, targets: Sequence[Target], measure: str, value: float, now: Moment) -> None:
    for target in targets:
        if target.measure == measure and value <= target.limit:
            outcome.reached.setdefault(target, now)
