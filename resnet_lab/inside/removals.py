"""Deletion and insertion: does what a map calls important matter to the net?

In patches (Samek et al. 2017) and by the blurred picture: black or single pixels at random places are a texture that
breaks the public ResNet-20 faster than any map's order does, so that no map would be better than chance.
"""

from typing import Any

import torch
from torch.nn import functional

from resnet_lab.inside.baselines import baselines_for
from resnet_lab.inside.rankings import order
from resnet_lab.inside.slices import Slices
from resnet_lab.inside.targets import Aimed

PATCH = 4  # side, in pixels
POINTS = 17  # shares of the patches, from none to all
RANDOM_ORDERS = 8
CURVES = ("deletion", "insertion")


def shares() -> torch.Tensor:
    return torch.linspace(0, 1, POINTS)


def curves(aimed: Aimed, pixels: torch.Tensor, blurred: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """(2, POINTS): the target's probability while patches are blurred, and while they are made sharp, in this order."""
    position = torch.empty_like(places)
    position[places] = torch.arange(len(places))
    side = pixels.shape[-1] // PATCH
    patches = (position < (shares() * len(places)).round()[:, None]).view(POINTS, 1, side, side)
    changed = patches.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
    deleted, inserted = torch.where(changed, blurred, pixels), torch.where(changed, pixels, blurred)
    return torch.stack([aimed.probability(deleted), aimed.probability(inserted)])


def removals(aimed: Aimed, pixels: torch.Tensor, pixel_map: torch.Tensor, seed: int) -> Slices[dict[str, torch.Tensor]]:
    """Both curves from the patch of the highest mean down, and in random orders as the control (orders, POINTS)."""
    generator = torch.Generator().manual_seed(seed)
    blurred = baselines_for("blur", aimed.net, pixels, seed)
    patches = functional.avg_pool2d(pixel_map[None], PATCH)
    yield
    deletion, insertion = curves(aimed, pixels, blurred, order(patches, generator))
    controls = []
    for _ in range(RANDOM_ORDERS):
        yield
        controls.append(curves(aimed, pixels, blurred, torch.randperm(patches.numel(), generator=generator)))
    random_deletion, random_insertion = torch.stack(controls, 1)
    return {
        "at": shares(),
        "deletion": deletion,
        "insertion": insertion,
        "deletion_random": random_deletion,
        "insertion_random": random_insertion,
    }


def area(curve: torch.Tensor) -> float:
    """Under the curve, from 0 to 1."""
    return float(torch.trapezoid(curve, dx=1 / (len(curve) - 1)))


def areas(found: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Of both curves, and of each curve in random order."""
    controls = {f"{name}_random_areas": [area(curve) for curve in found[f"{name}_random"]] for name in CURVES}
    return {f"{name}_area": area(found[name]) for name in CURVES} | controls
