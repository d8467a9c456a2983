"""Steps of a learner, each computed as it was meant to be: what would fall back is refused."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.parts.gpu_cases import FellBack
from benchmarks.parts.gpu_scope import Scope
from resnet_lab.execution import Execution
from resnet_lab.fusion import FusedUnits
from resnet_lab.learner import Learner
from resnet_lab.run_config import RunConfig

EAGER, GRAPH, FUSED = "eager", "graph", "graph with fusion"
COMPILING = 90.0  # seconds allowed for the first time, in which the compiler starts too


def execution(scope: Scope, way: str, precision: str, deterministic: bool = False) -> Execution:
    launch, units = "eager" if way == EAGER else scope.launch, "fused" if way == FUSED else "plain"
    return Execution(scope.device.type, precision, torch.get_num_threads(), deterministic, launch, units)


def ready(scope: Scope, config: RunConfig, way: str, precision: str, deterministic: bool = False) -> Learner:
    learner = Learner(config, scope.device)
    learner.fused_units = FusedUnits(scope.backend)  # compiled here and now, by all cores
    learner.compute_as(execution(scope, way, precision, deterministic))
    return learner


def run(learner: Learner, steps: int) -> None:
    learner.take_steps(steps)
    refuse_fallback(learner)


def refuse_fallback(learner: Learner) -> None:
    if learner.obstacle:
        raise FellBack(learner.obstacle)


def losses(scope: Scope, config: RunConfig, way: str, precision: str, steps: int) -> list[float]:
    """Of each step, the same whenever they are computed in that way."""
    learner = ready(scope, config, way, precision, deterministic=True)
    found = []
    for step in range(steps):
        learner.turn_to(step)
        learner.do(learner.learn)
        refuse_fallback(learner)
        found.append(learner.loss_sum.item())
        learner.loss_sum.zero_()
    return found


def difference(one: list[float], other: list[float], steps: int) -> float:
    """The greatest over the first steps, relative to the loss."""
    return max(abs(a - b) / abs(b) for a, b in zip(one[:steps], other[:steps], strict=True))


def per_step(learner: Learner, steps: int, rounds: int) -> float:
    return statistics.median(timed(lambda: run(learner, steps)) / steps for _ in range(rounds))


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
