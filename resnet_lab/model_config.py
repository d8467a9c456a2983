"""A net: a family, a depth and the block that it repeats."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resnet_lab.block_config import BlockConfig
from resnet_lab.config import Config, choices, short
from resnet_lab.families import FAMILIES, layers_per_n, legal_depths, units_per_stage

Init = Literal["he_fan_out", "he_fan_in"]


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
    stochastic_depth: Annotated[float, Field(ge=0, le=0.95)] = 0  # of the last of L units; l / L of it in unit l
    init: Init = "he_fan_out"
    zero_gamma: bool = False
    skipinit: bool = False

    @model_validator(mode="after")
    def check_the_whole(self) -> Self:
        check_depth(self.family, self.unit, self.depth)
        base = FAMILIES[self.family].widths[0]
        channels = base * self.width
        if not channels.is_integer():
            product = f"{base} x {self.width:g} is {channels:g}"
            raise ValueError(f"width must make {base} x width a whole number of channels, but {product}")
        if (self.groups > 1 or self.group_width) and self.unit != "bottleneck":
            raise ValueError("groups and group_width need unit 'bottleneck', but unit is 'basic'")
        if self.group_width is None and channels % self.groups:
            raise ValueError(f"groups must divide the {channels:g} channels of the first stage, but is {self.groups}")
        self.check_silent_starts()
        return self

    def check_silent_starts(self) -> None:
        """A branch that starts at zero must have a shortcut beside it and a way to wake up."""
        for name in ("zero_gamma", "skipinit", "stochastic_depth"):
            if getattr(self, name) and self.block.is_plain:
                raise ValueError(f"{name} needs a shortcut, but this net is plain: its signal would be zero")
        if self.zero_gamma and self.skipinit:
            raise ValueError("zero_gamma and skipinit exclude each other: with both, the branch would stay at zero")
        if self.zero_gamma and not self.block.ends_in_norm:
            last = self.block.ops.post.split(" ")[-1] or "a convolution"
            raise ValueError(
                "zero_gamma needs a branch that ends in BN or GN, as in placements 'original' and 'relu_only_preact', "
                f"but this branch ends in {last!r}; skipinit works in all"
            )

    def with_block(self, block: BlockConfig) -> Self:
        """The same net of other blocks, without the options that they forbid."""
        if block.is_plain:
            return self.changed(block=block, zero_gamma=False, skipinit=False, stochastic_depth=0)
        return self.changed(block=block, zero_gamma=self.zero_gamma and block.ends_in_norm)

    @property
    def units_per_stage(self) -> tuple[int, ...]:
        return units_per_stage(self.family, self.unit, self.depth)

    @property
    def stages(self) -> list[int]:
        """Of each unit, counted from 0."""
        return [stage for stage, count in enumerate(self.units_per_stage) for _ in range(count)]

    @property
    def has_large_stem(self) -> bool:
        return self.stem == "large" or (self.stem == "family" and FAMILIES[self.family].has_large_stem)

    @property
    def resolution(self) -> int:
        """The side of the images that its cost is counted for: the family's, but 32 behind a small stem."""
        return FAMILIES[self.family].resolution if self.has_large_stem else 32

    @property
    def title(self) -> str:
        return f"{'Plain net' if self.block.is_plain else 'ResNet'}-{self.depth}"


def check_depth(family: str, unit: str, depth: int) -> None:
    legal = legal_depths(family, unit)
    if depth in legal:
        return
    if family == "imagenet":
        allowed = f"{choices(legal)} for the ImageNet family with {unit} units"
        raise ValueError(f"depth must be {allowed}, but is {short(depth)}")
    nearest = sorted(sorted(legal, key=lambda other: abs(other - depth))[:2])
    raise ValueError(
        f"depth must be {layers_per_n(unit)}n+2 with {unit} units, from {legal[0]} to {legal[-1]}, "
        f"but is {short(depth)}; the nearest are {nearest[0]} and {nearest[1]}"
    )
