"""The images that a trained net is measured on: the first of each class, of the data that it knows."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from resnet_lab.config import check_choice
from resnet_lab.data import DATASETS, data_is_here, load_images, stratified
from resnet_lab.run_config import DataConfig

BATCH = 128
SPLITS = {"train": "training", "test": "test"}
SAMPLE_OF = {"cifar10": "sample"}  # what stands in for a data set that is not on the machine


@dataclass(frozen=True)
class Examples:
    pixels: torch.Tensor  # uint8, (N, 3, 32, 32)
    labels: torch.Tensor
    words: str  # how many of which

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, size: int = BATCH) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """(pixels from 0 to 1, labels)"""
        for pixels, labels in zip(self.pixels.split(size), self.labels.split(size), strict=True):
            yield pixels.float() / 255, labels


def examples(data: DataConfig, num: int, split: str = "test") -> Examples:
    """As many as asked for, or all that are on the machine where that is fewer."""
    check_choice("split", split, SPLITS)
    if num < 1:
        raise ValueError(f"num_images must be at least 1, but is {num}.")
    name = data.name if data_is_here(data.name) else SAMPLE_OF.get(data.name, data.name)
    images = load_images(name, split)
    at = stratified(images.labels, min(num, len(images)))
    pixels, labels = torch.from_numpy(images.pixels[at]), torch.from_numpy(images.labels[at]).long()
    title = "the bundled sample" if name == "sample" else DATASETS[name].title
    return Examples(pixels, labels, f"{len(at):,} {SPLITS[split]} image{'s' * (len(at) > 1)} of {title}")
