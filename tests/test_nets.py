"""The nets against published parameter counts, against torchvision, and against the text of the papers."""

import copy
import math
import pickle

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from resnet_lab.block_config import BlockConfig
from resnet_lab.model_config import ModelConfig, legal_depths
from resnet_lab.nets import build_model, layout, unit_shapes
from resnet_lab.placements import PLACEMENTS
from resnet_lab.projections import PADS
from resnet_lab.shortcuts import SHORTCUTS

pytestmark = pytest.mark.usefixtures("one_thread")

# Exact, of nets with 10 classes, computed independently of this project.
ZERO_PADDED = {20: 269722, 32: 464154, 44: 658586, 56: 853018, 110: 1727962, 1202: 19421274}
PROJECTED = {20: 272474, 56: 855770, 110: 1730714}
PREACTIVATED_BOTTLENECK = {164: 1703258, 1001: 10327706}
GATES_OF_52_IDENTITY_UNITS_OF_110 = 93568
EXACT = {"rtol": 1e-9, "atol": 1e-12}
WITH_A_SHORTCUT = [key for key in SHORTCUTS if key != "none"]


def configured(depth=8, placement="original", shortcut="identity", shortcut_args=None, **fields):
    block = BlockConfig(placement=placement, shortcut=shortcut, shortcut_args=shortcut_args or {})
    return ModelConfig(depth=depth, block=block, **fields)


def on_meta(config):
    """The net without memory or arithmetic."""
    with torch.device("meta"):
        return build_model(config)


def num_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def weighted_layers(*modules):
    return sum(isinstance(layer, nn.Conv2d | nn.Linear) for module in modules for layer in module.modules())


def small_net(placement="original", shortcut="identity", **fields):
    torch.manual_seed(0)
    return build_model(configured(placement=placement, shortcut=shortcut, width=0.5, **fields))


def images(num=2, side=32):
    return torch.randn(num, 3, side, side, generator=torch.Generator().manual_seed(1))


# Parameter counts.


@pytest.mark.parametrize("shortcut", ["identity", "none"])
@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("depth", ZERO_PADDED)
def test_zero_padded_and_plain_nets_have_the_published_number_of_parameters(depth, placement, shortcut):
    assert num_parameters(on_meta(configured(depth, placement, shortcut))) == ZERO_PADDED[depth]


@pytest.mark.parametrize("depth", PROJECTED)
def test_projected_nets_have_the_published_number_of_parameters(depth):
    assert num_parameters(on_meta(configured(depth, projection="B"))) == PROJECTED[depth]


@pytest.mark.parametrize("depth", PREACTIVATED_BOTTLENECK)
def test_preactivated_bottleneck_nets_have_the_published_number_of_parameters(depth):
    model = on_meta(configured(depth, "full_preact", unit="bottleneck", projection="B"))
    assert num_parameters(model) == PREACTIVATED_BOTTLENECK[depth]


@pytest.mark.parametrize("shortcut", [key for key, known in SHORTCUTS.items() if "gate_bias" in known.arguments])
def test_gates_add_the_published_number_of_parameters_to_resnet_110(shortcut):
    model = on_meta(configured(110, shortcut=shortcut))
    same_shape = [unit.shortcut.gate for unit in model.units if not len(unit.match)]
    changing = [unit.shortcut.gate for unit in model.units if len(unit.match)]
    assert len(same_shape) == 52
    assert sum(map(num_parameters, same_shape)) == GATES_OF_52_IDENTITY_UNITS_OF_110
    assert [num_parameters(gate) for gate in changing] == [32 * 32 + 32, 64 * 64 + 64]
    assert num_parameters(model) == ZERO_PADDED[110] + sum(map(num_parameters, same_shape + changing))


def test_resnext_29_8x64d_has_the_34_4_million_parameters_of_its_paper():
    model = on_meta(configured(29, unit="bottleneck", width=4, projection="B", groups=8, group_width=64))
    assert round(num_parameters(model) / 1e6, 1) == 34.4


# Torchvision.

