"""How a net is run on a device: its precision and memory format, chosen by trying, and what that costs."""

import contextlib
import copy
import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from resnet_lab.config import check_choice
from resnet_lab.run_config import RecipeConfig

Trial = Callable[[nn.Module], Callable[[], None]]  # of a copy of the net: what one of its training steps does

BF16_GAIN = 1.15  # less may be noise, and fp32 is the more exact
# M_MMAP_THRESHOLD (the most that every glibc takes), M_TRIM_THRESHOLD, M_TOP_PAD
MALLOPT = {-3: 2**25, -1: 2**30, -2: 2**26}


@dataclass(frozen=True)
class Execution:
    """What changes the last digits of a result, and its speed."""

    device: str
    precision: str  # fp32, tf32, bf16
    threads: int
    deterministic: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The process is left as it was found; threads are the caller's."""
        with contextlib.ExitStack() as stack:
            if self.device == "cuda":
                flags = {"benchmark": not self.deterministic, "deterministic": self.deterministic}
                allow_tf32 = self.precision != "fp32"
                stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=allow_tf32, **flags))
            yield

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")


def find_device(name: str = "auto") -> torch.device:
    """'auto' takes the GPU where there is one."""
    check_choice("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device must be 'auto' or 'cpu' here, but is 'cuda': torch finds no CUDA device.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def choose_execution(
    device: torch.device, recipe: RecipeConfig, model: nn.Module, trial: Trial
) -> tuple[Execution, float]:
    """The one of the recipe, or the faster of fp32 and bf16; and the seconds that a step takes with it."""
    precision = "fp32" if (device.type, recipe.precision) == ("cpu", "tf32") else recipe.precision  # no CPU has it
    names = ("fp32", "bf16") if precision == "auto" else (precision,)
    threads = torch.get_num_threads()
    executions = [Execution(device.type, name, threads, recipe.deterministic) for name in names]
    times = [seconds_per_step(execution, trial(copy.deepcopy(model))) for execution in executions]
    is_worth_it = times[-1] * BF16_GAIN < times[0]
    return (executions[-1], times[-1]) if is_worth_it else (executions[0], times[0])


def seconds_per_step(execution: Execution, step: Callable[[], None], repeats: int = 4) -> float:
    """The median of a few steps, the first one not counted."""
    times = []
    with execution.applied():
        for _ in range(repeats + 1):
            start = time.perf_counter()
            with execution.autocast():
                step()
            synchronise(execution.device)
            times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def usable_cores() -> list[int]:
    """The numbers of those that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def keep_freed_memory() -> None:
    """glibc hands memory back after every step and takes it again; told not to, training is some 10% faster."""
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        with contextlib.suppress(OSError, AttributeError):  # another C library: nothing to tell
            mallopt = ctypes.CDLL("libc.so.6").mallopt
            for option, value in MALLOPT.items():
                mallopt(option, value)
