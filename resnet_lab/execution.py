"""How a net is run on a device: its precision and memory format, chosen by trying, and what that costs."""

import contextlib
import ctypes
import gc
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from resnet_lab.config import check_choice
from resnet_lab.run_config import RecipeConfig
from resnet_lab.threads import PROCESS_WIDE

Clock = Callable[[], float]

LAUNCHES = {"cpu": "eager", "cuda": "graph"}
BF16_GAIN = 1.15  # less may be noise, and fp32 is the more exact
WITHOUT_BF16 = ("DEFAULT", "NO AVX", "AVX2")  # as torch calls what an x86 without AVX-512 has
HOPELESS = 3  # times as slow as the first step of another way, in which that has made all its preparations
# M_MMAP_THRESHOLD (the most that every glibc takes), M_TRIM_THRESHOLD, M_TOP_PAD
MALLOPT = {-3: 2**25, -1: 2**30, -2: 2**26}


@dataclass(frozen=True)
class Execution:
    """What changes the last digits of a result, and its speed."""

    device: str
    precision: str  # fp32, tf32, bf16
    threads: int
    deterministic: bool = False
    launch: str = "eager"  # how a GPU gets its work: kernel by kernel, or as a graph, a step at a time
    units: str = "plain"  # or fused, each compiled into fewer kernels
    layout: str = "channels_last"  # of the memory, where it is safe; or contiguous

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The process is left as it was found; threads are the caller's."""
        with contextlib.ExitStack() as stack:
            if self.device == "cuda":
                stack.enter_context(PROCESS_WIDE)
                flags = {"benchmark": not self.deterministic, "deterministic": self.deterministic}
                allow_tf32 = self.precision != "fp32"
                stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=allow_tf32, **flags))
            yield

    def on(self, device: torch.device) -> "Execution":
        """The same elsewhere; on another device as is usual there."""
        layout = self.layout if device.type == self.device else Execution.layout
        return replace(self, device=device.type, launch=LAUNCHES[device.type], units="plain", layout=layout)

    @property
    def simpler(self) -> "Execution":
        """What is left where this cannot be done."""
        return replace(self, units="plain") if self.units == "fused" else replace(self, launch="eager")

    @property
    def needs_preparation(self) -> bool:
        return (self.launch, self.units) != ("eager", "plain")

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")


def find_device(name: str = "auto") -> torch.device:
    """'auto' takes the GPU where there is one."""
    check_choice("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device must be 'auto' or 'cpu' here, but is 'cuda': torch finds no CUDA device.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class UsualWay:
    """What is fastest on a machine, where a recipe leaves it open."""

    precision: str = "auto"  # it is to be found out
    layouts: dict[str, str] = field(default_factory=dict)  # by precision; channels_last for others

    def execution(self, device: torch.device, precision: str = "", deterministic: bool = False) -> Execution:
        """In another precision, where one is named."""
        precision = precision or self.precision
        assert precision != "auto", "it was found out before"
        launch, layout = LAUNCHES[device.type], self.layouts.get(precision, Execution.layout)
        return Execution(device.type, precision, torch.get_num_threads(), deterministic, launch, layout=layout)


def choose_execution(
    device: torch.device, recipe: RecipeConfig, paces: Callable[[Sequence[Execution]], list[float]], usual: UsualWay
) -> tuple[Execution, float]:
    """The one of the recipe or the usual one, else the faster of fp32 and bf16; and the seconds of a step with it."""
    precision = usual.precision if recipe.precision == "auto" else recipe.precision
    precision = "fp32" if (device.type, precision) == ("cpu", "tf32") else precision  # no CPU has it
    names = worth_trying(device) if precision == "auto" else (precision,)
    executions = [usual.execution(device, name, recipe.deterministic) for name in names]
    seconds = dict(zip(names, paces(executions), strict=True))
    chosen = faster(seconds)
    return executions[names.index(chosen)], seconds[chosen]


def faster(seconds: dict[str, float]) -> str:
    """The last precision where a step takes clearly less time in it, else the first."""
    first, last = next(iter(seconds)), next(reversed(seconds))
    return last if seconds[last] * BF16_GAIN < seconds[first] else first


def worth_trying(device: torch.device) -> tuple[str, ...]:
    """A CPU that has nothing for bf16 takes seconds for a step in it: that need not be tried."""
    is_x86 = platform.machine() in ("x86_64", "AMD64")
    has_nothing = device.type == "cpu" and is_x86 and torch.backends.cpu.get_cpu_capability() in WITHOUT_BF16
    return ("fp32",) if has_nothing else ("fp32", "bf16")


def seconds_per_step(
    device: torch.device, steps: Sequence[Callable[[], object]], clock: Clock = time.perf_counter, repeats: int = 4
) -> list[float]:
    """Of each, the median of a few, the first one not counted; in turns, as what else runs slows all of them alike.

    On a CPU a way is not tried again that is hopeless at once: bf16 may take seconds a step where nothing supports it.
    """
    first = [timed(device, step, clock) for step in steps]
    allowed = HOPELESS if device.type == "cpu" else math.inf
    hopeful = [k for k, seconds in enumerate(first) if seconds <= allowed * min(first[: k + 1])]
    rounds = [{k: timed(device, steps[k], clock) for k in hopeful} for _ in range(repeats)]
    return [statistics.median(each[k] for each in rounds) if k in hopeful else first[k] for k in range(len(steps))]


def timed(device: torch.device, step: Callable[[], object], clock: Clock) -> float:
    start = clock()
    step()
    synchronise(device)
    return clock() - start


def usable_cores() -> list[int]:
    """The numbers of those that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def synchronise(device: torch.device) -> None:
    """Wait for what this thread has asked the device to do."""
    if device.type == "cuda":
        torch.cuda.current_stream().synchronize()


def give_back_memory(device: torch.device) -> None:
    """What torch keeps of a GPU for later, while others may need it."""
    if device.type == "cuda":
        gc.collect()
        with PROCESS_WIDE:  # no recording is under way
            torch.cuda.empty_cache()


def keep_freed_memory() -> None:
    """glibc may hand memory back after every step and take it again, which costs up to a tenth: it is told not to."""
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        with contextlib.suppress(OSError, AttributeError):  # another C library: nothing to tell
            mallopt = ctypes.CDLL("libc.so.6").mallopt
            for option, value in MALLOPT.items():
                mallopt(option, value)
