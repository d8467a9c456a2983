"""What each way to compute on a CPU gains: python -m benchmarks.ways [--rounds 5] [--precisions fp32 bf16] [--save]

A step of ResNet-20 with 128 images, and one of the `minute` recipe: in fp32 and bf16, the memory contiguous or with the
channels last, and so also with compiled units; with the allocator told to keep what is freed, and left alone; on one
thread and on one for each core. All are computed in turns, each allocator and number of threads in a process of its
own, and compared with the plain way of the same round and threads: fp32, contiguous, the allocator left alone.

The bound is the time that the multiply-adds of a step alone would take, in fp32, at the speed of a product of two large
matrices in the same process: three times those of a pass through the net, as the way back costs two such passes.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.parts.options import add_save, positive
from benchmarks.parts.results import RESULTS, Results, body, in_words, markdown, spread, where_and_when
from resnet_lab.costs import cost
from resnet_lab.execution import Execution, keep_freed_memory, seconds_per_step, usable_cores
from resnet_lab.files import CHECKOUT
from resnet_lab.learner import Learner
from resnet_lab.machine import tried
from resnet_lab.nets import LAYOUTS
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig

CPU = torch.device("cpu")
NETS = {"ResNet-20": preset("paper", data="sample"), "minute": preset("minute", data="sample")}
PRECISIONS = ("fp32", "bf16")
STEPS = 3  # of each way in a round, of which the median counts
SIDE = 1024  # of the matrices
BOUND = "bound"
Seconds = dict[str, float]  # of a step, by the way


@dataclass(frozen=True)
class Process:
    net: str
    threads: int
    keeps_memory: bool


def ways(precisions: Sequence[str], threads: int) -> Iterator[Execution]:
    for precision in precisions:
        for layout in LAYOUTS:
            yield Execution("cpu", precision, threads, layout=layout)
        yield Execution("cpu", precision, threads, units="fused")


def in_short(way: Execution) -> str:
    return f"{way.precision}, {way.layout.replace('_', ' ')}{', compiled' if way.units == 'fused' else ''}"


PLAIN = in_short(Execution("cpu", "fp32", 1, layout="contiguous"))


def measured_here(config: RunConfig, precisions: Sequence[str], threads: int, steps: int = STEPS) -> Seconds:
    """Each way has a learner of its own, so that no step has to change how it lies in memory."""
    torch.set_num_threads(threads)
    works: dict[str, Callable[[], object]] = {}
    for way in ways(precisions, threads):
        learner = Learner(config, CPU, way)
        learner.prepare(learner.learn)
        if not learner.obstacle:
            works[in_short(way)] = partial(learner.take_steps, 1)
    works[BOUND] = partial(torch.mm, *torch.rand(2, SIDE, SIDE))
    seconds = dict(zip(works, seconds_per_step(CPU, list(works.values()), repeats=steps), strict=True))
    size = config.recipe.batch_size
    products = 3 * size * cost(config.model, size, config.data.resolution).multiply_adds / SIDE**3
    return seconds | {BOUND: products * seconds[BOUND]}


def measured_apart(process: Process, precisions: Sequence[str]) -> Seconds:
    """An allocator cannot be told to forget what it was told."""
    command = [sys.executable, "-m", "benchmarks.ways", "--precisions", *precisions]
    command += ["--one", process.net, str(process.threads), str(int(process.keeps_memory))]
    environment = os.environ | {"OMP_NUM_THREADS": str(process.threads)}
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=environment)
    return json.loads(answer.stdout.splitlines()[-1])


def processes(cores: int) -> list[Process]:
    counts = sorted({1, cores})
    return [Process(net, threads, keeps) for net in NETS for threads in counts for keeps in (False, True)]


def in_full(process: Process) -> str:
    return f"{process.net}, {process.threads} threads, memory {'kept' if process.keeps_memory else 'left alone'}"


def gains(rounds: Sequence[dict[Process, Seconds]], process: Process, way: str) -> list[float]:
    """Speed beside the plain way, round by round."""
    plain = Process(process.net, process.threads, keeps_memory=False)
    return [found[plain][PLAIN] / found[process][way] for found in rounds if way in found[process]]


def table(rounds: Sequence[dict[Process, Seconds]], net: str) -> str:
    asked = [process for process in rounds[0] if process.net == net]
    head = [net, *(f"{process.threads} thread{'s' if process.threads > 1 else ''}"
                   f"{', memory kept' if process.keeps_memory else ''}" for process in asked)]  # fmt: skip
    measured = [way for way in rounds[0][asked[0]] if all(gains(rounds, process, way) for process in asked)]
    rows = [[way, *(spread(gains(rounds, process, way)) for process in asked)] for way in measured]
    return markdown(head, rows)


def on_all_cores(rounds: Sequence[dict[Process, Seconds]], net: str, way: str) -> str:
    one, *others = (process for process in rounds[0] if process.net == net and process.keeps_memory)
    gained = [(other.threads, [each[one][way] / each[other][way] for each in rounds]) for other in others]
    words = "On {} threads a step in {} is {} times as fast as on one."
    return " ".join(words.format(threads, way, spread(ratios)) for threads, ratios in gained)


def results(rounds: Sequence[dict[Process, Seconds]], chosen: str, where: dict[str, Any]) -> Results:
    seconds = {in_full(process): [found[process] for found in rounds] for process in rounds[0]}
    tables = "\n\n".join(f"{table(rounds, net)}\n\n{on_all_cores(rounds, net, chosen)}" for net in NETS)
    return Results(
        title="Ways to compute: cpu",
        where=where,
        how=f"{body(__doc__)}\n\nThe speed beside the plain way: median (lowest to highest), n = {len(rounds)} rounds.",
        tables=f"{tables}\n\nBy its own short measurement the lab computes here in {chosen}.",
        numbers={"chosen": chosen, "seconds": seconds},
    )


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    add_save(parser)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        net, threads, keeps_memory = options.one
        if int(keeps_memory):
            keep_freed_memory()
        print(json.dumps(measured_here(NETS[net], options.precisions, int(threads))))
        return
    where = where_and_when(("torch", "numpy"))
    print(in_words(where), flush=True)
    usual, asked, rounds = tried(CPU), processes(len(usable_cores())), []
    assert usual is not None, "a CPU has nothing to fall back from"
    chosen = in_short(usual.execution(CPU))
    precisions = [name for name in PRECISIONS if name in ("fp32", usual.precision, *options.precisions)]
    for number in range(options.rounds):
        rounds.append({process: measured_apart(process, precisions) for process in asked})
        for process in asked:
            (gain,) = gains(rounds[-1:], process, chosen)
            print(f"Round {number + 1}: {chosen} is {gain:.2f} times as fast as plain, {in_full(process)}.", flush=True)
    results(rounds, chosen, where).tell(folder, "ways-cpu", options.save)


if __name__ == "__main__":
    main()
