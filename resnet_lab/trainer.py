"""Training as an iterator of events: no database, no global state, and exactly resumable."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional

from resnet_lab.augmentation import Stream, mixed
from resnet_lab.batches import load_split
from resnet_lab.events import Alert, Done, Epoch, Event, Probe, Start, Step
from resnet_lab.execution import Execution, choose_execution, find_device, synchronise
from resnet_lab.nets import ResNet, build_model
from resnet_lab.ops import StochasticDepth
from resnet_lab.optimizers import build_optimizer, memory_of, remember
from resnet_lab.probes import measure_responses, measure_update
from resnet_lab.run_config import RunConfig
from resnet_lab.schedules import learning_rate
from resnet_lab.threads import PROCESS_WIDE
from resnet_lab.watches import Watches, watches_for

NUM_PROBED = 128  # images of the fixed batch on which the inside of the net is looked at
TEST_BATCH = 500
TESTED_PER_TRAINED = 3  # a forward pass costs a third of a training step


class Trainer:
    """for event in Trainer(config): ...   Not asking for the next event is pausing."""

    def __init__(self, config: RunConfig, device: str = "auto", clock: Callable[[], float] = time.perf_counter):
        self.config, self.clock = config, clock
        self.device = find_device(device)
        self.train, self.test = (load_split(config.data, split, self.device) for split in ("train", "test"))
        recipe = config.recipe
        self.stream = Stream(config.seed, len(self.train), recipe.crop, recipe.flip, self.device)
        self.model = fresh_model(config).to(self.device).to(memory_format=torch.channels_last).train()
        self.optimizer = build_optimizer(self.model, recipe)
        self.has_chance = any(isinstance(module, nn.Dropout | StochasticDepth) for module in self.model.modules())
        self.watches = watches_for(config)
        self.execution: Execution | None = None  # chosen in the beginning
        self.pending: deque[tuple[int, Event]] = deque()  # with their numbers, which start at 1
        self.num_events = 0
        self.step = 0
        self.seconds = 0.0  # of training, pauses not counted
        self.started = 0.0  # by the clock, of what is being done
        self.step_seconds = 0.0  # since the last mean of the loss, the test not counted
        self.loss_sum, self.loss_count = torch.zeros((), device=self.device), 0
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
        with self.execution.applied():
            self.take_step(self.execution)
            if self.is_loss_due() or self.is_test_due():
                synchronise(self.execution.device)  # the clock must see the steps that a GPU still has before it
            self.step_seconds += self.clock() - self.started
            self.status = "done" if self.step == self.config.recipe.steps else ""
            if self.is_loss_due():
                self.report_loss()
            if self.status or self.is_test_due():
                self.report_test(self.execution)
        self.seconds, self.started = self.elapsed(), self.clock()
        if self.status:
            self.say(Done, status=self.status, words=self.last_words(), epoch=self.epoch, test_error=self.test_error)

    def begin(self) -> None:
        """Choose how to compute, from a few steps on copies of the net."""
        recipe = self.config.recipe
        with random_numbers(mixed(self.config.seed, "trial"), self.device):
            self.execution, pace = choose_execution(self.device, recipe, self.model, self.trial)
        self.started = self.clock()
        self.say(
            Start,
            steps=recipe.steps,
            num_train=len(self.train),
            num_test=len(self.test),
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            images_per_second=recipe.batch_size / pace,
            seconds_expected=expected_seconds(self.config, pace),
            execution=self.execution.to_dict(),
        )

    def trial(self, model: nn.Module) -> Callable[[], None]:
        """A whole training step of a copy of the net."""
        optimizer = build_optimizer(model, self.config.recipe)

        def step() -> None:
            loss = self.loss(model, *self.batch(step=0))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return step

    def take_step(self, execution: Execution) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config.recipe, self.step)
        images, labels = self.batch(self.step)
        with self.draws(), execution.autocast():
            loss = self.loss(self.model, images, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.loss_sum += loss.detach()
        self.loss_count += 1
        self.step += 1
        if self.is_probe_due():
            self.report_probe(execution)
        else:
            self.optimizer.step()

    def report_probe(self, execution: Execution) -> None:
        layers, units = measure_update(self.model, self.optimizer.step)
        with execution.autocast():
            responses, inside = measure_responses(self.model, self.test.normalised(self.test.pixels[:NUM_PROBED]))
        layers = {name: {**entry, **responses.get(name, {})} for name, entry in layers.items()}
        self.say(Probe, layers=layers, units=units | inside)

    def report_loss(self) -> None:
        loss, count = self.loss_sum.item() / self.loss_count, self.loss_count
        rate = count * self.config.recipe.batch_size / self.step_seconds
        left = self.elapsed() / self.step * (self.config.recipe.steps - self.step)
        lr = learning_rate(self.config.recipe, self.step - 1)
        self.say(Step, loss=loss, lr=lr, images_per_second=rate, seconds_left=left)
        self.loss_sum.zero_()
        self.loss_count, self.step_seconds = 0, 0.0
        for about, words in self.watches.look(self.step, loss):
            self.say(Alert, about=about, words=words)
        if self.watches.is_over:
            self.status = "diverged"

    def report_test(self, execution: Execution) -> None:
        wrong = loss = torch.zeros((), device=self.device)
        self.model.eval()
        with torch.no_grad(), execution.autocast():
            for start in range(0, len(self.test), TEST_BATCH):
                pixels, labels = (part[start : start + TEST_BATCH] for part in (self.test.pixels, self.test.labels))
                logits = self.model(self.test.normalised(pixels).to(memory_format=torch.channels_last)).float()
                wrong = wrong + (logits.argmax(1) != labels).sum()
                loss = loss + functional.cross_entropy(logits, labels, reduction="sum")
        self.model.train()
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
        return self.step * self.config.recipe.batch_size / len(self.train)

    def is_loss_due(self) -> bool:
        return self.step == self.config.recipe.steps or self.step % self.config.watch.loss_every == 0

    def is_probe_due(self) -> bool:
        every = self.config.watch.probe_every
        return every > 0 and self.step % every == 0

    def is_test_due(self) -> bool:
        """Whether this step completed another `evaluate_every` epochs."""
        images, size = len(self.train) * self.config.watch.evaluate_every, self.config.recipe.batch_size
        return self.step * size // images > (self.step - 1) * size // images

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        size = self.config.recipe.batch_size
        return self.train.training_batch(self.stream.batch(step * size, size), self.config.recipe)

    def loss(self, model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        smoothing = self.config.recipe.label_smoothing
        return functional.cross_entropy(model(images).float(), labels, label_smoothing=smoothing)

    def draws(self) -> AbstractContextManager[None]:
        """Dropout and stochastic depth draw by (seed, step), whatever else the process draws."""
        if not self.has_chance:
            return nullcontext()
        return random_numbers(mixed(self.config.seed, "step", self.step), self.device)

    def state_dict(self) -> dict[str, Any]:
        """Copies of all tensors, by name, and a record that JSON can hold."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in memory_of(self.optimizer, self.model).items()}
        tensors["loss_sum"] = self.loss_sum
        record = {name: getattr(self, name) for name in COUNTED} | {
            "key": self.config.key,
            "execution": self.execution.to_dict() if self.execution else None,
            "pending": [[number, event.to_dict()] for number, event in self.pending],
            "watches": asdict(self.watches),
        }
        return {"tensors": {name: tensor.detach().clone() for name, tensor in tensors.items()}, "record": record}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where the trainer was that gave this state; on the CPU with as many threads as it had."""
        tensors, record = state["tensors"], state["record"]
        if record["key"] != self.config.key:
            raise ValueError(f"This state is of run {record['key']!r}, but this trainer is of run {self.config.key!r}.")
        self.model.load_state_dict(under("model.", tensors))
        remember(self.optimizer, self.model, under("optimizer.", tensors))
        self.loss_sum.copy_(tensors["loss_sum"])
        execution = record["execution"]  # on whatever device it was, it goes on on this one
        self.execution = Execution(**execution | {"device": self.device.type}) if execution else None
        self.pending = deque((number, Event.from_dict(fields)) for number, fields in record["pending"])
        self.watches = Watches(**record["watches"])
        for name in COUNTED:
            setattr(self, name, record[name])


COUNTED = ("step", "num_events", "seconds", "step_seconds", "loss_count", "test_error", "status")


def fresh_model(config: RunConfig) -> ResNet:
    """Drawn on the CPU, so that every device starts from the same weights."""
    with random_numbers(mixed(config.seed, "weights"), torch.device("cpu")):
        return build_model(config.model)


@contextmanager
def random_numbers(seed: int, device: torch.device) -> Iterator[None]:
    """torch's generators start from the seed, and are afterwards as if nothing had been drawn."""
    devices = [device] if device.type == "cuda" else []
    with PROCESS_WIDE, torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed(seed)
        yield


def expected_seconds(config: RunConfig, pace: float) -> float:
    """Of all steps and all tests, from the seconds of one step."""
    num_tests = min(config.recipe.steps, math.ceil(config.epochs / config.watch.evaluate_every))
    tested = num_tests * config.data.num_test / config.recipe.batch_size / TESTED_PER_TRAINED
    return pace * (config.recipe.steps + tested)


def under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
