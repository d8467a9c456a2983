"""What goes on inside a net while it trains: norms of gradients and weights, responses, gates, ReLUs, shares."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from resnet_lab.blocks import Unit
from resnet_lab.nets import ResNet
from resnet_lab.ops import GroupNorm
from resnet_lab.signals import recorded

RESPONSE = "response"
Measures = dict[str, dict[str, float]]


def update_norms(model: ResNet, update: Callable[[], None]) -> torch.Tensor:
    """(3, layers): of the gradients, of the weights before the update, and of the update.

    Nothing leaves the device, nor in the numbers below: a GPU can record both.
    """
    tensors = list(probed_weights(model).values())
    gradients = torch._foreach_norm([weight.grad for weight in tensors if weight.grad is not None])
    before = [weight.detach().clone() for weight in tensors]
    norms = torch._foreach_norm(before)
    update()
    steps = torch._foreach_norm(torch._foreach_sub([weight.detach() for weight in tensors], before))
    return torch.stack([torch.stack(list(column)) for column in (gradients, norms, steps)])


def described_update(model: ResNet, norms: torch.Tensor) -> tuple[Measures, dict[str, list[float]]]:
    """Per layer and per unit."""
    rows = list(zip(probed_weights(model), *norms.tolist(), strict=True))
    layers = {name: norms_of([row]) for name, *row in rows}
    units = [norms_of([row for name, *row in rows if name.startswith(prefix)]) for prefix in unit_names(model)]
    return layers, {measure: [unit[measure] for unit in units] for measure in units[0]}


def probed_weights(model: ResNet) -> dict[str, nn.Parameter]:
    """Of the convolutions and the head, by layer."""
    return {name.removesuffix(".weight"): weight for name, weight in model.named_parameters() if weight.dim() > 1}


def norms_of(rows: list[list[float]]) -> dict[str, float]:
    """Of layers taken together, from the norms of their gradients, their weights and their updates."""
    gradient, weight, update = (sum(value**2 for value in column) ** 0.5 for column in zip(*rows, strict=True))
    return {"gradient_norm": gradient, "weight_norm": weight, "update_ratio": update / weight if weight else 0.0}


def unit_names(model: ResNet) -> list[str]:
    return [f"{name}." for name, module in model.named_modules() if isinstance(module, Unit)]


def response_numbers(model: ResNet, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """On a fixed batch, BN's statistics frozen: responses by layer; shares, dead ReLUs, openness of gates by unit."""
    with torch.no_grad(), evaluating(model), listening(model) as heard, recorded(model) as record:
        model(images)
    numbers = {
        RESPONSE: torch.stack([heard.responses[name] for name, _ in response_layers(model)]),
        "shortcut_share": record.shortcut_shares,
        "dead_relus": torch.stack([torch.cat(channels).mean() for channels in heard.dead]),
    }
    gates = list(heard.gates.values())
    return numbers | ({"gate_openness": torch.stack(gates)} if gates else {})


def described_responses(model: ResNet, numbers: dict[str, torch.Tensor]) -> tuple[Measures, dict[str, list[float]]]:
    """Per layer and per unit."""
    told = {name: tensor.tolist() for name, tensor in numbers.items()}
    layers = [name for name, _ in response_layers(model)]
    return {name: {RESPONSE: value} for name, value in zip(layers, told.pop(RESPONSE), strict=True)}, told


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


@dataclass
class Heard:
    responses: dict[str, torch.Tensor] = field(default_factory=dict)
    gates: dict[int, torch.Tensor] = field(default_factory=dict)  # by the unit's number
    dead: list[list[torch.Tensor]] = field(default_factory=list)  # a unit, a ReLU, 1 for a channel that is always zero


@contextmanager
def listening(model: ResNet) -> Iterator[Heard]:
    """Hooks that keep one number of what they hear; none survives."""
    heard, handles = Heard(), []
    for name, layer in response_layers(model):
        handles.append(layer.register_forward_hook(keep_response(heard, name)))
    for number, unit in enumerate(model.units):
        heard.dead.append([])
        handles += [relu.register_forward_hook(keep_dead(heard.dead[-1])) for relu in relus(unit)]
        if isinstance(gate := getattr(unit.shortcut, "gate", None), nn.Module):
            handles.append(gate.register_forward_hook(keep_gate(heard, number)))
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def response_layers(model: ResNet) -> Iterator[tuple[str, nn.Module]]:
    """Of each convolution of the stem and the branches: the normalisation right after it, else itself."""
    for prefix in ["stem", *(f"{name}branch" for name in unit_names(model))]:
        children = list(model.get_submodule(prefix).named_children())
        for (name, layer), (_, following) in zip(children, [*children[1:], ("", None)], strict=True):
            if isinstance(layer, nn.Conv2d):
                yield f"{prefix}.{name}", following if isinstance(following, nn.BatchNorm2d | GroupNorm) else layer


def relus(unit: Unit) -> list[nn.ReLU]:
    return [module for module in unit.modules() if isinstance(module, nn.ReLU)]


def keep_response(heard: Heard, name: str) -> Callable[..., None]:
    def hook(layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        heard.responses[name] = output.float().std(correction=0)

    return hook


def keep_gate(heard: Heard, number: int) -> Callable[..., None]:
    def hook(layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        heard.gates[number] = output.sigmoid().float().mean()  # twice, as `recorded` asks the shortcut once more

    return hook


def keep_dead(dead: list[torch.Tensor]) -> Callable[..., None]:
    def hook(layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        dead.append((output.amax((0, 2, 3)) <= 0).float())

    return hook
