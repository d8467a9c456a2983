"""Pictures by reference: a few letters that mean the same picture in an address, in a job and on every machine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from resnet_lab.config import check_choice, short
from resnet_lab.data import DATASETS, HOW_TO_GET, SAMPLE, data_is_here, home, load_images, place
from resnet_lab.inside.uploads import UPLOAD, read_upload
from resnet_lab.sheets import SIDE, Images, read_index

MOST = 12  # pictures in a tray
SEPARATOR = "."
KINDS = {"train": "training image", "test": "test image"}


@dataclass(frozen=True)
class Source:
    """Which split of which data set a letter stands for; the number behind it is a place in the whole of it."""

    data: str
    split: str

    @property
    def size(self) -> int:
        return DATASETS[self.data].sizes[self.split]

    def title(self, number: int) -> str:
        return f"{KINDS[self.split]} {number} of {DATASETS[self.data].title}"


SOURCES = {
    "t": Source("cifar10", "test"),
    "n": Source("cifar10", "train"),
    "h": Source("cifar100", "test"),
    "y": Source("synthetic", "test"),
}
NUMBERED = re.compile(rf"([{''.join(SOURCES)}])(0|[1-9]\d{{0,5}})", re.ASCII)
FORMS = "a letter and a number, such as t123 for a test image of CIFAR-10"


@dataclass(frozen=True)
class Specimen:
    """One picture, uint8 of (3, 32, 32); its label is None where it is nobody's who labels."""

    ref: str
    pixels: np.ndarray
    label: int | None
    classes_of: str  # the data set that the label is of; "" without a label

    @property
    def title(self) -> str:
        return title(self.ref)

    @property
    def class_name(self) -> str | None:
        return None if self.label is None else DATASETS[self.classes_of].classes[self.label]


def specimen(ref: str, folder: Path | None = None) -> Specimen:
    """From the lab's home in this folder, or one sentence that says what to do."""
    folder = folder or home()
    if re.fullmatch(UPLOAD, ref):
        return Specimen(ref, read_upload(ref, folder), None, "")
    source, number = parsed(ref)
    pixels, label = picture(source, number, folder, stamp(source.data, folder))
    return Specimen(ref, pixels.copy(), label, source.data)


def pixels_of(refs: Sequence[str], folder: Path | None = None) -> torch.Tensor:
    """(N, 3, 32, 32), from 0 to 1"""
    pixels = np.array([specimen(ref, folder).pixels for ref in refs], dtype=np.uint8)
    return torch.from_numpy(pixels.reshape(-1, 3, SIDE, SIDE)).float() / 255


def read_tray(text: str) -> tuple[list[str], list[str]]:
    """(each picture once and in order, what is wrong in sentences)"""
    refs: list[str] = []
    problems: list[str] = []
    for ref in dict.fromkeys(part for part in text.split(SEPARATOR) if part):
        try:
            check(ref)
            refs.append(ref)
        except ValueError as error:
            problems.append(str(error))
    if len(refs) > MOST:
        problems.append(f"The tray holds {MOST} pictures, but {len(refs)} were given: the first {MOST} are in it.")
    return refs[:MOST], problems


def check(ref: str) -> None:
    if not re.fullmatch(UPLOAD, ref):
        parsed(ref)


def parsed(ref: str) -> tuple[Source, int]:
    found = NUMBERED.fullmatch(ref)
    if not found:
        raise ValueError(f"There is no picture {short(ref)}: a picture is {FORMS}.")
    source, number = SOURCES[found[1]], int(found[2])
    if number >= source.size:
        last = f"{DATASETS[source.data].title} has the {KINDS[source.split]}s 0 to {source.size - 1}"
        raise ValueError(f"There is no picture {ref!r}: {last}.")
    return source, number


def title(ref: str) -> str:
    """'test image 123 of CIFAR-10'"""
    if re.fullmatch(UPLOAD, ref):
        return "a picture of your own"
    source, number = parsed(ref)
    return source.title(number)


# Where they are read from.


def browsable(folder: Path | None = None) -> dict[str, tuple[str, ...]]:
    """The data sets that are here, each with its splits."""
    offered = {"sample": ("test", "train"), "cifar10": ("test", "train"), "cifar100": ("test",), "synthetic": ("test",)}
    return {name: splits for name, splits in offered.items() if data_is_here(name, data_of(folder or home()))}


def browse(
    name: str, split: str, label: int | None, start: int, number: int, folder: Path | None = None
) -> tuple[str, ...]:
    """The pictures from the start-th on, of one class or of all, in the order of the data set."""
    return tuple(chosen(name, split, label, folder)[start : start + number])


def num_pictures(name: str, split: str, label: int | None, folder: Path | None = None) -> int:
    """How many there are to browse."""
    return len(chosen(name, split, label, folder))


def chosen(name: str, split: str, label: int | None, folder: Path | None) -> list[str]:
    folder = folder or home()
    here = browsable(folder)
    if name in DATASETS and name not in here:
        raise ValueError(f"{DATASETS[name].title} is not here: get it with {HOW_TO_GET.format(name=name)}.")
    check_choice("data", name, here)
    check_choice("split", split, here[name])
    if label is not None and not 0 <= label < DATASETS[name].num_classes:
        raise ValueError(f"The class must be from 0 to {DATASETS[name].num_classes - 1}, but is {short(label)}.")
    whole = "cifar10" if name == "sample" else name
    letter = next(letter for letter, source in SOURCES.items() if (source.data, source.split) == (whole, split))
    labels = labels_of(name, split, folder, stamp(name, folder))
    at = places_in_sample(split) if name == "sample" else range(len(labels))
    return [f"{letter}{number}" for number, its in zip(at, labels, strict=True) if label is None or its == label]


@lru_cache(maxsize=2000)  # of 3 kB
def picture(source: Source, number: int, folder: Path, stamped: int) -> tuple[np.ndarray, int]:
    """(pixels, label), from the bundled sample where that has it, so that the large file stays closed."""
    if source.data == "cifar10" and number in (at := places_in_sample(source.split)):
        name, row = "sample", at[number]
    elif data_is_here(source.data, data_of(folder)):
        name, row = source.data, number
    else:
        raise ValueError(missing(source, number))
    images = split_of(name, source.split, folder, stamped)
    return images.pixels[row].copy(), int(images.labels[row])


def missing(source: Source, number: int) -> str:
    title = source.title(number)
    where = f"{title[0].upper()}{title[1:]} is not {'in the bundled sample' if source.data == 'cifar10' else 'here'}"
    return f"{where}: get {DATASETS[source.data].title} with {HOW_TO_GET.format(name=source.data)}."


@lru_cache(maxsize=2)
def places_in_sample(split: str) -> dict[int, int]:
    """The place in all of CIFAR-10 of each image of the bundled sample, and its row there; ascending."""
    index = read_index(SAMPLE).splits[split]
    assert index.indices is not None
    return {place: row for row, place in enumerate(index.indices)}


@lru_cache(maxsize=1)  # all training images of CIFAR-10 are 150 MB
def split_of(name: str, split: str, folder: Path, stamped: int) -> Images:
    return load_images(name, split, data_of(folder))


@lru_cache(maxsize=8)
def labels_of(name: str, split: str, folder: Path, stamped: int) -> tuple[int, ...]:
    return tuple(split_of(name, split, folder, stamped).labels.tolist())


def stamp(name: str, folder: Path) -> int:
    """Another number once another file is kept there."""
    path = place(name, data_of(folder))
    return path.stat().st_mtime_ns if path is not None and path.exists() else 0


def data_of(folder: Path) -> Path:
    return folder / "data"
