"""The files in which CIFAR-10 and CIFAR-100 are handed round, each read into images, or refused by its name."""

import hashlib
import io
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from resnet_lab.known_facts import PICKLE_MD5S
from resnet_lab.sheets import SIDE, Images, decoded

PIXELS = 3 * SIDE * SIDE
ARRAY_PARTS = {  # what a pickled array is made with
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def read_pickle(path: Path) -> Images:
    """Unpickled only where it is the published file, byte for byte."""
    content, md5 = path.read_bytes(), PICKLE_MD5S[path.name]
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise ValueError(f"{path} is cut off or is not the published file, whose MD5 is {md5}.")
    fields = ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    return images_of(path, fields["data"].reshape(-1, 3, SIDE, SIDE), fields.get("fine_labels", fields.get("labels")))


class ArraysOnly(pickle.Unpickler):
    """Makes arrays of what Python 2 wrote, and calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAY_PARTS:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")
        return ARRAY_PARTS[module, name]


def read_records(path: Path, num_labels: int) -> Images:
    """The .bin form, an image a record: its labels, the fine one last, and its pixels."""
    content, length = np.fromfile(path, dtype=np.uint8), num_labels + PIXELS
    if content.size % length:
        raise ValueError(f"{path} is cut off: its {content.size} bytes are no multiple of {length}.")
    records = content.reshape(-1, length)
    return images_of(path, records[:, num_labels:].reshape(-1, 3, SIDE, SIDE), records[:, num_labels - 1])


def read_parquet(path: Path) -> Images:
    """Hugging Face's form, a row an image: a PNG file and its label."""
    from pyarrow import ArrowException, parquet

    try:
        columns = parquet.read_table(path).to_pydict()
        pictures = columns["img" if "img" in columns else "image"]
        labels = columns["fine_label" if "fine_label" in columns else "label"]
        pixels = np.stack([decoded(io.BytesIO(picture["bytes"])) for picture in pictures])
    except KeyError as missing:
        raise ValueError(f"{path} has no column {missing}.") from None
    except (ArrowException, OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is cut off or damaged: {type(error).__name__}.") from None
    return images_of(path, pixels, labels)


def read_arrays(path: Path) -> dict[str, Images]:
    """An .npz with our names for its arrays, or with Keras'."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            arrays = dict(content)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is cut off or damaged: {type(error).__name__}.") from None
    for names in ("{}_pixels", "{}_labels"), ("x_{}", "y_{}"):
        keys = {split: [name.format(split) for name in names] for split in ("train", "test")}
        if all(key in arrays for pair in keys.values() for key in pair):
            return {split: images_of(path, arrays[pixels], arrays[labels]) for split, (pixels, labels) in keys.items()}
    raise ValueError(f"{path} should hold the arrays x_train, y_train, x_test and y_test, but holds {sorted(arrays)}.")


def images_of(path: Path, pixels: np.ndarray, labels: Any) -> Images:
    """Bytes of shape (N, 3, 32, 32), whether the channels came first or last."""
    labels = np.asarray(labels).reshape(-1)
    if pixels.dtype != np.uint8 or pixels.shape[1:] not in {(3, SIDE, SIDE), (SIDE, SIDE, 3)}:
        raise ValueError(
            f"{path} should hold bytes of 32×32 pixels in 3 colours, but has {pixels.dtype} {pixels.shape}."
        )
    if labels.dtype.kind not in "iu" or not np.isin(labels, range(100)).all():
        raise ValueError(f"{path} should hold labels from 0 to 99, but has others.")
    if pixels.shape[1:] == (SIDE, SIDE, 3):
        pixels = pixels.transpose(0, 3, 1, 2)
    return Images(np.ascontiguousarray(pixels), labels.astype(np.uint8))
