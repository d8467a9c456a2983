"""The optimiser of a recipe, and its memory as named tensors."""

import torch
from torch import nn

from resnet_lab.run_config import RecipeConfig


def build_optimizer(model: nn.Module, recipe: RecipeConfig) -> torch.optim.Optimizer:
    """Weight decay on every parameter, as in the papers."""
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(model.parameters(), recipe.lr, weight_decay=recipe.weight_decay, fused=True)
    return torch.optim.SGD(
        model.parameters(),
        recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def memory_of(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, torch.Tensor]:
    """'momentum_buffer.stem.conv1.weight' -> tensor"""
    return {
        f"{kind}.{name}": tensor
        for name, parameter in model.named_parameters()
        for kind, tensor in optimizer.state[parameter].items()
        if isinstance(tensor, torch.Tensor)
    }


def remember(optimizer: torch.optim.Optimizer, model: nn.Module, memory: dict[str, torch.Tensor]) -> None:
    parameters = dict(model.named_parameters())
    optimizer.state.clear()
    for key, tensor in memory.items():
        kind, name = key.split(".", 1)
        parameter = parameters[name]
        like = parameter if tensor.shape == parameter.shape else tensor
        optimizer.state[parameter][kind] = torch.empty_like(like, device=parameter.device).copy_(tensor)
