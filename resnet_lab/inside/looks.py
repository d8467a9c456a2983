"""What was found in nets, kept by the content of what was asked: the same question is computed once."""

import contextlib
import functools
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_lab.data import DATASETS, data_is_here
from resnet_lab.files import PART, StorageError, reason
from resnet_lab.inside.jobs import Findings
from resnet_lab.weights import read_tensors, write_tensors

VERSION = 3  # another one where a job finds something else than before
MOST_BYTES = 500_000_000
ABANDONED_SECONDS = 3600.0  # so old is only what a killed process left half-written
CHANGES_NOTHING = {"id", "title"}  # of a subject


@dataclass(frozen=True)
class Looks:
    """One file for each answer; the least recently used ones make room."""

    folder: Path
    most_bytes: int = MOST_BYTES

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def read(self, key: str) -> Findings | None:
        """None where nothing whole is kept."""
        try:
            tensors, record = read_tensors(self.path(key))
        except StorageError:
            return None
        with contextlib.suppress(OSError):  # it has just made room, or the disk can only be read
            os.utime(self.path(key))
        return Findings({name: tensor.clone() for name, tensor in tensors.items()}, record)  # they outlive the file

    def keep(self, key: str, findings: Findings) -> None:
        write_tensors(self.path(key), findings.tensors, findings.record)
        self.make_room(key)

    def make_room(self, newest: str) -> None:
        """For other looks; the newest one stays, whatever its size."""
        others = [path for path in sorted(self.folder.glob("*.safetensors"), key=age) if path != self.path(newest)]
        used = size(self.path(newest))
        for path in others:
            used += size(path)
            if used > self.most_bytes:
                remove(path)
        for part in self.folder.glob(f".*{PART}"):
            if age(part) > ABANDONED_SECONDS:
                remove(part)


def size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):  # another process may have removed it
        return path.stat().st_size
    return 0


def age(path: Path) -> float:
    """In seconds, since it was last used."""
    with contextlib.suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime
    return 0.0


def remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # somebody reads it, or has removed it
        path.unlink()


def key_of(home: Path, job: str, arguments: Mapping[str, Any]) -> str:
    """Of the question's content: neither titles nor places of files change it; which data sets are here does."""
    here = [name for name in sorted(DATASETS) if data_is_here(name, home / "data")]
    question = json.dumps([VERSION, job, content(arguments), here], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(question.encode()).hexdigest()


def content(value: Any) -> Any:
    """The same with each subject's file replaced by what is in it."""
    if isinstance(value, Mapping):
        is_subject = {"weights", "model"} <= value.keys()
        fields = {name: content(part) for name, part in value.items() if not (is_subject and name in CHANGES_NOTHING)}
        return fields | ({"weights": digest(value["weights"])} if is_subject else {})
    return [content(part) for part in value] if isinstance(value, list | tuple) else value


def digest(path: str) -> str:
    """SHA-256 of a file, read again only where the file has changed."""
    try:
        state = os.stat(path)
        return digest_of(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise StorageError(f"{path} could not be read: {reason(error)}.") from None


@functools.lru_cache(1000)
def digest_of(path: str, changed: int, num_bytes: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
