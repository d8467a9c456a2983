"""The process that trains runs side by side on one GPU, a thread and a stream each: python -m resnet_lab.crew

Each line of stdin has a run's id. When stdin is closed, it goes on until its runs are over.
"""

import contextlib
import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence

import torch

from resnet_lab.execution import UsualWay, find_device, give_back_memory, keep_freed_memory
from resnet_lab.files import StorageError, sentence
from resnet_lab.learner import Learner
from resnet_lab.machine import kept, usual_way
from resnet_lab.patience import complain, patiently
from resnet_lab.places import note_places_on_gpu
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim
from resnet_lab.side_by_side import COUNTS, best_runs_at_once
from resnet_lab.store import Store, open_store
from resnet_lab.worker import CHECKPOINT_SECONDS, listen, work

LOOK_SECONDS = 0.2  # between two looks at whether the process is asked to end
WARM = ("minute", "paper")  # recipes whose nets have all sizes of convolutions that are usual


def main() -> None:
    keep_freed_memory()
    is_asked_to_end, device = listen(), find_device()
    with patiently(open_store) as store:
        crew = Crew(store, device, is_asked_to_end)
        preparation = threading.Thread(target=crew.prepare)
        preparation.start()
        for run_id in lines(crew.is_to_end):
            crew.begin(run_id)
        crew.join()
        preparation.join()


def lines(is_to_end: Callable[[], bool]) -> Iterator[str]:
    """Of stdin, as they come."""
    rest = b""
    while not is_to_end():
        if select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
            heard = os.read(sys.stdin.fileno(), 4096)
            if not heard:
                return
            *whole, rest = (rest + heard).split(b"\n")
            yield from (line.decode() for line in whole)


class Crew:
    """A thread for each run. What becomes of one is no matter of the others, while store and device can be used."""

    def __init__(self, store: Store, device: torch.device, is_asked_to_end: Callable[[], bool]):
        self.store, self.device, self.is_asked_to_end = store, device, is_asked_to_end
        self.is_broken = threading.Event()
        self.threads: list[threading.Thread] = []
        self.streams: list[torch.cuda.Stream] = []  # that no run uses now; torch has a few, and hands them out in turns

    def is_to_end(self) -> bool:
        """All runs then go on from here in another process."""
        return self.is_asked_to_end() or self.is_broken.is_set()

    def prepare(self) -> None:
        """What runs would have to wait for, or would disturb: it ends where one comes."""
        try:
            usual = usual_way(self.store.folder, self.device)
            if self.device.type == "cuda" and usual.precision != "auto":
                with self.own_stream():
                    self.prepare_gpu(usual)
        except (RuntimeError, StorageError) as error:  # torch finds no memory, say, or the disk is full
            complain(f"Not everything could be prepared: {sentence(error)}")

    def prepare_gpu(self, usual: UsualWay) -> None:
        warm_up(self.device, usual, self.is_idle)
        number = kept(
            self.store.folder,
            self.device,
            "at_once",
            lambda: best_runs_at_once(self.device, usual, self.is_idle),
            lambda found: found in COUNTS,
        )
        note_places_on_gpu(self.store.folder, number)

    def is_idle(self) -> bool:
        """No run has come yet, here or in another process of this machine, and one may."""
        others = [run for run in self.store.runs(["running"]) if run.host == socket.gethostname()]
        return not (self.threads or others or self.is_to_end())

    def begin(self, run_id: str) -> None:
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        earlier = [thread for thread in self.threads if thread.name == run_id]
        self.threads.append(threading.Thread(target=self.train, args=(run_id, earlier), name=run_id))
        self.threads[-1].start()

    def train(self, run_id: str, earlier: Sequence[threading.Thread]) -> None:
        """Once those have ended that had the run before: the store tells processes apart, and not threads."""
        try:
            for thread in earlier:
                thread.join()
            if patiently(claim, self.store, run_id, Process.of(), 1):
                with self.own_stream():
                    work(self.store, self.store.run(run_id), CHECKPOINT_SECONDS, self.is_to_end)
                give_back_memory(self.device)
        except Exception:  # beyond what may happen to a run: who looks after this process finds it ended
            traceback.print_exc()
            self.is_broken.set()

    @contextlib.contextmanager
    def own_stream(self) -> Iterator[None]:
        """On a GPU, so that what others ask of it does not have to be waited for."""
        if self.device.type != "cuda":
            yield
            return
        try:
            stream = self.streams.pop()
        except IndexError:  # all are in use
            stream = torch.cuda.Stream()
        try:
            with torch.cuda.stream(stream):
                yield
        finally:
            stream.synchronize()
            self.streams.append(stream)

    def join(self) -> None:
        for thread in self.threads:
            thread.join()


def warm_up(device: torch.device, usual: UsualWay, goes_on: Callable[[], bool]) -> None:
    """Have the libraries choose their algorithms for what usual nets compute: no first point waits for that then."""
    for name in WARM:
        learner = Learner(preset(name, data="sample"), device, usual.execution(device))
        learner.turn_to(0)
        for each in (learner.learn, learner.learn_probed, learner.judge):
            if goes_on():
                learner.prepare(each)
    give_back_memory(device)


if __name__ == "__main__":
    main()