TORCHVISION = {
    "resnet18": {"depth": 18},
    "resnet34": {"depth": 34},
    "resnet50": {"depth": 50, "unit": "bottleneck"},
    "resnet101": {"depth": 101, "unit": "bottleneck"},
    "resnet152": {"depth": 152, "unit": "bottleneck"},
    "resnext50_32x4d": {"depth": 50, "unit": "bottleneck", "groups": 32, "group_width": 4},
    "wide_resnet50_2": {"depth": 50, "unit": "bottleneck", "group_width": 128},
}


def imagenet(**fields):
    return configured(family="imagenet", num_classes=1000, **fields)


def our_name(name):
    """layer2.0.downsample.1.bias -> stages.1.0.match.bn1.bias"""
    first, *rest = name.split(".")
    if first == "fc":
        return f"head.{rest[0]}"
    if not first.startswith("layer"):
        return f"stem.{name}"
    unit = f"stages.{int(first.removeprefix('layer')) - 1}.{rest[0]}"
    if rest[1] == "downsample":
        return f"{unit}.match.{ {'0': 'conv1', '1': 'bn1'}[rest[2]] }.{rest[3]}"
    return f"{unit}.branch.{rest[1]}.{rest[2]}"


def twins(name):
    """Torchvision's net and ours with its random weights, in double precision."""
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)().double()
    with torch.device("meta"):
        ours = build_model(imagenet(projection="B", **TORCHVISION[name])).double()
    ours.load_state_dict({our_name(key): tensor.clone() for key, tensor in theirs.state_dict().items()}, assign=True)
    return theirs, ours


@pytest.mark.parametrize("name", TORCHVISION)
def test_net_equals_torchvision_forward_and_backward(name):
    theirs, ours = twins(name)
    x, direction = images(side=64).double(), torch.randn(2, 1000).double()
    expected, y = theirs(x), ours(x)
    torch.testing.assert_close(y, expected, **EXACT)
    gradients = torch.autograd.grad(y, list(ours.parameters()), direction)
    gradients = dict(zip([name for name, _ in ours.named_parameters()], gradients, strict=True))
    wanted = torch.autograd.grad(expected, list(theirs.parameters()), direction)
    wanted = dict(zip([our_name(name) for name, _ in theirs.named_parameters()], wanted, strict=True))
    torch.testing.assert_close(gradients, wanted, **EXACT)
    statistics = {our_name(key): buffer for key, buffer in theirs.named_buffers()}
    torch.testing.assert_close(dict(ours.named_buffers()), statistics, **EXACT)


@pytest.mark.parametrize("depth", [18, 34])
def test_plain_imagenet_nets_are_torchvisions_without_projections(depth):
    plain = on_meta(imagenet(depth=depth, shortcut="none", projection="B"))
    with torch.device("meta"):
        residual = getattr(torchvision.models, f"resnet{depth}")()
    kept = {our_name(key): p.shape for key, p in residual.named_parameters() if "downsample" not in key}
    assert {key: p.shape for key, p in plain.named_parameters()} == kept
    assert weighted_layers(plain) == depth


# Shapes and depths.


@pytest.mark.parametrize(("family", "stem", "sides"), [
    ("cifar", "family", [32, 32, 16, 8]),
    ("cifar", "small", [32, 32, 16, 8]),
    ("cifar", "large", [8, 8, 4, 2]),
    ("imagenet", "family", [8, 8, 4, 2, 1]),
    ("imagenet", "large", [8, 8, 4, 2, 1]),
    ("imagenet", "small", [32, 32, 16, 8, 4]),
])  # fmt: skip
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_either_stem_serves_either_family(placement, family, stem, sides):
    model = on_meta(configured(8 if family == "cifar" else 18, placement, family=family, stem=stem))
    outputs = [model.stem(images().to("meta"))]
    for stage in model.stages:
        outputs.append(stage(outputs[-1]))
    widths = [16, 16, 32, 64] if family == "cifar" else [64, 64, 128, 256, 512]
    assert [output.shape[1:] for output in outputs] == [(w, s, s) for w, s in zip(widths, sides, strict=True)]
    assert model(images().to("meta")).shape == (2, 10)


def test_family_stem_is_small_for_cifar_and_large_for_imagenet():
    def stem(**fields):
        return [str(layer) for layer in on_meta(configured(**fields)).stem]

    assert stem() == stem(stem="small")
    assert stem(family="imagenet", depth=18) == stem(family="imagenet", depth=18, stem="large")
    assert len(stem()) + 1 == len(stem(stem="large"))


