"""What may stand in the three slots of a placement, and the small layers that torch does not have."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from resnet_lab.calls import Call


class GroupNorm(nn.GroupNorm):
    """Eight groups, or as many as divide the channels."""

    def __init__(self, channels: int):
        super().__init__(math.gcd(8, channels), channels)


class SkipInit(nn.Module):
    """alpha f, alpha starting at 0 (De and Smith 2020)"""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self, f):
        return self.alpha * f


class StochasticDepth(nn.Module):
    """f or 0 for each image, scaled so that the mean stays f (after Huang et al. 2016, who drop whole batches)"""

    def __init__(self, drop: float):
        super().__init__()
        self.drop = drop

    def forward(self, f):
        if not self.training or self.drop == 0:
            return f
        survives = torch.rand(len(f), 1, 1, 1, device=f.device) >= self.drop
        return f * survives / (1 - self.drop)

    def extra_repr(self) -> str:
        return f"drop={self.drop:g}"


@dataclass(frozen=True)
class Op:
    label: str
    call: Call
    latex: str
    is_norm: bool = False


# fmt: off
OPS = {
    "bn":   Op("BN",   Call(nn.BatchNorm2d, "channels"), r"\mathrm{BN}", is_norm=True),
    "relu": Op("ReLU", Call(nn.ReLU),                    r"\mathrm{ReLU}"),
    "gn":   Op("GN",   Call(GroupNorm, "channels"),      r"\mathrm{GN}", is_norm=True),
    "silu": Op("SiLU", Call(nn.SiLU),                    r"\mathrm{SiLU}"),
    "gelu": Op("GELU", Call(nn.GELU),                    r"\mathrm{GELU}"),
    "elu":  Op("ELU",  Call(nn.ELU),                     r"\mathrm{ELU}"),
    "tanh": Op("tanh", Call(nn.Tanh),                    r"\tanh"),
}
# fmt: on


def op_calls(ops: str, channels: str) -> list[tuple[str, Call]]:
    """The ops of a slot as calls over the named number of channels."""
    return [(key, OPS[key].call.bind(channels=channels)) for key in ops.split()]


def has_chance(model: nn.Module) -> bool:
    """Whether its steps draw random numbers."""
    return any(isinstance(module, nn.Dropout | StochasticDepth) for module in model.modules())


def has_norm(ops: str) -> bool:
    return any(OPS[key].is_norm for key in ops.split())
