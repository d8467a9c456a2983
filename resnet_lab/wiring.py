"""How a shortcut is wired, read off its own forward: what is drawn and written is what runs."""

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from resnet_lab.calls import Call
from resnet_lab.ops import OPS

GATE, REST_OF_GATE = "g", "1 − g"
MAY = "a shortcut's forward may add both signals, multiply them by a number, a parameter or one sigmoid gate g or 1 - g"


@dataclass(frozen=True)
class Factor:
    """A multiplication on the way to the sum: by a number, by a parameter's name, or by the gate."""

    by: float | str

    @property
    def text(self) -> str:
        return self.by if isinstance(self.by, str) else signed(self.by)

    @property
    def is_gate(self) -> bool:
        return self.by in (GATE, REST_OF_GATE)


Step = Factor | nn.Module


@dataclass(frozen=True)
class Wiring:
    """What happens to shortcut and branch before they are added; `path` is None in the plain net."""

    path: tuple[Step, ...] | None
    branch: tuple[Step, ...]
    gate: tuple[Step, ...]

    @property
    def formula(self) -> str:
        """(1 − g) x + g f"""
        sides = ([written(self.path, "x")] if self.path is not None else []) + [written(self.branch, "f")]
        return " + ".join(sides).replace("+ −", "− ")


def written(steps: tuple[Step, ...], signal: str) -> str:
    for step in steps:
        if isinstance(step, Factor):
            signal = f"({step.text}) {signal}" if " " in step.text else f"{step.text} {signal}"
        else:
            signal = f"{layer_name(step).replace(' ', '')}({signal})"
    return signal


def layer_name(module: nn.Module) -> str:
    """conv 3×3, BN, dropout, ... as everywhere in the lab"""
    if isinstance(module, nn.Conv2d):
        return f"conv {module.kernel_size[0]}×{module.kernel_size[1]}"
    names = {op.call.module: op.label for op in OPS.values()} | {nn.Dropout: "dropout"}
    return names.get(type(module), type(module).__name__)


def signed(value: float) -> str:
    """−0.5, with a real minus sign"""
    return f"{value:g}".replace("-", "−")


class LeafTracer(fx.Tracer):
    """Goes into the shortcut and no further."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def wiring(shortcut: nn.Module) -> Wiring:
    """Follow the sum back to x and f."""
    graph = LeafTracer().trace(shortcut)
    x, f = (node for node in graph.nodes if node.op == "placeholder")
    (result,) = next(node for node in graph.nodes if node.op == "output").args
    gates = [node for node in graph.nodes if is_sigmoid(shortcut, node)]
    gate = back(shortcut, gates[0].args[0], x) if gates else ()
    alone = back(shortcut, result, f)
    path, branch = (None, alone) if alone is not None else sides(shortcut, result, x, f)
    if len(gates) > 1 or gate is None or branch is None:
        raise ValueError(f"{type(shortcut).__name__} cannot be drawn: {MAY}, and call layers.")
    return Wiring(path, branch, gate)


def wiring_of(call: Call) -> Wiring:
    """Of a shortcut that is only planned, without memory or random numbers."""
    with torch.device("meta"):
        return wiring(call.build(channels=1))


def sides(shortcut: nn.Module, result: Any, x: fx.Node, f: fx.Node) -> tuple[Any, Any]:
    """The steps of path and branch, whichever is added to the other."""
    if result.target in (operator.add, torch.add):
        for first, second in (result.args, result.args[::-1]):
            path, branch = back(shortcut, first, x), back(shortcut, second, f)
            if path is not None and branch is not None:
                return path, branch
    return None, None


def back(shortcut: nn.Module, node: Any, source: fx.Node) -> tuple[Step, ...] | None:
    """The steps from `source` to `node` in the order in which they happen; None where there is no such way."""
    if node is source:
        return ()
    if not isinstance(node, fx.Node):
        return None
    if node.op == "call_module" and not is_sigmoid(shortcut, node):
        steps = back(shortcut, node.args[0], source)
        return None if steps is None else (*steps, shortcut.get_submodule(str(node.target)))
    if node.target in (operator.mul, torch.mul):
        for factor, signal in (node.args, node.args[::-1]):
            steps, by = back(shortcut, signal, source), factor_of(shortcut, factor)
            if steps is not None and by is not None:
                return (*steps, Factor(by))
    return None


def factor_of(shortcut: nn.Module, node: Any) -> float | str | None:
    if isinstance(node, int | float):
        return float(node)
    if not isinstance(node, fx.Node):
        return None
    if is_sigmoid(shortcut, node):
        return GATE
    if node.op == "get_attr":
        return str(node.target)
    is_rest = node.target in (operator.sub, torch.sub) and node.args[0] == 1 and is_sigmoid(shortcut, node.args[1])
    return REST_OF_GATE if is_rest else None


def is_sigmoid(shortcut: nn.Module, node: Any) -> bool:
    if not isinstance(node, fx.Node):
        return False
    if node.op == "call_module":
        return isinstance(shortcut.get_submodule(str(node.target)), nn.Sigmoid)
    return node.target in ("sigmoid", torch.sigmoid)
