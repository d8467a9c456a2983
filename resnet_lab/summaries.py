"""A run in a line: how far it is, and its last numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from resnet_lab.events import Done, Epoch, Event, Step
from resnet_lab.library import Readable
from resnet_lab.runs import Run


@dataclass(frozen=True)
class Summary:
    """Each number is of the last event that told it; None before there was one."""

    run: Run
    step: int
    seconds: float  # of training, pauses not counted
    seconds_left: float | None  # of a run that is running
    loss: float | None
    test_error: float | None  # percent
    num_test: int | None
    words: str  # how it ended, or why it stopped

    @property
    def share(self) -> float:
        return self.step / self.run.config.recipe.steps

    @property
    def device(self) -> str:
        """Where it was trained, or is to be."""
        return self.run.environment.get("gpu") or self.run.environment.get("device") or self.run.device

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        numbers = ("step", "seconds", "seconds_left", "loss", "test_error", "num_test", "words")
        told = self.run.to_dict() | {"key": self.run.key, "title": self.run.config.title}
        return told | {name: getattr(self, name) for name in numbers} | {"steps": self.run.config.recipe.steps}


def summarise(store: Readable, runs: Sequence[Run]) -> list[Summary]:
    """In three queries, however many there are."""
    ids = [run.id for run in runs]
    steps, epochs, ends = (store.last_many(ids, kind.kind) for kind in (Step, Epoch, Done))
    return [summary(run, steps.get(run.id), epochs.get(run.id), ends.get(run.id)) for run in runs]


def summary(run: Run, step: Event | None, epoch: Event | None, end: Event | None) -> Summary:
    step, epoch, end = cast(Step | None, step), cast(Epoch | None, epoch), cast(Done | None, end)
    told = [event for event in (step, epoch, end) if event is not None]
    return Summary(
        run=run,
        step=max((event.step for event in told), default=0),
        seconds=max((event.seconds for event in told), default=0.0),
        seconds_left=step.seconds_left if step and run.status == "running" else None,
        loss=step.loss if step else None,
        test_error=epoch.test_error if epoch else None,
        num_test=epoch.num_test if epoch else None,
        words=run.message or (end.words if end else ""),
    )


def duration(seconds: float) -> str:
    """'41 s', '3 min 20 s', '2 h 5 min', '11 days'"""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 48 * 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{round(whole / 86400):,} days"
