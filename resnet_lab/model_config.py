"""A net: a family, a depth and the block that it repeats."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resnet_lab.block_config import BlockConfig
from resnet_lab.config import Config, choices
from resnet_lab.ops import has_norm

Init = Literal["he_fan_out", "he_fan_in"]

CIFAR_MAX_DEPTH = 1202
IMAGENET_STAGES = {
    ("basic", 18): (2, 2, 2, 2),
    ("basic", 34): (3, 4, 6, 3),
    ("bottleneck", 50): (3, 4, 6, 3),
    ("bottleneck", 101): (3, 4, 23, 3),
    ("bottleneck", 152): (3, 8, 36, 3),
}


def layers_per_n(unit: str) -> int:
    return 6 if unit == "basic" else 9


def legal_depths(family: str, unit: str) -> list[int]:
    if family == "imagenet":
        return [depth for kind, depth in IMAGENET_STAGES if kind == unit]
    step = layers_per_n(unit)
    return list(range(step + 2, CIFAR_MAX_DEPTH + 1, step))


def check_depth(family: str, unit: str, depth: int) -> None:
    legal = legal_depths(family, unit)
    if depth in legal:
        return
    if family == "imagenet":
        raise ValueError(f"depth must be {choices(legal)} for the ImageNet family with {unit} units, but is {depth}")
    nearest = sorted(sorted(legal, key=lambda other: abs(other - depth))[:2])
    raise ValueError(
        f"depth must be {layers_per_n(unit)}n+2 with {unit} units, from {legal[0]} to {legal[-1]}, but is {depth}; "
        f"the nearest are {nearest[0]} and {nearest[1]}"
    )


class ModelConfig(Config):
    """A net of residual units."""

    family: Literal["cifar", "imagenet"] = "cifar"
    depth: int = 20
    width: Annotated[float, Field(gt=0, le=16)] = 1.0
    unit: Literal["basic", "bottleneck"] = "basic"
    num_classes: Annotated[int, Field(ge=2, le=100_000)] = 10
    projection: Literal["A", "B", "C"] = "A"
    pad: Literal["both", "end"] = "both"
    block: BlockConfig = BlockConfig()
    stem: Literal["family", "small", "large"] = "family"  # small: 3x3; large: 7x7 and a max-pool
    groups: Annotated[int, Field(ge=1, le=256)] = 1
    group_width: Annotated[int, Field(ge=1, le=1024)] | None = None  # channels a group in the first stage
    stochastic_depth: Annotated[float, Field(ge=0, le=0.95)] = 0  # of the last unit, rising linearly from 0
    init: Init = "he_fan_out"
    zero_gamma: bool = False
    skipinit: bool = False

    @model_validator(mode="after")
    def check_the_whole(self) -> Self:
        check_depth(self.family, self.unit, self.depth)
        base = 16 if self.family == "cifar" else 64
        if not (base * self.width).is_integer():
            raise ValueError(
                f"width must make {base} x width a whole number of channels, but {base} x {self.width:g} is "
                f"{base * self.width:g}"
            )
        if (self.groups > 1 or self.group_width) and self.unit != "bottleneck":
            raise ValueError("groups and group_width need unit 'bottleneck', but unit is 'basic'")
        if self.group_width is None and (base * self.width) % self.groups:
            raise ValueError(
                f"groups must divide the {base * self.width:g} channels of the first stage, but is {self.groups}"
            )
        self.check_silent_starts()
        return self

    def check_silent_starts(self) -> None:
        """A branch that starts at zero must have a shortcut beside it and a way to wake up."""
        block = self.block
        for name in ("zero_gamma", "skipinit", "stochastic_depth"):
            if getattr(self, name) and block.shortcut == "none":
                raise ValueError(f"{name} needs a shortcut, but this net is plain: its signal would be zero")
        if self.zero_gamma and not has_norm(block.ops.post.split(" ")[-1]):
            raise ValueError(
                "zero_gamma needs a branch that ends in BN or GN, as in placements 'original' and 'relu_only_preact', "
                f"but this branch ends in {block.ops.post.split(' ')[-1] or 'a convolution'!r}; skipinit works in all"
            )

    def with_block(self, block: BlockConfig) -> Self:
        """The same net of other blocks; a silent start that they forbid is left out."""
        try:
            return self.changed(block=block)
        except ValueError:
            return self.changed(block=block, zero_gamma=False, skipinit=False, stochastic_depth=0)

    @property
    def units_per_stage(self) -> tuple[int, ...]:
        if self.family == "imagenet":
            return IMAGENET_STAGES[self.unit, self.depth]
        return ((self.depth - 2) // layers_per_n(self.unit),) * 3

    @property
    def has_large_stem(self) -> bool:
        return self.stem == "large" or (self.stem == "family" and self.family == "imagenet")

    @property
    def resolution(self) -> int:
        """The side of the images that the family was made for, in pixels."""
        return 32 if self.family == "cifar" or not self.has_large_stem else 224

    @property
    def title(self) -> str:
        kind = "plain net" if self.block.shortcut == "none" else "ResNet"
        return f"{kind[0].upper()}{kind[1:]}-{self.depth}"
