"""What can be done to the units of a trained net, each on a copy of it."""

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from resnet_lab.blocks import Unit, UnitShape
from resnet_lab.config import check_choice, short
from resnet_lab.inside.subjects import PixelNet
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import unit_shapes
from resnet_lab.projections import ZeroPad

Edit = Mapping[str, Any]


class Deleted(nn.Module):
    """y = after(shortcut(match(s), 0)): the branch is silent, all else of the unit stays (Veit et al. 2016)

    A unit that starts pre-activated passes on match(pre(x)), as its shortcut did.
    """

    def __init__(self, unit: Unit):
        super().__init__()
        self.unit = unit

    def forward(self, x):
        unit = self.unit
        s = unit.match(unit.pre(x) if unit.starts_preactivated else x)
        return unit.after(unit.shortcut(s, torch.zeros_like(s)))


class Scaled(nn.Module):
    """y = after(shortcut(match(s), factor branch(p)))"""

    def __init__(self, unit: Unit, factor: float):
        super().__init__()
        self.unit, self.factor = unit, factor

    def forward(self, x):
        unit, p = self.unit, self.unit.pre(x)
        s = unit.match(p if unit.starts_preactivated else x)
        return unit.after(unit.shortcut(s, self.factor * unit.branch(p)))


def bypassed(shape: UnitShape) -> nn.Module:
    """y = x, in the unit's shape as by option A"""
    return ZeroPad(shape.in_channels, shape.channels, shape.stride) if shape.changes_shape else nn.Identity()


def deleted(unit: Unit, shape: UnitShape, config: ModelConfig) -> nn.Module:
    """A plain unit has nothing but its branch: without it, its input goes on."""
    return bypassed(shape) if config.block.is_plain else Deleted(unit)


def edited(net: PixelNet, config: ModelConfig, edits: Sequence[Edit]) -> PixelNet:
    """A copy after all edits, in order; a unit's number is its place, counted from 0."""
    surgeon = Surgeon(copy.deepcopy(net), config)
    for edit in edits:
        surgeon.edit(edit)
    return surgeon.finished()


class Surgeon:
    """Holds the units of a net of its own by place, and what has been done to each."""

    def __init__(self, net: PixelNet, config: ModelConfig):
        self.net, self.config, self.shapes = net, config, unit_shapes(config)
        self.units: list[nn.Module] = list(net.net.units)

    def edit(self, edit: Edit) -> None:
        check_choice("do", edit.get("do"), EDITS)
        EDITS[edit["do"]](self, edit)

    def finished(self) -> PixelNet:
        stages: list[list[nn.Module]] = [[] for _ in self.config.units_per_stage]
        for unit, shape in zip(self.units, self.shapes, strict=True):
            stages[shape.stage].append(unit)
        self.net.net.stages = nn.Sequential(*[nn.Sequential(*stage) for stage in stages])
        return self.net.eval()

    def delete(self, edit: Edit) -> None:
        place = self.place(edit, "unit")
        self.units[place] = deleted(self.untouched(place), self.shapes[place], self.config)

    def bypass(self, edit: Edit) -> None:
        place = self.place(edit, "unit")
        self.untouched(place)
        self.units[place] = bypassed(self.shapes[place])

    def scale(self, edit: Edit) -> None:
        place, factor = self.place(edit, "unit"), edit.get("factor")
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not abs(factor) <= MOST_FACTOR:
            raise ValueError(f"factor must be a number from -{MOST_FACTOR} to {MOST_FACTOR}, but is {short(factor)}.")
        self.units[place] = Scaled(self.untouched(place), factor)

    def swap(self, edit: Edit) -> None:
        one, other = self.place(edit, "unit"), self.place(edit, "other")
        if sizes(self.shapes[one]) != sizes(self.shapes[other]):
            raise ValueError(f"Units {one + 1} and {other + 1} cannot be swapped: their shapes differ.")
        self.units[one], self.units[other] = self.units[other], self.units[one]

    def shuffle(self, edit: Edit) -> None:
        """Of the shape that most units of the stage have; never back into the same order."""
        stage, generator = edit.get("stage", -1), torch.Generator().manual_seed(edit.get("seed", 0))
        check_choice("stage", stage, range(len(self.config.units_per_stage)))
        inside = [place for place, shape in enumerate(self.shapes) if shape.stage == stage]
        commonest = Counter(sizes(self.shapes[place]) for place in inside).most_common(1)[0][0]
        alike = [place for place in inside if sizes(self.shapes[place]) == commonest]
        if len(alike) < 2:
            raise ValueError(f"Stage {stage + 1} cannot be shuffled: no two of its units have the same shape.")
        order = list(range(len(alike)))
        while order == sorted(order):
            order = torch.randperm(len(alike), generator=generator).tolist()
        units = [self.units[alike[rank]] for rank in order]
        for place, unit in zip(alike, units, strict=True):
            self.units[place] = unit

    def place(self, edit: Edit, name: str) -> int:
        place = edit.get(name)
        if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < len(self.units):
            raise ValueError(f"{name} must be from 0 to {len(self.units) - 1}, but is {short(place)}.")
        return place

    def untouched(self, place: int) -> Unit:
        unit = self.units[place]
        if not isinstance(unit, Unit):
            raise ValueError(f"Unit {place + 1} can be deleted, bypassed or scaled only once.")
        return unit


MOST_FACTOR = 100
EDITS: dict[str, Callable[[Surgeon, Edit], None]] = {
    "delete": Surgeon.delete,
    "bypass": Surgeon.bypass,
    "scale": Surgeon.scale,
    "swap": Surgeon.swap,
    "shuffle": Surgeon.shuffle,
}


def sizes(shape: UnitShape) -> tuple[int, ...]:
    return shape.in_channels, shape.inner, shape.channels, shape.stride
