"""Tensors in a file, with a record of what they are; a file is whole or not there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from resnet_lab.files import StorageError, replacing

WEIGHTS = "weights.safetensors"  # in a run's folder: of a finished run
CHECKPOINT = "checkpoint.safetensors"  # of a run that can be resumed
RECORD = "resnet_lab"


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], record: dict[str, Any]) -> None:
    """Copies in the usual memory format: who wants channels_last sets it again after reading."""
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    content = save(copies, metadata={RECORD: json.dumps(record)})
    with replacing(path) as file:
        file.write(content)


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """What write_tensors was given, on the CPU."""
    tensors, record = read_any(path)
    if record is None:
        raise StorageError(f"{path} holds tensors, but was not written by the lab.")
    return tensors, record


def read_any(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any] | None]:
    """Also what others wrote; that has no record."""
    with plain_errors(path), safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dictionary
        return tensors, record_of(file)


def read_record(path: Path) -> dict[str, Any]:
    """Without reading a tensor."""
    with plain_errors(path), safe_open(path, framework="pt") as file:
        return record_of(file) or {}


def record_of(file: Any) -> dict[str, Any] | None:
    text = (file.metadata() or {}).get(RECORD)
    return None if text is None else json.loads(text)


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise StorageError(f"{path} is missing.") from None
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise StorageError(f"{path} is cut off or holds no tensors: {type(error).__name__}.") from None
