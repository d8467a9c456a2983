"""The equation of a unit in LaTeX, from the same specification that runs."""

from collections.abc import Iterable

from torch import nn

from resnet_lab.block_config import BlockConfig
from resnet_lab.ops import OPS
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.wiring import Factor, Step, module_name, wiring


def equations(block: BlockConfig, unit: str = "basic") -> list[str]:
    """y = ..., F = ..., and the pre-activation and the gate where there are any."""
    call = SHORTCUTS[block.shortcut].call.bind(**block.arguments)
    wires = wiring(call.build(channels=1))
    p = "p" if block.is_preactivated else "x"
    sides = [side(wires.path, "x")] if wires.path is not None else []
    total = " + ".join([*sides, side(wires.branch, rf"\mathcal{{F}}({p})")]).replace("+ -", "- ")
    lines = [f"y = {apply(block.ops.after, total)}", rf"\mathcal{{F}}({p}) = {branch(block, unit, p)}"]
    if block.is_preactivated:
        lines.append(f"p = {apply(block.ops.pre, 'x')}")
    if wires.gate:
        lines.append(rf"g = \sigma(W_g\, x + b_g), \quad b_g = {block.arguments['gate_bias']:g}")
    return lines


def branch(block: BlockConfig, unit: str, signal: str) -> str:
    num_convs = 3 if unit == "bottleneck" else 2
    for i in range(1, num_convs):
        signal = apply("bn relu", rf"W_{i}\, {signal}")
    if block.branch_dropout:
        signal = rf"\mathrm{{dropout}}_{{{block.branch_dropout:g}}}\left({signal}\right)"
    return apply(block.ops.post, rf"W_{num_convs}\, {signal}")


def apply(ops: str, signal: str) -> str:
    for key in ops.split():
        signal = rf"{OPS[key].latex}\left({signal}\right)"
    return signal


def side(steps: Iterable[Step], signal: str) -> str:
    for step in steps:
        signal = times(step, signal) if isinstance(step, Factor) else through(step, signal)
    return signal


def times(factor: Factor, signal: str) -> str:
    text = factor.text.replace("−", "-")
    if not isinstance(factor.by, str):
        return rf"{text}\, {signal}"
    return rf"({text}) \odot {signal}" if "-" in text else rf"{text} \odot {signal}"


def through(module: nn.Module, signal: str) -> str:
    if isinstance(module, nn.Conv2d):
        return rf"W_s\, {signal}"
    return rf"\mathrm{{{module_name(module)}}}\left({signal}\right)"
