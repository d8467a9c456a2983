"""Images kept as lossless WebP sheets with labels and provenance: small, checked, loaded in a moment."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 32
SHEET_COLUMNS, SHEET_ROWS = 100, 100
INDEX = "index.json"


@dataclass(frozen=True)
class Images:
    """uint8 pixels of shape (N, 3, 32, 32) and their labels."""

    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def checksum(self) -> str:
        """Over all pixels and labels, in order."""
        content = np.ascontiguousarray(self.pixels).tobytes() + self.labels.astype(np.uint8).tobytes()
        return hashlib.sha256(content).hexdigest()


def write_sheets(folder: Path, splits: dict[str, Images], provenance: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, Any] = {"provenance": provenance, "splits": {}}
    for name, images in splits.items():
        files: list[str] = []
        for start in range(0, len(images), SHEET_COLUMNS * SHEET_ROWS):
            files.append(f"{name}-{len(files)}.webp")
            sheet = tile(images.pixels[start : start + SHEET_COLUMNS * SHEET_ROWS])
            Image.fromarray(sheet).save(folder / files[-1], lossless=True, quality=100, method=6)
        labels = images.labels.tolist()
        index["splits"][name] = {"files": files, "checksum": images.checksum, "labels": labels}
    (folder / INDEX).write_text(json.dumps(index))


def read_sheets(folder: Path, split: str) -> Images:
    """The images of one split, or one sentence that names the file that is missing or damaged."""
    entry = read_index(folder)["splits"].get(split)
    if entry is None:
        raise ValueError(f"{folder / INDEX} has no split {split!r}.")
    labels = np.array(entry["labels"], dtype=np.uint8)
    pixels = np.concatenate([untile(read_sheet(folder / name)) for name in entry["files"]])[: len(labels)]
    images = Images(pixels, labels)
    if images.checksum != entry["checksum"]:
        raise ValueError(f"The {split} images in {folder} differ from their checksum; make or fetch them again.")
    return images


def read_index(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / INDEX).read_text())
    except FileNotFoundError:
        raise ValueError(f"{folder} holds no images: {INDEX} is missing there.") from None
    except ValueError:
        raise ValueError(f"{folder / INDEX} is damaged: it is not JSON.") from None


def read_sheet(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as sheet:
            return np.asarray(sheet.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"{path} cannot be read as a sheet of images: {error}.") from None


def tile(pixels: np.ndarray) -> np.ndarray:
    """(N, 3, 32, 32) -> (rows 32, 100 32, 3), the last row filled up with black"""
    rows = -(-len(pixels) // SHEET_COLUMNS)
    full = np.zeros((rows * SHEET_COLUMNS, *pixels.shape[1:]), dtype=np.uint8)
    full[: len(pixels)] = pixels
    grid = full.reshape(rows, SHEET_COLUMNS, 3, SIDE, SIDE).transpose(0, 3, 1, 4, 2)
    return grid.reshape(rows * SIDE, SHEET_COLUMNS * SIDE, 3)


def untile(sheet: np.ndarray) -> np.ndarray:
    rows = sheet.shape[0] // SIDE
    grid = sheet.reshape(rows, SIDE, SHEET_COLUMNS, SIDE, 3).transpose(0, 2, 4, 1, 3)
    return grid.reshape(rows * SHEET_COLUMNS, 3, SIDE, SIDE)
