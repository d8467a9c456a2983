"""A net and everything that its steps touch, on one device. The host gives two numbers a step, and reads the sums."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from typing import Any, TypeVar

import torch
from torch.nn import functional

from resnet_lab.augmentation import Stream, mixed
from resnet_lab.batch_norm import batch_counts, widen_norms
from resnet_lab.batches import load_split
from resnet_lab.captures import Captured, in_recorder_thread, undone
from resnet_lab.execution import Clock, Execution, seconds_per_step, synchronise
from resnet_lab.files import sentence
from resnet_lab.fusion import FusedUnits
from resnet_lab.nets import ResNet, build_model, layout
from resnet_lab.ops import has_chance
from resnet_lab.optimizers import build_optimizer
from resnet_lab.predictions import answers
from resnet_lab.probes import response_numbers, update_norms
from resnet_lab.run_config import RunConfig
from resnet_lab.schedules import learning_rate
from resnet_lab.threads import random_numbers

NUM_PROBED = 128  # images of the fixed batch on which the inside of the net is looked at
Result = TypeVar("Result")


class Learner:
    """Its works (learn, learn_probed, judge) read nothing from the device, so that a GPU can record each as a graph."""

    def __init__(self, config: RunConfig, device: torch.device, execution: Execution | None = None):
        recipe = config.recipe
        self.config, self.device = config, device
        self.train, self.test = (load_split(config.data, split, device) for split in ("train", "test"))
        self.stream = Stream(config.seed, len(self.train), recipe.crop, recipe.flip, device)
        self.model = fresh_model(config).to(device).train()
        self.layout = torch.contiguous_format
        self.batch_counts = batch_counts(self.model)
        self.optimizer = build_optimizer(self.model, recipe)
        self.has_chance = has_chance(self.model)
        self.step = 0
        self.position = torch.zeros((), dtype=torch.int64, device=device)  # in the stream
        self.loss_sum = torch.zeros((), device=device)
        self.wrong_sum = torch.zeros((), dtype=torch.float64, device=device)
        self.prepared: dict[tuple[Execution, str], Captured[Any] | None] = {}
        self.compute_as(execution or Execution(device.type, "fp32", torch.get_num_threads()))

    def compute_as(self, execution: Execution) -> None:
        self.execution = execution
        self.lay_out(execution.layout)
        self.prepared = {way: graph for way, graph in self.prepared.items() if way[0] == execution}
        self.obstacle = ""  # why a work could not be done so, and is done more simply

    def lay_out(self, name: str) -> None:
        """How weights and what the optimiser remembers lie in memory. A recorded graph needs them where they are."""
        if (wanted := layout(self.model, name)) != self.layout:
            self.layout = wanted
            self.model.to(memory_format=wanted)
            self.optimizer.lay_out(wanted)

    def turn_to(self, step: int) -> None:
        """The inputs of a step."""
        recipe = self.config.recipe
        self.step = step
        self.stream.prepare(step * recipe.batch_size, recipe.batch_size)
        self.position.fill_(step * recipe.batch_size)
        self.optimizer.lr.fill_(learning_rate(recipe, step))

    def take_steps(self, count: int) -> None:
        """The first ones, and all that the device has to do for them."""
        for step in range(count):
            self.turn_to(step)
            self.do(self.learn)
        synchronise(self.device)

    def do(self, work: Callable[[], Result]) -> Result:
        """One of the works below, as a graph where the device has such."""
        self.prepare(work)
        if graph := self.prepared.get((self.execution, work.__name__)):
            with self.draws():
                return graph()
        with self.execution.applied(), self.draws():
            return work()

    def prepare(self, work: Callable[[], Any]) -> None:
        """Before it is first done so. It is as if nothing had been done."""
        while self.execution.needs_preparation and (self.execution, work.__name__) not in self.prepared:
            try:
                self.prepared[self.execution, work.__name__] = self.first_done(work)
            except Exception as error:  # a compiler's may be of any kind
                self.compute_as(self.execution.simpler)
                self.obstacle = sentence(getattr(error, "inner_exception", error)).rstrip(".")

    def first_done(self, work: Callable[[], Result]) -> Captured[Result] | None:
        """The recorded graph; None where there is none to record: then it was done once, to compile what it needs."""
        if self.execution.launch == "graph":
            return in_recorder_thread(partial(self.recorded, work), torch.cuda.current_stream())
        with self.execution.applied(), self.draws(), undone(self.tensors().values()):
            work()
        return None

    def recorded(self, work: Callable[[], Result]) -> Captured[Result]:
        with self.execution.applied(), self.draws():
            return Captured(work, self.tensors().values())

    def learn(self) -> None:
        """One step."""
        self.find_gradients()
        self.optimizer.step()

    def learn_probed(self) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The same step, and what went on inside the net."""
        self.find_gradients()
        norms = update_norms(self.model, self.optimizer.step)
        with self.execution.autocast():
            return norms, response_numbers(self.model, self.test.normalised(self.test.pixels[:NUM_PROBED]))

    def judge(self) -> tuple[torch.Tensor, torch.Tensor]:
        """How many of the test images are classified wrongly, and the sum of their losses."""
        wrong = loss = torch.zeros((), device=self.device)
        self.model.eval()
        with torch.no_grad(), self.execution.autocast():
            for logits, labels in answers(self.model, self.test, self.layout):
                wrong = wrong + (logits.argmax(1) != labels).sum()
                loss = loss + functional.cross_entropy(logits, labels, reduction="sum")
        self.model.train()
        return wrong, loss

    def find_gradients(self) -> None:
        recipe = self.config.recipe
        images, labels = self.train.training_batch(self.stream.draw(self.position, recipe.batch_size), recipe)
        with self.execution.autocast(), self.units():
            logits = self.model(images.contiguous(memory_format=self.layout)).float()
            loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        self.optimizer.forget_gradients()
        loss.backward()
        self.loss_sum += loss.detach()
        self.wrong_sum += (logits.argmax(1) != labels).sum()
        torch._foreach_add_(self.batch_counts, 1)

    def units(self) -> AbstractContextManager[None]:
        return self.fused_units.used_by(self.model) if self.execution.units == "fused" else nullcontext()

    @cached_property
    def fused_units(self) -> FusedUnits:
        return FusedUnits(compile_threads=1)  # what a trial compiled is only read

    def draws(self) -> AbstractContextManager[None]:
        """Dropout and stochastic depth draw by (seed, step), whatever else the process draws."""
        if not self.has_chance:
            return nullcontext()
        return random_numbers(mixed(self.config.seed, "step", self.step), self.device)

    def paces(self, executions: Sequence[Execution], clock: Clock = time.perf_counter, at_once: int = 1) -> list[float]:
        """The seconds of a step computed in each of these ways; it is as if they had not been taken."""
        (layout,) = {execution.layout for execution in executions}
        self.lay_out(layout)
        self.turn_to(0)
        with undone(self.tensors().values()):
            ways = [partial(self.try_out, execution, at_once) for execution in executions]
            return [seconds / at_once for seconds in seconds_per_step(self.device, ways, clock)]

    def try_out(self, execution: Execution, steps: int) -> None:
        self.execution = execution
        for _ in range(steps):
            self.do(self.learn)

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that a step changes, by name."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self.optimizer.named_memory().items()}
        return tensors | {"loss_sum": self.loss_sum, "wrong_sum": self.wrong_sum}

    @torch.no_grad()
    def load_tensors(self, tensors: dict[str, torch.Tensor]) -> None:
        """In place, so that a recorded graph sees them. What the optimiser has not learnt yet may be missing."""
        absent = {"wrong_sum": torch.tensor(math.nan)}  # an older version did not count
        for name, tensor in self.tensors().items():
            if name in tensors or not name.startswith("optimizer."):
                tensor.copy_((absent | tensors)[name])
            else:
                tensor.zero_()


def fresh_model(config: RunConfig) -> ResNet:
    """Drawn on the CPU, so that every device starts from the same weights."""
    with random_numbers(mixed(config.seed, "weights"), torch.device("cpu")):
        return widen_norms(build_model(config.model))
