"""Runs that were trained beforehand and come with the lab: capsules, unpacked once into a store of their own."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from filelock import FileLock

from resnet_lab.capsules import read_capsule
from resnet_lab.files import CHECKOUT, replacing
from resnet_lab.store import Store

GALLERY = CHECKOUT / "assets" / "gallery"
MARK = "comes with the lab"  # a tag: it is seen, and searched for, wherever runs are listed
TAKEN = "taken.json"  # which capsules are in the store, and what was wrong with the others


def gallery_folder() -> Path:
    """RESNET_LAB_GALLERY names another one, a teacher's own for example."""
    return Path(os.environ.get("RESNET_LAB_GALLERY") or GALLERY).expanduser()


def shipped_store(home: Path, gallery: Path | None = None) -> Store | None:
    """None where nothing is shipped. Only this function writes into it."""
    capsules = stamps(gallery or gallery_folder())
    if not capsules:
        return None
    with ExitStack() as failing:
        store = failing.enter_context(Store(None, home / "gallery"))
        if not capsules.items() <= known(store.folder).items():
            take_in(store, capsules)
        failing.pop_all()
    return store


def shipped_problems(home: Path, gallery: Path | None = None) -> list[str]:
    """A sentence for each capsule that is there and could not be read."""
    there = stamps(gallery or gallery_folder())
    return [problem for path, (_, problem) in read_taken(home / "gallery").items() if problem and path in there]


def stamps(gallery: Path) -> dict[str, list[int]]:
    """Another stamp once it is another file: quick, where a checksum of so many bytes would not be."""
    found = {str(path.resolve()): path.stat() for path in sorted(gallery.glob("*.zip"))}
    return {path: [status.st_size, status.st_mtime_ns] for path, status in found.items()}


def take_in(store: Store, capsules: dict[str, list[int]]) -> None:
    """A run that is there already stays as it is; of two processes one does it."""
    with FileLock(store.folder / "taken.lock"):
        taken = read_taken(store.folder)
        for path, stamp in capsules.items():
            if path not in taken or taken[path][0] != stamp:
                taken[path] = [stamp, problem_of(store, Path(path))]
        with replacing(store.folder / TAKEN) as file:
            file.write(json.dumps(taken, indent=1).encode())


def problem_of(store: Store, path: Path) -> str:
    """Empty once the runs of the capsule are in the store."""
    try:
        new, _ = read_capsule(store, path)
        for run in new:
            store.edit(run.id, tags=[*run.tags, MARK])
    except ValueError as error:
        return str(error)
    return ""


def known(folder: Path) -> dict[str, list[int]]:
    return {path: stamp for path, (stamp, _) in read_taken(folder).items()}


def read_taken(folder: Path) -> dict[str, list[Any]]:
    """By the path of the capsule: its stamp, and what was wrong with it."""
    path = folder / TAKEN
    return json.loads(path.read_text()) if path.is_file() else {}
