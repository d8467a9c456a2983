"""Training as an iterator of events: no database, no global state, and exactly resumable."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Self

import torch

from resnet_lab.arrivals import Arrivals
from resnet_lab.events import Alert, Done, Epoch, Event, Probe, Start, Step, Switch
from resnet_lab.execution import Execution, UsualWay, choose_execution, find_device, synchronise
from resnet_lab.learner import Learner
from resnet_lab.probes import described_responses, described_update
from resnet_lab.run_config import RunConfig
from resnet_lab.schedules import learning_rate
from resnet_lab.stopwatch import Stopwatch
from resnet_lab.watches import Watches, watches_for

TESTED_PER_TRAINED = 3  # a forward pass costs a third of a training step


class Trainer:
    """for event in Trainer(config): ...   Not asking for the next event is pausing.

    `usual` is what is fastest on this machine; without it, the precision is found out in the beginning.
    """

    def __init__(
        self,
        config: RunConfig,
        device: str = "auto",
        clock: Callable[[], float] = time.perf_counter,
        usual: UsualWay | None = None,
    ):
        self.config, self.usual = config, usual or UsualWay()
        self.stopwatch = Stopwatch(clock)  # pauses are not counted
        self.device = find_device(device)
        self.learner = Learner(config, self.device)
        self.model, self.test = self.learner.model, self.learner.test
        self.watches = watches_for(config)
        self.arrivals = Arrivals(self.device)
        self.execution: Execution | None = None  # chosen in the beginning
        self.pending: deque[tuple[int, Event]] = deque()  # with their numbers, which start at 1
        self.num_events = 0
        self.step = 0
        self.step_seconds = 0.0  # from one mean of the loss to the next, the test not counted
        self.loss_count = 0
        self.test_error: float | None = None
        self.status = ""  # of the end

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        while not self.pending:
            if self.status:
                raise StopIteration
            self.advance()
        return self.pending.popleft()[1]

    def take(self) -> list[tuple[int, Event]]:
        """The events that are there already, with their numbers."""
        taken = list(self.pending)
        self.pending.clear()
        return taken

    def advance(self) -> None:
        """One step, and the events that it brings."""
        if self.execution is None:
            self.begin()
            return
        with self.stopwatch.counted(self.arrivals.has_worked_on):
            self.take_step()
            is_last, is_first_loss = self.step == self.config.recipe.steps, not self.watches.losses
            if self.is_loss_due() and not self.watches.is_over:
                self.ask_loss()
                # the first one is waited for, and the last; else a GPU may be as far behind as the losses are apart
                self.arrivals.hear(self.step + 1 if is_last or is_first_loss else self.step)
            self.arrivals.hear()
            is_over = is_last or self.watches.is_over
            if is_over or self.is_test_due():
                self.ask_test()
            if self.execution != self.learner.execution:
                self.report_fallback()
            if is_over:
                self.end()
        self.arrivals.leave()

    def begin(self) -> None:
        """Choose how to compute, from a few steps that are taken back."""
        recipe = self.config.recipe
        self.execution, pace = choose_execution(self.device, recipe, self.learner.paces, self.usual)
        self.learner.compute_as(self.execution)
        with self.stopwatch.counted():
            self.say(
                Start,
                steps=recipe.steps,
                num_train=len(self.learner.train),
                num_test=len(self.test),
                parameters=sum(parameter.numel() for parameter in self.model.parameters()),
                images_per_second=recipe.batch_size / pace,
                seconds_expected=expected_seconds(self.config, pace),
                execution=self.execution.to_dict(),
            )

    def take_step(self) -> None:
        learner = self.learner
        learner.turn_to(self.step)
        self.step += 1
        self.loss_count += 1
        if not self.is_probe_due():
            learner.do(learner.learn)
            return
        norms, numbers = learner.do(learner.learn_probed)
        self.arrivals.ask(self.step, partial(self.report_probe, self.step, list(numbers)), norms, *numbers.values())

    def end(self) -> None:
        self.arrivals.hear_all()
        self.status = "diverged" if self.watches.is_over else "done"
        self.say(Done, status=self.status, words=self.last_words(), epoch=self.epoch, test_error=self.test_error)

    def fuse(self, gain: float) -> None:
        """From here on each unit is computed by code compiled for it, found to be `gain` times as fast."""
        assert self.execution is not None, "the usual way comes first"
        with self.stopwatch.counted():
            self.arrivals.hear_all()
            synchronise(self.device)  # the steps since then are steps too
            self.add_lap()
            self.execution = replace(self.execution, units="fused")
            self.learner.compute_as(self.execution)
            self.learner.prepare(self.learner.learn)
            if self.execution == self.learner.execution:
                words = (
                    f"From here on each unit is computed by code compiled for it: a step was {gain:.2f} times as fast."
                )
                self.say(Switch, execution=self.execution.to_dict(), words=words)
            else:
                self.report_fallback()
            self.stopwatch.lap()

    def stay_plain(self, obstacle: str) -> None:
        """The units cannot be compiled, as was found out elsewhere."""
        with self.stopwatch.counted():
            self.arrivals.hear_all()
            self.report_unfused(obstacle)

    def report_fallback(self) -> None:
        """The device refused what this net does in that way."""
        assert self.execution is not None
        self.arrivals.hear_all()  # what was asked for before is told before
        before, self.execution = self.execution, self.learner.execution
        if before.launch == self.execution.launch:
            self.report_unfused(self.learner.obstacle)
            return
        why = f"This net's steps could not be recorded as a graph ({self.learner.obstacle})"
        self.say(Alert, about="launch", words=f"{why}: they are launched one kernel at a time, which is slower.")

    def report_unfused(self, obstacle: str) -> None:
        why = f"This net's units could not be compiled ({obstacle})"
        self.say(Alert, about="launch", words=f"{why}: they are computed as usual.")

    def ask_loss(self) -> None:
        learner = self.learner
        tell = partial(self.report_loss, self.step, self.loss_count)
        self.arrivals.ask(self.step, tell, learner.loss_sum, learner.wrong_sum)
        learner.loss_sum.zero_()
        learner.wrong_sum.zero_()
        self.loss_count = 0

    def report_loss(self, step: int, count: int, loss_sum: torch.Tensor, wrong_sum: torch.Tensor) -> None:
        """The means over the last `count` steps."""
        self.add_lap()
        recipe, loss, num_images = self.config.recipe, loss_sum.item() / count, count * self.config.recipe.batch_size
        self.say(
            Step,
            step,
            loss=loss,
            train_error=100 * wrong_sum.item() / num_images,
            lr=learning_rate(recipe, step - 1),
            images_per_second=num_images / self.step_seconds,
            seconds_left=self.stopwatch.elapsed() / step * (recipe.steps - step),
        )
        self.step_seconds = 0.0
        for about, words in self.watches.look(step, loss):
            self.say(Alert, step, about=about, words=words)
        if self.watches.is_over:
            self.arrivals.forget()

    def ask_test(self) -> None:
        self.arrivals.ask(self.step, self.add_lap)
        self.arrivals.ask(self.step, partial(self.report_test, self.step), *self.learner.do(self.learner.judge))

    def report_test(self, step: int, wrong: torch.Tensor, loss: torch.Tensor) -> None:
        self.stopwatch.lap()
        num_test = len(self.test)
        self.test_error = 100 * wrong.item() / num_test
        means = {"test_error": self.test_error, "test_loss": loss.item() / num_test}
        self.say(Epoch, step, epoch=self.epoch_at(step), num_test=num_test, **means)

    def report_probe(self, step: int, names: list[str], norms: torch.Tensor, *numbers: torch.Tensor) -> None:
        layers, units = described_update(self.model, norms)
        responses, inside = described_responses(self.model, dict(zip(names, numbers, strict=True)))
        layers = {name: {**entry, **responses.get(name, {})} for name, entry in layers.items()}
        self.say(Probe, step, layers=layers, units=units | inside)

    def say(self, kind: type[Event], step: int | None = None, **fields: Any) -> None:
        """What happened after that step, usually the last one."""
        self.num_events += 1
        event = kind(step=self.step if step is None else step, seconds=self.stopwatch.elapsed(), **fields)
        self.pending.append((self.num_events, event))

    def last_words(self) -> str:
        fate = f"All {self.step} steps are done." if self.status == "done" else "Training broke down."
        return f"{fate} The test error is {self.test_error:.2f}% of {len(self.test):,} images."

    def add_lap(self) -> None:
        """What the device did since the last lap were steps."""
        self.step_seconds += self.stopwatch.lap()

    @property
    def seconds(self) -> float:
        return self.stopwatch.seconds

    @property
    def epoch(self) -> float:
        return self.epoch_at(self.step)

    def epoch_at(self, step: int) -> float:
        """Passes over the training images by then."""
        return step * self.config.recipe.batch_size / len(self.learner.train)

    def is_loss_due(self) -> bool:
        return self.step == self.config.recipe.steps or self.step % self.config.watch.loss_every == 0

    def is_probe_due(self) -> bool:
        every = self.config.watch.probe_every
        return every > 0 and self.step % every == 0

    def is_test_due(self) -> bool:
        """Whether this step completed another `evaluate_every` epochs."""
        images, size = len(self.learner.train) * self.config.watch.evaluate_every, self.config.recipe.batch_size
        return self.step * size // images > (self.step - 1) * size // images

    def state_dict(self) -> dict[str, Any]:
        """Copies of all tensors, by name, and a record that JSON can hold."""
        if self.arrivals.coming:
            with self.stopwatch.counted():
                self.arrivals.hear_all()
        record = {name: getattr(self, name) for name in COUNTED} | {
            "key": self.config.key,
            "seconds": self.seconds,
            "lapped": self.stopwatch.lapped,
            "execution": self.execution.to_dict() if self.execution else None,
            "pending": [[number, event.to_dict()] for number, event in self.pending],
            "watches": asdict(self.watches),
        }
        tensors = {name: tensor.detach().clone() for name, tensor in self.learner.tensors().items()}
        return {"tensors": tensors, "record": record}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where the trainer was that gave this state; on the CPU with as many threads as it had."""
        record = state["record"]
        if record["key"] != self.config.key:
            raise ValueError(f"This state is of run {record['key']!r}, but this trainer is of run {self.config.key!r}.")
        self.learner.load_tensors(state["tensors"])
        if record["execution"]:  # on whatever device it was, it goes on on this one
            self.execution = Execution(**record["execution"]).on(self.device)
            self.learner.compute_as(self.execution)
        self.pending = deque((number, Event.from_dict(fields)) for number, fields in record["pending"])
        self.watches = Watches(**record["watches"])
        self.stopwatch.seconds = record["seconds"]
        self.stopwatch.lapped = record.get("lapped", record["seconds"])  # an older version had no laps
        for name in COUNTED:
            setattr(self, name, record[name])


COUNTED = ("step", "num_events", "step_seconds", "loss_count", "test_error", "status")


def expected_seconds(config: RunConfig, pace: float) -> float:
    """Of all steps and all tests, from the seconds of one step."""
    num_tests = min(config.recipe.steps, math.ceil(config.epochs / config.watch.evaluate_every))
    tested = num_tests * config.data.num_test / config.recipe.batch_size / TESTED_PER_TRAINED
    return pace * (config.recipe.steps + tested)
