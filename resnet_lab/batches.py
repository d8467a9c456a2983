"""Images as uint8 tensors on the training device, and the batches made of them there."""

from dataclasses import dataclass

import torch

from resnet_lab.augmentation import Draw, crop_and_flip, padded
from resnet_lab.data import DATASETS, load_images, stratified
from resnet_lab.run_config import DataConfig, RecipeConfig


@dataclass(frozen=True)
class Split:
    """uint8 pixels of (N, 3, S, S) and labels, with what normalises them."""

    pixels: torch.Tensor
    labels: torch.Tensor
    mean: torch.Tensor  # of pixels from 0 to 255, (3, 1, 1)
    std: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        return (pixels.float() - self.mean) / self.std

    def training_batch(self, draw: Draw, recipe: RecipeConfig) -> tuple[torch.Tensor, torch.Tensor]:
        """Cropped, flipped and normalised, with the zeros of the crop before or after the normalisation."""
        pixels, labels = self.pixels[draw.indices], self.labels[draw.indices]
        if recipe.crop_zeros == "after":
            return crop_and_flip(padded(self.normalised(pixels), recipe.crop), draw, recipe.crop), labels
        return self.normalised(crop_and_flip(padded(pixels, recipe.crop), draw, recipe.crop)), labels


def load_split(config: DataConfig, split: str, device: torch.device) -> Split:
    images = load_images(config.name, split)
    size = {"train": config.num_train, "test": config.num_test}[split]
    chosen = stratified(images.labels, size)
    dataset = DATASETS[config.name]
    return Split(
        pooled(torch.from_numpy(images.pixels[chosen]), config.resolution).to(device),
        torch.from_numpy(images.labels[chosen]).long().to(device),
        torch.tensor(dataset.mean, device=device).view(3, 1, 1) * 255,
        torch.tensor(dataset.std, device=device).view(3, 1, 1) * 255,
    )


def pooled(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """The mean over squares, rounded to whole numbers."""
    step = pixels.shape[-1] // side
    if step == 1:
        return pixels
    squares = pixels.unflatten(3, (side, step)).unflatten(2, (side, step))  # (N, 3, side, step, side, step)
    return ((squares.sum((3, 5), dtype=torch.int32) + step * step // 2) // (step * step)).to(torch.uint8)
