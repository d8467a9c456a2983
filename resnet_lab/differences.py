"""What changes from one block to another, in words a student understands."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from resnet_lab.block_config import BlockConfig
from resnet_lab.costs import cost
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import stem_ops
from resnet_lab.ops import OPS
from resnet_lab.placements import SLOTS
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.wiring import signed, wiring_of

Spot = tuple[str, str]  # an op and the slot it stands in


@dataclass(frozen=True)
class Difference:
    """Sentences, and what the change costs in the given net."""

    changes: tuple[str, ...]
    parameters: int
    multiply_adds: int
    net: str

    @property
    def price(self) -> str:
        if not self.parameters and not self.multiply_adds:
            return f"Parameters and multiply-adds of {self.net} stay the same."
        return (
            f"{self.net} has {amount(self.parameters, 'parameter')} "
            f"and {amount(self.multiply_adds, 'multiply-add')} for each image."
        )

    def __str__(self) -> str:
        return " ".join([*self.changes, self.price])


def describe_difference(block: BlockConfig, other: BlockConfig, model: ModelConfig | None = None) -> Difference:
    """What changes when `block` becomes `other`, with the price of it in `model` (ResNet-20 if not given)."""
    model = model or ModelConfig()
    before, after = cost(model.with_block(block)), cost(model.with_block(other))
    changes = (
        *describe_ops(block, other),
        *describe_net(block, other, model.projection),
        *describe_shortcut(block, other),
        *describe_dropout(block, other),
    )
    return Difference(
        changes=changes or ("Both blocks are the same.",),
        parameters=after.parameters - before.parameters,
        multiply_adds=after.multiply_adds - before.multiply_adds,
        net=model.with_block(other).title,
    )


def describe_ops(block: BlockConfig, other: BlockConfig) -> list[str]:
    gone, new = Counter(spots(block)) - Counter(spots(other)), Counter(spots(other)) - Counter(spots(block))
    moves: dict[tuple[str, str], list[str]] = {}
    for op, source in list(gone.elements()):
        target = next((slot for key, slot in new.elements() if key == op), None)
        if target is not None:
            moves.setdefault((source, target), []).append(op)
            gone -= Counter([(op, source)])
            new -= Counter([(op, target)])
    sentences = [
        f"{labels(ops)} {verb(ops, 'moves', 'move')} from {SLOTS[source]} to {SLOTS[target]}."
        for (source, target), ops in moves.items()
    ]
    sentences += [f"{OPS[op].label} {SLOTS[slot]} is taken away." for op, slot in gone.elements()]
    sentences += [f"{OPS[op].label} is added {SLOTS[slot]}." for op, slot in new.elements()]
    return sentences + [
        f"The order {SLOTS[slot]} becomes {labels(ops, 'then')}."
        for slot in SLOTS
        if (ops := getattr(other.ops, slot).split())[1:] and ops != getattr(block.ops, slot).split()
    ]


def spots(block: BlockConfig) -> list[Spot]:
    return [(op, slot) for slot, ops in zip(SLOTS, block.ops.slots, strict=True) for op in ops.split()]


def describe_net(block: BlockConfig, other: BlockConfig, projection: str) -> list[str]:
    """What a pre-activated unit asks of the net around it."""
    sentences = describe_end(block, other)
    if stem_ops(block) != stem_ops(other):
        old, new = (labels(stem_ops(each).split()) for each in (block, other))
        sentences.append(f"After the convolution of the stem comes {new} instead of {old}.")
    if projection != "A" and block.is_preactivated != other.is_preactivated and not other.is_plain:
        sentences.append(f"Projections have {'no BN any more' if other.is_preactivated else 'a BN of their own'}.")
    return sentences


def describe_end(block: BlockConfig, other: BlockConfig) -> list[str]:
    if block.ops.pre == other.ops.pre:
        return []
    old, new = (labels(each.ops.pre.split()) for each in (block, other))
    if block.is_preactivated and other.is_preactivated:
        return [f"After the last addition of the net comes one more {new} instead of {old}."]
    if not other.is_preactivated:
        return ["The units are no longer pre-activated: after the last addition of the net nothing more comes."]
    return [
        "The units are now pre-activated: in the first unit of each stage both paths start from the pre-activated "
        f"signal, and after the last addition of the net comes one more {new}."
    ]


def describe_shortcut(block: BlockConfig, other: BlockConfig) -> list[str]:
    if (block.shortcut, block.arguments) == (other.shortcut, other.arguments):
        return []
    if block.shortcut == other.shortcut:
        return [*describe_arguments(block, other), f"{shortcut_words(other)}."]
    old, new = SHORTCUTS[block.shortcut].title.lower(), SHORTCUTS[other.shortcut].title.lower()
    return [
        f"The shortcut changes from {old} to {new}: the unit adds up {formula(other)} instead of {formula(block)}."
        if not block.is_plain and not other.is_plain
        else f"The shortcut changes from {old} to {new}.",
        f"{shortcut_words(other)}.",
    ]


def describe_arguments(block: BlockConfig, other: BlockConfig) -> list[str]:
    return [
        f"The {SHORTCUTS[block.shortcut].arguments[name].words} changes from {signed(old)} to {signed(new)}."
        for name, old in block.arguments.items()
        if old != (new := other.arguments[name])
    ]


def shortcut_words(block: BlockConfig) -> str:
    """What the shortcut does, in a sentence without its full stop."""
    openness = 1 / (1 + math.exp(-block.arguments.get("gate_bias", 0)))
    numbers = {name: signed(value) for name, value in block.arguments.items()}
    return SHORTCUTS[block.shortcut].words.format(**numbers, openness=f"{openness:.2g}")


def formula(block: BlockConfig) -> str:
    return wiring_of(SHORTCUTS[block.shortcut].call.bind(**block.arguments)).formula


def describe_dropout(block: BlockConfig, other: BlockConfig) -> list[str]:
    old, new = block.branch_dropout, other.branch_dropout
    if old == new:
        return []
    if not old:
        return [f"Dropout with probability {new:g} is added before the last convolution of the branch."]
    if not new:
        return ["The dropout before the last convolution of the branch is taken away."]
    return [f"The dropout in the branch changes its probability from {old:g} to {new:g}."]


def labels(ops: Iterable[str], last: str = "and") -> str:
    *first, end = [OPS[op].label for op in ops] or ["nothing"]
    return f"{', '.join(first)} {last} {end}" if first else end


def verb(ops: list[str], singular: str, plural: str) -> str:
    return singular if len(ops) == 1 else plural


def amount(change: int, noun: str) -> str:
    if not change:
        return f"as many {noun}s as before"
    return f"{abs(change):,} {'more' if change > 0 else 'fewer'} {noun}{'' if abs(change) == 1 else 's'}"
