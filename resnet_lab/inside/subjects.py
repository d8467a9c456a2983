"""A trained net that is looked into, and the same as a module that takes pixels."""

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from resnet_lab.config import Config
from resnet_lab.data import DATASETS
from resnet_lab.films import read_frame
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import ResNet, build_model, layout
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import CHECKPOINT

ORIGINS = {"run": "a run of this lab", "shipped": "trained beforehand, comes with the lab", "checkpoint": "imported"}
MODEL = "model."  # before the names of its tensors in the checkpoint of a run
Above0 = Annotated[float, Field(gt=0)]


class Normalisation(Config):
    """Of each channel of pixels from 0 to 1."""

    mean: tuple[float, float, float]
    std: tuple[Above0, Above0, Above0]


class Subject(Config):
    """All that is needed to open it, also in another process."""

    id: str
    title: str
    origin: Literal["run", "shipped", "checkpoint"]
    model: ModelConfig
    data: DataConfig  # what it was trained on, and so which pictures it knows
    weights: str  # the path of the file
    seed: int = 0
    steps: int = 0  # of its training; 0: not known
    normalisation: Normalisation | None = None  # in training; None: that of the data set

    @property
    def classes(self) -> tuple[str, ...]:
        return DATASETS[self.data.name].classes


class PixelNet(nn.Module):
    """Takes pixels from 0 to 1, (N, 3, 32, 32); resolution and normalisation are part of the net, so that all nets
    are explained in the same pixels. In evaluation mode, its weights out of reach of any gradient."""

    def __init__(self, net: ResNet, data: DataConfig, normalisation: Normalisation | None = None):
        super().__init__()
        self.net, self.resolution, self.layout = net, data.resolution, layout(net)
        used = normalisation or DATASETS[data.name]
        for name, values in (("mean", used.mean), ("std", used.std)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1))
        self.eval().requires_grad_(False).to(memory_format=self.layout)

    def forward(self, pixels):
        return self.net(self.normalised(pixels))

    def normalised(self, pixels):
        """What the stem takes."""
        if pixels.shape[-1] != self.resolution:
            pixels = functional.avg_pool2d(pixels, pixels.shape[-1] // self.resolution)
        normalised = (pixels - self.get_buffer("mean")) / self.get_buffer("std")
        return normalised.contiguous(memory_format=self.layout)


def open_subject(subject: Subject) -> PixelNet:
    """Its own copy of the weights: what happens to it happens to nothing that is kept."""
    net = build_model(subject.model)
    net.load_state_dict(read_model(Path(subject.weights)))
    return PixelNet(net, subject.data, subject.normalisation)


def read_model(path: Path) -> dict[str, torch.Tensor]:
    """A checkpoint also has what its optimiser remembers."""
    tensors, _ = read_frame(path)
    if path.name != CHECKPOINT:
        return tensors
    return {name.removeprefix(MODEL): tensor for name, tensor in tensors.items() if name.startswith(MODEL)}
