"""The loss around trained weights, along random directions with filters as long as the net's (Li et al. 2018)."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from resnet_lab.config import check_choice
from resnet_lab.data import DATASETS, data_is_here, load_images, stratified
from resnet_lab.jobs import Findings, Job, Progress
from resnet_lab.run_config import DataConfig
from resnet_lab.subjects import PixelNet, Subject, open_subject

BATCH = 128  # pictures in a slice
MOST_SIDE = 101
SPLITS = {"train": "training", "test": "test"}
Direction = dict[str, torch.Tensor]  # by name of a parameter; what is not in it does not move


@dataclass(frozen=True)
class Measured:
    """Images whose loss is taken, and which ones they are."""

    pixels: torch.Tensor  # uint8, (N, 3, 32, 32)
    labels: torch.Tensor
    words: str


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
    images = [images_of(subject.data, split, num_images) for subject in chosen]
    at, values = steps(side, radius), []
    points = list(product(at.tolist() if dimensions == 2 else [0.0], at.tolist()))
    for place, subject in enumerate(chosen):
        net = open_subject(subject)
        walk = Walk(net, [direction(net, seed, axis) for axis in range(2)])
        for number, (second, first) in enumerate(points):
            walk.to(first, second)
            sums = torch.zeros(2, dtype=torch.float64)
            for batch in batches(images[place]):
                yield Progress(place * len(points) + number, len(chosen) * len(points), f"Walks around {subject.title}")
                sums += loss_and_errors(net, *batch)
            values.append(sums / num_images)
    loss, error = torch.stack(values).unbind(1)
    shape = (len(chosen), *[side] * dimensions)
    words = " and ".join(dict.fromkeys(each.words for each in images))
    record = {"words": words, "of": num_images, "split": split, "seed": seed, "radius": radius}
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


def images_of(data: DataConfig, split: str, num: int) -> Measured:
    """The first of each class; where CIFAR-10 itself is not on the machine, those of the bundled sample."""
    check_choice("split", split, SPLITS)
    name = "sample" if data.name == "cifar10" and not data_is_here("cifar10") else data.name
    images = load_images(name, split)
    if not 1 <= num <= len(images):
        raise ValueError(f"num_images must be from 1 to {len(images)}, all that are here, but is {num}.")
    indices = stratified(images.labels, num)
    pixels, labels = torch.from_numpy(images.pixels[indices]), torch.from_numpy(images.labels[indices]).long()
    title = "the bundled sample of CIFAR-10" if name == "sample" else DATASETS[name].title
    return Measured(pixels, labels, f"{num:,} {SPLITS[split]} images of {title}")


def batches(images: Measured) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    return zip(images.pixels.split(BATCH), images.labels.split(BATCH), strict=True)


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
    logits = net(pixels.float() / 255)
    wrong = (logits.argmax(1) != labels) | ~logits.isfinite().all(1)
    return torch.stack([functional.cross_entropy(logits.double(), labels, reduction="sum"), wrong.sum().double()])
