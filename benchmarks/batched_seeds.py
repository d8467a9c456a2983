"""Whether several seeds are faster as one net: python -m benchmarks.batched_seeds [--seeds 4] [--rounds 5] [--save]

Nets of one shape, side by side in the channels: each convolution of theirs is a group of one convolution, and they
share a batch normalisation and a batched head (parts/one_net.py). Each has its own images, in its own order; the
arithmetic is the same up to rounding. A step of that net, in turns with a step of each net after the other, on one
thread, in fp32 and bf16 or what --precisions names; both from the images to the new weights, without probes and tests.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.parts.one_net import OneNet
from benchmarks.parts.options import add_save, positive
from benchmarks.parts.results import RESULTS, Results, body, in_words, markdown, spread, where_and_when
from resnet_lab.execution import keep_freed_memory
from resnet_lab.learner import Learner
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig

SETTINGS = {
    "minute, depth 56": preset("minute", data="sample"),
    "paper, depth 20": preset("paper", data="sample"),
}
STEPS = 5  # that are timed together
PRECISIONS = ("fp32", "bf16")


def ratios(config: RunConfig, precision: str, num_seeds: int, num_rounds: int, steps: int = STEPS) -> list[float]:
    """Time one after the other by time as one net."""
    learners = [learner(config.changed(seed=seed), precision) for seed in range(num_seeds)]
    one_net = OneNet(learners)
    ways = partial(apart, learners), one_net.learn
    for way in ways:
        seconds(way, 2)
    rounds = [[seconds(way, steps) for way in ways] for _ in range(num_rounds)]
    return [one_by_one / together for one_by_one, together in rounds]


def learner(config: RunConfig, precision: str) -> Learner:
    found = Learner(config, torch.device("cpu"))
    found.compute_as(replace(found.execution, precision=precision))
    return found


def apart(learners: Sequence[Learner], step: int) -> None:
    for each in learners:
        each.turn_to(step)
        each.do(each.learn)


def seconds(way: Callable[[int], None], steps: int) -> float:
    start = time.perf_counter()
    for step in range(steps):
        way(step)
    return time.perf_counter() - start


def verdict(found: Sequence[float]) -> str:
    """Only what every round says."""
    if min(found) > 1:
        return "faster as one net"
    return "faster one after the other" if max(found) < 1 else "no difference that every round shows"


def results(found: dict[tuple[str, str], list[float]], settings: dict[str, int], where: dict[str, Any]) -> Results:
    rows = [[f"{name}, {precision}", spread(each), verdict(each)] for (name, precision), each in found.items()]
    head = [f"{settings['seeds']} seeds", f"speed as one net, n = {settings['rounds']} rounds", "they are"]
    told = [{"net": name, "precision": precision, "ratios": each} for (name, precision), each in found.items()]
    return Results(
        title="Several seeds as one net: cpu",
        where=where,
        how=f"{body(__doc__)}\n\nThe ratio is the speed beside one after the other: median (lowest to highest).",
        tables=markdown(head, rows),
        numbers={"settings": settings, "measured": told},
    )


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS, steps: int = STEPS) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=positive, default=4)
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    add_save(parser)
    options = parser.parse_args(arguments)
    keep_freed_memory()
    torch.set_num_threads(1)
    where = where_and_when(("torch", "numpy"))
    print(in_words(where), flush=True)
    found = {}
    for name, config in SETTINGS.items():
        for precision in options.precisions:
            found[name, precision] = ratios(config, precision, options.seeds, options.rounds, steps)
            print(f"{name}, {precision}: {verdict(found[name, precision])}", flush=True)
    page = results(found, {"seeds": options.seeds, "rounds": options.rounds, "steps": steps}, where)
    page.tell(folder, "batched_seeds-cpu", options.save)


if __name__ == "__main__":
    main()
