"""What the X-ray costs: python -m benchmarks.xray [--rounds 3] [--save]

Its time beside a bare forward and backward pass of the same net and the same 64 images, in turns, in one process.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.parts.options import add_save, positive
from benchmarks.parts.results import RESULTS, Results, body, in_words, markdown, spread, where_and_when
from resnet_lab import BlockConfig, ModelConfig, build_model, cost, signal
from resnet_lab.data import load_images, normalised

DEPTHS = (20, 56, 110)
SHORTCUTS = ("identity", "exclusive_gating")
NUM_IMAGES = 64


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS, depths: Sequence[int] = DEPTHS) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive, default=3)
    add_save(parser)
    options = parser.parse_args(arguments)
    images = normalised(load_images("sample", "test"))[:NUM_IMAGES]
    where = where_and_when(("torch", "numpy"))
    print(f"{in_words(where)}\n", flush=True)
    bare_pass(ModelConfig(depth=8), images)  # what only the first takes
    nets = {(depth, name): net(depth, name) for depth in depths for name in SHORTCUTS}
    found = {
        named: [(timed(signal, config, images), timed(bare_pass, config, images)) for _ in range(options.rounds)]
        for named, config in nets.items()
    }
    rows = [
        [
            f"{depth}, {name}",
            *(f"{statistics.median(times):.2f}" for times in zip(*rounds, strict=True)),
            spread([xray / bare for xray, bare in rounds]),
        ]
        for (depth, name), rounds in found.items()
    ]
    head = ["depth, shortcut", "X-ray, s", "bare pass, s", "ratio"]
    told = [{"depth": depth, "shortcut": name, "seconds": rounds} for (depth, name), rounds in found.items()]
    how = f"{body(__doc__)}\n\nMedians of {options.rounds} rounds; of the ratio also the lowest and the highest."
    costs = cost_ratios(options.rounds)
    tables = f"{markdown(head, rows)}\n\ncost() at depth 1202 takes {spread(costs)} times as long as at depth 20."
    page = Results("What the X-ray costs", where, how, tables, {"measured": told, "cost_ratios": costs})
    page.tell(folder, "xray-cpu", options.save)


def cost_ratios(num_rounds: int) -> list[float]:
    """Each time of nets that have not been looked at yet."""
    cost(ModelConfig(depth=8))  # what only the first takes
    widths = [0.5 + 0.125 * place for place in range(num_rounds)]
    return [timed(cost, deep(width)) / timed(cost, deep(width, depth=20)) for width in widths]


def deep(width: float, depth: int = 1202) -> ModelConfig:
    return ModelConfig(depth=depth, width=width)


def net(depth: int, shortcut: str) -> ModelConfig:
    return ModelConfig(depth=depth, block=BlockConfig(shortcut=shortcut))


def bare_pass(config: ModelConfig, images: torch.Tensor) -> None:
    model = build_model(config).train().to(memory_format=torch.channels_last)
    model(images.to(memory_format=torch.channels_last)).sum().backward()


def timed(function: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
