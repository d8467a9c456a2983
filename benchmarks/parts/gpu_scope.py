"""What the benchmark of the GPU measures, and how much of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch

from resnet_lab.placements import PLACEMENTS
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig
from resnet_lab.shortcuts import SHORTCUTS

net = partial(preset, "paper", data="sample")  # a step costs the same on all data
DRAWING = ("dropout", "stochastic depth")  # by other random numbers on each device, and in each code


def variants() -> Iterator[tuple[str, RunConfig]]:
    for name in SHORTCUTS:
        yield name, net(depth=20, shortcut=name)
    for name in PLACEMENTS:
        if name != "original":  # that is the identity's
            yield name, net(depth=20, placement=name)
    yield "bottleneck, full_preact", net(depth=29, unit="bottleneck", placement="full_preact")
    yield "projections everywhere", net(depth=20, projection="C")
    yield "stochastic depth", net(depth=20, stochastic_depth=0.5)
    yield "adamw", net(depth=20, optimizer="adamw", lr=0.001)
    yield "width 0.5, 16 pixels", preset("minute", data="sample", train_size=None, test_size=None, depth=20)


NETS = {
    "ResNet-20": net(depth=20),
    "ResNet-56": net(depth=56),
    "ResNet-110": net(depth=110),
    "ResNet-164, full_preact": net(depth=164, unit="bottleneck", placement="full_preact"),
}
SHORT = preset("quick", data="sample", depth=20, steps=2000, probe_every=0, evaluate_every=10**6)


@dataclass(frozen=True, eq=False)
class Scope:
    device: torch.device
    nets: Mapping[str, RunConfig]
    variants: Mapping[str, RunConfig]
    short: RunConfig  # trained to its end, with each of the seeds
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    side_by_side: tuple[int, ...] = (1, 2, 4, 8)  # runs
    compared: int = 100  # steps
    steps: int = 60  # that are timed together
    rounds: int = 5
    probe_every: int = 200  # steps
    batch_size: int = 128  # of the usual pipeline, and the lab's beside it
    warm_up: int = 215  # steps of theirs: the lab records the first step that is probed
    copied: int = 2**30  # bytes, to find the memory's speed
    launch: str = "graph"  # of the fast ways
    backend: str = "inductor"  # that fuses

    @property
    def alike(self) -> dict[str, RunConfig]:
        """The variants that draw the same random numbers everywhere."""
        return {name: config for name, config in self.variants.items() if name not in DRAWING}


def whole_scope(device: torch.device) -> Scope:
    return Scope(device, NETS, dict(variants()), SHORT)
