"""The price of a net, held against the whole net: counted, run on meta, and run for real."""

import itertools

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from resnet_lab import BlockConfig, ModelConfig, build_model, cost
from resnet_lab.costs import Cost, PartCost, named_parts
from resnet_lab.nets import short_net
from resnet_lab.placements import PLACEMENTS
from resnet_lab.shortcuts import SHORTCUTS

pytestmark = pytest.mark.usefixtures("one_thread")

VARIANTS = list(itertools.product(PLACEMENTS, SHORTCUTS))


def net(placement="original", shortcut="identity", **fields):
    return ModelConfig(block=BlockConfig(placement=placement, shortcut=shortcut), **fields)


# Whole nets beyond the 35 variants at depth 20, each with the side of its images.
OTHERS = [
    (net(depth=8), 32),
    (net(depth=56), 32),
    (net(depth=56, placement="full_preact", shortcut="exclusive_gating"), 32),
    (net(depth=56, placement="relu_only_preact", shortcut="conv", projection="B"), 32),
    (net(projection="B"), 32),
    (net(projection="C"), 32),
    (net(pad="end"), 32),
    (net(width=0.5), 16),
    (net(depth=29, unit="bottleneck", projection="B"), 32),
    (net(depth=29, unit="bottleneck", placement="full_preact", shortcut="dropout", groups=4, group_width=8), 32),
    (net(stem="large"), 32),
    (net(zero_gamma=True, stochastic_depth=0.5), 32),
    (net(skipinit=True, placement="full_preact"), 32),
    (ModelConfig(block=BlockConfig(pre="gn silu", post="bn", after="gelu", branch_dropout=0.3)), 32),
    (ModelConfig(block=BlockConfig(post="bn tanh", after="elu", shortcut="constant_scaling")), 32),
    (net(family="imagenet", depth=18, projection="B", num_classes=1000), 64),
    (net(family="imagenet", depth=50, unit="bottleneck", projection="B", num_classes=1000), 64),
    (net(family="imagenet", depth=18, stem="small", placement="full_preact", shortcut="none", width=0.25), 32),
]
WHOLE_NETS = [*[(net(placement, shortcut), 16) for placement, shortcut in VARIANTS], *OTHERS]


def count_parameters(config):
    return sum(parameter.numel() for parameter in build_model(config).parameters())


def count_multiply_adds(config, side):
    with torch.device("meta"):
        model, image = build_model(config), torch.zeros(1, 3, side, side)
    with FlopCounterMode(display=False) as counter:
        model.eval()(image)
    return counter.get_total_flops() // 2


