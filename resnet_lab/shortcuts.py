"""The shortcuts of Figure 2 of He et al. 2016: forward(x, f) -> sum, f = the branch's output."""

from dataclasses import dataclass, field

from torch import nn

from resnet_lab.calls import Call


class Plain(nn.Module):
    """f: the plain network"""

    def forward(self, x, f):
        return f


class Identity(nn.Module):
    """2(a): x + f"""

    def forward(self, x, f):
        return x + f


class ConstantScaling(nn.Module):
    """2(b): scale x + branch_scale f"""

    def __init__(self, scale: float, branch_scale: float):
        super().__init__()
        self.scale, self.branch_scale = scale, branch_scale

    def forward(self, x, f):
        return self.scale * x + self.branch_scale * f


class ExclusiveGating(nn.Module):
    """2(c): (1 - g) x + g f"""

    def __init__(self, channels: int, gate_bias: float):
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, 1)
        nn.init.constant_(self.gate.get_parameter("bias"), gate_bias)

    def forward(self, x, f):
        g = self.gate(x).sigmoid()
        return (1 - g) * x + g * f


class ShortcutOnlyGating(nn.Module):
    """2(d): (1 - g) x + f"""

    def __init__(self, channels: int, gate_bias: float):
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, 1)
        nn.init.constant_(self.gate.get_parameter("bias"), gate_bias)

    def forward(self, x, f):
        g = self.gate(x).sigmoid()
        return (1 - g) * x + f


class ConvShortcut(nn.Module):
    """2(e): BN(conv1x1(x)) + f"""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x, f):
        return self.bn(self.conv(x)) + f


class DropoutShortcut(nn.Module):
    """2(f): dropout(x) + f"""

    def __init__(self, p: float):
        super().__init__()
        self.dropout = nn.Dropout(p)

    def forward(self, x, f):
        return self.dropout(x) + f


@dataclass(frozen=True)
class Argument:
    """A number of a shortcut: its default and what is allowed."""

    default: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Shortcut:
    title: str
    figure: str
    call: Call
    words: str
    arguments: dict[str, Argument] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.figure} {self.title}".strip()


# fmt: off
SCALE        = Argument(0.5, -2, 2, "factor λ on the shortcut")
BRANCH_SCALE = Argument(0.5, -2, 2, "factor on the branch")
GATE_BIAS    = Argument(-6, -12, 12, "bias of the gate at the start")
DROPOUT      = Argument(0.5, 0, 0.95, "probability that a value on the shortcut is dropped")

SHORTCUTS = {
    "none": Shortcut("Plain", "", Call(Plain),
        "There is no shortcut: the unit passes on what its branch computes and nothing else"),
    "identity": Shortcut("Identity", "2(a)", Call(Identity),
        "The shortcut passes the signal on unchanged and the branch is added to it"),
    "constant_scaling": Shortcut("Constant scaling", "2(b)",
        Call(ConstantScaling, scale="scale", branch_scale="branch_scale"),
        "The shortcut is multiplied by {scale} and the branch by {branch_scale}, the same in every unit",
        {"scale": SCALE, "branch_scale": BRANCH_SCALE}),
    "exclusive_gating": Shortcut("Exclusive gating", "2(c)",
        Call(ExclusiveGating, "channels", gate_bias="gate_bias"),
        "A gate g, computed from the signal by a 1×1 convolution, lets g of the branch and 1 − g of the shortcut "
        "through; with bias {gate_bias}, g starts around {openness}",
        {"gate_bias": GATE_BIAS}),
    "shortcut_only_gating": Shortcut("Shortcut-only gating", "2(d)",
        Call(ShortcutOnlyGating, "channels", gate_bias="gate_bias"),
        "A gate g, computed from the signal by a 1×1 convolution, lets 1 − g of the shortcut through and all of the "
        "branch; with bias {gate_bias}, g starts around {openness}",
        {"gate_bias": GATE_BIAS}),
    "conv": Shortcut("1×1 conv shortcut", "2(e)", Call(ConvShortcut, "channels"),
        "The shortcut goes through a 1×1 convolution and BN before the addition"),
    "dropout": Shortcut("Dropout shortcut", "2(f)", Call(DropoutShortcut, p="p"),
        "While training, each value on the shortcut is dropped with probability {p}, and what remains is scaled up "
        "so that the mean stays",
        {"p": DROPOUT}),
}
# fmt: on
