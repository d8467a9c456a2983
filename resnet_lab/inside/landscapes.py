"""The loss around trained weights, along random directions with filters as long as the net's (Li et al. 2018)."""

import functools
import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from resnet_lab.config import check_choice
from resnet_lab.inside.examples import examples
from resnet_lab.inside.jobs import Findings, Job, Progress
from resnet_lab.inside.subjects import PixelNet, Subject, open_subject

MOST_SIDE = 101
Direction = dict[str, torch.Tensor]  # by name of a parameter; what is not in it does not move


def landscape(
    subjects: Sequence[Mapping[str, Any]],
    dimensions: int,
    side: int,
    num_images: int,
    seed: int,
    radius: float = 1.0,
    split: str = "train",
) -> Job:
    """tensors "loss" and "error": (S, side), or (S, side, side) with the second direction by row; "at": (side,)"""
    check(dimensions, side, radius)
    chosen = [Subject(**fields) for fields in subjects]
    images = [examples(subject.data, num_images, split) for subject in chosen]
    at, values = steps(side, radius), []
    points = list(product(at.tolist() if dimensions == 2 else [0.0], at.tolist()))
    for place, subject in enumerate(chosen):
        net = open_subject(subject)
        walk = Walk(net, [direction(net, seed, axis) for axis in range(2)])
        for number, (second, first) in enumerate(points):
            walk.to(first, second)
            sums = torch.zeros(2, dtype=torch.float64)
            for batch in images[place].batches():
                yield Progress(place * len(points) + number, len(chosen) * len(points), f"Walks around {subject.title}")
                sums += loss_and_errors(net, *batch)
            values.append(sums / len(images[place]))
    loss, error = torch.stack(values).unbind(1)
    shape = (len(chosen), *[side] * dimensions)
    words = " and ".join(dict.fromkeys(each.words for each in images))
    record = {"words": words, "of": max(map(len, images)), "split": split, "seed": seed, "radius": radius}
    return Findings({"loss": loss.view(shape), "error": error.view(shape), "at": at}, record)


def check(dimensions: int, side: int, radius: float) -> None:
    check_choice("dimensions", dimensions, (1, 2))
    if side % 2 == 0 or not 3 <= side <= MOST_SIDE:
        raise ValueError(
            f"side must be odd, from 3 to {MOST_SIDE}, so that the net is one of the points, but is {side}."
        )
    if not (radius > 0 and math.isfinite(radius)):
        raise ValueError(f"radius must be a number above 0, but is {radius}.")


def steps(side: int, radius: float) -> torch.Tensor:
    """From -radius to radius, and exactly 0 in the middle."""
    half = side // 2
    return torch.arange(-half, half + 1, dtype=torch.float64) / half * radius


def direction(net: nn.Module, seed: int, axis: int) -> Direction:
    """d ← d / ‖d‖ · ‖w‖ for each filter; BN's parameters and the biases stay where they are."""
    generator = torch.Generator().manual_seed(2 * seed + axis)
    return {
        name: as_long_as(torch.randn(weights.shape, generator=generator), weights)
        for name, weights in net.named_parameters()
        if weights.dim() > 1
    }


def as_long_as(random: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Filter by filter, in the head class by class."""
    rows = tuple(range(1, weights.dim()))
    norm = functools.partial(torch.linalg.vector_norm, dim=rows, keepdim=True)
    return random / norm(random) * norm(weights)


class Walk:
    """Takes a net of its own to points of the plane through its weights."""

    def __init__(self, net: nn.Module, directions: Sequence[Direction]):
        self.directions = directions
        self.moved = {name: weights for name, weights in net.named_parameters() if name in directions[0]}
        self.centre = {name: weights.detach().clone() for name, weights in self.moved.items()}

    def to(self, first: float, second: float) -> None:
        """w + first · d₁ + second · d₂"""
        one, other = self.directions
        for name, weights in self.moved.items():
            weights.copy_(self.centre[name] + first * one[name] + second * other[name])


@torch.no_grad()
def loss_and_errors(net: PixelNet, pixels: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Their sums over a batch, whatever they are; who answers with no number is wrong."""
    logits = net(pixels)
    wrong = (logits.argmax(1) != labels) | ~logits.isfinite().all(1)
    return torch.stack([functional.cross_entropy(logits.double(), labels, reduction="sum"), wrong.sum().double()])
