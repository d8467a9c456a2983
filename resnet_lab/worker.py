"""The process that trains one run: python -m resnet_lab.worker, with the run's id and its threads in a line of stdin"""

import argparse
import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

from resnet_lab.data import home
from resnet_lab.environment import describe_environment
from resnet_lab.execution import find_device, keep_freed_memory
from resnet_lab.files import StorageError, remove_parts, sentence
from resnet_lab.films import moments, write_frame
from resnet_lab.forecasts import first_images, forecast_run
from resnet_lab.machine import usual_way
from resnet_lab.patience import complain, patiently
from resnet_lab.predictions import answered, write_predictions
from resnet_lab.queueing import WANTED, Process, TakenAwayError, beat, claim, progressed, release
from resnet_lab.runs import Run
from resnet_lab.store import Store, open_store
from resnet_lab.supervisor import LOG, ensure_supervisor
from resnet_lab.threads import PROCESS_WIDE
from resnet_lab.trainer import Trainer
from resnet_lab.trials import Fusing
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_tensors, write_tensors

CHECKPOINT_SECONDS = 20.0  # of training that a killed process loses at most
STORE_SECONDS = 0.5  # between two looks at the store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint-seconds", type=float, default=CHECKPOINT_SECONDS)
    parser.add_argument("--ahead", action="store_true", help="find out what is fastest here before there is a run")
    options = parser.parse_args()
    keep_freed_memory()
    if options.ahead:
        find_out_ahead(find_device())
    told = sys.stdin.readline().split()
    if not told:  # who would have told has ended
        return
    run_id, threads = told
    is_asked_to_end = listen()
    with patiently(open_store) as store:
        if patiently(claim, store, run_id, Process.of(), int(threads)):
            print_into(store.run_folder(run_id) / LOG)
            work(store, store.run(run_id), options.checkpoint_seconds, is_asked_to_end)


def find_out_ahead(device: torch.device) -> None:
    """What is fastest here, so that no run has to wait for it; where it fails, the run that needs it says why."""
    with contextlib.suppress(RuntimeError, StorageError):  # torch finds no memory, say, or the disk is full
        usual_way(home(), device)


def print_into(log: Path) -> None:
    """From now on, and also what is not Python's."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        for output in (sys.stdout, sys.stderr):
            output.flush()
            os.dup2(file.fileno(), output.fileno())


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
        if status == "diverged":  # the last state of a run that is done is kept: it can be continued
            (store.run_folder(run.id) / CHECKPOINT).unlink(missing_ok=True)
        patiently(ensure_supervisor, store)  # a worker may outlive the one that started it


def outcome(store: Store, run: Run, checkpoint_seconds: float, is_asked_to_end: Callable[[], bool]) -> tuple[str, str]:
    """The status in which the run ends, and why it failed."""
    try:
        return Training(store, run).go_on(checkpoint_seconds, is_asked_to_end), ""
    except TakenAwayError:
        raise
    except Exception as error:
        log_error(store.run_folder(run.id) / LOG)
        check_device()
        return "failed", sentence(error)


def check_device() -> None:
    """Raises what stays with the device until the process ends: its runs then go on in another process."""
    if torch.cuda.is_initialized():
        with PROCESS_WIDE:  # no recording is under way
            torch.cuda.synchronize()


def log_error(log: Path) -> None:
    """The one that is being handled, into its run's log, as far as the disk takes it."""
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            traceback.print_exc(file=file)


class Training:
    """A run and its trainer. Events wait in the trainer, so that a checkpoint has those which the store lacks."""

    def __init__(self, store: Store, run: Run):
        self.store, self.run = store, run
        self.checkpoint = store.run_folder(run.id) / CHECKPOINT
        is_new = not self.checkpoint.exists()
        self.trainer = self.begun() if is_new else self.resumed()
        if is_new:
            self.foretell()
        said = self.trainer.num_events
        told = said + len(patiently(store.events, run.id, after=said))  # by an earlier process, after its checkpoint
        self.fusing = Fusing(self.trainer, told)
        patiently(store.record_environment, run.id, describe_environment(self.trainer.device))

    def begun(self) -> Trainer:
        """Only what has no past can begin: there is a checkpoint before the first step is told."""
        if self.store.last(self.run.id, "step") is not None:
            raise ValueError(f"{self.checkpoint} is missing: resume the run where it is, or train anew with --again.")
        config, device = self.run.config, find_device(self.run.device)
        is_open = config.recipe.precision == "auto" or device.type == "cpu"  # which may lay a net out in several ways
        usual = patiently(usual_way, self.store.folder, device) if is_open else None
        return Trainer(config, self.run.device, usual=usual)

    def foretell(self) -> None:
        """How the net will train, before its first step. Where that cannot be said, the log says why, and it trains."""
        try:
            found = forecast_run(self.run.config, first_images(self.trainer.test))
        except (ValueError, RuntimeError) as problem:
            complain(f"There is no forecast: {sentence(problem)}")
            return
        patiently(self.store.record_forecast, self.run.id, found.to_dict())

    def resumed(self) -> Trainer:
        """What a CPU began goes on there, for the sake of the last bit."""
        tensors, record = read_tensors(self.checkpoint)
        device = record["execution"]["device"]
        trainer = Trainer(self.run.config, device if device == "cpu" else self.run.device)
        trainer.load_state_dict({"tensors": tensors, "record": record})
        return trainer

    def go_on(self, checkpoint_seconds: float, is_asked_to_end: Callable[[], bool]) -> str:
        """The status that it ends in: 'running' where another process is to go on."""
        with contextlib.closing(self.fusing):
            return self.advance(checkpoint_seconds, is_asked_to_end)

    def advance(self, checkpoint_seconds: float, is_asked_to_end: Callable[[], bool]) -> str:
        looked = saved = time.monotonic()
        kept = {0, self.run.config.recipe.steps - 1}  # before anything is told, and where a longer run can go on
        first_point = self.run.config.watch.loss_every
        filmed = moments(self.run.config.recipe.steps)
        while not self.trainer.status:
            self.trainer.advance()
            now, ends, step = time.monotonic(), is_asked_to_end(), self.trainer.step
            if step in filmed:
                patiently(write_frame, self.checkpoint.parent, step, dict(self.trainer.model.state_dict()))
            is_due = ends or step in kept or step == first_point or now >= looked + STORE_SECONDS
            if self.trainer.status or not is_due:
                continue
            looked = now
            wanted = patiently(beat, self.store, self.run.id)
            has_switched = self.fusing.look()
            if wanted or ends or has_switched or step in kept or now > saved + checkpoint_seconds:
                self.save()
                saved = now
            self.tell()
            if wanted or ends:
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
        folder, trainer = self.store.run_folder(self.run.id), self.trainer
        assert trainer.execution is not None, "nothing ends that was not begun"
        record = {"config": self.run.config.to_json(), "step": trainer.step, "test_error": trainer.test_error}
        record["execution"] = trainer.execution.to_dict()
        patiently(write_tensors, folder / WEIGHTS, dict(trainer.model.state_dict()), record)
        patiently(write_predictions, folder, answered(trainer.model, trainer.test, trainer.execution))
        self.tell()


if __name__ == "__main__":
    main()
