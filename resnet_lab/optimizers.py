"""The optimisers of the recipes: torch's fused arithmetic, with all that they remember there from the start."""

from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from resnet_lab.run_config import RecipeConfig


class Optimizer(ABC):
    """A step touches nothing but tensors on the device, the learning rate among them, so that a GPU can record it.

    torch's own classes do the same a second and 75 MB later, for their first use imports torch.compile.
    """

    kinds: tuple[str, ...]  # of what is remembered, as torch's own classes name it

    def __init__(self, model: nn.Module, recipe: RecipeConfig):
        self.recipe = recipe
        self.names, self.parameters = map(list, zip(*model.named_parameters(), strict=True))
        self.lr = torch.tensor(recipe.lr, device=self.parameters[0].device)
        self.memory = {kind: [self.blank(kind, weight) for weight in self.parameters] for kind in self.kinds}

    def blank(self, kind: str, weight: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(weight)

    def lay_out(self, layout: torch.memory_format) -> None:
        """What is remembered lies in memory as the weights do."""
        for tensors in self.memory.values():
            tensors[:] = [each.contiguous(memory_format=layout) if each.dim() == 4 else each for each in tensors]

    @property
    def gradients(self) -> list[torch.Tensor]:
        return [weight.grad for weight in self.parameters if weight.grad is not None]

    def forget_gradients(self) -> None:
        for weight in self.parameters:
            weight.grad = None

    @abstractmethod
    def step(self) -> None: ...

    def named_memory(self) -> dict[str, torch.Tensor]:
        """'momentum_buffer.stem.conv1.weight' -> tensor"""
        return {
            f"{kind}.{name}": tensor
            for kind, tensors in self.memory.items()
            for name, tensor in zip(self.names, tensors, strict=True)
        }


class Sgd(Optimizer):
    """v = momentum v + gradient + decay w;  w -= lr v"""

    kinds = ("momentum_buffer",)

    @torch.no_grad()
    def step(self) -> None:
        recipe = self.recipe
        sgd(
            self.parameters,
            self.gradients,
            list(self.memory["momentum_buffer"]),
            fused=True,
            weight_decay=recipe.weight_decay,
            momentum=recipe.momentum,
            lr=self.lr,
            dampening=0,
            nesterov=recipe.nesterov,
            maximize=False,
        )


class AdamW(Optimizer):
    """Loshchilov and Hutter 2019, with torch's defaults"""

    kinds = ("step", "exp_avg", "exp_avg_sq")

    def blank(self, kind: str, weight: torch.Tensor) -> torch.Tensor:
        return torch.zeros((), device=weight.device) if kind == "step" else torch.zeros_like(weight)

    @torch.no_grad()
    def step(self) -> None:
        adamw(
            self.parameters,
            self.gradients,
            self.memory["exp_avg"],
            self.memory["exp_avg_sq"],
            [],
            self.memory["step"],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.lr,
            weight_decay=self.recipe.weight_decay,
            eps=1e-8,
            maximize=False,
        )


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": Sgd, "adamw": AdamW}


def build_optimizer(model: nn.Module, recipe: RecipeConfig) -> Optimizer:
    """Weight decay on every parameter, as in the papers."""
    return OPTIMIZERS[recipe.optimizer](model, recipe)
