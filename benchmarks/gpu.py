"""The GPU path, from agreement to speed: python -m benchmarks.gpu [--minutes 8] [PART ...]

agreement   each variant for 100 steps: as a recorded graph beside kernel by kernel, and bf16 beside fp32
cpu         the first steps on the GPU beside the same ones on the CPU, in fp32
speed       time per step and to the first losses, by depth, precision and launch, and its share of the memory's speed
fusion      what a run's own trial of fused units finds and takes, and whether they compute the same
together    several runs at once on streams of one process
probes      what probes and tests cost
profile     how long the kernels of a step take, and which of them

Most valuable first. It stops at the end of its time, and writes what it has to OUT/gpu.json as it goes.
"""

import argparse
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import torch

from resnet_lab.config import choices
from resnet_lab.costs import cost
from resnet_lab.environment import describe_environment
from resnet_lab.events import Step
from resnet_lab.execution import Execution, give_back_memory
from resnet_lab.fusion import FusedUnits
from resnet_lab.learner import Learner
from resnet_lab.placements import PLACEMENTS
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.trainer import Trainer
from resnet_lab.trials import tried

GPU = torch.device("cuda")
Row = dict[str, Any]


def net(depth: int, **fields: Any) -> RunConfig:
    """The paper's recipe on the bundled sample: a step costs the same on all data."""
    return preset("paper", **{"data": "sample", "depth": depth} | fields)


def variants() -> Iterator[tuple[str, RunConfig]]:
    for name in SHORTCUTS:
        yield name, net(20, shortcut=name)
    for name in PLACEMENTS:
        yield name, net(20, placement=name)
    yield "bottleneck, full_preact", net(29, unit="bottleneck", placement="full_preact")
    yield "projections everywhere", net(20, projection="C")
    yield "stochastic depth", net(20, stochastic_depth=0.5)
    yield "adamw", net(20, optimizer="adamw", lr=0.001)
    yield "width 0.5, 16 pixels", preset("minute", data="sample", train_size=None, test_size=None, depth=20)


DRAWING = ("dropout", "stochastic depth")  # by other random numbers on each device


def losses(config: RunConfig, execution: Execution, steps: int) -> list[float]:
    learner = Learner(config, torch.device(execution.device))
    learner.compute_as(execution)
    found = []
    for step in range(steps):
        learner.turn_to(step)
        learner.do(learner.learn)
        found.append(learner.loss_sum.item())
        learner.loss_sum.zero_()
    assert not learner.obstacle, learner.obstacle
    return found


def agreement() -> Iterator[Row]:
    """The greatest difference over the first steps, relative to the loss."""
    for name, config in variants():
        ways = {
            "graph": Execution("cuda", "fp32", 1, True, "graph"),
            "eager": Execution("cuda", "fp32", 1, True, "eager"),
            "bf16": Execution("cuda", "bf16", 1, True, "graph"),
        }
        found = {way: losses(config, execution, 100) for way, execution in ways.items()}
        yield {
            "variant": name,
            "graph = eager, 100 steps": found["graph"] == found["eager"],
            "graph/eager, 100": difference(found["graph"], found["eager"], 100),
            "bf16/fp32, 1 step": difference(found["bf16"], found["eager"], 1),
            "bf16/fp32, 10": difference(found["bf16"], found["eager"], 10),
            "mean of last 20, fp32": statistics.mean(found["eager"][-20:]),
            "bf16": statistics.mean(found["bf16"][-20:]),
        }


def difference(one: list[float], other: list[float], steps: int) -> float:
    return max(abs(a - b) / abs(b) for a, b in zip(one[:steps], other[:steps], strict=True))


def cpu() -> Iterator[Row]:
    alike = {name: config for name, config in variants() if name not in DRAWING}
    for name, config in alike.items():
        on_gpu, on_cpu = (losses(config, Execution(device, "fp32", 1, True), 5) for device in ("cuda", "cpu"))
        yield {"variant": name} | {f"step {k + 1}": difference(on_gpu[k:], on_cpu[k:], 1) for k in (0, 1, 4)}


