"""How fast steps are on a GPU: one run, several at once, a whole trainer, and the usual public pipeline."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

import torch

from benchmarks.parts.gpu_bounds import launch_seconds, launching_seconds, memory_seconds
from benchmarks.parts.gpu_cases import Case, FellBack, Row
from benchmarks.parts.gpu_scope import Scope
from benchmarks.parts.gpu_steps import (
    COMPILING,
    EAGER,
    FUSED,
    GRAPH,
    difference,
    execution,
    losses,
    per_step,
    ready,
    run,
    timed,
)
from resnet_lab.events import Step
from resnet_lab.execution import give_back_memory, synchronise
from resnet_lab.learner import Learner
from resnet_lab.run_config import RunConfig
from resnet_lab.side_by_side import SideBySide
from resnet_lab.trainer import Trainer
from resnet_lab.trials import tried

WAYS = [  # the most telling first, and last what takes the compiler a minute
    (GRAPH, "bf16"),
    (EAGER, "fp32"),
    (GRAPH, "fp32"),
    (GRAPH, "tf32"),
    (EAGER, "bf16"),
    (FUSED, "bf16"),
    (FUSED, "fp32"),
]
KERNELS = 22  # that are listed
LOADERS = (4, 8, 0)  # workers; benchmarks/throughput.py tries more, and in rounds


def speed(scope: Scope) -> Iterator[Case]:
    for way, precision in WAYS:
        for name, config in scope.nets.items():
            names = {"net": name, "way": way, "precision": precision}
            yield Case(names, partial(speed_of, scope, config, way, precision), way, seconds_for(way))


def seconds_for(way: str) -> float:
    return COMPILING if way == FUSED else 0.0


def speed_of(scope: Scope, config: RunConfig, way: str, precision: str) -> Iterator[Row]:
    give_back_memory(scope.device)
    forget_peak(scope.device)
    start = time.perf_counter()
    learner = ready(scope, config, way, precision)
    run(learner, 1)
    first = time.perf_counter() - start
    run(learner, 10)
    seconds = per_step(learner, scope.steps, scope.rounds)
    memory = torch.cuda.max_memory_reserved() / 2**30
    yield {
        "ms/step": 1000 * seconds,
        "images/s": config.recipe.batch_size / seconds,
        "share of memory bound": memory_seconds(scope, config, precision) / seconds,
        "share of launch bound": launching_seconds(scope, config, precision) / seconds,
        "first step, s": first,
        "GiB": memory,
    }


def forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()


def fusion(scope: Scope) -> Iterator[Case]:
    """After the speed, most of the code lies compiled on the disk."""
    for name, config in scope.nets.items():
        for precision in ("bf16", "fp32"):
            names = {"net": name, "precision": precision}
            yield Case(names, partial(trial_of, scope, config, precision), seconds=COMPILING)


def trial_of(scope: Scope, config: RunConfig, precision: str) -> Iterator[Row]:
    start = time.perf_counter()
    found = tried(config, execution(scope, GRAPH, precision), scope.backend)
    if found.obstacle:
        raise FellBack(found.obstacle)
    row = {name: value for name, value in asdict(found).items() if name != "obstacle"}
    row["whole trial, s"] = time.perf_counter() - start
    units, plain = (losses(scope, config, way, precision, 10) for way in (FUSED, GRAPH))
    yield row | {"fused/plain, 1 step": difference(units, plain, 1), "10": difference(units, plain, 10)}


def together(scope: Scope) -> Iterator[Case]:
    for way in (GRAPH, FUSED):
        for name, config in scope.nets.items():
            for count in scope.side_by_side:
                names = {"net": name, "way": way, "precision": "bf16", "runs": count}
                kind = f"{way}, {count} runs"
                yield Case(names, partial(together_of, scope, config, way, count), kind, seconds_for(way))


def together_of(scope: Scope, config: RunConfig, way: str, count: int) -> Iterator[Row]:
    give_back_memory(scope.device)
    steps = scope.steps * scope.rounds
    runs = SideBySide(scope.device)
    for seed in range(count):
        runs.add(partial(warm, scope, config.changed(seed=seed), way))
    rate = runs.rate(steps)
    yield {"steps/s in all": rate, "images/s": rate * config.recipe.batch_size, "ms/step": 1000 / rate}


def warm(scope: Scope, config: RunConfig, way: str) -> Learner:
    learner = ready(scope, config, way, "bf16")
    run(learner, 5)
    return learner


def usual(scope: Scope) -> Iterator[Case]:
    for count in LOADERS:
        yield Case({"usual pipeline": f"loader, {count} workers"}, partial(beside_usual, scope, count), seconds=30.0)


def beside_usual(scope: Scope, num_workers: int) -> Iterator[Row]:
    """The lab's trainer right before it, each in a process of its own."""
    from benchmarks.throughput import LAB, Settings, measure_apart  # it alone needs torchvision and Pillow

    sizes = {"batch_size": scope.batch_size, "warm_up": scope.warm_up, "steps": scope.probe_every}
    settings = Settings(scope.device.type, "sample", [num_workers], **sizes)
    lab, loader = (measure_apart(name, settings) for name in (LAB, f"loader, {num_workers} workers"))
    yield {
        "images/s": loader.rate,
        "computed in": loader.how,
        "lab, images/s": lab.rate,
        "lab computed in": lab.how,
        "lab/usual": lab.rate / loader.rate,
    }


