"""CIFAR-10: the bundled sample, and the full set where the user has it."""

import os
from pathlib import Path

import torch

from resnet_lab.config import check_choice
from resnet_lab.sheets import Images, read_sheets

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MEAN = (0.49139968, 0.48215841, 0.44653091)  # of all 50,000 training images, as published
STD = (0.24703223, 0.24348513, 0.26158784)
SAMPLE = Path(__file__).parent.parent / "assets" / "sample"


def home() -> Path:
    """Where the lab keeps what is the user's."""
    return Path(os.environ.get("RESNET_LAB_HOME", Path.home() / ".resnet_lab"))


def data_folder(name: str) -> Path:
    check_choice("data", name, ("sample", "cifar10"))
    return SAMPLE if name == "sample" else home() / "data" / name


def load_images(name: str = "sample", split: str = "train") -> Images:
    return read_sheets(data_folder(name), split)


def normalised(images: Images, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD) -> torch.Tensor:
    """What the nets take: floats of shape (N, 3, 32, 32)."""
    pixels = torch.from_numpy(images.pixels).float() / 255
    return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