FUSED = "graph with fusion"
WAYS = [
    ("eager", "fp32"),
    ("eager", "bf16"),
    ("graph", "fp32"),
    ("graph", "tf32"),
    ("graph", "bf16"),
    (FUSED, "fp32"),
    (FUSED, "bf16"),
]
NETS = {
    "ResNet-20": net(20),
    "ResNet-56": net(56),
    "ResNet-110": net(110),
    "ResNet-110, full_preact": net(110, placement="full_preact"),
    "ResNet-164, full_preact": net(164, unit="bottleneck", placement="full_preact"),
}


def speed() -> Iterator[Row]:
    bandwidth = bytes_per_second()
    for name, config in NETS.items():
        for launch, precision in WAYS:
            give_back_memory(GPU)
            torch.cuda.reset_peak_memory_stats()
            start = time.perf_counter()
            learner = ready(config, precision, launch)
            run(learner, 1)
            first = time.perf_counter() - start
            run(learner, 10)
            seconds = per_step(learner)
            yield {
                "net": name,
                "launch": launch,
                "precision": precision,
                "ms/step": 1000 * seconds,
                "images/s": config.recipe.batch_size / seconds,
                "share of the memory's speed": traffic(config, precision) / bandwidth / seconds,
                "first step, s": first,
                "GiB": torch.cuda.max_memory_reserved() / 2**30,
            }
            del learner


def ready(config: RunConfig, precision: str, launch: str = "graph") -> Learner:
    learner = Learner(config, GPU)
    how = ("graph", "fused") if launch == FUSED else (launch, "plain")
    learner.compute_as(Execution("cuda", precision, 1, False, *how))
    learner.fused_units = FusedUnits()  # compiled here and now, by all cores
    return learner


def run(learner: Learner, steps: int) -> None:
    for step in range(steps):
        learner.turn_to(step)
        learner.do(learner.learn)
    torch.cuda.current_stream().synchronize()
    assert not learner.obstacle, learner.obstacle


def fusion() -> Iterator[Row]:
    """After the speed, most of the code lies compiled on the disk."""
    for name, config in NETS.items():
        for precision in ("bf16", "fp32"):
            usual, start = Execution("cuda", precision, 1, False, "graph"), time.perf_counter()
            row = {"net": name, "precision": precision, **asdict(tried(config, usual, "inductor"))}
            row["whole trial, s"] = time.perf_counter() - start
            fused, plain = (losses(config, replace(usual, units=units), 10) for units in ("fused", "plain"))
            yield row | {"fused/plain, 1 step": difference(fused, plain, 1), "10": difference(fused, plain, 10)}


def traffic(config: RunConfig, precision: str) -> float:
    """Bytes that a step must move at least, the weights aside, which are small."""
    # what is kept for the way back is written, read by the next layer and then; its gradient is written and read
    kept = cost(config.model, config.recipe.batch_size, config.data.resolution).activation_bytes
    return 5 * kept * (0.5 if precision == "bf16" else 1)


def bytes_per_second() -> float:
    """Of a copy on the device, which reads and writes."""
    source = torch.empty(2**30, dtype=torch.uint8, device=GPU)
    target = torch.empty_like(source)

    def copies() -> None:
        for _ in range(10):
            target.copy_(source)
        torch.cuda.current_stream().synchronize()

    copies()
    return 10 * 2 * len(source) / statistics.median(timed(copies) for _ in range(5))


def launch_seconds() -> float:
    """The host's, for one of the smallest kernels."""
    number = torch.zeros((), device=GPU)

    def launches() -> None:
        for _ in range(1000):
            number.add_(1)
        torch.cuda.current_stream().synchronize()

    launches()
    return statistics.median(timed(launches) for _ in range(5)) / 1000


def per_step(learner: Learner, steps: int = 60, rounds: int = 5) -> float:
    return statistics.median(timed(lambda: run(learner, steps)) / steps for _ in range(rounds))


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def together() -> Iterator[Row]:
    for name, precision in (("ResNet-20", "bf16"), ("ResNet-110", "bf16"), ("ResNet-110, full_preact", "fp32")):
        for count in (1, 2, 4, 8, 16):
            seconds = max(side_by_side(NETS[name], precision, count, steps=200))
            rate = count * 200 / seconds
            yield {"net": name, "precision": precision, "runs": count, "steps/s in all": rate, "ms/step": 1000 / rate}
            torch.cuda.empty_cache()


