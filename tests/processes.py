"""Real processes for the tests of the queue: started, waited for, compared with undisturbed training, surely ended."""

import contextlib
import dataclasses
import functools
import os
import subprocess
import sys
import time

import psutil
import pytest
import torch

from resnet_lab.execution import UsualWay
from resnet_lab.files import CHECKOUT
from resnet_lab.films import frames, moments
from resnet_lab.machine import usual_way
from resnet_lab.predictions import PREDICTIONS
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim, requeue
from resnet_lab.store import Store, open_store
from resnet_lab.supervisor import LOG
from resnet_lab.trainer import Trainer
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_tensors
from resnet_lab.worker import work

TIMINGS = {"seconds": 0, "images_per_second": 0, "seconds_left": 0, "seconds_expected": 0}
# fmt: off
SMALL = {
    "data": "synthetic", "depth": 8, "train_size": 400, "test_size": 100, "batch_size": 16, "precision": "fp32",
    "steps": 1000, "loss_every": 5, "probe_every": 50, "evaluate_every": 5,
}
# fmt: on


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Of a new home, which the processes that the test starts find as well; none of them is left afterwards."""
    home = tmp_path / "home"
    monkeypatch.setenv("RESNET_LAB_HOME", str(home))
    monkeypatch.delenv("RESNET_LAB_STORE", raising=False)
    know_machine(home)
    with open_store() as store:
        yield store
    end_processes_of(home)


def know_machine(home):
    """Nobody has to find out what is fastest here."""
    usual_way(home, torch.device("cpu"), lambda device: UsualWay("fp32"))


def end_processes_of(home):
    while processes := processes_of(home):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)


def processes_of(home, module=""):
    """Those of the lab at work in this home."""
    return [process for process in psutil.process_iter() if is_of(process, home, module)]


def is_of(process, home, module):
    try:
        is_here = process.pid != os.getpid() and process.environ().get("RESNET_LAB_HOME") == str(home)
        return is_here and process.status() != psutil.STATUS_ZOMBIE and module in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def until(claim, words, seconds=180):
    """What claim() says as soon as it is true; a test that would wait for ever fails with the words."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, f"After {seconds} seconds not: {words}."
        time.sleep(0.02)
    return found


def until_status(store, run_id, *statuses, look=lambda: None, seconds=180):
    """The run once it is so; `look` is called while waiting, a supervisor's for example."""

    def claim():
        look()
        run = store.run(run_id)
        return run if run.status in statuses else None

    try:
        return until(claim, f"{run_id} is {' or '.join(statuses)}", seconds)
    except AssertionError as error:
        run = store.run(run_id)
        raise AssertionError(f"{error}\nIt is {run.status}: {run.message}\n{log_of(store, run_id)}") from None


def until_events(store, run_id, least, look=lambda: None):
    return until(lambda: look() or len(store.events(run_id)) >= least, f"{run_id} has {least} events")


def log_of(store, run_id):
    path = store.run_folder(run_id) / LOG
    return path.read_text() if path.exists() else ""


def queued(store, config):
    """Put into the queue like a run that was first started on one thread, on however many cores it goes on."""
    run = store.add(config, device="cpu")
    store.change(run.id, threads=1)
    return run


def start(arguments, log, told="", **environment):
    """A process of Python whose output goes to a file, and that reads what it is told."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    with process.stdin as stdin:
        stdin.write(told.encode())
    return process


def start_worker(store, run_id, seconds_between_checkpoints=0.0):
    """Without a supervisor, on one thread."""
    folder = store.run_folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["-m", "resnet_lab.worker", "--checkpoint-seconds", str(seconds_between_checkpoints)]
    return start(arguments, folder / LOG, told=f"{run_id} 1\n")


def train_here(store, config, **labels):
    """A run trained by a worker in this process, which is what a test of a result needs."""
    run = store.add(config, device="cpu", **labels)
    go_on_here(store, run.id)
    return store.run(run.id)


def go_on_here(store, run_id, is_asked_to_end=lambda: False):
    threads = torch.get_num_threads()
    try:
        assert claim(store, run_id, Process.of(), threads=1)
        work(store, store.run(run_id), 1000, is_asked_to_end)
    finally:
        torch.set_num_threads(threads)


def kill(process):
    """kill -9"""
    process.kill()
    process.wait()


def take_up(store, run_id):
    """What a supervisor does when the process of a run has died."""
    run = store.run(run_id)
    if run.status == "running":
        requeue(store, run)


def small(**fields):
    """A run of some seconds, whose arithmetic is the same wherever it is trained on one thread."""
    return preset("minute", **SMALL | fields)


def short(**fields):
    return small(**{"steps": 20, "loss_every": 1, "probe_every": 0, "evaluate_every": 0.4} | fields)


@functools.cache
def undisturbed(config):
    """The events and weights of the same run, trained here in one go."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        trainer = Trainer(config, "cpu")
        return [without_timings(event) for event in trainer], trainer.model.state_dict()
    finally:
        torch.set_num_threads(threads)


def without_timings(event):
    timings = {name: value for name, value in TIMINGS.items() if hasattr(event, name)}
    return dataclasses.replace(event, **timings).to_dict()


def assert_undisturbed(store: Store, run_id, filmed=None):
    """The run is over, nobody holds it, and its events and weights are those of a run that nothing happened to."""
    run, events = store.run(run_id), store.events(run_id)
    expected, weights = undisturbed(run.config)
    assert (run.status, run.message, run.host, run.pid, run.request) == ("done", "", None, None, None)
    assert [number for number, _ in events] == list(range(1, len(expected) + 1))
    for (number, event), wanted in zip(events, expected, strict=True):
        assert without_timings(event) == wanted, f"event {number}"
    tensors, record = read_tensors(store.run_folder(run_id) / WEIGHTS)
    assert record["step"] == run.config.recipe.steps
    assert tensors.keys() == weights.keys()
    assert [name for name in weights if not torch.equal(tensors[name], weights[name])] == []
    folder = store.run_folder(run_id)
    assert frames(folder).keys() == (filmed or moments(run.config.recipe.steps))
    assert {path.name for path in folder.iterdir()} <= {
        *(WEIGHTS, PREDICTIONS, CHECKPOINT, LOG),
        *(path.name for path in frames(folder).values()),
    }
