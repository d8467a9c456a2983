"""The equation of a unit, piece by piece, and as LaTeX that can be set."""

import itertools
import re

import pytest

from resnet_lab import BlockConfig, ModelConfig
from resnet_lab.equations import equations
from resnet_lab.ops import OPS
from resnet_lab.placements import PLACEMENTS
from resnet_lab.shortcuts import SHORTCUTS

BLOCKS = [BlockConfig(placement=p, shortcut=s) for p, s in itertools.product(PLACEMENTS, SHORTCUTS)]
CUSTOM = [BlockConfig(pre=op, post=f"{op} relu", after=f"bn {op}", branch_dropout=0.3) for op in OPS]
ALL = [*BLOCKS, *CUSTOM]
UNITS = ["basic", "bottleneck"]
SUMS = {
    "none": "F",
    "identity": "x + F",
    "constant_scaling": r"0.5\, x + 0.5\, F",
    "exclusive_gating": r"(1 - g) \odot x + g \odot F",
    "shortcut_only_gating": r"(1 - g) \odot x + F",
    "conv": r"\mathrm{BN}\left(W_s\, x\right) + F",
    "dropout": r"\mathrm{dropout}\left(x\right) + F",
}


def net(block, unit="basic"):
    return ModelConfig(block=block, unit=unit)


def branch_symbol(block):
    return r"\mathcal{F}(p)" if block.is_preactivated else r"\mathcal{F}(x)"


def nested(ops, signal):
    """bn relu -> ReLU(BN(signal))"""
    for key in ops.split():
        signal = rf"{OPS[key].latex}\left({signal}\right)"
    return signal


def is_balanced(text):
    """Braces, parentheses and \\left \\right pairs close in the order in which they opened."""
    opened = []
    for token in re.findall(r"\\left\(|\\right\)|[{}()]", text):
        if token in (r"\left(", "(", "{"):
            opened.append(token)
        elif not opened or opened.pop() != {r"\right)": r"\left(", ")": "(", "}": "{"}[token]:
            return False
    return not opened


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("block", ALL, ids=BlockConfig.to_json)
def test_every_equation_is_balanced_latex(block, unit):
    for line in equations(net(block, unit)):
        assert is_balanced(line), line
        assert line.count(r"\left") == line.count(r"\right")
        assert re.fullmatch(r"[\x20-\x7e]+", line), "LaTeX wants plain characters"
        assert "  " not in line
        assert set(re.findall(r"\\([a-zA-Z]+)", line)) <= {
            *("left", "right", "mathrm", "mathcal", "odot", "sigma", "quad", "tanh"),
        }


@pytest.mark.parametrize("block", ALL, ids=BlockConfig.to_json)
def test_the_sum_is_that_of_the_shortcut_with_what_comes_after(block):
    total = SUMS[block.shortcut].replace("F", branch_symbol(block))
    assert equations(net(block))[0] == f"y = {nested(block.ops.after, total)}"


@pytest.mark.parametrize("block", ALL, ids=BlockConfig.to_json)
def test_the_branch_ends_in_what_stands_between_the_last_convolution_and_the_addition(block):
    signal = "p" if block.is_preactivated else "x"
    inner = nested("bn relu", rf"W_1\, {signal}")
    if block.branch_dropout:
        inner = rf"\mathrm{{dropout}}_{{0.3}}\left({inner}\right)"
    last = nested(block.ops.post, rf"W_2\, {inner}")
    assert equations(net(block))[1] == f"{branch_symbol(block)} = {last}"


@pytest.mark.parametrize("block", ALL, ids=BlockConfig.to_json)
def test_a_basic_branch_has_two_weights_and_a_bottleneck_three(block):
    for unit, num_convs in (("basic", 2), ("bottleneck", 3)):
        weights = re.findall(r"W_\d", equations(net(block, unit))[1])
        assert weights == [f"W_{i}" for i in range(num_convs, 0, -1)]


@pytest.mark.parametrize("block", ALL, ids=BlockConfig.to_json)
def test_the_preactivation_has_its_own_equation_where_there_is_one(block):
    lines = [line for line in equations(net(block)) if line.startswith("p = ")]
    assert lines == ([f"p = {nested(block.ops.pre, 'x')}"] if block.is_preactivated else [])


@pytest.mark.parametrize("block", ALL, ids=BlockConfig.to_json)
def test_the_gate_has_its_own_equation_with_the_bias_it_starts_from(block):
    lines = [line for line in equations(net(block)) if line.startswith("g = ")]
    gate = r"g = \sigma(W_g\, x + b_g), \quad b_g = -6"
    assert lines == ([gate] if "gate_bias" in block.arguments else [])


@pytest.mark.parametrize("block", ALL, ids=BlockConfig.to_json)
def test_each_symbol_is_defined_once(block):
    left = [line.split(" = ")[0] for line in equations(net(block))]
    assert len(set(left)) == len(left)
    assert left[:2] == ["y", branch_symbol(block)]


@pytest.mark.parametrize("value", [-12, 0, 0.5, 12])
def test_the_bias_of_the_gate_is_the_one_that_is_set(value):
    block = BlockConfig(shortcut="exclusive_gating", shortcut_args={"gate_bias": value})
    assert equations(net(block))[-1].endswith(f"b_g = {value:g}")


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_every_shortcut_has_its_sum_in_this_file(shortcut):
    assert shortcut in SUMS


def test_a_negative_factor_on_the_branch_is_subtracted():
    block = BlockConfig(shortcut="constant_scaling", shortcut_args={"scale": 1, "branch_scale": -0.5})
    assert "+ -" not in equations(net(block))[0]


def test_the_known_equation_of_full_preactivation():
    assert equations(net(BlockConfig(placement="full_preact"))) == [
        r"y = x + \mathcal{F}(p)",
        r"\mathcal{F}(p) = W_2\, \mathrm{ReLU}\left(\mathrm{BN}\left(W_1\, p\right)\right)",
        r"p = \mathrm{ReLU}\left(\mathrm{BN}\left(x\right)\right)",
    ]


def test_options_of_the_net_are_in_the_equation():
    config = ModelConfig(skipinit=True, stochastic_depth=0.5)
    assert r"\mathrm{drop}\left(\alpha\, \mathrm{BN}" in equations(config)[1]


def test_projections_of_a_preactivated_net_see_the_preactivated_signal():
    config = ModelConfig(projection="C", block=BlockConfig(placement="full_preact"))
    assert equations(config)[0] == r"y = W_s\, p + \mathcal{F}(p)"


def test_the_only_unit_of_a_preactivated_stage_starts_both_paths_from_the_preactivated_signal():
    assert equations(ModelConfig(depth=8, block=BlockConfig(placement="full_preact")))[0] == r"y = p + \mathcal{F}(p)"
