"""The residual unit, planned once from its configuration: built here, printed, written and drawn elsewhere."""

from dataclasses import dataclass

from torch import nn

from resnet_lab.calls import Call, numbered, sequence
from resnet_lab.model_config import ModelConfig
from resnet_lab.ops import OPS, SkipInit, StochasticDepth, op_calls
from resnet_lab.projections import projection_calls
from resnet_lab.shortcuts import SHORTCUTS


@dataclass(frozen=True)
class UnitShape:
    """The sizes of one unit: in_channels -> inner (bottleneck) -> channels."""

    stage: int
    index: int  # within its stage
    in_channels: int
    inner: int
    channels: int
    stride: int
    drop: float = 0  # probability that stochastic depth drops the branch

    @property
    def changes_shape(self) -> bool:
        return self.stride != 1 or self.in_channels != self.channels


@dataclass(frozen=True)
class UnitPlan:
    """The layers of a unit, their sizes still names."""

    pre: dict[str, Call]
    branch: dict[str, Call]
    match: dict[str, Call]
    shortcut: Call
    after: dict[str, Call]

    @property
    def last_norm(self) -> str:
        """The name of the last normalisation of the branch, which zero_gamma silences."""
        norms = {op.call.module for op in OPS.values() if op.is_norm}
        return [name for name, call in self.branch.items() if call.module in norms][-1]


def plan_unit(config: ModelConfig) -> UnitPlan:
    block = config.block
    return UnitPlan(
        pre=numbered(op_calls(block.ops.pre, "in_channels")),
        branch=numbered(branch_calls(config)),
        match=numbered(match_calls(config)),
        shortcut=SHORTCUTS[block.shortcut].call.bind(**block.arguments),
        after=numbered(op_calls(block.ops.after, "channels")),
    )


def branch_calls(config: ModelConfig) -> list[tuple[str, Call]]:
    """conv bn relu conv post; the bottleneck has three convolutions and the stride in its 3x3, as torchvision."""
    *convs, last = bottleneck_convs(config) if config.unit == "bottleneck" else basic_convs()
    calls = []
    for conv, channels in convs:
        calls += [("conv", conv), *op_calls("bn relu", channels)]
    if config.block.branch_dropout:
        calls += [("dropout", Call(nn.Dropout, config.block.branch_dropout))]
    calls += [("conv", last[0]), *op_calls(config.block.ops.post, last[1])]
    if config.skipinit:
        calls += [("skipinit", Call(SkipInit))]
    if config.stochastic_depth:
        calls += [("depth", Call(StochasticDepth, "drop"))]
    return calls


def basic_convs() -> list[tuple[Call, str]]:
    return [
        (Call(nn.Conv2d, "in_channels", "channels", 3, stride="stride", padding=1, bias=False), "channels"),
        (Call(nn.Conv2d, "channels", "channels", 3, padding=1, bias=False), "channels"),
    ]


def bottleneck_convs(config: ModelConfig) -> list[tuple[Call, str]]:
    groups = {"groups": config.groups} if config.groups > 1 else {}
    return [
        (Call(nn.Conv2d, "in_channels", "inner", 1, bias=False), "inner"),
        (Call(nn.Conv2d, "inner", "inner", 3, stride="stride", padding=1, **groups, bias=False), "inner"),
        (Call(nn.Conv2d, "inner", "channels", 1, bias=False), "channels"),
    ]


def match_calls(config: ModelConfig) -> list[tuple[str, Call]]:
    """Projections of a pre-activated net see the pre-activated signal and have no BN."""
    if config.block.is_plain:
        return []
    return projection_calls(config.projection, config.pad, with_norm=not config.block.is_preactivated)


def needs_match(config: ModelConfig, shape: UnitShape) -> bool:
    return not config.block.is_plain and (shape.changes_shape or config.projection == "C")


def starts_preactivated(config: ModelConfig, shape: UnitShape) -> bool:
    """In pre-activated nets the first unit of a stage and every projection take the pre-activated signal."""
    return config.block.is_preactivated and (shape.index == 0 or needs_match(config, shape))


class Unit(nn.Module):
    """y = after(shortcut(match(s), branch(p))), p = pre(x), s = x or p"""

    def __init__(self, config: ModelConfig, shape: UnitShape):
        super().__init__()
        plan, sizes = plan_unit(config), vars(shape)
        self.starts_preactivated = starts_preactivated(config, shape)
        self.pre = sequence(plan.pre, **sizes)
        self.branch = sequence(plan.branch, **sizes)
        self.match = sequence(plan.match if needs_match(config, shape) else {}, **sizes)
        self.shortcut = plan.shortcut.build(**sizes)
        self.after = sequence(plan.after, **sizes)
        if config.zero_gamma:
            nn.init.zeros_(self.branch.get_submodule(plan.last_norm).get_parameter("weight"))

    def forward(self, x):
        p = self.pre(x)
        s = p if self.starts_preactivated else x
        return self.after(self.shortcut(self.match(s), self.branch(p)))
