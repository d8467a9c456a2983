"""The optimisers against their formulas; their memory goes out and comes back."""

import copy

import pytest
import torch
from torch import nn

from resnet_lab.nets import build_model
from resnet_lab.optimizers import build_optimizer, memory_of, remember
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
    plain = {
        key: tensor.clone(memory_format=torch.contiguous_format) for key, tensor in memory_of(optimizer, model).items()
    }
    remember(successor, twin, plain)
    walk(model, optimizer, range(3, 6))
    walk(twin, successor, range(3, 6))
    assert all(map(torch.equal, model.state_dict().values(), twin.state_dict().values()))


def test_the_memory_is_a_copy_so_that_the_old_optimizer_does_not_write_into_it():
    model = tiny_net()
    optimizer = build_optimizer(model, RECIPES["adamw"])
    walk(model, optimizer, range(2))
    twin = copy.deepcopy(model)
    successor = build_optimizer(twin, RECIPES["adamw"])
    remember(successor, twin, memory_of(optimizer, model))
    kept = {key: tensor.clone() for key, tensor in memory_of(successor, twin).items()}
    walk(model, optimizer, range(2, 4))
    assert all(torch.equal(tensor, kept[key]) for key, tensor in memory_of(successor, twin).items())


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("sgd", {"momentum_buffer"}), ("bare", set()), ("adamw", {"step", "exp_avg", "exp_avg_sq"})],
)
def test_the_memory_is_named_by_its_kind_and_its_parameter(name, kinds):
    model = tiny_net()
    optimizer = build_optimizer(model, RECIPES[name])
    assert memory_of(optimizer, model) == {}
    walk(model, optimizer, range(1))
    names = [parameter for parameter, _ in model.named_parameters()]
    assert set(memory_of(optimizer, model)) == {f"{kind}.{parameter}" for kind in kinds for parameter in names}


def test_what_is_remembered_lies_where_its_parameter_lies():
    """As on a GPU, whose fused AdamW takes no step count from the CPU: here the other device is 'meta'."""
    model = tiny_net()
    optimizer = build_optimizer(model, RECIPES["adamw"])
    walk(model, optimizer, range(1))
    elsewhere = copy.deepcopy(model).to("meta")
    successor = torch.optim.AdamW(elsewhere.parameters())
    remember(successor, elsewhere, memory_of(optimizer, model))
    tensors = memory_of(successor, elsewhere).values()
    assert tensors
    assert {tensor.device.type for tensor in tensors} == {"meta"}