@pytest.mark.parametrize(("unit", "depth", "shortcut"), [
    *[("basic", depth, "identity") for depth in (8, 20, 110, 1202)],
    *[("bottleneck", depth, "identity") for depth in (11, 20, 110, 164, 1001)],
    *[("basic", 20, shortcut) for shortcut in SHORTCUTS],
])  # fmt: skip
def test_depth_counts_the_weighted_layers_of_the_main_path(unit, depth, shortcut):
    model = on_meta(configured(depth, shortcut=shortcut, unit=unit, projection="B"))
    assert weighted_layers(model.stem, *[unit.branch for unit in model.units], model.head) == depth


@pytest.mark.parametrize(("unit", "convolutions"), [("basic", 2), ("bottleneck", 3)])
def test_every_legal_cifar_depth_is_stem_and_head_and_three_equal_stages(unit, convolutions):
    assert legal_depths("cifar", unit)[0] == 2 + 3 * convolutions
    for depth in legal_depths("cifar", unit):
        stages = [shape.stage for shape in unit_shapes(configured(depth, unit=unit))]
        assert 2 + convolutions * len(stages) == depth
        assert [stages.count(stage) for stage in (0, 1, 2)] == [len(stages) / 3] * 3


@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
def test_every_legal_imagenet_depth_counts_its_weighted_layers(unit):
    depths = legal_depths("imagenet", unit)
    assert depths == ([18, 34] if unit == "basic" else [50, 101, 152])
    for depth in depths:
        model = on_meta(imagenet(depth=depth, unit=unit))
        assert weighted_layers(model) == depth


