"""The X-ray: what happens to the signal and to its gradient in a net that has not been trained yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from operator import mul

import torch
from torch import nn

from resnet_lab.expectations import expect
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import ResNet, build_model, layout, unit_shapes
from resnet_lab.threads import random_numbers

MEASURES = ("mean_square", "shortcut_share", "shortcut_signal", "gradient_norm", "gradient_correlation")


@dataclass(frozen=True)
class Signal:
    """One number a unit for each measure, and beside it the analytic expectation or None."""

    stages: list[int]
    mean_square: list[float]  # of the signal at each unit's output
    shortcut_share: list[float]  # of the mean square that enters the sum; the branch has the rest
    shortcut_signal: list[float]  # amplitude that the shortcuts alone hand on from the first unit
    gradient_norm: list[float]  # at each unit's output, mean over images
    gradient_correlation: list[float]  # mean cosine between the gradients of two images
    expected: dict[str, list[float] | None]

    @property
    def branch_share(self) -> list[float]:
        return [1 - share for share in self.shortcut_share]


def signal(config: ModelConfig, images: torch.Tensor, seed: int = 0) -> Signal:
    """Run normalised images through a net fresh from its initialisation, in training mode, and back.

    The gradient is that of a random readout of the logits, its sign drawn for each image: like a loss it is
    balanced over the batch, and with the signs taken back it is the same function of every image.
    """
    check_images(images)
    with random_numbers(seed, torch.device("cpu")):
        model = build_model(config).train().requires_grad_(False)
        model.to(memory_format=layout(model))
        images = images.detach().to(torch.float32, memory_format=layout(model))
        readout = torch.randn(config.num_classes)
        signs = torch.randint(0, 2, (len(images), 1)) * 2.0 - 1
        with recorded(model) as record:
            logits = model(images.requires_grad_())
        gradients = torch.autograd.grad((signs * logits * readout).sum(), record.outputs)
    return Signal(
        stages=[shape.stage for shape in unit_shapes(config)],
        mean_square=[mean_square(output).item() for output in record.outputs],
        shortcut_share=record.shortcut_shares.tolist(),
        shortcut_signal=list(accumulate(record.shortcut_gains.tolist(), mul)),
        gradient_norm=[gradient.flatten(1).norm(dim=1).mean().item() for gradient in gradients],
        gradient_correlation=[mean_cosine(signs * gradient.flatten(1)) for gradient in gradients],
        expected=expect(config, images.shape[-1]),
    )


def check_images(images: torch.Tensor) -> None:
    has_shape = images.dim() == 4 and images.shape[1] == 3 and len(images) > 1 and images.numel()
    if not has_shape or not images.is_floating_point():
        raise ValueError(
            "images must be normalised floats of shape (N, 3, height, width) with N at least 2, "
            f"but are {images.dtype} of shape {tuple(images.shape)}."
        )


@dataclass
class Record:
    """Of each unit its output, and the mean squares of what its sum is made of; nothing is read from the device."""

    outputs: list[torch.Tensor] = field(default_factory=list)
    inputs: list[torch.Tensor] = field(default_factory=list)
    paths: list[torch.Tensor] = field(default_factory=list)  # what the shortcut hands on
    branches: list[torch.Tensor] = field(default_factory=list)

    @property
    def shortcut_shares(self) -> torch.Tensor:
        paths, branches = torch.stack(self.paths), torch.stack(self.branches)
        return paths / (paths + branches).clamp(min=1e-30)

    @property
    def shortcut_gains(self) -> torch.Tensor:
        return (torch.stack(self.paths) / torch.stack(self.inputs).clamp(min=1e-30)).sqrt()


@contextmanager
def recorded(model: ResNet) -> Iterator[Record]:
    """Watch every unit and every sum; no hook survives."""
    record, states = Record(), []

    def before_sum(shortcut: nn.Module, inputs: tuple) -> None:
        states.append(torch.get_rng_state())

    def after_sum(shortcut: nn.Module, inputs: tuple, total: torch.Tensor) -> None:
        x, f = (tensor.detach() for tensor in inputs)
        path = path_part(shortcut, x, f, states.pop())
        record.inputs.append(mean_square(x))
        record.paths.append(mean_square(path))
        record.branches.append(mean_square(total.detach() - path))

    def after_unit(unit: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        record.outputs.append(output)

    handles = [unit.register_forward_hook(after_unit) for unit in model.units]
    handles += [unit.shortcut.register_forward_pre_hook(before_sum) for unit in model.units]
    handles += [unit.shortcut.register_forward_hook(after_sum) for unit in model.units]
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()


def path_part(shortcut: nn.Module, x: torch.Tensor, f: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    """What is left of the sum when the branch is silent, under the same random numbers."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.set_rng_state(state)
        return shortcut.forward(x, torch.zeros_like(f))


def mean_square(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().square().mean(dtype=torch.float32)


def mean_cosine(rows: torch.Tensor) -> float:
    """Over all pairs of different rows."""
    unit, count = nn.functional.normalize(rows, dim=1), len(rows)
    pairs = unit.sum(0).square().sum() - unit.square().sum()
    return pairs.item() / (count * (count - 1))
