"""Every unit against a second, literal transcription of its formula in functional code."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from resnet_lab.block_config import BlockConfig
from resnet_lab.blocks import Unit, UnitShape
from resnet_lab.model_config import ModelConfig
from resnet_lab.ops import OPS, GroupNorm, StochasticDepth
from resnet_lab.placements import PLACEMENTS, SLOTS
from resnet_lab.shortcuts import SHORTCUTS

pytestmark = pytest.mark.usefixtures("one_thread")
EXACT = {"rtol": 1e-10, "atol": 1e-10}
UNITS = ["basic", "bottleneck"]
PREACTIVATED = ["relu_only_preact", "full_preact"]
ENDS_IN_BN = [key for key, placement in PLACEMENTS.items() if placement.post.endswith("bn")]
WITH_A_SHORTCUT = [key for key in SHORTCUTS if key != "none"]
SHAPES = {
    "inside a stage": UnitShape(stage=1, index=1, in_channels=6, inner=3, channels=6, stride=1),
    "first of the net": UnitShape(stage=0, index=0, in_channels=6, inner=3, channels=6, stride=1),
    "widening": UnitShape(stage=0, index=0, in_channels=4, inner=3, channels=12, stride=1),
    "downsampling": UnitShape(stage=1, index=0, in_channels=4, inner=3, channels=8, stride=2),
}
INSIDE = SHAPES["inside a stage"]
PROJECTIONS = [("A", "both"), ("A", "end"), ("B", "both"), ("C", "both")]
ARGUMENTS = {"constant_scaling": {"scale": 0.3, "branch_scale": 1.7}, "dropout": {"p": 0.3}}


# The formulas. t: the unit's tensors by name; s, f: what the shortcut and the branch bring to the addition.


def bn(t, name, x):
    running = t[f"{name}.running_mean"], t[f"{name}.running_var"]
    return F.batch_norm(x, *running, t[f"{name}.weight"], t[f"{name}.bias"], training=bool(t["training"]))


def basic(t, p, stride, dropout):
    h = F.relu(bn(t, "branch.bn1", F.conv2d(p, t["branch.conv1.weight"], stride=stride, padding=1)))
    return F.conv2d(dropout(h), t["branch.conv2.weight"], padding=1)


def bottleneck(t, p, stride, dropout):
    h = F.relu(bn(t, "branch.bn1", F.conv2d(p, t["branch.conv1.weight"])))
    h = F.relu(bn(t, "branch.bn2", F.conv2d(h, t["branch.conv2.weight"], stride=stride, padding=1)))
    return F.conv2d(dropout(h), t["branch.conv3.weight"])


def original(u, x):
    return F.relu(u.add(x, u.last_bn(u.branch(x))))


def bn_after_addition(u, x):
    return F.relu(u.after_bn(u.add(x, u.branch(x))))


def relu_before_addition(u, x):
    return u.add(x, F.relu(u.last_bn(u.branch(x))))


def relu_only_preact(u, x):
    p = F.relu(x)
    return u.add(p if u.shortcut_starts_preactivated else x, u.last_bn(u.branch(p)))


def full_preact(u, x):
    p = F.relu(u.pre_bn(x))
    return u.add(p if u.shortcut_starts_preactivated else x, u.branch(p))


def gate(t, s):
    return torch.sigmoid(F.conv2d(s, t["shortcut.gate.weight"], t["shortcut.gate.bias"]))


def exclusive_gating(t, s, f):
    g = gate(t, s)
    return (1 - g) * s + g * f


def shortcut_only_gating(t, s, f):
    g = gate(t, s)
    return (1 - g) * s + f


def conv_shortcut(t, s, f):
    return bn(t, "shortcut.bn", F.conv2d(s, t["shortcut.conv.weight"])) + f


def dropout_shortcut(t, s, f):
    return F.dropout(s, 0.3, training=bool(t["training"])) + f


def zero_channels_on_both_sides(s, channels, stride):
    s = s[:, :, ::stride, ::stride]
    side = s.new_zeros(len(s), (channels - s.shape[1]) // 2, *s.shape[2:])
    return torch.cat([side, s, side], dim=1)


def zero_channels_at_the_end(s, channels, stride):
    s = s[:, :, ::stride, ::stride]
    return torch.cat([s, s.new_zeros(len(s), channels - s.shape[1], *s.shape[2:])], dim=1)


BRANCHES = {"basic": basic, "bottleneck": bottleneck}
LAST_BN = {"basic": "branch.bn2", "bottleneck": "branch.bn3"}
PADS = {"both": zero_channels_on_both_sides, "end": zero_channels_at_the_end}
PLACEMENT_FORMULAS = {
    "original": original,
    "bn_after_addition": bn_after_addition,
    "relu_before_addition": relu_before_addition,
    "relu_only_preact": relu_only_preact,
    "full_preact": full_preact,
}
SHORTCUT_FORMULAS = {
    "none": lambda t, s, f: f,
    "identity": lambda t, s, f: s + f,
    "constant_scaling": lambda t, s, f: 0.3 * s + 1.7 * f,
    "exclusive_gating": exclusive_gating,
    "shortcut_only_gating": shortcut_only_gating,
    "conv": conv_shortcut,
    "dropout": dropout_shortcut,
}


def matched(t, s, config, shape):
    """The shortcut's signal in the shape of the branch's: options A, B and C."""
    keeps_shape = shape.stride == 1 and shape.in_channels == shape.channels
    if config.block.shortcut == "none" or (keeps_shape and config.projection != "C"):
        return s
    if config.projection == "A":
        return PADS[config.pad](s, shape.channels, shape.stride)
    s = F.conv2d(s, t["match.conv1.weight"], stride=shape.stride)
    return s if config.block.placement in PREACTIVATED else bn(t, "match.bn1", s)


def formula(t, x, config, shape, dropout=lambda h: h, silence=lambda f: f):
    def add(s, f):
        return SHORTCUT_FORMULAS[config.block.shortcut](t, matched(t, s, config, shape), silence(f))

    u = SimpleNamespace(
        branch=lambda p: BRANCHES[config.unit](t, p, shape.stride, dropout),
        pre_bn=lambda h: bn(t, "pre.bn1", h),
        last_bn=lambda h: bn(t, LAST_BN[config.unit], h),
        after_bn=lambda h: bn(t, "after.bn1", h),
        add=add,
        shortcut_starts_preactivated=shape.index == 0 or config.projection == "C",
    )
    return PLACEMENT_FORMULAS[config.block.placement](u, x)


# What the tests share.


def configured(placement="original", shortcut="identity", unit="basic", projection=("A", "both"), **fields):
    names = set(fields) & set(BlockConfig.model_fields)
    block = {name: fields.pop(name) for name in names} or {"placement": placement}
    block = BlockConfig(shortcut=shortcut, shortcut_args=ARGUMENTS.get(shortcut, {}), **block)
    return ModelConfig(unit=unit, projection=projection[0], pad=projection[1], block=block, **fields)


def made(config, shape=INSIDE):
    """A unit in double precision whose parameters and statistics are all random, and no ReLU dead."""
    torch.manual_seed(0)
    unit = Unit(config, shape).double()
    for name, tensor in unit.state_dict().items():
        if name.endswith("running_var") or (name.endswith("weight") and tensor.dim() == 1):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("bias"):
            tensor.uniform_(-0.5, 0.5)
        elif tensor.is_floating_point():
            tensor.normal_()
    return unit


def images(shape=INSIDE, num=3):
    return torch.randn(num, shape.in_channels, 5, 5, generator=torch.Generator().manual_seed(1)).double()


def tensors(unit):
    t = {name: tensor.clone() for name, tensor in unit.state_dict().items()}
    for name, _ in unit.named_parameters():
        t[name].requires_grad_()
    return t | {"training": torch.tensor(unit.training)}


def assert_computes(unit, compute, x):
    """Equal outputs, equal gradients of the input and of every parameter, equal running statistics."""
    t, names = tensors(unit), [name for name, _ in unit.named_parameters()]
    x_unit, x_formula = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.manual_seed(2)
    y = unit(x_unit)
    torch.manual_seed(2)
    expected = compute(t, x_formula)
    torch.testing.assert_close(y, expected, **EXACT)
    direction = torch.randn_like(expected)
    got = torch.autograd.grad(y, [x_unit, *unit.parameters()], direction)
    want = torch.autograd.grad(expected, [x_formula, *[t[name] for name in names]], direction)
    for name, gradient, other in zip(["the input", *names], got, want, strict=True):
        torch.testing.assert_close(gradient, other, **EXACT, msg=lambda text, name=name: f"gradient of {name}: {text}")
    for name, running in unit.named_buffers():
        if "running" in name:
            torch.testing.assert_close(running, t[name], **EXACT)


# The tests.


def test_every_placement_and_every_shortcut_has_a_formula_here():
    assert set(PLACEMENT_FORMULAS) == set(PLACEMENTS)
    assert set(SHORTCUT_FORMULAS) == set(SHORTCUTS)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("projection", PROJECTIONS, ids=["A", "A end", "B", "C"])
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_unit_computes_its_formula_forward_and_backward(placement, shortcut, unit, projection, shape):
    config = configured(placement, shortcut, unit, projection)
    assert_computes(made(config, shape), lambda t, x: formula(t, x, config, shape), images(shape))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_unit_computes_its_formula_with_running_statistics_in_evaluation(placement, shortcut, unit, shape):
    config = configured(placement, shortcut, unit, ("B", "both"))
    assert_computes(made(config, shape).eval(), lambda t, x: formula(t, x, config, shape), images(shape))


def test_arguments_that_are_not_given_have_the_values_of_the_design():
    defaults = {key: BlockConfig(shortcut=key).arguments for key in SHORTCUTS}
    assert {key: arguments for key, arguments in defaults.items() if arguments} == {
        "constant_scaling": {"scale": 0.5, "branch_scale": 0.5},
        "exclusive_gating": {"gate_bias": -6},
        "shortcut_only_gating": {"gate_bias": -6},
        "dropout": {"p": 0.5},
    }


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("projection", PROJECTIONS[:2], ids=["both", "end"])
def test_zero_padding_keeps_every_channel_where_their_number_is_odd(projection, channels):
    shape = UnitShape(stage=1, index=0, in_channels=channels, inner=channels, channels=2 * channels, stride=2)
    x = images(shape)
    s = made(configured(projection=projection), shape).match(x)
    assert s.shape == (3, 2 * channels, 3, 3)
    kept = s[:, s.abs().sum((0, 2, 3)) > 0]
    torch.testing.assert_close(kept, x[:, :, ::2, ::2], **EXACT)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_grouped_unit_convolves_each_group_alone(placement):
    config = configured(placement, unit="bottleneck", groups=4, group_width=2)
    shape = UnitShape(stage=1, index=1, in_channels=6, inner=8, channels=6, stride=1)
    grouped, dense = made(config, shape), made(config.changed(groups=1), shape)
    state = grouped.state_dict()
    kernel = torch.zeros_like(dense.branch.conv2.weight)
    for group in range(4):
        channels = slice(2 * group, 2 * group + 2)
        kernel[channels, channels] = state["branch.conv2.weight"][channels]
    dense.load_state_dict(state | {"branch.conv2.weight": kernel})
    torch.testing.assert_close(grouped(images()), dense(images()), **EXACT)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_branch_dropout_stands_before_the_last_convolution(placement, unit):
    config = configured(unit=unit, placement=placement, branch_dropout=0.4)
    assert_computes(
        made(config), lambda t, x: formula(t, x, config, INSIDE, dropout=lambda h: F.dropout(h, 0.4)), images()
    )


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_branch_dropout_changes_nothing_in_evaluation(placement, unit):
    config = configured(unit=unit, placement=placement, branch_dropout=0.4)
    assert_computes(made(config).eval(), lambda t, x: formula(t, x, config, INSIDE), images())


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_stochastic_depth_changes_nothing_in_evaluation(placement):
    config = configured(placement, stochastic_depth=0.5)
    unit = made(config, UnitShape(**vars(INSIDE) | {"drop": 0.4})).eval()
    assert_computes(unit, lambda t, x: formula(t, x, config, INSIDE), images())


def test_stochastic_depth_drops_or_scales_the_branch_of_each_image():
    shape = UnitShape(**vars(INSIDE) | {"drop": 0.4})
    unit = made(configured("full_preact", stochastic_depth=0.5), shape)
    always = made(configured("full_preact"), shape)
    always.load_state_dict(unit.state_dict())
    x = images(num=2000)
    factors = (unit(x) - x) / (always(x) - x)
    dropped = factors[:, 0, 0, 0].abs() < 0.5
    torch.testing.assert_close(factors, torch.where(dropped, 0, 1 / 0.6).view(-1, 1, 1, 1).expand_as(x).double())
    assert abs(factors.mean() - 1) < 4 * (0.4 / 0.6 / len(x)) ** 0.5  # four standard errors


def test_stochastic_depth_keeps_the_mean_of_an_image_over_many_draws():
    torch.manual_seed(0)
    f, depth = images(num=1), StochasticDepth(0.25)
    draws = torch.stack([depth(f) for _ in range(4000)])
    deviation = (draws.mean(0) - f).abs() / f.abs()
    assert deviation.max() < 4 * (0.25 / 0.75 / 4000) ** 0.5


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("shortcut", WITH_A_SHORTCUT)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_skipinit_unit_starts_as_its_shortcut_alone(placement, shortcut, shape, unit):
    starts_as_its_shortcut_alone(configured(placement, shortcut, unit, skipinit=True), shape)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("shortcut", WITH_A_SHORTCUT)
@pytest.mark.parametrize("placement", ENDS_IN_BN)
def test_zero_gamma_unit_starts_as_its_shortcut_alone(placement, shortcut, shape, unit):
    starts_as_its_shortcut_alone(configured(placement, shortcut, unit, zero_gamma=True), shape)


def starts_as_its_shortcut_alone(config, shape):
    unit = Unit(config, shape).double()
    torch.manual_seed(2)
    y = unit(images(shape))
    torch.manual_seed(2)
    expected = formula(tensors(unit), images(shape), config, shape, silence=torch.zeros_like)
    torch.testing.assert_close(y, expected, **EXACT)


@pytest.mark.parametrize("option", ["skipinit", "zero_gamma", "stochastic_depth"])
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_plain_net_may_not_silence_its_branches(placement, option):
    with pytest.raises(ValueError, match=f"{option} needs a shortcut"):
        configured(placement, "none", **{option: 0.5 if option == "stochastic_depth" else True})


@pytest.mark.parametrize("placement", [key for key in PLACEMENTS if key not in ENDS_IN_BN])
def test_zero_gamma_needs_a_branch_that_ends_in_bn(placement):
    with pytest.raises(ValueError, match="zero_gamma needs a branch that ends in BN"):
        configured(placement, zero_gamma=True)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_skipinit_unit_multiplies_its_branch_by_alpha(placement):
    config = configured(placement, skipinit=True)
    unit = made(config)
    assert_computes(
        unit,
        lambda t, x: formula(t, x, config, INSIDE, silence=lambda f: t["branch.skipinit1.alpha"] * f),
        images(),
    )


GATED = [key for key, shortcut in SHORTCUTS.items() if "gate_bias" in shortcut.arguments]
WITH_CLOSED_GATE = {"exclusive_gating": lambda s, f: s, "shortcut_only_gating": lambda s, f: s + f}


def gated_and_parts(shortcut, gate_bias):
    """A unit with its gate set, what its shortcut holds and what its branch computes."""
    unit = made(configured("full_preact", shortcut))
    torch.nn.init.constant_(unit.shortcut.gate.bias, gate_bias)
    plain = made(configured("full_preact", "none"))
    plain.load_state_dict({k: v for k, v in unit.state_dict().items() if not k.startswith("shortcut.")})
    return unit(images()), images(), plain(images())


@pytest.mark.parametrize("shortcut", GATED)
def test_closed_gate_returns_the_shortcut(shortcut):
    y, s, f = gated_and_parts(shortcut, -50)
    torch.testing.assert_close(y, WITH_CLOSED_GATE[shortcut](s, f), **EXACT)


@pytest.mark.parametrize("shortcut", GATED)
def test_open_gate_returns_the_branch(shortcut):
    y, _, f = gated_and_parts(shortcut, 50)
    torch.testing.assert_close(y, f, **EXACT)


def group_norm(h, groups):
    parts = h.reshape(len(h), groups, -1)
    parts = (parts - parts.mean(2, keepdim=True)) / (parts.var(2, keepdim=True, unbiased=False) + 1e-5).sqrt()
    return parts.reshape(h.shape)


OP_FORMULAS = {
    "bn": lambda h: (h - h.mean((0, 2, 3), True)) / (h.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt(),
    "relu": lambda h: h.clamp(min=0),
    "gn": lambda h: group_norm(h, 2),  # 6 channels: as many groups as divide both them and 8
    "silu": lambda h: h / (1 + torch.exp(-h)),
    "gelu": lambda h: h * (1 + torch.erf(h / 2**0.5)) / 2,
    "elu": lambda h: torch.where(h > 0, h, torch.exp(h) - 1),
    "tanh": lambda h: 1 - 2 / (torch.exp(2 * h) + 1),
}


def test_every_op_has_a_formula_here():
    assert set(OP_FORMULAS) == set(OPS)


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("op", OPS)
def test_op_does_in_its_slot_what_its_name_says(op, slot):
    torch.manual_seed(0)
    unit = Unit(configured(**{slot: op}), INSIDE).double()
    ops = dict.fromkeys(SLOTS, lambda h: h) | {slot: OP_FORMULAS[op]}

    def compute(t, x):
        return ops["after"](x + ops["post"](basic(t, ops["pre"](x), 1, lambda h: h)))

    torch.testing.assert_close(unit(images()), compute(tensors(unit), images()), **EXACT)


CUSTOM = [
    {"pre": "gn silu", "post": "", "after": ""},
    {"pre": "", "post": "gn", "after": "gelu"},
    {"pre": "elu", "post": "bn tanh", "after": "gn"},
    {"pre": "bn tanh", "post": "gn", "after": "silu gn elu"},
    {"pre": "", "post": "", "after": ""},
]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("slots", CUSTOM, ids=" | ".join)
def test_custom_placement_passes_gradients_to_its_input_and_to_every_parameter(slots, shortcut, unit, shape):
    made_unit = made(configured(shortcut=shortcut, unit=unit, projection=("B", "both"), **slots), shape)
    x = images(shape).requires_grad_()
    y = made_unit(x)
    assert y.shape == (3, shape.channels, *([3, 3] if shape.stride == 2 else [5, 5]))
    gradients = torch.autograd.grad(y, [x, *made_unit.parameters()], torch.randn_like(y))
    assert all(gradient.isfinite().all() and gradient.any() for gradient in gradients)


@pytest.mark.parametrize("opens_stage", [True, False])
def test_custom_preactivated_unit_starts_both_paths_from_its_pre_only_where_a_stage_opens(opens_stage):
    unit = made(configured(pre="silu", post="gn"), SHAPES["first of the net"] if opens_stage else INSIDE)
    s = F.silu(images()) if opens_stage else images()
    torch.testing.assert_close(unit(images()) - unit.branch(F.silu(images())), s, **EXACT)


@pytest.mark.parametrize(("channels", "groups"), [(16, 8), (8, 8), (12, 4), (6, 2), (7, 1), (1, 1)])
def test_group_norm_has_eight_groups_or_as_many_as_divide_the_channels(channels, groups):
    h = torch.randn(2, channels, 3, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(GroupNorm(channels)(h), group_norm(h, groups))
