"""What a map explains: one number that a net says of a picture, made of its logits and never of its softmax."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from resnet_lab.config import check_choice, choices, short
from resnet_lab.inside.subjects import PixelNet

KINDS = {  # and the fields that each needs
    "class": ("class",),
    "difference": ("class", "other"),
    "predicted": (),
}


@dataclass(frozen=True)
class Target:
    """A class, the difference of two, or each net's own prediction."""

    kind: str
    label: int = 0
    other: int = 0

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Target":
        """From {"kind": "class", "class": 6}, {"kind": "difference", "class": 6, "other": 3}, {"kind": "predicted"}."""
        kind = fields.get("kind")
        check_choice("the target's kind", kind, KINDS)
        if set(fields) != {"kind", *KINDS[str(kind)]}:
            raise ValueError(f"A target {kind!r} has the fields {choices(['kind', *KINDS[str(kind)]], last='and')}.")
        target = cls(str(kind), fields.get("class", 0), fields.get("other", 0))
        if kind == "difference" and target.label == target.other:
            raise ValueError(f"The difference of two classes needs two, but both are {target.label}.")
        return target

    def direction(self, logits: torch.Tensor) -> torch.Tensor:
        """The weight of each logit (C,) in the number that is explained, given the logits (C,) for the picture."""
        num_classes = len(logits)
        if self.kind == "predicted":
            return one_hot(int(logits.argmax()), num_classes)
        check_class(self.label, num_classes)
        if self.kind == "class":
            return one_hot(self.label, num_classes)
        check_class(self.other, num_classes)
        return one_hot(self.label, num_classes) - one_hot(self.other, num_classes)


def one_hot(label: int, num_classes: int) -> torch.Tensor:
    return functional.one_hot(torch.tensor(label), num_classes).float()


def check_class(label: object, num_classes: int) -> None:
    if type(label) is not int or not 0 <= label < num_classes:
        raise ValueError(f"A class must be a whole number from 0 to {num_classes - 1}, but is {short(label)}.")


class Aimed(nn.Module):
    """pixels (N, 3, 32, 32) -> direction · logits (N,), always in evaluation mode"""

    def __init__(self, net: PixelNet, direction: torch.Tensor):
        super().__init__()
        self.net = net
        self.register_buffer("direction", direction)
        self.eval()

    def forward(self, pixels):
        return self.net(pixels) @ self.get_buffer("direction")

    @torch.no_grad()
    def probability(self, pixels: torch.Tensor) -> torch.Tensor:
        """Of the class; of two classes, that of the one if there were only these two. For looking, not for a map."""
        logits, direction = self.net(pixels), self.get_buffer("direction")
        if (direction < 0).any():
            return (logits @ direction).sigmoid()
        return logits.softmax(1) @ direction


def aim(net: PixelNet, pixels: torch.Tensor, target: Target) -> Aimed:
    """The net, aimed at the target of one picture (1, 3, 32, 32)."""
    return Aimed(net, target.direction(logits_of(net, pixels)[0]))


@torch.no_grad()
def logits_of(net: PixelNet, pixels: torch.Tensor) -> torch.Tensor:
    return net.eval()(pixels)
