"""Files that are whole or not there."""

import errno
import os
import secrets
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CHECKOUT = Path(__file__).parent.parent
PART = ".part"


class StorageError(ValueError):
    """What is kept could not be written or read: one sentence."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """What is written into it becomes the file at `path` once all of it is on the disk, or nothing changes."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {reason(error)}.") from None
    finally:
        if part.exists():
            part.unlink()


def copy_file(source: Path, path: Path) -> None:
    try:
        with source.open("rb") as content, replacing(path) as file:
            shutil.copyfileobj(content, file)
    except OSError as error:
        raise StorageError(f"{source} could not be read: {reason(error)}.") from None


def remove_parts(folder: Path) -> None:
    """What a killed process left half-written; only for who alone writes there."""
    for part in folder.glob(f".*{PART}"):
        part.unlink()


def reason(error: OSError) -> str:
    return "the disk is full" if error.errno in FULL else (error.strerror or type(error).__name__).lower()


def sentence(error: Exception) -> str:
    """The lab's own sentences as they are; of any other error its kind and its first line."""
    if type(error) in (ValueError, StorageError) and str(error) and "\n" not in str(error):
        return str(error)
    return f"{traceback.format_exception_only(error)[0].splitlines()[0].rstrip('.')}."


def size_words(num_bytes: int) -> str:
    """'412 bytes', '12 kB', '3.4 MB'"""
    if num_bytes < 1000:
        return f"{num_bytes} bytes"
    return f"{num_bytes / 1e3:.0f} kB" if num_bytes < 1e6 else f"{num_bytes / 1e6:,.1f} MB"


def sync_folder(folder: Path) -> None:
    """A renamed file outlives a power cut once its folder is on the disk."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
