"""torch's random numbers, hooks, flags and recordings belong to the process: who uses them holds this lock."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import RLock

import torch

PROCESS_WIDE = RLock()
# Everything is recorded in this thread: cuDNN chooses its algorithms, which takes it seconds, anew for each thread.
RECORDER = ThreadPoolExecutor(1, "recorder")


@contextmanager
def random_numbers(seed: int, device: torch.device) -> Iterator[None]:
    """torch's generators start from the seed, and are afterwards as if nothing had been drawn."""
    devices = [device] if device.type == "cuda" else []
    with PROCESS_WIDE, torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed(seed)
        yield
