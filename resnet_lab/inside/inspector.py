"""The process that looks into nets for a server, asked and answering in JSON: python -m resnet_lab.inside.inspector

It works at one question at a time, slice by slice, and hears between the slices what is no longer wanted. It ends
when its stdin closes, and so with the server, however that ends.
"""

import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import torch

from resnet_lab.data import home
from resnet_lab.execution import usable_cores
from resnet_lab.files import sentence
from resnet_lab.inside.inspections import FOLDER, MAX_MEMORY, MEMORY
from resnet_lab.inside.jobs import Findings, Job
from resnet_lab.inside.looks import Looks

TELL_SECONDS = 0.1  # more often nobody looks
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "bad_alloc", "could not create a memory")
TOO_MUCH = f"It needs more than the {MEMORY} that it may take: choose fewer nets or pictures."

Tell = Callable[[Mapping[str, Any]], None]
Asked = Mapping[str, Any]


def main() -> None:
    limit_memory()
    torch.set_num_threads(max(1, len(usable_cores()) // 2))  # the pages and the runs need the others
    heard: SimpleQueue[Asked] = SimpleQueue()
    tell = telling()
    Thread(target=hear, args=(heard,), daemon=True).start()
    Desk(heard, tell, Looks(home() / FOLDER), json.loads(sys.argv[1])).attend()


def limit_memory() -> None:
    """The system refuses what is more, where it can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = MAX_MEMORY if hard == resource.RLIM_INFINITY else min(MAX_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def telling() -> Tell:
    """Lines to whoever asks; all that is printed otherwise goes to the log, as errors do."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return lambda words: print(json.dumps(words), file=answers)


def hear(heard: SimpleQueue[Asked]) -> None:
    """In a thread of its own: nobody is left to answer when the asking is over, so the process ends at once."""
    try:
        for line in sys.stdin:
            heard.put(json.loads(line))
    finally:
        os._exit(0)


@dataclass
class Desk:
    """The questions that wait, in the order in which they came."""

    heard: SimpleQueue[Asked]
    tell: Tell
    looks: Looks
    jobs: Mapping[str, str]  # "module:function" by name
    waiting: dict[str, Asked] = field(default_factory=dict)

    def attend(self) -> None:
        self.tell({"awake": True})
        preparing = self.prepare()
        while True:
            is_prepared = not self.waiting and next(preparing, None) is None
            self.listen(is_prepared)
            for key, asked in list(self.waiting.items())[:1]:
                self.answer(key, asked)

    def prepare(self) -> Iterator[str]:
        """While there is nothing to do, what later would have to be waited for: one import at a time."""
        for name in sorted({reference.split(":")[0] for reference in self.jobs.values()}):
            try:
                module = importlib.import_module(name)
                getattr(module, "import_captum", lambda: None)()
            except Exception:  # whoever asks for it hears why
                traceback.print_exc()
            yield name

    def listen(self, has_time: bool) -> None:
        """To all that has been said; who has nothing else to do waits for it."""
        try:
            while True:
                said = self.heard.get(block=has_time and not self.waiting)
                if "drop" in said:
                    self.waiting.pop(said["drop"], None)
                else:
                    self.waiting.setdefault(said["ask"], said)
        except Empty:
            return

    def answer(self, key: str, asked: Asked) -> None:
        """Unless it is dropped meanwhile."""
        try:
            self.tell({"key": key, "done": 0, "of": 0, "words": ""})
            if self.looks.read(key) is None:
                self.work(key, asked)
            said: Asked = {"key": key, "ready": True}
        except Exception as error:  # it is told, and the next one has its turn
            said = {"key": key, "failed": failure(error)}
        gc.collect()
        if self.waiting.get(key) is asked:
            del self.waiting[key]
            self.tell(said)

    def work(self, key: str, asked: Asked) -> None:
        module, name = self.jobs[asked["job"]].split(":")
        job = getattr(importlib.import_module(module), name)(**asked["arguments"])
        try:
            findings = self.run(key, asked, job)
        finally:
            job.close()
        if findings:
            self.looks.keep(key, findings)

    def run(self, key: str, asked: Asked, job: Job) -> Findings | None:
        """None once it is dropped."""
        told = 0.0
        try:
            while self.waiting.get(key) is asked:
                step = next(job)
                if time.monotonic() > told + TELL_SECONDS:
                    told = time.monotonic()
                    self.tell({"key": key, "done": step.done, "of": step.of, "words": step.words})
                self.listen(has_time=False)
        except StopIteration as end:
            return end.value
        return None


def failure(error: Exception) -> str:
    """One sentence; what nobody has foreseen is printed as well."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY):
        return TOO_MUCH
    if not isinstance(error, ValueError):
        traceback.print_exc()
    return sentence(error)


if __name__ == "__main__":
    main()
