"""What is wrong with the installation, the home folder, the data, the store, the queue and the device."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch
from packaging.requirements import Requirement

from resnet_lab.data import DATASETS, data_is_here, home, load_images
from resnet_lab.database import shown
from resnet_lab.execution import find_device, usable_cores
from resnet_lab.files import CHECKOUT, sentence
from resnet_lab.places import num_places
from resnet_lab.presets import preset
from resnet_lab.store import open_store
from resnet_lab.supervisor import has_work, is_supervised
from resnet_lab.trainer import Trainer

ENOUGH_BYTES = 1e9
OLDEST, NEWEST = (3, 11), (3, 13)


@dataclass(frozen=True)
class Finding:
    part: str
    is_well: bool
    words: str


def diagnose() -> Iterator[Finding]:
    """Every part is looked at, whatever is wrong with another."""
    for part, examine in PARTS.items():
        try:
            yield Finding(part, True, examine())
        except (ValueError, OSError, RuntimeError) as problem:  # ours, of a folder, of a driver that does not fit
            yield Finding(part, False, sentence(problem))


def examine_packages() -> str:
    """Python and the ranges of requirements.txt."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise ValueError(f"Python is {sys.version.split()[0]}, but should be from 3.11 to 3.13.")
    wrong = [words for line in (CHECKOUT / "requirements.txt").read_text().split() if (words := problem_of(line))]
    if wrong:
        raise ValueError(f"{'; '.join(wrong)}: pip install -r requirements.txt.")
    return f"Python {sys.version.split()[0]}, torch {torch.__version__}, and all packages within their ranges."


def problem_of(line: str) -> str:
    requirement = Requirement(line)
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing"
    is_right = requirement.specifier.contains(found, prereleases=True)
    return "" if is_right else f"{requirement.name} is {found}, but should be {requirement.specifier}"


def examine_home() -> str:
    folder = home()
    probe = folder / ".doctor"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"well")
        probe.unlink()
    except OSError as error:
        raise ValueError(f"{folder} cannot be written: {error.strerror}.") from None
    free = shutil.disk_usage(folder).free
    if free < ENOUGH_BYTES:
        raise ValueError(f"{folder} has {free / 1e9:.1f} GB left on its disk; a lab needs {ENOUGH_BYTES / 1e9:.0f} GB.")
    return f"{folder} can be written, {free / 1e9:.0f} GB are free."


def examine_data() -> str:
    """All images that are here are read and compared with their checksums."""
    here = [name for name in DATASETS if data_is_here(name)]
    for name in here:
        for split in DATASETS[name].sizes:
            load_images(name, split)
    missing = [name for name in DATASETS if name not in here]
    advice = f" Not here: {', '.join(missing)}; `data get` and `data import` bring them." if missing else ""
    return f"{', '.join(here)} are whole and unchanged.{advice}"


def examine_store() -> str:
    with open_store() as store:
        if problems := store.check():
            raise ValueError(" ".join(problems))
        return f"{len(store.runs())} runs, {len(store.runs(deleted=True))} deleted, in {shown(store.engine.url)}."


def examine_queue() -> str:
    """Work without a supervisor waits for ever; whatever opens the lab would start one."""
    with open_store() as store:
        running, queued = len(store.runs(["running"])), len(store.runs(["queued"]))
        if has_work(store) and not is_supervised(store.folder):
            raise ValueError(f"{running + queued} runs wait, but nobody trains them: `worker` starts a supervisor.")
        places = num_places(store.folder, find_device().type, len(usable_cores()))
    return f"{running} running, {queued} waiting, at most {places} at once."


def examine_device() -> str:
    """A few real steps."""
    device = find_device()
    config = preset("minute", data="sample", depth=8, steps=2, train_size=500, test_size=100)
    last = list(Trainer(config, device.type))[-1]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{len(usable_cores())} cores"
    return f"{device.type} ({name}) trains: {last.step} steps done."


PARTS: dict[str, Callable[[], str]] = {
    "installation": examine_packages,
    "home": examine_home,
    "data": examine_data,
    "store": examine_store,
    "queue": examine_queue,
    "device": examine_device,
}
