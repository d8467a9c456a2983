"""The memory that runs take, roughly, and the memory that there is: of the machine and of its GPU."""

import os
import subprocess
from dataclasses import dataclass

import psutil

from resnet_lab.costs import cost
from resnet_lab.run_config import RunConfig

PROCESS_BYTES = 10**9  # torch, the data, the weights and what the optimiser keeps
GPU_RUN_BYTES = 10**9  # the same, and what cuDNN works in
RECORDINGS = 3  # of a step, of a probed step, of a test, each as large as its activations at most
PLENTY = 10**15


@dataclass(frozen=True)
class Memory:
    """In bytes."""

    total: int
    free: int


def activation_bytes(config: RunConfig) -> int:
    return cost(config.model, config.recipe.batch_size, config.data.resolution).activation_bytes


def needed_bytes(config: RunConfig) -> int:
    """Of a process that trains it on a CPU."""
    return PROCESS_BYTES + activation_bytes(config)


def needed_gpu_bytes(config: RunConfig) -> int:
    """Each recorded graph keeps its own memory."""
    return GPU_RUN_BYTES + RECORDINGS * activation_bytes(config)


def needed_bytes_to_try(config: RunConfig) -> int:
    """On a GPU, of a process that records a step in two ways."""
    return GPU_RUN_BYTES + 2 * activation_bytes(config)


def free_bytes() -> int:
    return psutil.virtual_memory().available


def gpu_memory() -> Memory:
    """As the driver's own program tells it: to ask through torch would take some of it. Plenty, where it is silent."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    command = ["nvidia-smi", f"--id={first}", "--query-gpu=memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        total, free = (int(number) * 2**20 for number in told.split(","))
    except (OSError, subprocess.SubprocessError, ValueError):  # no such program, no such GPU, '[N/A]'
        return Memory(PLENTY, PLENTY)
    return Memory(total, free)
