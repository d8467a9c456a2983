"""What is fastest on this machine: tried once on a small net and kept, so that all runs are computed alike."""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from filelock import BaseFileLock, FileLock

from resnet_lab.environment import this_machine
from resnet_lab.execution import UsualWay, faster, give_back_memory, seconds_per_step, worth_trying
from resnet_lab.files import StorageError, reason, replacing
from resnet_lab.learner import Learner
from resnet_lab.nets import LAYOUTS
from resnet_lab.presets import preset

FILE, LOCK = "machine.json", "machine.lock"  # in the home
PRECISIONS = ("fp32", "bf16")
SMALL_BATCH = 32  # a CPU is as busy with it as with more, and is so for a shorter time


def usual_way(
    home: Path, device: torch.device, try_out: Callable[[torch.device], UsualWay | None] | None = None
) -> UsualWay:
    """Where it could not be found out now, each run finds out its precision."""

    def find() -> dict[str, Any] | None:
        found = (try_out or tried)(device)
        return asdict(found) if found else None

    return UsualWay(**(kept(home, device, "way", find, is_way) or {}))


def is_way(found: Any) -> bool:
    """A file may be of an older version."""
    is_whole = isinstance(found, dict) and found.keys() == {"precision", "layouts"}
    return is_whole and found["precision"] in PRECISIONS and set(found["layouts"].values()) <= LAYOUTS.keys()


def kept(home: Path, device: torch.device, name: str, find: Callable[[], Any], is_known: Callable[[Any], bool]) -> Any:
    """What was found out about this device. The first process that asks finds it, and others wait for the answer.

    None is not kept: it could not be found out now.
    """
    machine = json.dumps(this_machine(device.type) | {"torch": str(torch.__version__)})
    with locked(home, f"{name}.lock"):
        found = read(home / FILE).get(machine, {}).get(name)
        if not is_known(found):
            found = find()
            give_back_memory(device)
            if found is not None:
                keep(home, machine, name, found)
        return found


def keep(home: Path, machine: str, name: str, found: Any) -> None:
    with locked(home):
        known = read(home / FILE)
        known.setdefault(machine, {})[name] = found
        with replacing(home / FILE) as file:
            file.write(json.dumps(known, indent=1).encode())


def locked(home: Path, name: str = LOCK) -> contextlib.AbstractContextManager[BaseFileLock]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return FileLock(home / name).acquire()
    except OSError as error:
        raise StorageError(f"{home / name} could not be locked: {reason(error)}.") from None


def read(path: Path) -> dict[str, dict[str, Any]]:
    """By machine. What cannot be read is tried anew."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        known = json.loads(path.read_bytes())
        if isinstance(known, dict):
            return {machine: found for machine, found in known.items() if isinstance(found, dict)}
    return {}


def tried(device: torch.device) -> UsualWay | None:
    """By ResNet-20 with one thread; on a CPU by the time that this process gets, whatever else runs there."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return tried_on_cpu() if device.type == "cpu" else tried_on_gpu(device)
    finally:
        torch.set_num_threads(num_threads)


def tried_on_cpu() -> UsualWay:
    """Each precision with each way to lie in memory."""
    device, ways = torch.device("cpu"), {}
    for layout in LAYOUTS:
        for precision in worth_trying(device):
            execution = UsualWay(precision, {precision: layout}).execution(device)
            learner = Learner(preset("paper", data="sample", batch_size=SMALL_BATCH), device, execution)
            ways[precision, layout] = partial(learner.take_steps, 1)
    seconds = dict(zip(ways, seconds_per_step(device, list(ways.values()), time.process_time), strict=True))
    layouts = {precision: min(LAYOUTS, key=lambda layout: seconds[precision, layout]) for precision, _ in ways}
    return UsualWay(faster({precision: seconds[precision, layout] for precision, layout in layouts.items()}), layouts)


def tried_on_gpu(device: torch.device) -> UsualWay | None:
    """None where a step could not be computed as steps are to be: for lack of memory, say."""
    learner = Learner(preset("paper", data="sample"), device)
    names = worth_trying(device)
    paces = learner.paces([UsualWay().execution(device, precision) for precision in names])
    return None if learner.obstacle else UsualWay(faster(dict(zip(names, paces, strict=True))))
