"""The picture without information that a map starts from, in pixels."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from resnet_lab.config import check_choice
from resnet_lab.inside.subjects import PixelNet
from resnet_lab.threads import random_numbers

SIGMA, RADIUS = 4.0, 12  # pixels; so wide that no object of a 32x32 picture is left


def black(net: PixelNet, pixels: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(pixels)


def mean(net: PixelNet, pixels: torch.Tensor) -> torch.Tensor:
    return net.get_buffer("mean").expand_as(pixels).clone()


def blur(net: PixelNet, pixels: torch.Tensor) -> torch.Tensor:
    bell = torch.exp(-(torch.arange(-RADIUS, RADIUS + 1.0) ** 2) / (2 * SIGMA**2))
    kernel = (bell / bell.sum()).expand(3, 1, 1, -1)
    padded = functional.pad(pixels, [RADIUS] * 4, mode="reflect")
    rows = functional.conv2d(padded, kernel, groups=3)
    return functional.conv2d(rows, kernel.mT, groups=3)


def noise(net: PixelNet, pixels: torch.Tensor) -> torch.Tensor:
    return torch.rand_like(pixels)


@dataclass(frozen=True)
class Baseline:
    title: str
    words: str
    make: Callable[[PixelNet, torch.Tensor], torch.Tensor]
    is_drawn: bool = False  # another picture for each draw


# fmt: off
BASELINES = {
    "black": Baseline("Black", "What is black in the picture cannot matter: it is as in the baseline", black),
    "mean":  Baseline("Mean colour", "The mean colour of the training images, which normalisation turns into 0", mean),
    "blur":  Baseline("Blurred", "The picture without its details: colours and large shapes cannot matter", blur),
    "noise": Baseline("Noise", "Every pixel of a random colour, drawn anew for each seed", noise, is_drawn=True),
}
# fmt: on


def baselines_for(kind: str, net: PixelNet, pixels: torch.Tensor, seed: int, num: int = 1) -> torch.Tensor:
    """For one picture (1, 3, 32, 32): as many as wanted where they are drawn, else the only one there is."""
    check_choice("baseline", kind, BASELINES)
    baseline = BASELINES[kind]
    with random_numbers(seed, pixels.device):
        return baseline.make(net, pixels.expand(num if baseline.is_drawn else 1, -1, -1, -1)).detach()
