"""The probes against the same numbers found by hand, and that they leave no trace."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.placements import PLACEMENTS
from resnet_lab.probes import described_responses, described_update, response_numbers, update_norms
from resnet_lab.projections import PROJECTIONS
from resnet_lab.run_config import RunConfig
from resnet_lab.shortcuts import SHORTCUTS

pytestmark = pytest.mark.usefixtures("one_thread")

UNITS = 3


def measure_update(model, update):
    return described_update(model, update_norms(model, update))


def measure_responses(model, images):
    return described_responses(model, response_numbers(model, images))


def configured(**fields) -> ModelConfig:
    return RunConfig().with_fields(**{"depth": 8, "width": 0.5} | fields).model


def net(seed=0, **fields):
    torch.manual_seed(seed)
    return build_model(configured(**fields))


def images(num=8, side=16):
    return torch.randn(num, 3, side, side, generator=torch.Generator().manual_seed(1))


def stir(model):
    """Every number of the net a little off its start, so that no two layers are alike."""
    generator = torch.Generator().manual_seed(2)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.rand(tensor.shape, generator=generator)
            tensor.copy_(
                0.5 + noise if name.endswith(("running_var", "bn1.weight", "bn2.weight")) else tensor + noise / 9
            )
    return model


def give_gradients(model):
    functional.cross_entropy(model(images()), torch.arange(8)).backward()


def heard(model, *names, inputs=False):
    """What the named layers gave, or took, in evaluation mode on a copy."""
    twin, found = copy.deepcopy(model).eval(), {}

    def keep(name):
        def hook(layer, taken, given):
            found[name] = taken if inputs else given

        return hook

    for name in names:
        twin.get_submodule(name).register_forward_hook(keep(name))
    with torch.no_grad():
        twin(images())
    return found


def num_hooks(model):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)


# The update.


def test_norms_and_ratios_are_those_of_each_weight_before_and_after_the_update():
    model = net(shortcut="exclusive_gating", projection="B")
    give_gradients(model)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), 0.3, momentum=0.9, weight_decay=0.1)
    layers, _ = measure_update(model, optimizer.step)
    expected = [
        f"stages.{i}.0.{layer}" for i in range(3) for layer in ("branch.conv1", "branch.conv2", "shortcut.gate")
    ]
    assert set(layers) == {*expected, "stem.conv1", "head", "stages.1.0.match.conv1", "stages.2.0.match.conv1"}
    for name, entry in layers.items():
        weight, old = model.get_parameter(f"{name}.weight"), before[f"{name}.weight"]
        assert entry["gradient_norm"] == pytest.approx(weight.grad.square().sum().sqrt().item(), rel=1e-5)
        assert entry["weight_norm"] == pytest.approx(old.square().sum().sqrt().item(), rel=1e-5)
        by_hand = 0.3 * (weight.grad + 0.1 * old).norm() / old.norm()
        assert entry["update_ratio"] == pytest.approx(by_hand.item(), rel=1e-3)


def test_a_units_gradient_norm_is_that_of_all_its_layers_together():
    model = net(depth=74, width=0.25)  # twelve units a stage: unit 1 is not unit 10
    give_gradients(model)
    _, units = measure_update(model, lambda: None)
    by_hand = [
        math.sqrt(sum(weight.grad.square().sum().item() for weight in unit.parameters() if weight.dim() > 1))
        for stage in model.stages
        for unit in stage
    ]
    assert units["gradient_norm"] == pytest.approx(by_hand, rel=1e-4)
    assert len(by_hand) == 36


def test_the_update_is_made_once_and_as_it_would_be_without_the_probe():
    model, twin = net(), net()
    for each in (model, twin):
        give_gradients(each)
    calls = []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    measure_update(model, lambda: calls.append(optimizer.step()))
    torch.optim.SGD(twin.parameters(), 0.1).step()
    assert len(calls) == 1
    assert all(map(torch.equal, model.state_dict().values(), twin.state_dict().values()))


def test_a_weight_of_zeros_has_a_ratio_of_zero():
    model = net()
    nn.init.zeros_(model.head.weight)
    give_gradients(model)
    assert measure_update(model, lambda: None)[0]["head"]["update_ratio"] == 0


# Responses: after BN, before the nonlinearity or the addition.

# fmt: off
RESPONSE_OF = {  # a convolution -> the layer after which its response is taken
    "original":             {"stem.conv1": "stem.bn1", "branch.conv1": "branch.bn1", "branch.conv2": "branch.bn2"},
    "bn_after_addition":    {"stem.conv1": "stem.bn1", "branch.conv1": "branch.bn1", "branch.conv2": "branch.conv2"},
    "relu_before_addition": {"stem.conv1": "stem.bn1", "branch.conv1": "branch.bn1", "branch.conv2": "branch.bn2"},
    "relu_only_preact":     {"stem.conv1": "stem.bn1", "branch.conv1": "branch.bn1", "branch.conv2": "branch.bn2"},
    "full_preact":          {"stem.conv1": "stem.conv1", "branch.conv1": "branch.bn1", "branch.conv2": "branch.conv2"},
}
# fmt: on


def placed(table):
    """The same for every unit of the net."""
    prefixes = [f"stages.{i}.0." for i in range(UNITS)]
    units = {prefix + key: prefix + value for key, value in table.items() if "branch" in key for prefix in prefixes}
    return {"stem.conv1": table["stem.conv1"]} | units


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_response_is_the_deviation_of_what_the_layer_says_in_evaluation(placement):
    model, layers = stir(net(placement=placement, projection="B")), placed(RESPONSE_OF[placement])
    outputs = heard(model, *layers.values())
    by_hand = {name: {"response": pytest.approx(outputs[layers[name]].double().std(correction=0).item(), rel=1e-4)}
               for name in layers}  # fmt: skip
    assert measure_responses(model, images())[0] == by_hand


def test_group_norm_is_a_normalisation_too():
    model = stir(net(post="gn", after="relu"))
    output = heard(model, "stages.1.0.branch.gn1")["stages.1.0.branch.gn1"]
    response = measure_responses(model, images())[0]["stages.1.0.branch.conv2"]["response"]
    assert response == pytest.approx(output.std(correction=0).item(), rel=1e-4)


def test_behind_batch_norm_the_response_follows_from_its_numbers_alone():
    """sqrt(mean(gamma^2 v / (v + eps)) + Var(beta)), where the statistics are those of the batch."""
    model = stir(net()).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    many = torch.randn(128, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        model(many)
    responses = measure_responses(model, many)[0]
    for name, bn in placed(RESPONSE_OF["original"]).items():
        layer = model.get_submodule(bn)
        v, gamma, beta = (tensor.detach().double() for tensor in (layer.running_var, layer.weight, layer.bias))
        formula = ((gamma**2 * v / (v + layer.eps)).mean() + beta.var(correction=0)).sqrt().item()
        assert responses[name]["response"] == pytest.approx(formula, rel=1e-3)


# Gates, ReLUs, shares.


@pytest.mark.parametrize("shortcut", ["exclusive_gating", "shortcut_only_gating"])
@pytest.mark.parametrize(("bias", "openness", "tolerance"), [(-6, 0.00247, 0.003), (0, 0.5, 0.12), (6, 0.9975, 0.003)])
def test_gates_start_as_open_as_their_bias_says(shortcut, bias, openness, tolerance):
    model = net(shortcut=shortcut, shortcut_args={"gate_bias": bias})
    assert measure_responses(model, images())[1]["gate_openness"] == pytest.approx([openness] * 3, abs=tolerance)


@pytest.mark.parametrize("shortcut", ["exclusive_gating", "shortcut_only_gating"])
def test_openness_is_the_mean_of_the_sigmoid_one_number_a_unit(shortcut):
    model = stir(net(shortcut=shortcut, shortcut_args={"gate_bias": -1}))
    gates = heard(model, *(f"stages.{i}.0.shortcut.gate" for i in range(UNITS))).values()
    by_hand = [gate.sigmoid().mean().item() for gate in gates]
    assert measure_responses(model, images())[1]["gate_openness"] == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("shortcut", ["identity", "none", "conv", "dropout"])
def test_where_there_is_no_gate_none_is_measured(shortcut):
    assert set(measure_responses(net(shortcut=shortcut), images())[1]) == {"shortcut_share", "dead_relus"}


def test_a_net_whose_norms_hold_all_relus_below_zero_is_dead():
    model = net(shortcut="none")
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.bias, -100)
    assert measure_responses(model, images())[1]["dead_relus"] == [1, 1, 1]


def test_dead_relus_are_counted_by_channel_in_their_unit():
    """The unit in the middle has 16 channels before and 16 after its addition."""
    model = net()
    assert measure_responses(model, images())[1]["dead_relus"][:2] == [0, 0]
    with torch.no_grad():
        model.stages[1][0].branch.bn1.bias[:3] = -100
    assert measure_responses(model, images())[1]["dead_relus"][:2] == [0, pytest.approx(3 / 32)]
    with torch.no_grad():
        model.stages[1][0].branch.bn2.bias[5:] = -100
    assert measure_responses(model, images())[1]["dead_relus"][1] == pytest.approx((3 + 11) / 32)


def test_a_relu_that_lives_in_one_image_is_not_dead():
    model = net(shortcut="none")
    relu = heard(model, "stages.0.0.branch.relu1")["stages.0.0.branch.relu1"]
    assert measure_responses(model, images())[1]["dead_relus"][0] == 0
    assert (relu == 0).float().mean() > 0.2


# fmt: off
PATHS = {  # what is left of the sum when the branch is silent, of the shortcut, its input, its gate
    "none":                 lambda shortcut, x: torch.zeros(()),
    "identity":             lambda shortcut, x: x,
    "constant_scaling":     lambda shortcut, x: 0.5 * x,
    "exclusive_gating":     lambda shortcut, x: (1 - shortcut.gate(x).sigmoid()) * x,
    "shortcut_only_gating": lambda shortcut, x: (1 - shortcut.gate(x).sigmoid()) * x,
    "conv":                 lambda shortcut, x: shortcut.bn(shortcut.conv(x)),
    "dropout":              lambda shortcut, x: x,
}
# fmt: on


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_the_shortcuts_share_is_its_part_of_the_mean_squares_that_enter_the_sum(shortcut):
    model = stir(net(shortcut=shortcut, placement="full_preact")).eval()
    names = [f"stages.{i}.0.shortcut" for i in range(UNITS)]
    inputs, sums = heard(model, *names, inputs=True), heard(model, *names)
    by_hand = []
    for name in names:
        with torch.no_grad():
            path = PATHS[shortcut](model.get_submodule(name), inputs[name][0])
        parts = path.square().mean().item(), (sums[name] - path).square().mean().item()
        by_hand.append(parts[0] / sum(parts))
    assert measure_responses(model, images())[1]["shortcut_share"] == pytest.approx(by_hand, rel=1e-4)


# No trace.


class BrokenError(Exception):
    pass


def traces(model):
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    return state, modes, num_hooks(model), torch.get_rng_state(), torch.is_grad_enabled()


def assert_same_traces(before, after):
    assert all(map(torch.equal, before[0].values(), after[0].values()))
    assert before[1:3] == after[1:3]
    assert torch.equal(before[3], after[3])
    assert before[4] == after[4]


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("shortcut", ["identity", "exclusive_gating", "dropout", "conv"])
def test_looking_changes_nothing(mode, shortcut):
    model = net(shortcut=shortcut).train(mode)
    before = traces(model)
    first, second = measure_responses(model, images()), measure_responses(model, images())
    assert first == second
    assert_same_traces(before, traces(model))


@pytest.mark.parametrize("where", ["stem.conv1", "stages.1.0.branch.relu1", "stages.1.0.shortcut.gate", "head"])
def test_a_failure_inside_the_net_leaves_no_hook_and_no_other_mode(where):
    model = net(shortcut="exclusive_gating").train()

    def fail(layer, inputs, output):
        raise BrokenError

    handle = model.get_submodule(where).register_forward_hook(fail)
    before = traces(model)
    with pytest.raises(BrokenError):
        measure_responses(model, images())
    assert_same_traces(before, traces(model))
    handle.remove()
    assert num_hooks(model) == 0
    measure_responses(model, images())


# Every block.

# fmt: off
OTHERS = [
    {"pre": "gn silu"}, {"pre": "", "post": "", "after": ""}, {"post": "tanh", "after": "elu"}, {"pre": "relu relu"},
    {"stochastic_depth": 0.5}, {"zero_gamma": True}, {"skipinit": True, "placement": "full_preact"},
    {"branch_dropout": 0.5}, {"pad": "end", "groups": 2, "unit": "bottleneck", "depth": 11}, {"stem": "large"},
    {"family": "imagenet", "depth": 18, "width": 0.125, "projection": "B"}, {"init": "he_fan_in", "num_classes": 10},
]
# fmt: on


def assert_all_is_measured(**fields):
    model = net(**fields).train()
    give_gradients(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    layers, units = measure_update(model, optimizer.step)
    responses, inside = measure_responses(model, images())
    convs = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    assert set(layers) == {*convs, "head"}
    assert set(responses) == {name for name in convs if "shortcut" not in name and "match" not in name}
    assert all(len(values) == len(model.units) for values in (units | inside).values())
    numbers = [value for table in (layers, responses) for entry in table.values() for value in entry.values()]
    numbers += [value for values in (units | inside).values() for value in values]
    assert all(math.isfinite(number) and number >= 0 for number in numbers)
    assert all(entry["weight_norm"] > 0 for entry in layers.values())


@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_block_can_be_looked_into(placement, shortcut, unit):
    depth = {"basic": 8, "bottleneck": 11}[unit]
    for projection in PROJECTIONS:
        assert_all_is_measured(
            placement=placement, shortcut=shortcut, unit=unit, depth=depth, projection=projection, width=0.25
        )


@pytest.mark.parametrize("fields", OTHERS, ids=str)
def test_other_blocks_can_be_looked_into_too(fields):
    assert_all_is_measured(**fields)
