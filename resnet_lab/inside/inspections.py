"""Questions to trained nets, asked from many pages at once and computed in one other process."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from resnet_lab.config import check_choice
from resnet_lab.files import StorageError, sentence
from resnet_lab.inside.jobs import Findings
from resnet_lab.inside.looks import Looks, key_of
from resnet_lab.spares import start_detached

# fmt: off
JOBS = {  # imported in the other process alone
    "answers":          "resnet_lab.inside.answers:answers",
    "maps":             "resnet_lab.inside.attributions:maps",
    "conductance":      "resnet_lab.inside.attributions:conductance",
    "evidence":         "resnet_lab.inside.evidence:evidence",
    "randomised":       "resnet_lab.inside.evidence:randomised",
    "agreement":        "resnet_lab.inside.evidence:agreement",
    "lesion":           "resnet_lab.inside.lesions:lesion",
    "single_deletions": "resnet_lab.inside.lesions:single_deletions",
    "random_deletions": "resnet_lab.inside.lesions:random_deletions",
    "path_gradients":   "resnet_lab.inside.paths:path_gradients",
    "path_accuracy":    "resnet_lab.inside.paths:path_accuracy",
    "shares":           "resnet_lab.inside.shares:shares",
    "landscape":        "resnet_lab.inside.landscapes:landscape",
}
# fmt: on
MAX_MEMORY = 3_000_000_000  # of the process, in bytes
MEMORY = f"{MAX_MEMORY / 1e9:g} GB of memory"
FOLDER = "looks"  # in the home
LOG = "log.txt"  # in that folder
EXPIRY_SECONDS = 100.0  # without a look, until nobody seems to want it: for a hidden page browsers ask once a minute
MOST_DEATHS = 2
DIED = f"The process that computes it has ended {MOST_DEATHS} times without a word: {{log}} may say why."


@dataclass(frozen=True)
class Waiting:
    done: int = 0
    of: int = 0  # 0: it has not begun
    words: str = ""


@dataclass(frozen=True)
class Failed:
    words: str  # one sentence


@dataclass
class Wanted:
    job: str
    arguments: Mapping[str, Any]
    seen: float
    progress: Waiting = Waiting()
    deaths: int = 0  # of processes that worked at it


class Talk:
    """With one process. A thread writes the lines, so that nobody waits for a process that still imports."""

    def __init__(self, home: Path, jobs: Mapping[str, str], heard: Callable[["Talk", dict[str, Any]], None]):
        arguments, pipe = (home, home / FOLDER / LOG, json.dumps(dict(jobs))), subprocess.PIPE
        self.process = start_detached("resnet_lab.inside.inspector", *arguments, stdin=pipe, stdout=pipe)
        self.heard, self.lines = heard, SimpleQueue[str]()
        self.current: str | None = None  # what it works at
        self.is_awake = False
        self.reader = threading.Thread(target=self.read, daemon=True)
        for thread in (self.reader, threading.Thread(target=self.write, daemon=True)):
            thread.start()

    def say(self, **words: Any) -> None:
        self.lines.put(f"{json.dumps(words)}\n")

    def write(self) -> None:
        """Until there is an empty line, or nobody to read it."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError), self.process.stdin as stdin:
            for line in iter(self.lines.get, ""):
                with open(stdin.fileno(), "wb", closefd=False) as pipe:
                    pipe.write(line.encode())

    def read(self) -> None:
        """Until it has ended, which is told as an empty message."""
        assert self.process.stdout is not None
        try:
            with self.process.stdout as stdout, open(stdout.fileno(), "rb", closefd=False) as pipe:
                for line in pipe:
                    if line.endswith(b"\n"):  # who was killed may have told half of it
                        self.heard(self, json.loads(line))
        finally:  # whatever it said: with nobody to listen it is of no use
            self.process.kill()
            self.process.wait()
            self.lines.put("")
            self.heard(self, {})

    def close(self) -> None:
        self.process.kill()
        self.reader.join()


