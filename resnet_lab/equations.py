"""The equation of a unit in LaTeX, from the plan that is built."""

from collections.abc import Iterable

from torch import nn

from resnet_lab.blocks import needs_match, plan_unit, starts_preactivated
from resnet_lab.calls import Call
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import typical_shape
from resnet_lab.ops import OPS, SkipInit, StochasticDepth
from resnet_lab.projections import ZeroPad, ZeroPadEnd
from resnet_lab.wiring import Factor, Step, layer_name, wiring_of

FUNCTIONS = {op.call.module: op.latex for op in OPS.values()} | {
    nn.Dropout: r"\mathrm{dropout}",
    StochasticDepth: r"\mathrm{drop}",
    ZeroPad: r"\mathrm{pad}",
    ZeroPadEnd: r"\mathrm{pad}",
}


def equations(config: ModelConfig) -> list[str]:
    """y = ..., F = ..., and the pre-activation and the gate where there are any; of a unit inside a stage."""
    plan, shape, block = plan_unit(config), typical_shape(config), config.block
    wires = wiring_of(plan.shortcut)
    p = "p" if block.is_preactivated else "x"
    s = p if starts_preactivated(config, shape) else "x"
    matched = through_calls(plan.match.values() if needs_match(config, shape) else (), s, "W_s")
    sides = [through_steps(wires.path, matched)] if wires.path is not None else []
    total = " + ".join([*sides, through_steps(wires.branch, rf"\mathcal{{F}}({p})")]).replace("+ -", "- ")
    lines = [f"y = {through_calls(plan.after.values(), total)}"]
    lines.append(rf"\mathcal{{F}}({p}) = {through_calls(plan.branch.values(), p)}")
    if block.is_preactivated:
        lines.append(f"p = {through_calls(plan.pre.values(), 'x')}")
    if wires.gate:
        bias = rf", \quad b_g = {block.arguments['gate_bias']:g}" if "gate_bias" in block.arguments else ""
        lines.append(rf"g = \sigma(W_g\, {matched} + b_g){bias}")
    return lines


def through_calls(calls: Iterable[Call], signal: str, weight: str = "") -> str:
    """Convolutions are numbered W_1, W_2, ... unless they have a name."""
    num_convs = 0
    for call in calls:
        if call.module is nn.Conv2d:
            num_convs += 1
            signal = rf"{weight or f'W_{num_convs}'}\, {signal}"
        elif call.module is SkipInit:
            signal = rf"\alpha\, {signal}"
        else:
            subscript = rf"_{{{call.args[0]:g}}}" if call.module is nn.Dropout else ""
            signal = rf"{FUNCTIONS[call.module]}{subscript}\left({signal}\right)"
    return signal


def through_steps(steps: Iterable[Step], signal: str) -> str:
    for step in steps:
        if isinstance(step, Factor):
            signal = times(step, signal)
        elif isinstance(step, nn.Conv2d):
            signal = rf"W_s\, {signal}"
        else:
            function = FUNCTIONS.get(type(step), rf"\mathrm{{{layer_name(step)}}}")
            signal = rf"{function}\left({signal}\right)"
    return signal


def times(factor: Factor, signal: str) -> str:
    text = factor.text.replace("−", "-")
    if factor.is_gate:
        return rf"({text}) \odot {signal}" if " " in text else rf"{text} \odot {signal}"
    return rf"{text}\, {signal}"