def probes(scope: Scope) -> Iterator[Case]:
    """A whole trainer: steps alone, with all probes, with a test every epoch of 50,000 images."""
    every, never = scope.probe_every, 10**6
    for name, config in scope.nets.items():
        for words, fields in {
            "steps alone": {"probe_every": 0, "evaluate_every": never},
            "with probes": {"probe_every": every, "evaluate_every": never},
            "with probes and tests": {"probe_every": every, "evaluate_every": 10},
        }.items():
            timed_config = config.with_fields(precision="bf16", train_size=None, steps=10**6, **fields)
            yield Case({"net": name, "what": words}, partial(probed, scope, timed_config))


def probed(scope: Scope, config: RunConfig) -> Iterator[Row]:
    start = time.perf_counter()
    trainer = Trainer(config, scope.device.type)
    while not any(isinstance(event, Step) for _, event in trainer.take()):
        trainer.advance()
    first = time.perf_counter() - start
    advance(trainer, 2 * scope.probe_every)
    steps = 10 * scope.probe_every
    yield {"ms/step": 1000 * timed(partial(advance, trainer, steps)) / steps, "first point, s": first}


def advance(trainer: Trainer, count: int) -> None:
    for _ in range(count):
        trainer.advance()
        trainer.take()
    synchronise(trainer.device)


def profile(scope: Scope) -> Iterator[Case]:
    for name, config in scope.nets.items():
        for precision in ("bf16", "fp32"):
            yield Case({"net": name, "precision": precision}, partial(kernels_of, scope, config, precision))


def kernels_of(scope: Scope, config: RunConfig, precision: str) -> Iterator[Row]:
    """All of them together, and those that take longest."""
    learner = ready(scope, config, GRAPH, precision)
    run(learner, 5)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as record:
        run(learner, 5)
    times: dict[str, list[float]] = {}
    for event in record.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            times.setdefault(event.name[:90], []).append(event.device_time_total)
    count = sum(map(len, times.values())) / 5
    yield {
        "kernel": "all",
        "a step": count,
        "ms a step": sum(map(sum, times.values())) / 5000,
        "ms to launch them one by one": 1000 * launch_seconds(scope.device) * count,
    }
    for name, each in sorted(times.items(), key=lambda item: -sum(item[1]))[:KERNELS]:
        yield {"kernel": name, "a step": len(each) / 5, "ms a step": sum(each) / 5000}
