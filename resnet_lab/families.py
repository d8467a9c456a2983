"""The two families of nets and the two kinds of units, as their papers have them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    title: str
    widths: tuple[int, ...]  # of the stages, at width 1
    resolution: int
    has_large_stem: bool
    projection: str  # what its paper or its public code uses
    num_classes: int


@dataclass(frozen=True)
class UnitKind:
    title: str
    num_convs: int
    expansion: int  # channels of the unit over those of its stage


# fmt: off
FAMILIES = {
    "cifar":    Family("CIFAR",    (16, 32, 64),        32,  has_large_stem=False, projection="A", num_classes=10),
    "imagenet": Family("ImageNet", (64, 128, 256, 512), 224, has_large_stem=True,  projection="B", num_classes=1000),
}
UNITS = {
    "basic":      UnitKind("Basic",      num_convs=2, expansion=1),
    "bottleneck": UnitKind("Bottleneck", num_convs=3, expansion=4),
}
# fmt: on

CIFAR_MAX_DEPTH = 1202
IMAGENET_STAGES = {
    ("basic", 18): (2, 2, 2, 2),
    ("basic", 34): (3, 4, 6, 3),
    ("bottleneck", 50): (3, 4, 6, 3),
    ("bottleneck", 101): (3, 4, 23, 3),
    ("bottleneck", 152): (3, 8, 36, 3),
}


def layers_per_n(unit: str) -> int:
    """6 or 9: depth = 6n+2 or 9n+2 in three stages of n units"""
    return len(FAMILIES["cifar"].widths) * UNITS[unit].num_convs


def legal_depths(family: str, unit: str) -> list[int]:
    if family == "imagenet":
        return [depth for kind, depth in IMAGENET_STAGES if kind == unit]
    step = layers_per_n(unit)
    return list(range(step + 2, CIFAR_MAX_DEPTH + 1, step))


def units_per_stage(family: str, unit: str, depth: int) -> tuple[int, ...]:
    if family == "imagenet":
        return IMAGENET_STAGES[unit, depth]
    return ((depth - 2) // layers_per_n(unit),) * len(FAMILIES[family].widths)
