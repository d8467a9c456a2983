"""What there is to draw of a unit, read off the module that runs; what differs from another is marked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

import torch
from torch import nn

from resnet_lab.blocks import Unit
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import typical_shape, unit_shapes
from resnet_lab.ops import SkipInit, StochasticDepth
from resnet_lab.projections import ZeroPad, ZeroPadEnd
from resnet_lab.wiring import Factor, Step, layer_name, signed, wiring

LANES = ("pre", "match", "path", "gate", "branch", "after")


@dataclass(frozen=True)
class Item:
    """A box (conv, other) or a multiplication (times, by the gate: gate); detail is for the large drawing."""

    kind: str
    label: str
    detail: str = ""
    mark: str = ""  # "", "new" or "gone", against another picture

    @property
    def is_factor(self) -> bool:
        return self.kind in ("times", "gate")

    @property
    def text(self) -> str:
        return f"{self.label}, {self.detail}" if self.detail else self.label


@dataclass(frozen=True)
class Picture:
    """The lanes of one unit, each from top to bottom."""

    pre: tuple[Item, ...]
    match: tuple[Item, ...]
    path: tuple[Item, ...]
    gate: tuple[Item, ...]
    branch: tuple[Item, ...]
    after: tuple[Item, ...]
    has_sum: bool
    starts_preactivated: bool  # both paths start after `pre`
    sum_mark: str = ""

    @property
    def words(self) -> str:
        """The drawing in a few sentences, for those who do not see it."""
        start = "the pre-activated signal" if self.starts_preactivated else "the signal x"
        pre = f"Before both paths: {listed(self.pre)}. " if self.starts_preactivated and self.pre else ""
        branch = self.branch if self.starts_preactivated else self.pre + self.branch
        path = (
            f"Shortcut, from {start}: {listed(self.match + self.path) or 'unchanged'}. "
            if self.has_sum
            else "No shortcut. "
        )
        gate = f"Gate g: {listed(self.gate)}. " if listed(self.gate) else ""
        end = "Shortcut and branch are added" if self.has_sum else "The branch alone is passed on"
        after = f", then {listed(self.after)}." if listed(self.after) else "."
        return f"{pre}{path}{gate}Branch, from {start}: {listed(branch)}. {end}{after}"


def listed(items: Sequence[Item]) -> str:
    return ", ".join(item.text for item in items if item.mark != "gone")


def picture(config: ModelConfig, *, changes_shape: bool = False) -> Picture:
    """Of the unit that most of the net consists of, or of the first one that changes the shape."""
    changing = (shape for shape in unit_shapes(config) if shape.changes_shape)
    with torch.device("meta"):
        unit = Unit(config, next(changing) if changes_shape else typical_shape(config))
    wires = wiring(unit.shortcut)
    return Picture(
        pre=items(unit.pre),
        match=items(unit.match),
        path=tuple(map(item, wires.path or ())),
        gate=gate_items(wires.gate, config.block.arguments),
        branch=(*items(unit.branch), *map(item, wires.branch)),
        after=items(unit.after),
        has_sum=wires.path is not None,
        starts_preactivated=unit.starts_preactivated,
    )


def items(modules: nn.Sequential) -> tuple[Item, ...]:
    return tuple(item(module) for module in modules)


def item(step: Step) -> Item:
    if isinstance(step, Factor):
        return Item("gate" if step.is_gate else "times", f"× {step.text}")
    if isinstance(step, nn.Conv2d):
        return Item("conv", layer_name(step), conv_detail(step))
    if isinstance(step, SkipInit):
        return Item("times", "× α", "from 0")
    if isinstance(step, nn.Dropout):
        return Item("other", layer_name(step), f"p = {step.p:g}")
    if isinstance(step, StochasticDepth):
        return Item("other", "drop", f"p = {step.drop:.2g}")
    if isinstance(step, ZeroPad | ZeroPadEnd):
        return Item("other", "pad", f"+{step.num_zeros} zeros" + (f", /{step.stride}" if step.stride > 1 else ""))
    return Item("other", layer_name(step))


def conv_detail(conv: nn.Conv2d) -> str:
    details = [str(conv.out_channels)]
    details += [f"/{conv.stride[0]}"] if conv.stride[0] > 1 else []
    details += [f"{conv.groups} groups"] if conv.groups > 1 else []
    return ", ".join(details)


def gate_items(gate: tuple[Step, ...], arguments: dict[str, float]) -> tuple[Item, ...]:
    """The layers that compute the gate, its bias at the start among them."""
    if not gate:
        return ()
    bias = f"bias {signed(arguments['gate_bias'])}" if "gate_bias" in arguments else ""
    return (*(replace(item(step), detail=bias) for step in gate), Item("other", "σ"))


def marked(picture: Picture, other: Picture) -> Picture:
    """New items marked, and those that only `other` has put back as gone."""
    lanes: dict[str, Any] = {lane: merge(getattr(picture, lane), getattr(other, lane)) for lane in LANES}
    mark = "" if picture.has_sum == other.has_sum else "new" if picture.has_sum else "gone"
    return replace(picture, **lanes, sum_mark=mark)


def merge(lane: tuple[Item, ...], other: tuple[Item, ...]) -> tuple[Item, ...]:
    merged: list[Item] = []
    for tag, a, b, c, d in SequenceMatcher(None, other, lane, autojunk=False).get_opcodes():
        if tag == "equal":
            merged += lane[c:d]
        else:
            merged += [replace(item, mark="gone") for item in other[a:b]]
            merged += [replace(item, mark="new") for item in lane[c:d]]
    return tuple(merged)
