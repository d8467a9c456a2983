"""What the X-ray costs: python -m benchmarks.xray

Its time beside a bare forward and backward pass of the same net and images in the same run, interleaved.
"""

import statistics
import time
from collections.abc import Callable

import torch

from resnet_lab import BlockConfig, ModelConfig, build_model, cost, signal
from resnet_lab.data import load_images, normalised
from resnet_lab.environment import cpu_name

DEPTHS = (20, 56, 110)
SHORTCUTS = ("identity", "exclusive_gating")
ROUNDS = 3
NUM_IMAGES = 64


def main() -> None:
    images = normalised(load_images("sample", "test"))[:NUM_IMAGES]
    print(f"{cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{NUM_IMAGES} images, median of {ROUNDS} rounds; the ratio is against a bare forward and backward pass\n")
    bare_pass(ModelConfig(depth=8), images)
    print("depth  shortcut            X-ray, s   bare pass, s   ratio")
    for depth in DEPTHS:
        for shortcut in SHORTCUTS:
            config = ModelConfig(depth=depth, block=BlockConfig(shortcut=shortcut))
            rounds = [(timed(signal, config, images), timed(bare_pass, config, images)) for _ in range(ROUNDS)]
            xray, bare = (statistics.median(times) for times in zip(*rounds, strict=True))
            ratio = statistics.median(a / b for a, b in rounds)
            print(f"{depth:5}  {shortcut:18} {xray:9.2f} {bare:14.2f} {ratio:7.2f}")
    cost(ModelConfig(depth=8))
    small, large = (timed(cost, ModelConfig(depth=depth, width=0.5)) for depth in (20, 1202))
    print(f"\ncost() at depth 1202 takes {large / small:.2f} times as long as at depth 20 ({large * 1000:.0f} ms)")


def bare_pass(config: ModelConfig, images: torch.Tensor) -> None:
    model = build_model(config).train().to(memory_format=torch.channels_last)
    model(images.to(memory_format=torch.channels_last)).sum().backward()


def timed(function: Callable, *arguments: object) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
