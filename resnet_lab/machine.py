"""What is fastest on this machine: tried once on a small net and kept, so that all runs are computed alike."""

import contextlib
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from filelock import BaseFileLock, FileLock

from resnet_lab.environment import this_machine
from resnet_lab.execution import choose_execution, give_back_memory, worth_trying
from resnet_lab.files import StorageError, reason, replacing
from resnet_lab.learner import Learner
from resnet_lab.presets import preset

FILE, LOCK = "machine.json", "machine.lock"  # in the home
PRECISIONS = ("fp32", "bf16")


def usual_precision(home: Path, device: torch.device, try_out: Callable[[torch.device], str] | None = None) -> str:
    """What 'auto' means on this device. The first process that asks tries it out, and others wait for the answer."""
    name = json.dumps(this_machine(device.type) | {"torch": str(torch.__version__)})
    with locked(home):
        known = read(home / FILE)
        if known.get(name) not in PRECISIONS:
            known[name] = (try_out or tried)(device)
            give_back_memory(device)
            with replacing(home / FILE) as file:
                file.write(json.dumps(known, indent=1).encode())
        return known[name]


def locked(home: Path, name: str = LOCK) -> contextlib.AbstractContextManager[BaseFileLock]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return FileLock(home / name).acquire()
    except OSError as error:
        raise StorageError(f"{home / name} could not be locked: {reason(error)}.") from None


def read(path: Path) -> dict[str, str]:
    """Who cannot read it tries anew."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        known = json.loads(path.read_bytes())
        return known if isinstance(known, dict) else {}
    return {}


def tried(device: torch.device) -> str:
    """By ResNet-20 with one thread; on a CPU by the time that this process gets, whatever else runs there."""
    if len(names := worth_trying(device)) == 1:
        return names[0]
    config, num_threads = preset("paper", data="sample"), torch.get_num_threads()
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    torch.set_num_threads(1)
    try:
        paces = partial(Learner(config, device).paces, clock=clock)
        execution, _ = choose_execution(device, config.recipe, paces)
    finally:
        torch.set_num_threads(num_threads)
    return execution.precision