def kept_bytes(model, batch, side):
    """All storages that the graph of one real training step holds, parameters aside."""
    storages = {}

    def keep(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model.train()(torch.randn(batch, 3, side, side))
    assert output.requires_grad  # the graph is alive, so that no address has been used twice
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    return sum(storage.nbytes() for address, storage in storages.items() if address not in parameters)


def image_bytes(config, side):
    """What one more image adds: statistics of the batch drop out."""
    model = build_model(config)
    return kept_bytes(model, 3, side) - kept_bytes(model, 2, side)


@pytest.mark.parametrize(("config", "side"), WHOLE_NETS, ids=lambda value: getattr(value, "to_json", lambda: value)())
def test_the_price_is_that_of_the_whole_net(config, side):
    price = cost(config, batch=1, resolution=side)
    assert price.parameters == count_parameters(config)
    assert price.multiply_adds == count_multiply_adds(config, side)
    assert price.activation_bytes == image_bytes(config, side)


@pytest.mark.parametrize(("projection", "multiply_adds"), [("A", 40_551_040), ("B", 40_813_184)])
def test_resnet_20_has_its_known_multiply_adds(projection, multiply_adds):
    assert cost(ModelConfig(projection=projection)).multiply_adds == multiply_adds


# torchvision's weights say 1.814, 3.664, 4.089, 7.801 and 11.514 billion, and these numbers of parameters.
@pytest.mark.parametrize(
    ("depth", "unit", "multiply_adds", "parameters"),
    [
        (18, "basic", 1_814_073_344, 11_689_512),
        (34, "basic", 3_663_761_408, 21_797_672),
        (50, "bottleneck", 4_089_184_256, 25_557_032),
        (101, "bottleneck", 7_801_405_440, 44_549_160),
        (152, "bottleneck", 11_513_626_624, 60_192_808),
    ],
)
def test_imagenet_nets_have_their_known_price(depth, unit, multiply_adds, parameters):
    price = cost(ModelConfig(family="imagenet", depth=depth, unit=unit, projection="B", num_classes=1000))
    assert (price.multiply_adds, price.parameters) == (multiply_adds, parameters)


@pytest.mark.parametrize("config", [config for config, _ in OTHERS], ids=ModelConfig.to_json)
def test_the_parts_add_up_to_the_total(config):
    price = cost(config, batch=7)
    stages = [f"stage {i + 1}" for i in range(len(config.units_per_stage))]
    assert list(price.parts) == ["stem", *stages, "head"]
    assert price.parameters == sum(part.parameters for part in price.parts.values())
    assert price.multiply_adds == sum(part.multiply_adds for part in price.parts.values())
    assert price.activation_bytes == 7 * sum(part.image_bytes for part in price.parts.values())


def test_every_part_of_the_whole_net_has_the_price_that_is_said():
    config = net(depth=32, placement="full_preact", shortcut="shortcut_only_gating")
    counts = {"stem": 0, "stage 1": 0, "stage 2": 0, "stage 3": 0, "head": 0}
    for name, part in named_parts(build_model(config)):
        stage = f"stage {int(name[0]) + 1}" if name[0].isdigit() else name
        counts[stage] += sum(parameter.numel() for parameter in part.parameters())
    assert {name: part.parameters for name, part in cost(config).parts.items()} == counts


@pytest.mark.parametrize(("placement", "shortcut"), VARIANTS)
def test_memory_grows_with_the_batch_and_nothing_else_does(placement, shortcut):
    config = net(placement, shortcut)
    one, many = cost(config, batch=1), cost(config, batch=128)
    assert many.activation_bytes == 128 * one.activation_bytes
    assert (many.parameters, many.multiply_adds) == (one.parameters, one.multiply_adds)


def test_the_resolution_of_the_family_is_the_default():
    for config in (net(), net(stem="large"), net(family="imagenet", depth=18)):
        assert cost(config) == cost(config, resolution=config.resolution)


def test_multiply_adds_of_a_cifar_net_go_with_the_square_of_the_resolution():
    head = cost(net()).parts["head"].multiply_adds
    assert cost(net(), resolution=64).multiply_adds - head == 4 * (cost(net()).multiply_adds - head)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_a_price_at_depth_1202_is_no_more_work_than_at_depth_20(shortcut):
    shallow, deep = (len(list(short_net(net("full_preact", shortcut, depth=d)).modules())) for d in (20, 1202))
    assert deep == shallow


@pytest.mark.parametrize(("placement", "shortcut"), VARIANTS)
def test_each_further_unit_of_a_stage_costs_the_same(placement, shortcut):
    prices = [cost(net(placement, shortcut, depth=depth)).total for depth in (20, 26, 1202)]
    one_more = PartCost(*(getattr(prices[1], name) - getattr(prices[0], name) for name in vars(prices[0])))
    assert prices[2] == prices[0] + one_more * ((1202 - 20) // 6)


def test_pricing_draws_nothing_from_the_global_generator():
    before = torch.get_rng_state()
    cost(net(depth=1202, shortcut="dropout"), batch=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_costs_add_and_multiply():
    part = PartCost(1, 20, 300)
    assert part + part == part * 2 == PartCost(2, 40, 600)
    assert Cost({"stem": part, "head": part}, batch=4).activation_bytes == 2400
