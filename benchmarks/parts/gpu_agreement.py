"""Whether a GPU computes the same in every way: for the first steps, on the CPU, and in the error at the end."""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch

from benchmarks.parts.gpu_cases import Case, Row
from benchmarks.parts.gpu_scope import Scope
from benchmarks.parts.gpu_steps import COMPILING, EAGER, FUSED, GRAPH, difference, execution, losses, refuse_fallback
from resnet_lab.run_config import RunConfig
from resnet_lab.trainer import Trainer


def agreement(scope: Scope) -> Iterator[Case]:
    for name, config in scope.variants.items():
        yield Case({"variant": name}, partial(agreement_of, scope, config))


def agreement_of(scope: Scope, config: RunConfig) -> Iterator[Row]:
    steps = scope.compared
    graph, eager, bf16 = (
        losses(scope, config, way, precision, steps)
        for way, precision in ((GRAPH, "fp32"), (EAGER, "fp32"), (GRAPH, "bf16"))
    )
    yield {
        f"graph = eager, {steps} steps": graph == eager,
        f"graph/eager, {steps}": difference(graph, eager, steps),
        "bf16/fp32, 1 step": difference(bf16, eager, 1),
        "bf16/fp32, 10": difference(bf16, eager, 10),
        "mean of last 20, fp32": statistics.mean(eager[-20:]),
        "bf16": statistics.mean(bf16[-20:]),
    }


def fused(scope: Scope) -> Iterator[Case]:
    for name, config in scope.alike.items():
        yield Case({"variant": name}, partial(fused_of, scope, config), seconds=COMPILING)


def fused_of(scope: Scope, config: RunConfig) -> Iterator[Row]:
    steps = scope.compared
    units, plain = (losses(scope, config, way, "fp32", steps) for way in (FUSED, EAGER))
    found = {f"fused/eager, {count}": difference(units, plain, count) for count in (1, 10, steps)}
    yield found | {"mean of last 20, fused": statistics.mean(units[-20:]), "eager": statistics.mean(plain[-20:])}


def cpu(scope: Scope) -> Iterator[Case]:
    for name, config in scope.alike.items():
        yield Case({"variant": name}, partial(beside_cpu, scope, config))


def beside_cpu(scope: Scope, config: RunConfig) -> Iterator[Row]:
    scopes = scope, replace(scope, device=torch.device("cpu"))
    here, on_cpu = (losses(each, config, EAGER, "fp32", 5) for each in scopes)
    yield {f"step {k + 1}": difference(here[k:], on_cpu[k:], 1) for k in (0, 1, 4)}


def seeds(scope: Scope) -> Iterator[Case]:
    """The means and deviations are those of the seeds so far."""
    errors: dict[str, list[float]] = {}
    for seed in scope.seeds:
        yield Case({"seed": seed}, partial(errors_of, scope, scope.short.changed(seed=seed), errors), seconds=30.0)


def errors_of(scope: Scope, config: RunConfig, errors: dict[str, list[float]]) -> Iterator[Row]:
    row: Row = {}
    for way, precision in ((GRAPH, "bf16"), (EAGER, "fp32")):
        words = f"{way}, {precision}"
        row[f"{words}: error, %"] = final_error(scope, config.with_fields(precision=precision), way)
        errors.setdefault(words, []).append(row[f"{words}: error, %"])
    for words, found in errors.items():
        row[f"{words}: mean"] = statistics.mean(found)
        row[f"{words}: deviation"] = statistics.stdev(found) if len(found) > 1 else None
    yield row


def final_error(scope: Scope, config: RunConfig, way: str) -> float:
    trainer = Trainer(config, scope.device.type)
    trainer.advance()  # chooses how
    trainer.execution = execution(scope, way, config.recipe.precision)
    trainer.learner.compute_as(trainer.execution)
    for _ in trainer:
        refuse_fallback(trainer.learner)
    assert trainer.test_error is not None, "every run ends with a test"
    return trainer.test_error
