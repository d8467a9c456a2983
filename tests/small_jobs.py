"""Jobs for the tests of the process that looks into nets: they write into a file what happens to them."""

import os
import signal
import time
from pathlib import Path

import torch

from resnet_lab.inside.jobs import Findings, Progress

SMALL_JOBS = {
    "landscape": "resnet_lab.inside.landscapes:landscape",
    **{name: f"tests.small_jobs:{name}" for name in ("count", "die", "refuse", "stumble", "swallow")},
}


def note(diary, word):
    with Path(diary).open("a") as file:
        file.write(f"{word}\n")


def notes(diary):
    return Path(diary).read_text().split() if Path(diary).exists() else []


def count(to, diary):
    """Prints, which must not come between the answers."""
    note(diary, "begun")
    try:
        for done in range(to):
            print("counts", done)
            yield Progress(done, to, "Counts")
            time.sleep(0.01)
    except GeneratorExit:
        note(diary, "dropped")
        raise
    return Findings({"counted": torch.tensor([to])}, {"to": to})


def die(times, diary):
    """As by kill -9, the first so many times."""
    note(diary, "begun")
    yield Progress(0, 1, "Dies")
    if len(notes(diary)) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return Findings({"survived": torch.ones(1)})


def refuse():
    yield Progress(0, 1)
    raise ValueError("side must be odd, but is 4.")


def stumble():
    yield Progress(0, 1)
    return 1 / 0


def swallow():
    yield Progress(0, 1)
    return Findings({"much": torch.ones(10**9)})
