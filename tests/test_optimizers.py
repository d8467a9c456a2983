"""The optimisers against their formulas; their memory goes out and comes back."""

import copy

import pytest
import torch
from torch import nn

from resnet_lab.nets import build_model
from resnet_lab.optimizers import build_optimizer
from resnet_lab.presets import preset
from resnet_lab.run_config import RecipeConfig

pytestmark = pytest.mark.usefixtures("one_thread")

# fmt: off
RECIPES = {
    "sgd":       RecipeConfig(lr=0.1, momentum=0.9, weight_decay=1e-2),
    "nesterov":  RecipeConfig(lr=0.1, momentum=0.9, weight_decay=1e-2, nesterov=True),
    "bare":      RecipeConfig(lr=0.1, momentum=0, weight_decay=0),
    "adamw":     RecipeConfig(lr=0.1, optimizer="adamw", weight_decay=1e-2),
}
# fmt: on


def tiny_net(**fields):
    torch.manual_seed(0)
    config = preset("minute", depth=8, placement="full_preact", **{"shortcut": "exclusive_gating"} | fields).model
    return build_model(config).to(memory_format=torch.channels_last)


def give_gradients(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.grad = torch.empty_like(parameter).copy_(noise)


def walk(model, optimizer, seeds):
    for seed in seeds:
        give_gradients(model, seed)
        optimizer.step()


def by_hand(recipe, weight, gradients):
    """The update of one number, as it stands in the papers."""
    velocity = square = 0.0
    for count, gradient in enumerate(gradients, 1):
        if recipe.optimizer == "adamw":
            velocity, square = 0.9 * velocity + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            step = (velocity / (1 - 0.9**count)) / ((square / (1 - 0.999**count)) ** 0.5 + 1e-8)
            weight = weight * (1 - recipe.lr * recipe.weight_decay) - recipe.lr * step
            continue
        slope = gradient + recipe.weight_decay * weight
        velocity = recipe.momentum * velocity + slope
        weight -= recipe.lr * (slope + recipe.momentum * velocity if recipe.nesterov else velocity)
    return weight


@pytest.mark.parametrize("name", RECIPES)
def test_the_update_is_the_formula(name):
    recipe, gradients = RECIPES[name], [0.5, -0.25, 1.5, 0.125]
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0)
    optimizer = build_optimizer(layer, recipe)
    for gradient in gradients:
        layer.weight.grad = torch.full((1, 1), gradient)
        optimizer.step()
    assert layer.weight.item() == pytest.approx(by_hand(recipe, 2.0, gradients), rel=1e-5)


def test_weights_of_all_shapes_and_norms_and_biases_decay_alike():
    model = tiny_net(skipinit=True)
    before = copy.deepcopy(model.state_dict())
    optimizer = build_optimizer(model, RecipeConfig(lr=0.5, momentum=0, weight_decay=0.1))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.detach(), before[name] * 0.95)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("skipinit", [False, True])
def test_with_its_memory_a_new_optimizer_goes_on_bit_for_bit(name, skipinit):
    model = tiny_net(skipinit=skipinit)
    optimizer = build_optimizer(model, RECIPES[name])
    walk(model, optimizer, range(3))
    twin = copy.deepcopy(model)
    successor = build_optimizer(twin, RECIPES[name])
    for key, tensor in successor.named_memory().items():
        tensor.copy_(optimizer.named_memory()[key])
    walk(model, optimizer, range(3, 6))
    walk(twin, successor, range(3, 6))
    assert all(map(torch.equal, model.state_dict().values(), twin.state_dict().values()))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("sgd", {"momentum_buffer"}), ("bare", {"momentum_buffer"}), ("adamw", {"step", "exp_avg", "exp_avg_sq"})],
)
def test_the_memory_is_named_by_its_kind_and_its_parameter_and_there_from_the_start(name, kinds):
    model = tiny_net()
    memory = build_optimizer(model, RECIPES[name]).named_memory()
    names = [parameter for parameter, _ in model.named_parameters()]
    assert set(memory) == {f"{kind}.{parameter}" for kind in kinds for parameter in names}
    assert not any(tensor.any() for tensor in memory.values())


@pytest.mark.parametrize("name", RECIPES)
def test_a_step_changes_its_tensors_in_place_and_takes_no_others(name):
    """As a recorded graph needs it."""
    model = tiny_net()
    optimizer = build_optimizer(model, RECIPES[name])
    before = {key: tensor.data_ptr() for key, tensor in (optimizer.named_memory() | model.state_dict()).items()}
    walk(model, optimizer, range(2))
    assert before == {key: tensor.data_ptr() for key, tensor in (optimizer.named_memory() | model.state_dict()).items()}


@pytest.mark.parametrize("name", RECIPES)
def test_the_learning_rate_is_a_number_on_the_device(name):
    model, still = tiny_net(), tiny_net()
    optimizer = build_optimizer(model, RECIPES[name])
    optimizer.lr.zero_()
    walk(model, optimizer, range(2))
    assert all(map(torch.equal, model.state_dict().values(), still.state_dict().values()))


def test_what_is_remembered_lies_where_its_parameter_lies():
    """As on a GPU, whose fused AdamW takes no step count from the CPU: here the other device is 'meta'."""
    optimizer = build_optimizer(tiny_net().to("meta"), RECIPES["adamw"])
    assert {tensor.device.type for tensor in [optimizer.lr, *optimizer.named_memory().values()]} == {"meta"}