class Inspector:
    """For all viewers of one server. What nobody has looked at for a while is given up."""

    def __init__(self, home: Path, jobs: Mapping[str, str] = JOBS, clock: Callable[[], float] = time.monotonic):
        self.home, self.jobs, self.clock = home, jobs, clock
        self.looks = Looks(home / FOLDER)
        self.lock = threading.Lock()
        self.wanted: dict[str, Wanted] = {}  # by key, in the order of asking
        self.failed: dict[str, str] = {}
        self.talk: Talk | None = None

    def look(self, job: str, arguments: Mapping[str, Any]) -> Findings | Waiting | Failed:
        """At once; to look again is to be still interested."""
        try:
            check_choice("job", job, self.jobs)
            key = key_of(self.home, job, arguments)
            if key not in self.failed and (found := self.looks.read(key)):
                return found
            with self.lock:
                return self.ask(key, job, arguments)
        except (ValueError, OSError) as error:
            return Failed(sentence(error))

    def cancel(self, job: str, arguments: Mapping[str, Any]) -> None:
        """It is given up for all who look at it, or what went wrong with it is forgotten."""
        with contextlib.suppress(StorageError), self.lock:  # of what cannot be read nothing was asked
            key = key_of(self.home, job, arguments)
            self.failed.pop(key, None)
            self.drop(key)

    def warm(self) -> None:
        """The process starts and imports what is slow, before anybody needs it."""
        with self.lock:
            self.start()

    def close(self) -> None:
        with self.lock:
            talk, self.talk = self.talk, None
            self.wanted.clear()
        if talk:
            talk.close()

    def ask(self, key: str, job: str, arguments: Mapping[str, Any]) -> Waiting | Failed:
        if key in self.failed:
            return Failed(self.failed[key])
        now = self.clock()
        if key in self.wanted:
            self.wanted[key].seen = now
        else:
            self.wanted[key] = Wanted(job, arguments, now)
            if self.talk:
                self.say(self.talk, key)
        self.give_up()
        return self.wanted[key].progress if self.start().is_awake else Waiting(words="Starts the process that computes")

    def start(self) -> Talk:
        """Unless it is there; a new one is asked what is still wanted."""
        if self.talk is None:
            self.talk = Talk(self.home, self.jobs, self.hear)
            for key in self.wanted:
                self.say(self.talk, key)
        return self.talk

    def say(self, talk: Talk, key: str) -> None:
        talk.say(ask=key, job=self.wanted[key].job, arguments=self.wanted[key].arguments)

    def give_up(self) -> None:
        """What nobody has looked at for a while."""
        latest = self.clock() - EXPIRY_SECONDS
        for key in [key for key, wanted in self.wanted.items() if wanted.seen < latest]:
            self.drop(key)

    def drop(self, key: str) -> None:
        if self.wanted.pop(key, None) and self.talk:
            self.talk.say(drop=key)

    def hear(self, talk: Talk, said: Mapping[str, Any]) -> None:
        """In the thread that reads: each word of the process is also an occasion to give something up."""
        with self.lock:
            if talk is not self.talk:
                return
            if not said:
                self.bury(talk)
            elif "awake" in said:
                talk.is_awake = True
            else:
                self.note(talk, said["key"], said)
            self.give_up()

    def note(self, talk: Talk, key: str, said: Mapping[str, Any]) -> None:
        """What it says of something that was given up meanwhile comes too late."""
        talk.current = key if "done" in said else None
        if key not in self.wanted:
            return
        if "done" in said:
            self.wanted[key].progress = Waiting(said["done"], said["of"], said["words"])
            return
        del self.wanted[key]
        if "failed" in said:
            self.failed[key] = said["failed"]

    def bury(self, talk: Talk) -> None:
        """The next look starts another process; what it worked at is not asked for for ever."""
        self.talk = None
        for key in [talk.current] if talk.current else list(self.wanted):
            if key not in self.wanted:
                continue
            self.wanted[key].deaths += 1
            if self.wanted[key].deaths == MOST_DEATHS:
                del self.wanted[key]
                self.failed[key] = DIED.format(log=self.home / FOLDER / LOG)
        for wanted in self.wanted.values():
            wanted.progress = Waiting()
