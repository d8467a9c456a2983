"""Training as an iterator of events: no database, no global state, and exactly resumable."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Self

from resnet_lab.events import Alert, Done, Epoch, Event, Probe, Start, Step, Switch
from resnet_lab.execution import Execution, choose_execution, find_device, synchronise
from resnet_lab.learner import Learner
from resnet_lab.probes import described_responses, described_update
from resnet_lab.run_config import RunConfig
from resnet_lab.schedules import learning_rate
from resnet_lab.watches import Watches, watches_for

TESTED_PER_TRAINED = 3  # a forward pass costs a third of a training step


class Trainer:
    """for event in Trainer(config): ...   Not asking for the next event is pausing.

    `usual` is the precision for a recipe that leaves it open; "auto": it is found out in the beginning.
    """

    def __init__(
        self,
        config: RunConfig,
        device: str = "auto",
        clock: Callable[[], float] = time.perf_counter,
        usual: str = "auto",
    ):
        self.config, self.clock, self.usual = config, clock, usual
        self.device = find_device(device)
        self.learner = Learner(config, self.device)
        self.model, self.test = self.learner.model, self.learner.test
        self.watches = watches_for(config)
        self.execution: Execution | None = None  # chosen in the beginning
        self.pending: deque[tuple[int, Event]] = deque()  # with their numbers, which start at 1
        self.num_events = 0
        self.step = 0
        self.seconds = 0.0  # of training, pauses not counted
        self.started = 0.0  # by the clock, of what is being done
        self.step_seconds = 0.0  # since the last mean of the loss, the test not counted
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
        self.started = self.clock()
        if self.execution is None:
            self.begin()
            return
        self.take_step()
        if self.is_loss_due() or self.is_test_due():
            synchronise(self.device)  # the clock must see the steps that a GPU still has before it
        self.step_seconds += self.clock() - self.started
        self.status = "done" if self.step == self.config.recipe.steps else ""
        if self.is_loss_due():
            self.report_loss()
        if self.status or self.is_test_due():
            self.report_test()
        if self.execution != self.learner.execution:
            self.report_fallback()
        self.seconds, self.started = self.elapsed(), self.clock()
        if self.status:
            self.say(Done, status=self.status, words=self.last_words(), epoch=self.epoch, test_error=self.test_error)

    def begin(self) -> None:
        """Choose how to compute, from a few steps that are taken back."""
        recipe = self.config.recipe
        self.execution, pace = choose_execution(self.device, recipe, self.learner.paces, self.usual)
        self.learner.compute_as(self.execution)
        self.started = self.clock()
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
        layers, units = described_update(self.model, norms)
        responses, inside = described_responses(self.model, numbers)
        layers = {name: {**entry, **responses.get(name, {})} for name, entry in layers.items()}
        self.say(Probe, layers=layers, units=units | inside)

    def fuse(self, gain: float) -> None:
        """From here on each unit is computed by code compiled for it, found to be `gain` times as fast."""
        assert self.execution is not None, "the usual way comes first"
        self.started = self.clock()
        synchronise(self.device)  # what the steps before need is theirs
        self.step_seconds += self.clock() - self.started
        self.execution = replace(self.execution, units="fused")
        self.learner.compute_as(self.execution)
        self.learner.prepare(self.learner.learn)
        if self.execution == self.learner.execution:
            words = f"From here on each unit is computed by code compiled for it: a step was {gain:.2f} times as fast."
            self.say(Switch, execution=self.execution.to_dict(), words=words)
        else:
            self.report_fallback()
        self.seconds, self.started = self.elapsed(), self.clock()

    def report_fallback(self) -> None:
        """The device refused what this net does in that way."""
        assert self.execution is not None
        before, self.execution = self.execution, self.learner.execution
        if before.launch == self.execution.launch:
            self.report_unfused(self.learner.obstacle)
            return
        why = f"This net's steps could not be recorded as a graph ({self.learner.obstacle})"
        self.say(Alert, about="launch", words=f"{why}: they are launched one kernel at a time, which is slower.")

    def report_unfused(self, obstacle: str) -> None:
        why = f"This net's units could not be compiled ({obstacle})"
        self.say(Alert, about="launch", words=f"{why}: they are computed as usual.")

    def report_loss(self) -> None:
        loss, count = self.learner.loss_sum.item() / self.loss_count, self.loss_count
        num_images = count * self.config.recipe.batch_size
        error, rate = 100 * self.learner.wrong_sum.item() / num_images, num_images / self.step_seconds
        left = self.elapsed() / self.step * (self.config.recipe.steps - self.step)
        lr = learning_rate(self.config.recipe, self.step - 1)
        self.say(Step, loss=loss, train_error=error, lr=lr, images_per_second=rate, seconds_left=left)
        self.learner.loss_sum.zero_()
        self.learner.wrong_sum.zero_()
        self.loss_count, self.step_seconds = 0, 0.0
        for about, words in self.watches.look(self.step, loss):
            self.say(Alert, about=about, words=words)
        if self.watches.is_over:
            self.status = "diverged"

    def report_test(self) -> None:
        wrong, loss = self.learner.do(self.learner.judge)
        self.test_error = 100 * wrong.item() / len(self.test)
        means = {"test_error": self.test_error, "test_loss": loss.item() / len(self.test)}
        self.say(Epoch, epoch=self.epoch, num_test=len(self.test), **means)

    def say(self, kind: type[Event], **fields: Any) -> None:
        self.num_events += 1
        self.pending.append((self.num_events, kind(step=self.step, seconds=self.elapsed(), **fields)))

    def last_words(self) -> str:
        fate = f"All {self.step} steps are done." if self.status == "done" else "Training broke down."
        return f"{fate} The test error is {self.test_error:.2f}% of {len(self.test):,} images."

    def elapsed(self) -> float:
        return self.seconds + self.clock() - self.started

    @property
    def epoch(self) -> float:
        """Passes over the training images so far."""
        return self.step * self.config.recipe.batch_size / len(self.learner.train)

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
        record = {name: getattr(self, name) for name in COUNTED} | {
            "key": self.config.key,
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
        for name in COUNTED:
            setattr(self, name, record[name])


COUNTED = ("step", "num_events", "seconds", "step_seconds", "loss_count", "test_error", "status")


def expected_seconds(config: RunConfig, pace: float) -> float:
    """Of all steps and all tests, from the seconds of one step."""
    num_tests = min(config.recipe.steps, math.ceil(config.epochs / config.watch.evaluate_every))
    tested = num_tests * config.data.num_test / config.recipe.batch_size / TESTED_PER_TRAINED
    return pace * (config.recipe.steps + tested)
