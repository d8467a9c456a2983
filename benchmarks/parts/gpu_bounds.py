"""The least times of a step: by the memory's speed, and by the host's as long as it launches every kernel."""

import statistics
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.parts.gpu_scope import Scope
from benchmarks.parts.gpu_steps import EAGER, ready, run, timed
from resnet_lab.costs import cost
from resnet_lab.execution import synchronise
from resnet_lab.run_config import RunConfig

LAUNCHES = 1000
NO_KERNEL = ("empty", "detach", "_reshape_alias")  # how the names begin of what touches no number, views aside


def memory_seconds(scope: Scope, config: RunConfig, precision: str) -> float:
    return traffic(config, precision) / bytes_per_second(scope.device, scope.copied)


def launching_seconds(scope: Scope, config: RunConfig, precision: str) -> float:
    """By the kernels of the plain step. A graph, which the host launches at once, may be faster."""
    return operations(scope, config, precision) * launch_seconds(scope.device)


def traffic(config: RunConfig, precision: str) -> float:
    """Bytes that a step must move at least, the weights aside, which are small."""
    # what is kept for the way back is written, read by the next layer and then; its gradient is written and read
    kept = cost(config.model, config.recipe.batch_size, config.data.resolution).activation_bytes
    return 5 * kept * (0.5 if precision == "bf16" else 1)


@cache
def bytes_per_second(device: torch.device, size: int) -> float:
    """Of a copy on the device, which reads and writes."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def copies() -> None:
        for _ in range(10):
            target.copy_(source)
        synchronise(device)

    copies()
    return 10 * 2 * size / statistics.median(timed(copies) for _ in range(5))


@cache
def launch_seconds(device: torch.device) -> float:
    """The host's, for one of the smallest kernels."""
    number = torch.zeros((), device=device)

    def launches() -> None:
        for _ in range(LAUNCHES):
            number.add_(1)
        synchronise(device)

    launches()
    return statistics.median(timed(launches) for _ in range(5)) / LAUNCHES


class Operations(TorchDispatchMode):
    """Counts those that compute or move something: at least one kernel each."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self.count += not (func.is_view or name.startswith(NO_KERNEL))
        return func(*args, **(kwargs or {}))


@cache
def operations(scope: Scope, config: RunConfig, precision: str) -> int:
    learner = ready(scope, config, EAGER, precision)
    run(learner, 1)
    with Operations() as counter:
        run(learner, 1)
    return counter.count
