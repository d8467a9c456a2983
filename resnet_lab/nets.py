"""The nets of both families, from stem to head."""

from typing import Literal

import torch
from torch import nn

from resnet_lab.block_config import BlockConfig
from resnet_lab.blocks import Unit, UnitShape
from resnet_lab.calls import Call, numbered, sequence
from resnet_lab.families import FAMILIES, UNITS
from resnet_lab.model_config import Init, ModelConfig
from resnet_lab.ops import has_norm, op_calls

FANS: dict[Init, Literal["fan_out", "fan_in"]] = {"he_fan_out": "fan_out", "he_fan_in": "fan_in"}


class ResNet(nn.Module):
    """stem, stages of units, one more `pre` in pre-activated nets, average pool, linear head"""

    def __init__(self, config: ModelConfig, shapes: list[UnitShape]):
        super().__init__()
        widths = {"in_channels": stage_widths(config)[0], "channels": shapes[-1].channels}
        self.stem = sequence(stem_calls(config), **widths)
        stages = [[shape for shape in shapes if shape.stage == i] for i in range(shapes[-1].stage + 1)]
        self.stages = nn.Sequential(*[nn.Sequential(*[Unit(config, shape) for shape in stage]) for stage in stages])
        self.final = sequence(final_calls(config), **widths)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(shapes[-1].channels, config.num_classes)

    def forward(self, x):
        x = self.final(self.stages(self.stem(x)))
        return self.head(self.pool(x).flatten(1))

    @property
    def units(self) -> list[Unit]:
        return [module for module in self.stages.modules() if isinstance(module, Unit)]


def build_model(config: ModelConfig) -> ResNet:
    model = ResNet(config, unit_shapes(config))
    initialise(model, config.init)
    return model


def layout(model: nn.Module, name: str = "channels_last") -> torch.memory_format:
    """The one of that name where it is safe: on CPUs with AVX2 and no more, torch 2.15 writes beyond its memory in a
    strided 1×1 convolution of fewer than 8 channels, if they come last."""
    convs = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    is_unsafe = any(conv.kernel_size == (1, 1) != conv.stride and conv.in_channels < 8 for conv in convs)
    return LAYOUTS["contiguous" if is_unsafe else name]


def short_net(config: ModelConfig) -> ResNet:
    """Every shape of unit that the net has, at most two units a stage, without memory or arithmetic."""
    with torch.device("meta"):
        return ResNet(config, [shape for shape in unit_shapes(config) if shape.index < 2])


def initialise(model: nn.Module, init: Init) -> None:
    """He's normal initialisation for every convolution; torch's own for the head, its bias 0."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=FANS[init], nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)


def stage_widths(config: ModelConfig) -> list[int]:
    return [round(width * config.width) for width in FAMILIES[config.family].widths]


def unit_shapes(config: ModelConfig) -> list[UnitShape]:
    """One shape a unit, from the first to the last."""
    widths, counts = stage_widths(config), config.units_per_stage
    first_group = config.group_width or widths[0] // config.groups
    num_units = sum(counts)
    shapes: list[UnitShape] = []
    for stage, (width, count) in enumerate(zip(widths, counts, strict=True)):
        channels = width * UNITS[config.unit].expansion
        inner = first_group * 2**stage * config.groups if config.unit == "bottleneck" else width
        for index in range(count):
            in_channels = shapes[-1].channels if shapes else widths[0]
            stride = 2 if stage and not index else 1
            drop = config.stochastic_depth * (len(shapes) + 1) / num_units
            shapes.append(UnitShape(stage, index, in_channels, inner, channels, stride, drop))
    return shapes


def typical_shape(config: ModelConfig) -> UnitShape:
    """Of the units that most of the net consists of; of the first one where a stage has no more."""
    shapes = unit_shapes(config)
    return next((shape for shape in shapes if shape.index), shapes[0])


def stem_ops(block: BlockConfig) -> str:
    """Before pre-activated units the stem is a bare convolution, with its BN where their `pre` has none."""
    return "bn relu" if not block.is_preactivated else "" if has_norm(block.ops.pre) else "bn"


def stem_calls(config: ModelConfig) -> dict[str, Call]:
    conv, pool = (LARGE_CONV, [("pool", POOL)]) if config.has_large_stem else (SMALL_CONV, [])
    return numbered([("conv", conv), *op_calls(stem_ops(config.block), "in_channels"), *pool])


def final_calls(config: ModelConfig) -> dict[str, Call]:
    """After the last addition of a pre-activated net comes one more `pre`."""
    return numbered(op_calls(config.block.ops.pre, "channels"))


LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
SMALL_CONV = Call(nn.Conv2d, 3, "in_channels", 3, padding=1, bias=False)
LARGE_CONV = Call(nn.Conv2d, 3, "in_channels", 7, stride=2, padding=3, bias=False)
POOL = Call(nn.MaxPool2d, 3, stride=2, padding=1)
