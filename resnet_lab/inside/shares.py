"""What shortcut and branch bring to each addition of a trained net, for one picture."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from resnet_lab.inside.jobs import Findings, Job, Progress
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import Subject, open_subject
from resnet_lab.nets import ResNet

PLAIN = "A plain net has no shortcut: all that a unit passes on comes from its branch."


def shares(subject: Mapping[str, Any], picture: str) -> Job:
    """tensors "shortcut", "branch" (units,): mean absolute values; "shortcut_channels_0", ...: by channel"""
    chosen = Subject(**subject)
    net, pixels = open_subject(chosen), pixels_of([picture])
    yield Progress(0, 1, f"Follows the picture through {chosen.title}")
    tensors: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        pairs = list(additions(net.net, net.normalised(pixels)))
    for side, signals in zip(("shortcut", "branch"), zip(*pairs, strict=True), strict=True):
        channels = [signal.abs().mean((0, 2, 3)) for signal in signals]
        tensors |= {f"{side}_channels_{place}": each for place, each in enumerate(channels)}
        tensors[side] = torch.stack([each.mean() for each in channels])
    return Findings(tensors, {"words": PLAIN if chosen.model.block.is_plain else ""})


def additions(net: ResNet, x: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Of each unit (what its shortcut brings, what its branch brings), scaled and gated as they are added."""
    x = net.stem(x)
    for unit in net.units:
        p = unit.pre(x)
        s, f = unit.match(p if unit.starts_preactivated else x), unit.branch(p)
        y = unit.shortcut(s, f)
        shortcut = unit.shortcut(s, torch.zeros_like(f))
        yield shortcut, y - shortcut
        x = unit.after(y)