@pytest.mark.parametrize("projection", ["A", "B", "C"])
@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
def test_projections_stand_where_the_shape_changes_and_with_c_everywhere(unit, projection):
    units = on_meta(configured(20, unit=unit, projection=projection)).units
    changing = [not index % (len(units) // 3) and (index > 0 or unit == "bottleneck") for index in range(len(units))]
    assert [len(unit.match) > 0 for unit in units] == (changing if projection != "C" else [True] * len(units))


def test_stochastic_depth_rises_linearly_to_the_last_unit():
    drops = [unit.branch.depth1.drop for unit in on_meta(configured(20, stochastic_depth=0.45)).units]
    assert drops == pytest.approx([0.05 * number for number in range(1, 10)])


# Pre-activation.


def layer_names(sequence):
    return [type(layer).__name__ for layer in sequence]


@pytest.mark.parametrize(("placement", "stem", "final"), [
    ("original", ["Conv2d", "BatchNorm2d", "ReLU"], []),
    ("bn_after_addition", ["Conv2d", "BatchNorm2d", "ReLU"], []),
    ("relu_before_addition", ["Conv2d", "BatchNorm2d", "ReLU"], []),
    ("relu_only_preact", ["Conv2d", "BatchNorm2d"], ["ReLU"]),
    ("full_preact", ["Conv2d"], ["BatchNorm2d", "ReLU"]),
])  # fmt: skip
def test_preactivated_nets_have_a_bare_stem_and_one_more_pre_at_the_end(placement, stem, final):
    for fields in ({}, {"stem": "large"}, {"family": "imagenet", "depth": 18}):
        model = on_meta(configured(**{"depth": 20, "placement": placement} | fields))
        pool = ["MaxPool2d"] if fields else []
        assert layer_names(model.stem) == stem + pool
        assert layer_names(model.final) == final


def watched(model, part):
    """A list that fills with what goes into and comes out of one part of each unit, as the model runs."""
    seen = []
    for unit in model.units:
        unit.get_submodule(part).register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    return seen


@pytest.mark.parametrize("projection", ["A", "B", "C"])
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_first_units_of_preactivated_stages_and_projections_start_both_paths_from_the_preactivated_signal(
    placement, projection
):
    model = small_net(placement, depth=20, projection=projection)
    pres, branches, matches = watched(model, "pre"), watched(model, "branch"), watched(model, "match")
    model(images())
    is_preactivated = placement in ("relu_only_preact", "full_preact")
    for number, ((x, p), (into_branch, _), (s, _)) in enumerate(zip(pres, branches, matches, strict=True)):
        assert into_branch is p
        assert s is (p if is_preactivated and (number % 3 == 0 or projection == "C") else x)
        assert (p is not x) == is_preactivated


@pytest.mark.parametrize("projection", ["B", "C"])
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_projections_have_bn_except_in_preactivated_nets(placement, projection):
    layers = ["Conv2d"] if placement in ("relu_only_preact", "full_preact") else ["Conv2d", "BatchNorm2d"]
    matches = [unit.match for unit in small_net(placement, projection=projection).units if len(unit.match)]
    assert [layer_names(match) for match in matches] == [layers] * len(matches)


def bn(t, name, x):
    return F.batch_norm(x, None, None, t[f"{name}.weight"], t[f"{name}.bias"], training=True)


def conv(t, name, x, stride=1):
    weight = t[f"{name}.weight"]
    return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)


def preactivated_net(t, x):
    """Full pre-activation with option B, depth 14, written out."""
    x = conv(t, "stem.conv1", x)
    for stage in range(3):
        for index in range(2):
            unit, stride = f"stages.{stage}.{index}", 2 if stage and not index else 1
            p = F.relu(bn(t, f"{unit}.pre.bn1", x))
            f = F.relu(bn(t, f"{unit}.branch.bn1", conv(t, f"{unit}.branch.conv1", p, stride)))
            s = x if index else p if not stage else conv(t, f"{unit}.match.conv1", p, stride)
            x = s + conv(t, f"{unit}.branch.conv2", f)
    x = F.relu(bn(t, "final.bn1", x)).mean((2, 3))
    return x @ t["head.weight"].T + t["head.bias"]


def test_preactivated_net_computes_its_formula_from_image_to_logits():
    model = small_net("full_preact", depth=14, projection="B").double()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    x, t = images().double(), {key: parameter.detach() for key, parameter in model.named_parameters()}
    torch.testing.assert_close(model(x), preactivated_net(t, x), **EXACT)


# An ordinary nn.Module.


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_net_survives_pickling_and_deep_copying(placement, shortcut):
    model = small_net(placement, shortcut).eval()
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert torch.equal(twin(images()), model(images()))
        assert not {id(p) for p in twin.parameters()} & {id(p) for p in model.parameters()}


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_hook_on_each_unit_fires_once_a_pass_in_order(placement, shortcut):
    model, fired = small_net(placement, shortcut, depth=20), []
    for unit in model.units:
        unit.register_forward_hook(lambda module, inputs, output: fired.append(module))
    model(images())
    assert len(model.units) == 9
    assert fired == model.units


def autograd_nodes(y):
    """Every operation that led to y, by a module or not."""
    nodes, found = [y.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is not None and node not in found:
            found.add(node)
            nodes += [parent for parent, _ in node.next_functions]
    return [node.name() for node in found]


@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_activation_is_its_own_relu_module_and_never_in_place(placement, shortcut, unit):
    model, fired = small_net(placement, shortcut, depth=11 if unit == "bottleneck" else 8, unit=unit), []
    relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    for relu in relus:
        relu.register_forward_hook(lambda module, inputs, output: fired.append((module, output is inputs[0])))
    y = model(images())
    assert len(relus) == 1 + 3 * (3 if unit == "bottleneck" else 2)
    assert sorted(id(relu) for relu, _ in fired) == sorted(map(id, relus))
    assert not any(is_in_place for _, is_in_place in fired)
    assert autograd_nodes(y).count("ReluBackward0") == len(relus)


@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_parameter_takes_part_in_training(placement, shortcut, unit):
    model = small_net(placement, shortcut, depth=20, unit=unit, projection="B")
    F.cross_entropy(model(images()), torch.tensor([3, 8])).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


# Initialisation.


def expected_std(conv, init):
    area = conv.kernel_size[0] * conv.kernel_size[1]
    fan = {"he_fan_out": conv.out_channels, "he_fan_in": conv.in_channels}[init] * area
    return math.sqrt(2 / fan)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize(("depth", "unit"), [(8, "basic"), (11, "bottleneck")])
@pytest.mark.parametrize("init", ["he_fan_out", "he_fan_in"])
def test_every_convolution_starts_normal_with_the_std_of_he(init, depth, unit, shortcut):
    torch.manual_seed(0)
    model = build_model(configured(depth, unit=unit, shortcut=shortcut, projection="B", init=init))
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            weight, std = layer.weight.detach().flatten(), expected_std(layer, init)
            assert weight.std().item() == pytest.approx(std, rel=4 / math.sqrt(2 * len(weight))), name
            assert abs(weight.mean()) < 4 * std / math.sqrt(len(weight)), name
            assert weight.abs().max() > 2 * std, name  # a uniform distribution ends at 1.73 std


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_bn_starts_at_one_and_zero_and_the_head_without_bias(placement):
    model = small_net(placement, projection="B")
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all((norm.weight == 1).all() and (norm.bias == 0).all() for norm in norms)
    assert not model.head.bias.any()
    assert model.head.weight.std() > 0


def test_convolutions_have_no_bias_except_the_gates():
    for shortcut, known in SHORTCUTS.items():
        convs = {name: m for name, m in small_net(shortcut=shortcut).named_modules() if isinstance(m, nn.Conv2d)}
        biased = [name for name, module in convs.items() if module.bias is not None]
        assert biased == [name for name in convs if "gate" in name]
        assert bool(biased) == ("gate_bias" in known.arguments)


@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
@pytest.mark.parametrize("shortcut", WITH_A_SHORTCUT)
@pytest.mark.parametrize("placement", [key for key, known in PLACEMENTS.items() if known.post.endswith("bn")])
def test_zero_gamma_starts_the_last_bn_of_each_branch_at_zero_and_no_other(placement, shortcut, unit):
    model = small_net(placement, shortcut, depth=20, unit=unit, projection="B", zero_gamma=True)
    norms = {name: module for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}
    zeroed = [name for name, norm in norms.items() if not norm.weight.any()]
    last = "branch.bn2" if unit == "basic" else "branch.bn3"
    assert zeroed == [name for name in norms if name.endswith(last)]
    assert len(zeroed) == len(model.units)
    assert all((norm.weight == 1).all() for name, norm in norms.items() if name not in zeroed)


@pytest.mark.parametrize("gate_bias", [None, -6, -2.5, 0, 3])
@pytest.mark.parametrize("shortcut", [key for key, known in SHORTCUTS.items() if "gate_bias" in known.arguments])
def test_gates_start_at_their_bias(shortcut, gate_bias):
    arguments = {} if gate_bias is None else {"gate_bias": gate_bias}
    units = build_model(configured(shortcut=shortcut, shortcut_args=arguments, width=0.5)).units
    assert all((unit.shortcut.gate.bias == (-6 if gate_bias is None else gate_bias)).all() for unit in units)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_two_builds_with_the_same_seed_are_equal_and_with_another_are_not(placement, shortcut):
    first, second = small_net(placement, shortcut), small_net(placement, shortcut)
    other = build_model(configured(placement=placement, shortcut=shortcut, width=0.5))
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.stem.conv1.weight, other.stem.conv1.weight)


@pytest.mark.parametrize("pad", ["both", "end"])
def test_a_padded_shortcut_keeps_the_memory_format_of_the_gradient(pad):
    x = torch.randn(2, 4, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
    padded = PADS[pad][1].module(4, 6, 2)(x)
    assert torch.equal(padded[:, 1:5] if pad == "both" else padded[:, :4], x[:, :, ::2, ::2])
    padded.backward(torch.ones(2, 6, 4, 4).to(memory_format=torch.channels_last))
    assert x.grad.is_contiguous(memory_format=torch.channels_last)


def test_strided_1x1_convolutions_of_few_channels_are_not_computed_channels_last():
    """On CPUs with AVX2 and no more, torch 2.15 wrote beyond its memory: this test then ended the process."""
    for width, projection, expected in (
        (0.25, "B", torch.contiguous_format),
        (0.25, "A", torch.channels_last),
        (0.5, "B", torch.channels_last),
    ):
        model = build_model(ModelConfig(depth=8, width=width, projection=projection))
        assert layout(model) == expected
        for _ in range(20):
            x = torch.randn(4, 3, 16, 16).contiguous(memory_format=expected)
            model.to(memory_format=expected)(x).sum().backward()
