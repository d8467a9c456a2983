"""Maps compared by their order alone: which pixel comes before which."""

import torch


def ranks(numbers: torch.Tensor) -> torch.Tensor:
    """From 1; equal numbers share the mean of their ranks."""
    _, place, counts = numbers.flatten().double().unique(return_inverse=True, return_counts=True)
    return (counts.cumsum(0) - (counts - 1) / 2)[place]


def rank_correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    """Spearman's, from -1 to 1; 0 where one of them is the same everywhere and so has no order."""
    a, b = (each - each.mean() for each in (ranks(first), ranks(second)))
    length = (a.norm() * b.norm()).item()
    return (a @ b).item() / length if length else 0.0


def order(pixel_map: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The places of a map from the largest value to the smallest, equal ones in random order."""
    shuffled = torch.randperm(pixel_map.numel(), generator=generator)
    return shuffled[pixel_map.flatten()[shuffled].argsort(descending=True, stable=True)]
