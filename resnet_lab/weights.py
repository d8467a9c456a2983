"""Tensors in a file, with a record of what they are; a file is whole or not there."""

import json
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
    try:
        with safe_open(path, framework="pt") as file:
            record = (file.metadata() or {}).get(RECORD)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dictionary
    except FileNotFoundError:
        raise StorageError(f"{path} is missing.") from None
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{path} is cut off or holds no tensors: {type(error).__name__}.") from None
    if record is None:
        raise StorageError(f"{path} holds tensors, but was not written by the lab.")
    return tensors, json.loads(record)
