"""Images kept as lossless WebP sheets with labels and provenance: small, checked, loaded in a moment."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
from PIL import Image
from pydantic import Field

from resnet_lab.config import Config, choices

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
        digest = hashlib.sha256(np.ascontiguousarray(self.pixels).reshape(-1).data)
        digest.update(self.labels.astype(np.uint8).data)
        return digest.hexdigest()


class Split(Config):
    """One split in the index: its sheets in order, its labels, and the checksum of both."""

    files: Annotated[list[str], Field(min_length=1)]
    checksum: str
    labels: Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=1)]
    indices: list[Annotated[int, Field(ge=0)]] | None = None  # of a sample: the images' places in the whole split


class Index(Config):
    """What lies in a folder of sheets, and where it came from."""

    provenance: dict[str, Any]
    splits: dict[str, Split]


def write_sheets(
    folder: Path, splits: dict[str, Images], provenance: dict[str, Any], indices: dict[str, list[int]] | None = None
) -> None:
    """The index is written last: a folder that has one is complete. `indices` are of a sample, by split."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    written = {name: write_split(folder, name, splits[name]) for name in splits}
    for name, places in (indices or {}).items():
        written[name] = written[name].changed(indices=places)
    index = Index(provenance=provenance, splits=written)
    (folder / INDEX).write_text(json.dumps(index.model_dump(exclude_none=True)))


def write_split(folder: Path, name: str, images: Images) -> Split:
    files: list[str] = []
    for start in range(0, len(images), SHEET_COLUMNS * SHEET_ROWS):
        files.append(f"{name}-{len(files)}.webp")
        sheet = tile(images.pixels[start : start + SHEET_COLUMNS * SHEET_ROWS])
        Image.fromarray(sheet).save(folder / files[-1], lossless=True, quality=100, method=6)
    return Split(files=files, checksum=images.checksum, labels=images.labels.tolist())


def read_sheets(folder: Path, split: str) -> Images:
    """The images of one split, or one sentence that names the file that is missing or damaged."""
    index = read_index(folder)
    if split not in index.splits:
        raise ValueError(f"{folder / INDEX} has the splits {choices(index.splits, 'and')}, but not {split!r}.")
    entry = index.splits[split]
    labels = np.array(entry.labels, dtype=np.uint8)
    pixels = np.concatenate([untile(read_sheet(folder / name)) for name in entry.files])[: len(labels)]
    images = Images(pixels, labels)
    if images.checksum != entry.checksum:
        raise ValueError(f"The {split} images in {folder} differ from their checksum; make or fetch them again.")
    return images


def read_index(folder: Path) -> Index:
    try:
        return Index.from_json((folder / INDEX).read_text())
    except FileNotFoundError:
        raise ValueError(f"{folder} holds no images: {INDEX} is missing there.") from None
    except ValueError as error:
        raise ValueError(f"{folder / INDEX} is damaged: {str(error).rstrip('.')}.") from None


def read_sheet(path: Path) -> np.ndarray:
    sheet = read_picture(path)
    if sheet.shape[0] % SIDE or sheet.shape[1] != SIDE * SHEET_COLUMNS:
        size = f"{sheet.shape[1]}×{sheet.shape[0]}"
        raise ValueError(f"{path} is no sheet: it should be {SIDE * SHEET_COLUMNS} pixels wide, but is {size}.")
    return sheet


def read_picture(path: Path) -> np.ndarray:
    """(height, width, 3) of a whole and undamaged file"""
    try:
        with path.open("rb") as file:
            return decoded(file)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing.") from None
    except Exception as error:  # Pillow raises whatever its decoder met in a damaged file
        raise ValueError(f"{path} is damaged or is no picture: {type(error).__name__}.") from None


def decoded(file: BinaryIO) -> np.ndarray:
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))


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