def side_by_side(config: RunConfig, precision: str, count: int, steps: int) -> list[float]:
    """The seconds of each, all started at once."""
    barrier = Barrier(count)

    def one(seed: int) -> float:
        with torch.cuda.stream(torch.cuda.Stream()):
            learner = ready(config.changed(seed=seed), precision)
            run(learner, 5)
            barrier.wait(120)
            return timed(lambda: run(learner, steps))

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def probes() -> Iterator[Row]:
    """A whole trainer: steps alone, with all probes, with a test every epoch of 50,000 images."""
    for name in ("ResNet-20", "ResNet-110"):
        config = NETS[name].with_fields(precision="bf16", train_size=None, steps=10**6)
        for words, fields in {
            "steps alone": {"probe_every": 0, "evaluate_every": 10**6},
            "with probes": {"probe_every": 200, "evaluate_every": 10**6},
            "with probes and tests": {"probe_every": 200, "evaluate_every": 10},
        }.items():
            trainer = Trainer(config.with_fields(**fields), "cuda")
            start = time.perf_counter()
            while not any(isinstance(event, Step) for _, event in trainer.take()):
                trainer.advance()
            first = time.perf_counter() - start
            steps(trainer, 400)
            seconds = timed(partial(steps, trainer, 2000))
            yield {"net": name, "what": words, "ms/step": 1000 * seconds / 2000, "first point, s": first}


def steps(trainer: Trainer, count: int) -> None:
    for _ in range(count):
        trainer.advance()
        trainer.take()
    torch.cuda.current_stream().synchronize()


def profile() -> Iterator[Row]:
    for name, precision in (("ResNet-20", "bf16"), ("ResNet-110", "bf16"), ("ResNet-110", "fp32")):
        learner = ready(NETS[name], precision)
        run(learner, 5)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as record:
            run(learner, 5)
        kernels = [event for event in record.events() if event.device_type == torch.autograd.DeviceType.CUDA]
        by_name: dict[str, list[float]] = {}
        for kernel in kernels:
            by_name.setdefault(kernel.name[:90], []).append(kernel.device_time_total)
        busy = sum(map(sum, by_name.values())) / 5000
        yield {
            "net": name,
            "precision": precision,
            "kernels a step": len(kernels) / 5,
            "ms in kernels": busy,
            "ms to launch them one by one": 1000 * launch_seconds() * len(kernels) / 5,
        }
        for words, times in sorted(by_name.items(), key=lambda item: -sum(item[1]))[:22]:
            yield {"kernel": words, "a step": len(times) / 5, "ms a step": sum(times) / 5000}


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "agreement": agreement,
    "cpu": cpu,
    "speed": speed,
    "fusion": fusion,
    "together": together,
    "probes": probes,
    "profile": profile,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", default=list(PARTS), help=choices(PARTS, "or"))
    parser.add_argument("--minutes", type=float, default=8)
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {min(unknown)!r}; the parts are {choices(PARTS, 'and')}")
    if not torch.cuda.is_available():
        sys.exit("torch finds no CUDA device here, and this benchmark measures nothing else.")
    folder = Path(os.environ.get("OUT", "."))
    end = time.monotonic() + 60 * options.minutes
    told: dict[str, Any] = {"date": date.today().isoformat(), "environment": describe_environment(GPU)}
    for part in options.parts:
        print(f"\n{part}", flush=True)
        told[part] = []
        for row in rows(PARTS[part]):
            told[part].append(row)
            print("  ".join(f"{name}: {shown(value)}" for name, value in row.items()), flush=True)
            (folder / "gpu.json").write_text(json.dumps(told, indent=1))
            if time.monotonic() > end:
                print("The time is over.")
                return


def rows(part: Callable[[], Iterator[Row]]) -> Iterator[Row]:
    """A part that fails says why, and the next one begins."""
    try:
        yield from part()
    except Exception as error:
        traceback.print_exc()
        yield {"error": repr(error)}


def shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
