"""How the shortcut's signal gets the shape of the branch's: options A, B and C of He et al. 2015."""

from torch import nn
from torch.nn import functional

from resnet_lab.calls import Call


class ZeroPad(nn.Module):
    """Option A: strided slice, zero channels on both sides"""

    def __init__(self, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.stride, self.num_zeros = stride, channels - in_channels
        self.front = self.num_zeros // 2

    def forward(self, x):
        back = self.num_zeros - self.front
        x = functional.avg_pool2d(x, 1, self.stride)  # a slice, but its gradient stays channels_last
        return functional.pad(x, (0, 0, 0, 0, self.front, back))


class ZeroPadEnd(nn.Module):
    """Option A: strided slice, zero channels at the end"""

    def __init__(self, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.stride, self.num_zeros = stride, channels - in_channels

    def forward(self, x):
        x = functional.avg_pool2d(x, 1, self.stride)  # a slice, but its gradient stays channels_last
        return functional.pad(x, (0, 0, 0, 0, 0, self.num_zeros))


PADS = {
    "both": ("zero channels on both sides", Call(ZeroPad, "in_channels", "channels", stride="stride")),
    "end": ("zero channels at the end", Call(ZeroPadEnd, "in_channels", "channels", stride="stride")),
}

PROJECTIONS = {
    "A": "zero channels where the shape changes, no parameters",
    "B": "1×1 projection where the shape changes",
    "C": "1×1 projection in every unit",
}
CONV = Call(nn.Conv2d, "in_channels", "channels", 1, stride="stride", bias=False)
NORM = Call(nn.BatchNorm2d, "channels")


def projection_calls(projection: str, pad: str, with_norm: bool) -> list[tuple[str, Call]]:
    """What stands on the shortcut where a projection is needed."""
    if projection == "A":
        return [("pad", PADS[pad][1])]
    return [("conv", CONV), ("bn", NORM)] if with_norm else [("conv", CONV)]
