"""Runs of one process side by side on one GPU, each on a stream and a thread of its own: how many make most steps."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch

from resnet_lab.execution import Usual, synchronise
from resnet_lab.learner import Learner
from resnet_lab.memory import gpu_memory, needed_gpu_bytes
from resnet_lab.presets import preset

COUNTS = (1, 2, 4, 8)
STEPS = 200  # a fraction of a second
GAIN = 1.1  # less is not worth that each run takes longer
START_SECONDS = 120.0


class SideBySide:
    def __init__(self, device: torch.device):
        self.device = device
        self.learners: list[Learner] = []
        self.streams: list[torch.cuda.Stream | None] = []

    def add(self, prepared: Callable[[], Learner]) -> None:
        """One more, prepared on the stream on which it is to go on."""
        stream = torch.cuda.Stream() if self.device.type == "cuda" else None
        with torch.cuda.stream(stream):
            self.learners.append(prepared())
        self.streams.append(stream)

    def rate(self, steps: int) -> float:
        """Steps a second in all, when each takes so many."""
        count = len(self.learners)
        barrier = Barrier(count)

        def seconds(index: int) -> float:
            with torch.cuda.stream(self.streams[index]):
                barrier.wait(START_SECONDS)
                start = time.perf_counter()
                take(self.learners[index], steps)
                return time.perf_counter() - start

        with ThreadPoolExecutor(count) as pool:
            return count * steps / max(pool.map(seconds, range(count)))


def take(learner: Learner, steps: int) -> None:
    for step in range(steps):
        learner.turn_to(step)
        learner.do(learner.learn)
    synchronise(learner.device)


def best_number(device: torch.device, usual: Usual, steps: int = STEPS) -> int:
    """Of ResNet-20: more as long as they make more steps in all, and there is memory."""
    config = preset("paper", data="sample")

    def prepared() -> Learner:
        learner = Learner(config, device)
        learner.compute_as(usual.execution(device, usual.precision))
        take(learner, 5)
        return learner

    runs, best, rate = SideBySide(device), 1, 0.0
    for count in COUNTS:
        if gpu_memory().free < (count - len(runs.learners)) * needed_gpu_bytes(config):
            break
        while len(runs.learners) < count:
            runs.add(prepared)
        before, rate = rate, runs.rate(steps)
        if rate < GAIN * before:
            break
        best = count
    return best
