"""Training speed beside the usual public pipeline: python -m benchmarks.throughput [--device cuda] [--save]

ResNet-20, batches of 128, on a GPU where there is one. The usual pipeline is written as most public trainers write it:
PIL transforms in a DataLoader with 0, 2 and 4 workers (8 and 16 where there are as many cores), from pinned memory to a
GPU; NCHW, eager, fp32 as torch has it by itself (a GPU's convolutions are in TF32 then), with the fastest of cuDNN's
kernels. The lab's trainer has all probes on. Neither tests. Every measurement is a process of its own, and they take
turns; whenever the clock is read, the device has done all that it was asked. The best loader is the one with the
highest median over all rounds (the highest of each round would be the luckiest); the ratio is taken round by round.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.parts.options import add_save, positive
from benchmarks.parts.results import RESULTS, Results, body, in_words, markdown, where_and_when
from benchmarks.parts.usual_pipeline import usual_steps
from resnet_lab.data import data_is_here
from resnet_lab.execution import find_device, keep_freed_memory, usable_cores
from resnet_lab.files import CHECKOUT
from resnet_lab.presets import preset
from resnet_lab.trainer import Trainer

BATCH = 128
WARM_UP = {"cpu": 15, "cuda": 215}  # steps; a GPU records the first step that is probed, which comes after 200
STEPS = {"cpu": 200, "cuda": 1000}  # times the 200 between two probes
WORKERS = (0, 2, 4, 8, 16)
NEVER = 10**6  # epochs between two tests
LAB = "lab, probes on"
PACKAGES = ("torch", "torchvision", "pillow", "numpy")

Steps = Iterator[str]  # a step at a time, which says how it was computed


@dataclass(frozen=True)
class Settings:
    device: str
    data: str
    workers: Sequence[int]  # of each loader
    batch_size: int
    warm_up: int  # steps
    steps: int  # that are timed


@dataclass(frozen=True)
class Speed:
    rate: float  # images a second
    how: str


Round = dict[str, Speed]


def contenders(settings: Settings) -> dict[str, Callable[[], Steps]]:
    size, device, data = settings.batch_size, torch.device(settings.device), settings.data
    loaders = {
        f"loader, {count} workers": partial(usual_steps, count, size, device, data) for count in settings.workers
    }
    return {LAB: partial(lab_steps, size, device, data), **loaders}


def lab_steps(batch_size: int, device: torch.device, data: str) -> Steps:
    """The lab's trainer as a worker runs it; the recipe's probe, every 200 steps, is among those that are timed."""
    keep_freed_memory()
    trainer = Trainer(preset("paper", data=data, batch_size=batch_size, evaluate_every=NEVER), device.type)
    trainer.advance()  # chooses the precision
    while True:
        trainer.advance()
        trainer.take()
        assert trainer.execution is not None, "it was chosen above"
        yield f"{trainer.execution.precision}, {trainer.execution.launch}"


# ---- measuring


def measured_rounds(settings: Settings, num_rounds: int) -> list[Round]:
    """Told as they come."""
    names = list(contenders(settings))
    print("".join(f"{name:>20}" for name in names), flush=True)
    rounds = []
    for _ in range(num_rounds):
        rounds.append({name: measure_apart(name, settings) for name in names})
        print("".join(f"{speed.rate:20.0f}" for speed in rounds[-1].values()), flush=True)
    return rounds


def measure_apart(contender: str, settings: Settings) -> Speed:
    """In a process of its own."""
    command = [sys.executable, "-W", "ignore:This DataLoader", "-m", "benchmarks.throughput"]
    command += ["--one", contender, json.dumps(asdict(settings))]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    return Speed(**json.loads(answer.stdout))


def measure_here(contender: str, settings: Settings) -> Speed:
    torch.backends.cudnn.benchmark = True  # the lab sets it by itself
    synchronise = torch.get_device_module(settings.device).synchronize
    return measure(contenders(settings)[contender](), settings, synchronise, time.perf_counter)


def measure(steps: Steps, settings: Settings, synchronise: Callable[[], None], clock: Callable[[], float]) -> Speed:
    """Nothing of the warm-up is left when the time begins, and nothing of the steps when it ends."""
    for _ in range(settings.warm_up):
        next(steps)
    synchronise()
    start = clock()
    for _ in range(settings.steps):
        how = next(steps)
    synchronise()
    return Speed(settings.steps * settings.batch_size / (clock() - start), how)


# ---- what is told


def best_loader(rounds: Sequence[Round]) -> str:
    loaders = [name for name in rounds[0] if name != LAB]
    return max(loaders, key=lambda name: statistics.median(rates(rounds, name)))


def rates(rounds: Sequence[Round], name: str) -> list[float]:
    return [speeds[name].rate for speeds in rounds]


def results(rounds: Sequence[Round], settings: Settings, where: dict[str, Any]) -> Results:
    best = best_loader(rounds)
    ratios = [lab / usual for lab, usual in zip(rates(rounds, LAB), rates(rounds, best), strict=True)]
    ratio = f"median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}"
    what = f"{settings.warm_up} and then {settings.steps} steps of {settings.batch_size} images of {settings.data}"
    told = [{name: asdict(speed) for name, speed in each.items()} for each in rounds]
    return Results(
        title=f"Training speed: {settings.device}",
        where=where,
        how=f"{body(__doc__)}\n\n{what}, of which only the latter are timed.",
        tables=f"{table(rounds)}\n\nRatio to {best}: {ratio} (n = {len(ratios)} rounds)",
        numbers={"settings": asdict(settings), "rounds": told, "best_loader": best, "ratios": ratios},
    )


def table(rounds: Sequence[Round]) -> str:
    head = ["images/s", "median", "lowest", "highest", "computed in"]
    rows = []
    for name in rounds[0]:
        found = rates(rounds, name)
        how = sorted({speeds[name].how for speeds in rounds})
        rows.append([name, *(f"{f(found):,.0f}" for f in (statistics.median, min, max)), " or ".join(how)])
    return markdown(head, rows)


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="usually a GPU, if any")
    parser.add_argument(
        "--data", choices=["cifar10", "sample"], default="cifar10", help="a step costs the same on both"
    )
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--workers", type=int, nargs="+", metavar="N", help="of the loaders, instead of the usual")
    parser.add_argument("--batch-size", type=positive, default=BATCH)
    parser.add_argument("--warm-up", type=int, metavar="STEPS", help=f"usually {WARM_UP}")
    parser.add_argument("--steps", type=positive, help=f"usually {STEPS}")
    add_save(parser)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        contender, settings = options.one
        print(json.dumps(asdict(measure_here(contender, Settings(**json.loads(settings))))))
        return
    try:
        settings = settings_of(options, find_device(options.device).type, len(usable_cores()))
    except ValueError as error:
        parser.error(str(error))
    if not data_is_here(options.data):
        sys.exit("CIFAR-10 is not here: get it with `python -m resnet_lab data get cifar10`, or take --data sample.")
    where = where_and_when(PACKAGES, settings.device)
    print(f"{in_words(where)}\n{options.rounds} rounds of {settings.steps} steps; images/s\n")
    found = results(measured_rounds(settings, options.rounds), settings, where)
    print(f"\n{found.page()}")
    if options.save:
        found.save(folder, f"throughput-{settings.device}")


def settings_of(options: argparse.Namespace, device: str, num_cores: int) -> Settings:
    workers = options.workers or [count for count in WORKERS if count <= max(4, num_cores)]
    warm_up = WARM_UP[device] if options.warm_up is None else options.warm_up
    return Settings(device, options.data, workers, options.batch_size, warm_up, options.steps or STEPS[device])


if __name__ == "__main__":
    main()
