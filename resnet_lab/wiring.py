"""How a shortcut is wired, read off its own forward: what is drawn and written is what runs."""

import operator
from dataclasses import dataclass
from typing import Any

from torch import fx, nn


@dataclass(frozen=True)
class Factor:
    """A multiplication on the way to the sum: by a number, or by the gate ("g", "1 − g")."""

    by: float | str

    @property
    def text(self) -> str:
        return self.by if isinstance(self.by, str) else f"{self.by:g}".replace("-", "−")


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
            signal = f"({step.text}) {signal}" if " − " in step.text else f"{step.text} {signal}"
        else:
            signal = f"{module_name(step)}({signal})"
    return signal


def module_name(module: nn.Module) -> str:
    if isinstance(module, nn.Conv2d):
        return f"conv{module.kernel_size[0]}×{module.kernel_size[1]}"
    return {nn.BatchNorm2d: "BN", nn.Dropout: "dropout"}.get(type(module), type(module).__name__)


class LeafTracer(fx.Tracer):
    """Goes into the shortcut and no further."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def wiring(shortcut: nn.Module) -> Wiring:
    """Follow the sum back to x and f."""
    graph = LeafTracer().trace(shortcut)
    x, f = (node for node in graph.nodes if node.op == "placeholder")
    (result,) = next(node for node in graph.nodes if node.op == "output").args
    gates = [node for node in graph.nodes if node.op == "call_method" and node.target == "sigmoid"]
    gate = steps_back(shortcut, gates[0].args[0], x) if gates else ()
    if result.target is not operator.add:
        return Wiring(None, steps_back(shortcut, result, f), gate)
    path, branch = result.args
    return Wiring(steps_back(shortcut, path, x), steps_back(shortcut, branch, f), gate)


def steps_back(shortcut: nn.Module, node: Any, source: fx.Node) -> tuple[Step, ...]:
    """The steps from `source` to `node`, in the order in which they happen."""
    if node is source:
        return ()
    if node.op == "call_module":
        return (*steps_back(shortcut, node.args[0], source), shortcut.get_submodule(str(node.target)))
    assert node.target is operator.mul, f"{type(shortcut).__name__} multiplies and adds; it cannot draw {node}"
    factor, signal = node.args
    return (*steps_back(shortcut, signal, source), Factor(factor_text(factor)))


def factor_text(factor: Any) -> float | str:
    if not isinstance(factor, fx.Node):
        return float(factor)
    return "g" if factor.target == "sigmoid" else "1 − g"
