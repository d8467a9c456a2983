"""The process that trains one run: python -m resnet_lab.worker RUN THREADS"""

import argparse
import contextlib
import signal
import time
import traceback
from collections.abc import Callable

import torch

from resnet_lab.environment import describe_environment
from resnet_lab.execution import keep_freed_memory
from resnet_lab.files import remove_parts, sentence
from resnet_lab.patience import patiently
from resnet_lab.queueing import WANTED, Process, TakenAwayError, beat, claim, progressed, release
from resnet_lab.runs import Run
from resnet_lab.store import Store, open_store
from resnet_lab.supervisor import ensure_supervisor
from resnet_lab.trainer import Trainer
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_tensors, write_tensors

CHECKPOINT_SECONDS = 20.0  # of training that a killed process loses at most
STORE_SECONDS = 0.5  # between two looks at the store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("threads", type=int)
    parser.add_argument("--checkpoint-seconds", type=float, default=CHECKPOINT_SECONDS)
    options = parser.parse_args()
    keep_freed_memory()
    is_asked_to_end = listen()
    with patiently(open_store) as store:
        if patiently(claim, store, options.run, Process.of(), options.threads):
            work(store, store.run(options.run), options.checkpoint_seconds, is_asked_to_end)


def listen() -> Callable[[], bool]:
    """SIGTERM and SIGINT end the process between two steps; the queue goes on from there."""
    heard: list[int] = []
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda number, frame: heard.append(number))
    return lambda: bool(heard)


def work(store: Store, run: Run, checkpoint_seconds: float, is_asked_to_end: Callable[[], bool]) -> None:
    """From the last checkpoint or the start until the run is over, or is asked to pause, to stop or to end."""
    torch.set_num_threads(run.threads or torch.get_num_threads())
    remove_parts(store.run_folder(run.id))
    with contextlib.suppress(TakenAwayError):  # it was taken for dead: another process has the run
        status, words = outcome(store, run, checkpoint_seconds, is_asked_to_end)
        if status == "running":
            return
        patiently(release, store, run.id, status, words)
        if status in ("done", "diverged"):
            (store.run_folder(run.id) / CHECKPOINT).unlink(missing_ok=True)
        patiently(ensure_supervisor, store)  # a worker may outlive the one that started it


def outcome(store: Store, run: Run, checkpoint_seconds: float, is_asked_to_end: Callable[[], bool]) -> tuple[str, str]:
    """The status in which the run ends, and why it failed."""
    try:
        return Training(store, run).go_on(checkpoint_seconds, is_asked_to_end), ""
    except TakenAwayError:
        raise
    except Exception as error:
        traceback.print_exc()
        return "failed", sentence(error)


class Training:
    """A run and its trainer. Events wait in the trainer, so that a checkpoint has those which the store lacks."""

    def __init__(self, store: Store, run: Run):
        self.store, self.run = store, run
        self.checkpoint = store.run_folder(run.id) / CHECKPOINT
        self.trainer = self.resumed() if self.checkpoint.exists() else self.begun()
        patiently(store.record_environment, run.id, describe_environment(self.trainer.device))

    def begun(self) -> Trainer:
        """Only what has no past can begin: there is a checkpoint before the first step is told."""
        if self.store.last(self.run.id, "step") is not None:
            raise ValueError(f"{self.checkpoint} is missing: resume the run where it is, or train anew with --again.")
        return Trainer(self.run.config, self.run.device)

    def resumed(self) -> Trainer:
        """What a CPU began goes on there, for the sake of the last bit."""
        tensors, record = read_tensors(self.checkpoint)
        device = record["execution"]["device"]
        trainer = Trainer(self.run.config, device if device == "cpu" else self.run.device)
        trainer.load_state_dict({"tensors": tensors, "record": record})
        return trainer

    def go_on(self, checkpoint_seconds: float, is_asked_to_end: Callable[[], bool]) -> str:
        """The status that it ends in: 'running' where another process is to go on."""
        looked = saved = time.monotonic()
        while not self.trainer.status:
            self.trainer.advance()
            now, ends = time.monotonic(), is_asked_to_end()
            is_first = not self.checkpoint.exists()
            if now < looked + STORE_SECONDS and not is_first and not ends:
                continue
            looked = now
            wanted = patiently(beat, self.store, self.run.id)
            if wanted or is_first or ends or now > saved + checkpoint_seconds:
                self.save()
                saved = now
            self.tell()
            if (wanted or ends) and not self.trainer.status:
                return WANTED[wanted] if wanted else "running"
        self.finish()
        return self.trainer.status

    def save(self) -> None:
        patiently(write_tensors, self.checkpoint, **self.trainer.state_dict())
        patiently(progressed, self.store, self.run.id)

    def tell(self) -> None:
        patiently(self.store.append, self.run.id, list(self.trainer.pending))
        self.trainer.take()  # not before the store has them

    def finish(self) -> None:
        weights = self.store.run_folder(self.run.id) / WEIGHTS
        record = {"config": self.run.config.to_json(), "step": self.trainer.step, "test_error": self.trainer.test_error}
        patiently(write_tensors, weights, dict(self.trainer.model.state_dict()), record)
        self.tell()


if __name__ == "__main__":
    main()
