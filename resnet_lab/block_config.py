"""A block: three op strings and a shortcut, from which everything else about it follows."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from resnet_lab.config import Config, FrozenDict, check_choice, choices, short
from resnet_lab.ops import OPS, has_norm
from resnet_lab.placements import PLACEMENTS, SLOTS, Placement
from resnet_lab.shortcuts import SHORTCUTS

MAX_OPS = 6


def check_ops(slot: str, ops: object) -> str:
    if ops is not None and not isinstance(ops, str):
        raise ValueError(f"{slot} must be ops with spaces between, such as 'bn relu', but is {short(ops)}")
    keys = (ops or "").split()
    for key in keys:
        if key not in OPS:
            raise ValueError(f"{slot} may hold the ops {choices(OPS, 'and')}, but has {short(key)}")
    if len(keys) > MAX_OPS:
        raise ValueError(f"{slot} may hold at most {MAX_OPS} ops, but has {len(keys)}")
    return " ".join(keys)


def check_argument(shortcut: str, name: str, value: object) -> float:
    known = SHORTCUTS[shortcut].arguments
    if name not in known:
        takes = choices(known, "and") if known else "no arguments"
        raise ValueError(f"shortcut {shortcut!r} takes {takes}, but was given {short(name)}")
    low, high = known[name].low, known[name].high
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, but is {short(value)}")
    return float(value) + 0.0  # no negative zero


def normal_slots(fields: dict[str, Any]) -> dict[str, Any]:
    """Slots that make a placement of the paper get its name; all others are custom."""
    slots = {name: fields.get(name) for name in SLOTS}
    is_given = any(ops is not None for ops in slots.values())
    placement = fields.get("placement", "custom" if is_given else "original")
    check_choice("placement", placement, [*PLACEMENTS, "custom"])
    if placement != "custom":
        if is_given:
            raise ValueError(f"pre, post and after belong to placement 'custom', but placement is {short(placement)}")
        return dict.fromkeys(slots) | {"placement": placement}
    checked = {name: check_ops(name, ops) for name, ops in slots.items()}
    for key, known in PLACEMENTS.items():
        if known.slots == tuple(checked.values()):
            return dict.fromkeys(slots) | {"placement": key}
    return checked | {"placement": "custom"}


def normal_arguments(fields: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Arguments at their default are left out."""
    shortcut, given = fields.get("shortcut", "identity"), fields.get("shortcut_args", {})
    check_choice("shortcut", shortcut, SHORTCUTS)
    if not isinstance(given, dict):
        raise ValueError(f"shortcut_args must name numbers, such as {{'gate_bias': -6}}, but is {short(given)}")
    checked = {str(name): check_argument(shortcut, name, value) for name, value in given.items()}
    known = SHORTCUTS[shortcut].arguments
    return {"shortcut_args": {name: checked[name] for name in sorted(checked) if checked[name] != known[name].default}}


def named_numbers(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in numbers.items())


class BlockConfig(Config):
    """A residual unit: where its ops stand and what its shortcut does."""

    placement: str = "original"
    shortcut: str = "identity"
    shortcut_args: Annotated[dict[str, float], AfterValidator(FrozenDict)] = Field(default_factory=FrozenDict)
    pre: str | None = None  # the three slots, given for a custom placement only
    post: str | None = None
    after: str | None = None
    branch_dropout: Annotated[float, Field(ge=0, le=0.95)] = 0  # before the last convolution, as in WRN

    @model_validator(mode="before")
    @classmethod
    def bring_to_normal_form(cls, fields: Any) -> Any:
        """Blocks that compute the same have the same fields, and so the same key."""
        return fields | normal_slots(fields) | normal_arguments(fields) if isinstance(fields, dict) else fields

    @property
    def numbers(self) -> str:
        """What is not the shortcut's default: 'gate bias 0'"""
        return named_numbers(self.shortcut_args)

    @property
    def ops(self) -> Placement:
        if self.placement != "custom":
            return PLACEMENTS[self.placement]
        return Placement("Custom placement", "custom", self.pre or "", self.post or "", self.after or "")

    def changed(self, **fields: Any) -> Self:
        """Another placement or shortcut leaves its predecessor's slots or numbers behind; a slot makes it custom."""
        slots = {name: ops for name, ops in zip(SLOTS, self.ops.slots, strict=True) if name not in fields}
        if "placement" not in fields and fields.keys() & SLOTS.keys():
            fields |= slots | {"placement": "custom"}
        elif "placement" in fields:
            fields = dict.fromkeys(SLOTS) | fields
        if fields.get("shortcut", self.shortcut) != self.shortcut:
            fields = {"shortcut_args": {}} | fields
        return super().changed(**fields)

    @property
    def is_preactivated(self) -> bool:
        return bool(self.ops.pre)

    @property
    def arguments(self) -> dict[str, float]:
        """The shortcut's numbers, defaults included."""
        known = SHORTCUTS[self.shortcut].arguments
        return {name: self.shortcut_args.get(name, argument.default) for name, argument in known.items()}

    @property
    def is_plain(self) -> bool:
        return self.shortcut == "none"

    @property
    def ends_in_norm(self) -> bool:
        """Whether the branch ends in BN or GN."""
        return has_norm(self.ops.post.split(" ")[-1])

    @property
    def title(self) -> str:
        """Placement and shortcut in the words of the papers."""
        shortcut = SHORTCUTS[self.shortcut].title
        return f"{self.ops.title}, {shortcut[0].lower()}{shortcut[1:]}"
