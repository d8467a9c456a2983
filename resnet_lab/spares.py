"""Processes that wait for runs: they have imported what is slow, read from stdin, and end after their supervisor."""

import contextlib
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from resnet_lab.files import CHECKOUT

SETTLING_SECONDS = 30.0  # until a crew has usually claimed a run, and has taken its memory


def start_detached(
    module: str,
    home: Path,
    log: Path,
    *arguments: str,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> subprocess.Popen:
    """A process of its own session: it survives whoever started it. What it prints goes to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=CHECKOUT,
            env=os.environ | {"RESNET_LAB_HOME": str(home.resolve())},
            stdin=stdin,
            stdout=output if stdout is None else stdout,
            stderr=output,
            bufsize=0,
            start_new_session=True,
        )


@dataclass(frozen=True)
class Spare:
    """A worker that reads its run from its stdin, which closes when this process ends, however it ends."""

    process: subprocess.Popen
    log: Path  # of what it prints until it has its run

    @classmethod
    def start(cls, home: Path, log: Path, *arguments: str, module: str = "resnet_lab.worker") -> Self:
        return cls(start_detached(module, home, log, *arguments, stdin=subprocess.PIPE), log)

    def give(self, run_id: str, threads: int) -> None:
        """From then on it needs nobody."""
        self.tell(f"{run_id} {threads}")
        self.release()

    def tell(self, words: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has just died, and is found so like any worker
            self.process.stdin.write(f"{words}\n".encode())

    def release(self) -> None:
        """It is told nothing more, and ends when it has done what it was told."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> None:
        self.release()
        self.process.kill()  # it may still be importing
        self.process.wait()


class Spares:
    """Those that wait, the oldest first."""

    def __init__(self, home: Path, log: Path):
        self.home, self.log = home, log
        self.waiting: list[Spare] = []
        self.can_start = True

    def keep(self, number: int) -> None:
        """So many; but none is started once one could not start."""
        dead = [spare for spare in self.waiting if spare.process.poll() is not None]
        alive = [spare for spare in self.waiting if spare not in dead]
        self.can_start = self.can_start and all(spare.process.returncode < 0 for spare in dead)  # who was killed could
        for spare in dead + alive[number:]:
            spare.end()
        self.waiting = alive[:number]
        while len(self.waiting) < number and self.can_start:
            self.waiting.append(Spare.start(self.home, self.log, "--ahead"))

    def take(self) -> Spare | None:
        """The one that has waited longest."""
        while self.waiting:
            spare = self.waiting.pop(0)
            if spare.process.poll() is None:
                return spare
            spare.end()
        return None


class CrewProcess:
    """The process that trains what is for the GPU, and when it was told of each run."""

    def __init__(self, home: Path, log: Path):
        self.home, self.log = home, log
        self.spare: Spare | None = None
        self.told: dict[str, float] = {}

    def start(self) -> Spare:
        """Unless it is there."""
        if self.spare and self.spare.process.poll() is not None:
            self.spare.end()
            self.spare = None
        self.spare = self.spare or Spare.start(self.home, self.log, module="resnet_lab.crew")
        return self.spare

    def tell(self, run_id: str) -> Spare:
        crew = self.start()
        crew.tell(run_id)
        self.told[run_id] = time.monotonic()
        return crew

    def has_just_heard_of(self, run_id: str) -> bool:
        """It may not have claimed the run yet, nor taken the memory that it needs."""
        return time.monotonic() < self.told.get(run_id, -math.inf) + SETTLING_SECONDS

    def release(self) -> None:
        """It ends with the runs that it has."""
        if self.spare:
            self.spare.release()
