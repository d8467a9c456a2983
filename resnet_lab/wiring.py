"""How a shortcut is wired, read off its own forward: what is drawn and written is what runs."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

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


class Symbol:
    """Stands for a tensor while a shortcut's forward runs, and remembers what was done."""

    def __init__(self, op: str, *args: Any):
        self.op, self.args = op, args

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> "Symbol":
        return cls(func.__name__.strip("_").removeprefix("r"), *args)

    def __add__(self, other: Any) -> "Symbol":
        return Symbol("add", self, other)

    def __mul__(self, other: Any) -> "Symbol":
        return Symbol("mul", self, other)

    def __rsub__(self, other: Any) -> "Symbol":
        return Symbol("sub", other, self)

    def __sub__(self, other: Any) -> "Symbol":
        return Symbol("sub", self, other)

    def sigmoid(self) -> "Symbol":
        return Symbol("sigmoid", self)

    __radd__, __rmul__ = __add__, __mul__


class Recorded(nn.Module):
    """In the place of a layer: the layer's name goes into the record."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layers = (layer,)  # in a tuple, so that it is no child

    def forward(self, x: Any) -> Symbol:
        (layer,) = self.layers
        return Symbol("sigmoid", x) if isinstance(layer, nn.Sigmoid) else Symbol("layer", x, layer)


def wiring(shortcut: nn.Module) -> Wiring:
    """Run a copy of the shortcut on symbols, and follow the sum back to x and f."""
    recorded, x, f = copy(shortcut), Symbol("x"), Symbol("f")
    names = {id(parameter): name for name, parameter in recorded.named_parameters(recurse=False)}
    recorded._modules = {name: Recorded(layer) for name, layer in shortcut.named_children()}
    try:
        result = recorded(x, f)
    except (AttributeError, TypeError):  # it asked the symbol for something else
        result = None
    reader = Reader(names)
    alone = reader.back(result, f)
    path, branch = (None, alone) if alone is not None else reader.sides(result, x, f)
    gate = reader.back(reader.gates[0], x) if reader.gates else ()
    if len({id(gate) for gate in reader.gates}) > 1 or gate is None or branch is None:
        raise ValueError(f"{type(shortcut).__name__} cannot be drawn: {MAY}, and call layers.")
    return Wiring(path, branch, gate)


def wiring_of(call: Call) -> Wiring:
    """Of a shortcut that is only planned, without memory or random numbers."""
    with torch.device("meta"):
        return wiring(call.build(channels=1))


class Reader:
    """Follows symbols back; `names` are those of the shortcut's own parameters."""

    def __init__(self, names: dict[int, str]):
        self.names = names
        self.gates: list[Any] = []  # what goes into each sigmoid that was met

    def sides(self, result: Any, x: Symbol, f: Symbol) -> tuple[Any, Any]:
        """The steps of path and branch, whichever is added to the other."""
        if isinstance(result, Symbol) and result.op == "add":
            for first, second in (result.args, result.args[::-1]):
                path, branch = self.back(first, x), self.back(second, f)
                if path is not None and branch is not None:
                    return path, branch
        return None, None

    def back(self, symbol: Any, source: Symbol) -> tuple[Step, ...] | None:
        """The steps from `source` in the order in which they happen; None where there is no such way."""
        if symbol is source:
            return ()
        if not isinstance(symbol, Symbol):
            return None
        if symbol.op == "layer":
            steps = self.back(symbol.args[0], source)
            return None if steps is None else (*steps, symbol.args[1])
        if symbol.op == "mul":
            for factor, signal in (symbol.args, symbol.args[::-1]):
                steps = self.back(signal, source)
                by = self.factor(factor) if steps is not None else None
                if steps is not None and by is not None:
                    return (*steps, Factor(by))
        return None

    def factor(self, value: Any) -> float | str | None:
        if isinstance(value, int | float):
            return float(value)
        if not isinstance(value, Symbol):
            return self.names.get(id(value))
        if value.op == "sub" and value.args[0] == 1:
            return REST_OF_GATE if self.is_gate(value.args[1]) else None
        return GATE if self.is_gate(value) else None

    def is_gate(self, value: Any) -> bool:
        if not isinstance(value, Symbol) or value.op != "sigmoid":
            return False
        self.gates.append(value.args[0])
        return True
