"""The wiring that is drawn, held against the forward pass that runs."""

import pytest
import torch
from torch import nn

from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.wiring import Factor, Wiring, wiring, written

CHANNELS = 8
ARGUMENTS = [(key, name) for key, shortcut in SHORTCUTS.items() for name in shortcut.arguments]
FORMULAS = {
    "none": "f",
    "identity": "x + f",
    "constant_scaling": "0.5 x + 0.5 f",
    "exclusive_gating": "(1 − g) x + g f",
    "shortcut_only_gating": "(1 − g) x + f",
    "conv": "BN(conv1×1(x)) + f",
    "dropout": "dropout(x) + f",
}


def build(key, channels=CHANNELS, **arguments):
    defaults = {name: argument.default for name, argument in SHORTCUTS[key].arguments.items()}
    return SHORTCUTS[key].call.bind(**defaults | arguments).build(channels=channels)


def signals(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(3, CHANNELS, 6, 6, generator=generator) for _ in range(2))


def walk(steps, signal, gate):
    """What comes out of a row of steps."""
    for step in steps:
        signal = factor_value(step, gate) * signal if isinstance(step, Factor) else step(signal)
    return signal


def factor_value(factor, gate):
    return {"g": gate, "1 − g": 1 - gate}[factor.by] if isinstance(factor.by, str) else factor.by


def evaluate(wires, x, f):
    gate = walk(wires.gate, x, None).sigmoid() if wires.gate else torch.tensor(float("nan"))
    branch = walk(wires.branch, f, gate)
    return branch if wires.path is None else walk(wires.path, x, gate) + branch


def check_wiring(shortcut):
    x, f = signals()
    for is_training in (True, False):
        shortcut.train(is_training)
        torch.manual_seed(7)
        drawn = evaluate(wiring(shortcut), x, f)
        torch.manual_seed(7)
        torch.testing.assert_close(drawn, shortcut(x, f), rtol=1e-6, atol=1e-6)


@pytest.fixture(autouse=True)
def own_generator():
    with torch.random.fork_rng(), torch.no_grad():
        yield


@pytest.mark.parametrize("key", SHORTCUTS)
def test_the_wiring_evaluated_step_by_step_is_the_forward_pass(key):
    check_wiring(build(key))


@pytest.mark.parametrize(("key", "name"), ARGUMENTS)
def test_the_wiring_follows_the_arguments(key, name):
    argument = SHORTCUTS[key].arguments[name]
    for value in (argument.low, 0.0, 0.7, argument.high):
        check_wiring(build(key, **{name: value}))


@pytest.mark.parametrize("key", SHORTCUTS)
def test_the_formula_is_that_of_figure_2(key):
    assert wiring(build(key)).formula == FORMULAS[key]


@pytest.mark.parametrize("key", SHORTCUTS)
def test_the_docstring_of_a_shortcut_is_its_formula(key):
    docstring = SHORTCUTS[key].call.module.__doc__
    for words, drawn in {"1 - g": "1 − g", "conv1x1": "conv1×1", "branch_scale": "0.5", "scale": "0.5"}.items():
        docstring = docstring.replace(words, drawn)
    assert wiring(build(key)).formula in docstring.split(": ")


@pytest.mark.parametrize("key", SHORTCUTS)
def test_the_steps_are_the_modules_of_the_shortcut_itself(key):
    shortcut = build(key)
    wires = wiring(shortcut)
    steps = [*(wires.path or ()), *wires.branch, *wires.gate]
    drawn = {step for step in steps if isinstance(step, nn.Module)}
    assert drawn == {module for module in shortcut.modules() if not list(module.children())} - {shortcut}


def test_only_the_plain_net_has_no_path():
    assert [key for key in SHORTCUTS if wiring(build(key)).path is None] == ["none"]


def test_only_gated_shortcuts_have_a_gate():
    gated = [key for key in SHORTCUTS if wiring(build(key)).gate]
    assert gated == [key for key in SHORTCUTS if "gate_bias" in SHORTCUTS[key].arguments]


@pytest.mark.parametrize("key", SHORTCUTS)
def test_reading_the_wiring_changes_nothing_in_the_shortcut(key):
    shortcut = build(key)
    before = {name: tensor.clone() for name, tensor in shortcut.state_dict().items()}
    state = torch.get_rng_state()
    wiring(shortcut)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in shortcut.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in shortcut.modules())


class Halving(nn.Module):
    """A shortcut of the user's own: the branch is normalised and gated, the path scaled twice."""

    def __init__(self):
        super().__init__()
        self.gate, self.norm = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.BatchNorm2d(CHANNELS)

    def forward(self, x, f):
        g = self.gate(x).sigmoid()
        return 0.5 * ((1 - g) * x) + g * self.norm(f)


def test_a_new_shortcut_that_multiplies_and_adds_is_read_as_well():
    check_wiring(Halving())
    assert wiring(Halving()).formula == "0.5 (1 − g) x + g BN(f)"


class Greatest(nn.Module):
    def forward(self, x, f):
        return torch.maximum(x, f) + f


def test_a_shortcut_that_cannot_be_drawn_is_said_to_be_so():
    with pytest.raises(ValueError, match="Greatest cannot be drawn"):
        wiring(Greatest())


def test_steps_are_written_from_the_inside_out():
    steps = (nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), Factor("1 − g"), Factor(2.0))
    assert written(steps, "x") == "2 (1 − g) BN(conv3×3(x))"
    assert Wiring(None, (), ()).formula == "f"


def test_a_formula_writes_negative_factors_with_a_minus_sign():
    formula = wiring(build("constant_scaling", scale=-1, branch_scale=-0.5)).formula
    assert "-" not in formula
    assert "+ −" not in formula


class Learned(nn.Module):
    def __init__(self):
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(()))
        self.norm = nn.GroupNorm(1, 1)

    def forward(self, x, f):
        return self.norm(f) * 2 + x * self.alpha


def test_either_order_and_learned_factors_are_read():
    assert wiring(Learned()).formula == "alpha x + 2 GroupNorm(f)"


class Difference(nn.Module):
    def forward(self, x, f):
        return x - f


class TwoGates(nn.Module):
    def forward(self, x, f):
        return x.sigmoid() * x + f.sigmoid() * f


class OtherRest(nn.Module):
    def forward(self, x, f):
        return (2 - x.sigmoid()) * x + f


@pytest.mark.parametrize("shortcut", [Difference, TwoGates, OtherRest])
def test_what_cannot_be_drawn_is_not_drawn_wrongly(shortcut):
    with pytest.raises(ValueError, match="cannot be drawn"):
        wiring(shortcut())
