"""A worker that is killed, stopped, locked out or out of disk: its run ends as if nothing had happened."""

import contextlib
import random
import resource
import signal
import sqlite3
import time

import pytest
import torch

from resnet_lab.batches import load_split
from resnet_lab.execution import UsualWay
from resnet_lab.films import frames
from resnet_lab.forecasts import Forecast, first_images, forecast_run
from resnet_lab.machine import FILE, usual_way
from resnet_lab.predictions import PREDICTIONS
from resnet_lab.queueing import request, resume
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_tensors
from tests.processes import (
    assert_undisturbed,
    go_on_here,
    kill,
    log_of,
    short,
    small,
    start,
    start_worker,
    store,
    take_up,
    train_here,
    until,
    until_events,
)
from tests.sentences import is_one_sentence

__all__ = ["store"]
CPU = torch.device("cpu")
LOOK_SECONDS = 0.5  # about as often a worker writes


def test_killed_at_random_moments_a_run_ends_as_the_undisturbed_one(store):
    moments = random.Random(1)
    run = store.add(small(), device="cpu")
    for _ in range(4):
        worker, before = start_worker(store, run.id), len(store.events(run.id))
        until_events(store, run.id, before + moments.choice([0, 1, 1]))
        time.sleep(moments.uniform(0, LOOK_SECONDS))
        kill(worker)
        take_up(store, run.id)
    if store.run(run.id).status != "done":
        assert start_worker(store, run.id).wait(180) == 0
    assert_undisturbed(store, run.id)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_where_the_recipe_leaves_it_open_a_run_is_computed_as_this_machine_does_it_best(store, precision):
    (store.folder / FILE).unlink()
    assert usual_way(store.folder, torch.device("cpu"), lambda device: UsualWay(precision)) == UsualWay(precision)
    run = train_here(store, short(precision="auto", steps=2))
    assert store.last(run.id, "start").execution["precision"] == precision


# A worker that kills itself with signal 9 just before or after its n-th call of a function.
DYING = """
import os, signal, sys
from resnet_lab import worker

when, name, count = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))
do = getattr(worker, name)
worker.STORE_SECONDS = 0  # a look at the store after every step, so that the moments are the same everywhere

def die(*args, **kwargs):
    global count
    count -= 1
    if not count and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = do(*args, **kwargs)
    if not count:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(worker, name, die)
worker.main()
"""
# fmt: off
MOMENTS = [  # each in the life of a new process that goes on where the one before died
    ("after",  "claim",         1),
    ("before", "progressed",    1),  # the first checkpoint is there, and no event
    ("after",  "progressed",    5),  # a checkpoint with events that the store lacks
    ("before", "write_tensors", 9),  # events in the store that the checkpoint lacks
    ("before", "release",       1),  # all is there, but nobody knows
]
# fmt: on


def test_killed_at_the_worst_moments_a_run_ends_as_the_undisturbed_one(store, tmp_path):
    run = store.add(short(), device="cpu")
    for when, name, count in MOMENTS:
        arguments = ["-c", DYING, when, name, str(count), "--checkpoint-seconds", "0"]
        assert start(arguments, tmp_path / "log", told=f"{run.id} 1\n").wait(180) == -signal.SIGKILL, (when, name)
        take_up(store, run.id)
    assert (store.run_folder(run.id) / WEIGHTS).exists()
    assert start_worker(store, run.id).wait(180) == 0
    assert_undisturbed(store, run.id)


def test_a_worker_that_is_asked_to_end_leaves_a_run_that_goes_on_without_loss(store):
    run = store.add(small(), device="cpu")
    worker = start_worker(store, run.id, seconds_between_checkpoints=1000)
    until_events(store, run.id, 5)
    events_before = len(store.events(run.id))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(180) == 0
    held, last = store.run(run.id), store.events(run.id)[-1]
    assert (held.status, held.pid) == ("running", worker.pid)
    assert last[0] >= events_before
    take_up(store, run.id)
    worker = start_worker(store, run.id, seconds_between_checkpoints=1000)
    until_events(store, run.id, last[0] + 1)
    request(store, run.id, "pause")
    assert worker.wait(180) == 0
    paused = store.run(run.id)
    assert (paused.status, paused.pid, paused.finished, paused.threads) == ("paused", None, None, 1)
    resume(store, run.id)
    assert start_worker(store, run.id).wait(180) == 0
    assert_undisturbed(store, run.id)


def test_a_store_that_is_locked_for_long_only_delays_a_run(store):
    run = store.add(small(), device="cpu")
    worker = start_worker(store, run.id)
    until_events(store, run.id, 2)
    with contextlib.closing(sqlite3.connect(store.folder / "lab.db", isolation_level=None)) as other:
        until(lambda: locked(other), "the lock is taken")
        until(lambda: "is locked by another process" in log_of(store, run.id), "the worker says so")
        assert worker.poll() is None
    assert worker.wait(180) == 0
    assert_undisturbed(store, run.id)


