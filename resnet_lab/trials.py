"""Whether a run is faster with fused units: a process of its own compiles and measures them while the run goes on.

python -m resnet_lab.trials, with what to try in a line of stdin. What it compiled stays in torch's cache on the disk.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from threading import Thread
from typing import TextIO

import torch

from resnet_lab.data import home
from resnet_lab.execution import Execution, give_back_memory, synchronise
from resnet_lab.files import CHECKOUT, sentence
from resnet_lab.fusion import FusedUnits
from resnet_lab.learner import Learner
from resnet_lab.machine import locked
from resnet_lab.memory import gpu_memory, needed_bytes_to_try
from resnet_lab.run_config import RunConfig
from resnet_lab.trainer import Trainer

LOCK = "trials.lock"  # in the home: one at a time, and the next of the same shape finds its code compiled
STEPS = 10  # timed together: GPU and host are shared with the run, and take turns
WORTH_SECONDS = 60.0  # left to a run; for less nothing is tried
GAIN = 1.05  # less may be noise
COST = 2.0  # times what it takes to go over, as other runs of the process wait for some of it too


@dataclass(frozen=True)
class Found:
    """Or why nothing was."""

    plain: float = 0.0  # seconds of a step
    fused: float = 0.0
    ready: float = 0.0  # seconds before the first fused step, the code being in the cache
    obstacle: str = ""

    def is_worth_it(self, steps_left: int) -> bool:
        gained = steps_left * (self.plain - self.fused)
        return self.fused * GAIN < self.plain and gained > COST * self.ready


def tried(config: RunConfig, execution: Execution, backend: str) -> Found:
    device = torch.device(execution.device)
    if device.type == "cuda" and gpu_memory().free < needed_bytes_to_try(config):
        return Found(obstacle="the GPU has no memory left to try it")
    for _ in range(2):  # the second time as the run will do it
        learner = Learner(config, device)
        learner.fused_units = FusedUnits(backend)
        start = time.perf_counter()
        learner.compute_as(replace(execution, units="fused"))
        learner.prepare(learner.learn)
        synchronise(device)
        ready = time.perf_counter() - start
        if learner.obstacle:
            return Found(obstacle=learner.obstacle)
        give_back_memory(device)
    plain, fused = learner.paces([execution, learner.execution], at_once=STEPS)
    return Found(plain, fused, ready, learner.obstacle)


def main() -> None:
    told, answers = json.loads(sys.stdin.readline()), answering()
    Thread(target=end_with_the_run, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)  # runs come first
    execution = Execution(**told["execution"])
    torch.set_num_threads(execution.threads)
    try:
        with locked(home(), LOCK):
            found = tried(RunConfig(**told["config"]), execution, told["backend"])
    except Exception as error:
        found = Found(obstacle=sentence(error))
    print(json.dumps(asdict(found)), file=answers, flush=True)


def answering() -> TextIO:
    """Where the answer goes; all that is printed otherwise, by compilers too, goes where errors go."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def end_with_the_run() -> None:
    """In a thread of its own: stdin closes when the run's process ends, however that ends, and so does this one."""
    while os.read(0, 1024):  # not sys.stdin: a thread that waits in there would break Python's own end
        pass
    os._exit(1)


class Trial:
    """That process, seen from the run."""

    def __init__(self, config: RunConfig, execution: Execution, backend: str):
        told = {"config": config.model_dump(mode="json"), "execution": execution.to_dict(), "backend": backend}
        command = [sys.executable, "-m", "resnet_lab.trials"]
        self.process = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it stays open: the process ends when it closes
            self.process.stdin.write(f"{json.dumps(told)}\n")
            self.process.stdin.flush()

    def found(self) -> Found | None:
        """None while it is under way."""
        if self.process.poll() is None:
            return None
        assert self.process.stdout is not None
        self.close_stdin()
        with self.process.stdout as stdout, contextlib.suppress(ValueError, TypeError, IndexError):
            return Found(**json.loads(stdout.read().splitlines()[-1]))
        return Found(obstacle=f"the process that compiled them ended with status {self.process.returncode}")

    def end(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.close_stdin()
        self.process.stdout.close()

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


class Fusing:
    """Lets a run go over to fused units between two steps, where a trial found that to be worth it."""

    def __init__(self, trainer: Trainer, after: int, backend: str = "inductor"):
        self.trainer, self.after, self.backend = trainer, after, backend
        self.trial: Trial | None = None
        self.is_over = not may_fuse(trainer)

    def look(self) -> bool:
        """Never waits for the trial. Whether the run said something about it."""
        # up to event `after`, which an earlier process told, a run repeats what it said: it may say nothing else
        if self.is_over or self.trainer.num_events <= self.after:
            return False
        if self.trial is None:
            return self.begin()
        found = self.trial.found()
        return found is not None and self.decide(found)

    def begin(self) -> bool:
        trainer = self.trainer
        if trainer.execution is None or trainer.step < trainer.config.watch.loss_every:
            return False
        if seconds_left(trainer) > WORTH_SECONDS:
            try:
                self.trial = Trial(trainer.config, trainer.execution, self.backend)
            except OSError as error:
                return self.decide(Found(obstacle=sentence(error)))
        return False

    def decide(self, found: Found) -> bool:
        self.is_over = True
        is_worth_it = not found.obstacle and found.is_worth_it(steps_left(self.trainer))
        if is_worth_it:
            self.trainer.fuse(found.plain / found.fused)
        elif found.obstacle:
            self.trainer.stay_plain(found.obstacle)
        return is_worth_it or bool(found.obstacle)

    def close(self) -> None:
        self.is_over = True
        if self.trial is not None:
            self.trial.end()


def may_fuse(trainer: Trainer) -> bool:
    """Not on a CPU, where it gains little or loses; not where random numbers or the last digits would differ."""
    learner = trainer.learner
    return trainer.device.type == "cuda" and not (learner.has_chance or trainer.config.recipe.deterministic)


def steps_left(trainer: Trainer) -> int:
    return trainer.config.recipe.steps - trainer.step


def seconds_left(trainer: Trainer) -> float:
    return trainer.seconds / trainer.step * steps_left(trainer)


if __name__ == "__main__":
    main()
