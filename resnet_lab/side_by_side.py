"""Runs of one process side by side on one GPU, each on a stream and a thread of its own: how many make most steps."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch

from resnet_lab.execution import UsualWay
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
                self.learners[index].take_steps(steps)
                return time.perf_counter() - start

        with ThreadPoolExecutor(count) as pool:
            return count * steps / max(pool.map(seconds, range(count)))


def best_runs_at_once(
    device: torch.device, usual: UsualWay, is_alone: Callable[[], bool], steps: int = STEPS
) -> int | None:
    """How many ResNet-20: more as long as they make more steps in all, and the GPU is large enough.

    None where that cannot be found out now: others use the GPU, or its memory.
    """
    config = preset("paper", data="sample")
    need = needed_gpu_bytes(config)

    def prepared() -> Learner:
        learner = Learner(config, device, usual.execution(device))
        learner.take_steps(5)
        return learner

    runs, best, rate = SideBySide(device), 1, 0.0
    for count in COUNTS:
        memory = gpu_memory()
        if memory.total < count * need:
            break
        while len(runs.learners) < count:
            if not is_alone() or memory.free < (count - len(runs.learners)) * need:
                return None
            runs.add(prepared)
        before, rate = rate, runs.rate(steps)
        if not is_alone() or any(learner.obstacle for learner in runs.learners):
            return None
        if rate < GAIN * before:
            break
        best = count
    return best
