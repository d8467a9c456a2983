"""The weights of a run at moments on its way, so that one can see how the net came to look as it does."""

import math
from pathlib import Path
from typing import Any

import torch

from resnet_lab.weights import read_tensors, write_tensors

SHARES = (0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75)  # of all steps, closer where more changes; the final weights come last
PATTERN = "film-*.safetensors"  # in a run's folder
MOST_HALF = torch.finfo(torch.float16).max


def moments(steps: int) -> set[int]:
    """After which of its steps a run keeps its weights."""
    return {math.ceil(share * steps) for share in SHARES} - {steps}


def frame(folder: Path, step: int) -> Path:
    return folder / f"film-{step:08d}.safetensors"


def frames(folder: Path) -> dict[int, Path]:
    """By step, in order."""
    paths = sorted(folder.glob(PATTERN))
    return {int(path.stem.removeprefix("film-")): path for path in paths}


def write_frame(folder: Path, step: int, tensors: dict[str, torch.Tensor]) -> None:
    """In fp16 where the numbers fit: it is for looking at, and nothing is trained from it."""
    write_tensors(frame(folder, step), halved(tensors), {"step": step})


def halved(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.half() if fits_half(tensor) else tensor for name, tensor in tensors.items()}


def read_frame(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors, record = read_tensors(path)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}, record


def fits_half(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and bool((tensor.abs() <= MOST_HALF).all())  # a NaN does not