def locked(connection):
    try:
        return bool(connection.execute("BEGIN IMMEDIATE"))
    except sqlite3.OperationalError:
        return False


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit a process that runs")
def test_a_full_disk_is_said_in_a_sentence_and_what_was_written_stays(store):
    run = store.add(small(), device="cpu")
    worker = start_worker(store, run.id)
    until_events(store, run.id, 2)
    no_room(worker)
    before = store.events(run.id)

    def words():
        return "the disk is full" in log_of(store, run.id) + store.run(run.id).message

    until(words, "it is said that the disk is full")
    assert store.events(run.id)[: len(before)] == before
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert worker.wait(180) == 0
    if store.run(run.id).status == "failed":  # where the checkpoint was the first that had no room
        assert is_one_sentence(store.run(run.id).message)
        resume(store, run.id)
        assert start_worker(store, run.id).wait(180) == 0
    assert_undisturbed(store, run.id)


def no_room(process):
    """No file of the process can grow beyond some kilobytes, as on a full disk."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))


def test_a_run_without_its_data_says_how_to_get_it_and_a_second_worker_leaves_it_alone(store):
    run = store.add(short(data="cifar10"), device="cpu")
    assert start_worker(store, run.id).wait(180) == 0
    failed = store.run(run.id)
    assert (failed.status, failed.pid) == ("failed", None)
    assert is_one_sentence(failed.message)
    assert "`python -m resnet_lab data get cifar10`" in failed.message
    assert start_worker(store, run.id).wait(180) == 0
    assert store.run(run.id) == failed


def test_a_run_that_diverges_has_its_events_and_weights(store):
    run = store.add(short(lr=100, steps=200), device="cpu")
    assert start_worker(store, run.id).wait(180) == 0
    last = store.events(run.id)[-1][1]
    assert (store.run(run.id).status, last.kind, last.status) == ("diverged", "done", "diverged")
    names = {path.name for path in store.run_folder(run.id).iterdir()}
    assert names - {path.name for path in frames(store.run_folder(run.id)).values()} == {
        WEIGHTS,
        PREDICTIONS,
        "log.txt",
    }


def test_the_first_point_of_a_curve_is_told_at_once_and_the_last_state_is_kept(store):
    """The steps are so few here that the looks at the store, every half second, are too late for both."""
    run = store.add(short(steps=6, loss_every=2), device="cpu")
    appended = []
    append = store.append
    store.append = lambda run_id, events: (appended.append([event.kind for _, event in events]), append(run_id, events))
    go_on_here(store, run.id)
    assert [kinds for kinds in appended if kinds] == [["start"], ["step"], ["step"], ["step", "epoch", "done"]]
    _, record = read_tensors(store.run_folder(run.id) / CHECKPOINT)
    assert (record["step"], record["status"]) == (5, "")


def test_a_truncated_checkpoint_is_named_and_the_run_is_not_begun_anew(store):
    run = store.add(small(), device="cpu")
    checkpoint = store.run_folder(run.id) / CHECKPOINT
    worker = start_worker(store, run.id)
    until_events(store, run.id, 1)
    kill(worker)
    take_up(store, run.id)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    before = store.events(run.id)
    assert start_worker(store, run.id).wait(180) == 0
    failed = store.run(run.id)
    assert failed.status == "failed"
    assert is_one_sentence(failed.message)
    assert str(checkpoint) in failed.message
    assert store.events(run.id) == before


def begun_here(store, config):
    """A run whose process ended before the first step."""
    run = store.add(config, device="cpu")
    go_on_here(store, run.id, is_asked_to_end=lambda: True)
    take_up(store, run.id)
    assert [event.kind for _, event in store.events(run.id)] == ["start"]
    return store.run(run.id)


@pytest.mark.usefixtures("one_thread")
def test_a_run_has_its_forecast_before_its_first_step_and_keeps_it(store):
    run = begun_here(store, short())
    images = first_images(load_split(run.config.data, "test", CPU))
    assert Forecast.from_dict(run.forecast) == forecast_run(run.config, images)
    store.change(run.id, forecast='{"says": "what an older rule said"}')
    go_on_here(store, run.id)
    assert store.run(run.id).forecast == {"says": "what an older rule said"}
    assert_undisturbed(store, run.id)


def test_a_run_that_an_older_version_began_gets_no_forecast_afterwards(store):
    run = begun_here(store, short())
    store.change(run.id, forecast=None)
    go_on_here(store, run.id)
    assert (store.run(run.id).status, store.run(run.id).forecast) == ("done", None)


def test_a_run_that_cannot_be_looked_at_trains_without_a_forecast_and_says_so(store, capsys):
    run = train_here(store, short(test_size=1))
    assert (run.status, run.forecast) == ("done", None)
    assert "There is no forecast: images must be" in capsys.readouterr().err
