"""The queue: one winner a run, every step of a run's life, and no other step."""

import dataclasses
import itertools
import multiprocessing
import os
import subprocess
import sys

import pytest

from resnet_lab.queueing import (
    MAX_DEATHS,
    POSSIBLE,
    Process,
    TakenAwayError,
    beat,
    claim,
    move,
    progressed,
    release,
    request,
    requeue,
    resume,
    waiting,
)
from resnet_lab.runs import STATUSES
from resnet_lab.store import Store
from tests.sentences import is_one_sentence, refusal
from tests.stores import config

pytest_plugins = ["tests.postgres"]

ME = Process.of()
JOIN = 60  # seconds


@pytest.fixture
def three(store):
    return [store.add(config(seed=seed)) for seed in range(3)]


def order(store):
    return [run.seed for run in waiting(store)]


def brought_to(store, status):
    """A run in this state, by the way that leads there."""
    run = store.add(config())
    if status == "queued":
        return run.id
    claim(store, run.id, ME)
    if status != "running":
        release(store, run.id, status)
    return run.id


def test_the_queue_has_the_order_in_which_runs_came(store, three):
    assert order(store) == [0, 1, 2]


@pytest.mark.parametrize(
    ("run", "before", "then"), [(2, 0, [2, 0, 1]), (0, 2, [1, 0, 2]), (0, None, [1, 2, 0]), (1, 1, [0, 1, 2])]
)
def test_a_run_is_moved_before_another_or_to_the_end(store, three, run, before, then):
    move(store, three[run].id, None if before is None else three[before].id)
    assert order(store) == then
    store.add(config(seed=9))
    assert order(store) == [*then, 9]


def test_only_what_waits_can_be_moved_or_moved_before(store, three):
    claim(store, three[0].id, ME)
    assert is_one_sentence(refusal(move, store, three[0].id))
    assert is_one_sentence(refusal(move, store, three[1].id, three[0].id))
    assert is_one_sentence(refusal(move, store, "nothere1"))
    assert order(store) == [1, 2]


def test_a_claimed_run_is_running_and_knows_its_process(store, three):
    assert claim(store, three[0].id, ME, threads=2)
    run = store.run(three[0].id)
    assert (run.status, run.position, run.threads) == ("running", None, 2)
    assert Process.training(run) == ME
    assert run.heartbeat == run.started > run.created
    assert order(store) == [1, 2]
    assert not claim(store, run.id, dataclasses.replace(ME, pid=1))
    assert store.run(run.id) == run


def claim_all(address, folder, number):
    with Store(address, folder) as store:
        process = dataclasses.replace(ME, pid=number)
        won = [run.id for run in waiting(store) if claim(store, run.id, process)]
        (folder / f"won-{number}").write_text(" ".join(won))


def test_of_many_processes_one_wins_each_run(address, tmp_path):
    folder = tmp_path / "home"
    with Store(address, folder) as store:
        runs = [store.add(config(seed=seed)) for seed in range(30)]
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=claim_all, args=(address, folder, number)) for number in (1, 2, 3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(JOIN)
    won = {number: (folder / f"won-{number}").read_text().split() for number in (1, 2, 3)}
    assert sorted(itertools.chain(*won.values())) == sorted(run.id for run in runs)
    with Store(address, folder) as store:
        assert all(store.run(run_id).pid == number for number, ids in won.items() for run_id in ids)


# ---- requests


def test_what_runs_is_asked_and_what_waits_obeys_at_once(store, three):
    a, b, c = (run.id for run in three)
    claim(store, a, ME)
    assert beat(store, a) is None
    assert request(store, a, "pause").status == "running"
    assert beat(store, a) == "pause"
    request(store, a, "stop")
    assert beat(store, a) == "stop"
    assert request(store, b, "pause").status == "paused"
    assert request(store, b, "stop").status == "stopped"
    assert request(store, c, "stop").status == "stopped"
    assert store.run(b).finished
    assert order(store) == []


def test_a_request_ends_with_the_process_that_it_was_made_to(store, three):
    claim(store, three[0].id, ME)
    request(store, three[0].id, "pause")
    release(store, three[0].id, "paused")
    resume(store, three[0].id)
    claim(store, three[0].id, ME)
    assert beat(store, three[0].id) is None


def test_another_request_is_refused(store, three):
    assert is_one_sentence(refusal(request, store, three[0].id, "explode"))


# ---- the end, and going on


@pytest.mark.parametrize("status", ["done", "diverged", "stopped", "failed", "paused"])
def test_a_released_run_has_no_process(store, three, status):
    claim(store, three[0].id, ME)
    release(store, three[0].id, status, "Why.")
    run = store.run(three[0].id)
    assert (run.status, run.message, run.pid, run.host, run.request) == (status, "Why.", None, None, None)
    assert Process.training(run) is None
    assert run.is_over == (run.finished is not None) == (status != "paused")


def test_a_resumed_run_keeps_its_start_and_its_threads(store, three):
    run_id = three[0].id
    claim(store, run_id, ME, threads=2)
    started = store.run(run_id).started
    release(store, run_id, "failed", "Why.")
    resumed = resume(store, run_id)
    assert (resumed.status, resumed.message, resumed.finished) == ("queued", "", None)
    assert order(store) == [1, 2, 0]
    claim(store, run_id, ME, threads=1)
    assert (store.run(run_id).threads, store.run(run_id).started) == (2, started)


# fmt: off
ALLOWED = {  # transcribed from the promise: what -> in which states
    "pause":   {"queued", "running"},
    "stop":    {"queued", "running", "paused"},
    "resume":  {"paused", "stopped", "failed"},
    "release": {"running"},
    "beat":    {"running"},
    "move":    {"queued"},
}
DO = {
    "pause":   lambda store, run_id: request(store, run_id, "pause"),
    "stop":    lambda store, run_id: request(store, run_id, "stop"),
    "resume":  resume,
    "release": lambda store, run_id: release(store, run_id, "done"),
    "beat":    beat,
    "move":    move,
}
# fmt: on


@pytest.mark.parametrize("what", ALLOWED)
@pytest.mark.parametrize("status", STATUSES)
def test_every_step_is_possible_in_its_states_and_refused_in_others(store, what, status):
    run_id = brought_to(store, status)
    before = store.run(run_id)
    if status in ALLOWED[what]:
        DO[what](store, run_id)
        return
    said = refusal(DO[what], store, run_id)
    assert is_one_sentence(said)
    assert f"is {status}" in said
    assert (POSSIBLE[status] in said) == (what not in ("release", "beat"))  # these two are no wishes of a user
    assert store.run(run_id) == before


@pytest.mark.parametrize("what", [what for what in ALLOWED if what not in ("release", "beat")])
def test_nothing_is_done_with_a_deleted_run(store, what):
    run_id = brought_to(store, "queued" if what == "move" else "paused")
    store.delete(run_id)
    said = refusal(DO[what], store, run_id)
    assert is_one_sentence(said)
    assert "undelete it first" in said


@pytest.mark.parametrize("what", [lambda store, run_id: release(store, run_id, "done"), beat, progressed])
def test_a_process_that_was_taken_for_dead_changes_nothing_any_more(store, three, what):
    run_id = three[0].id
    claim(store, run_id, dataclasses.replace(ME, pid=ME.pid + 1))
    before = store.run(run_id)
    with pytest.raises(TakenAwayError) as caught:
        what(store, run_id)
    assert is_one_sentence(str(caught.value))
    assert store.run(run_id) == before


# ---- death


def die(store, run_id, number):
    process = dataclasses.replace(ME, pid=number)
    assert claim(store, run_id, process)
    return requeue(store, store.run(run_id))


def test_a_run_whose_process_died_is_the_next(store, three):
    assert die(store, three[2].id, 1) == "queued"
    assert order(store) == [2, 0, 1]
    run = store.run(three[2].id)
    assert (run.deaths, run.pid, run.host, run.request) == (1, None, None, None)
    assert die(store, three[1].id, 1) == "queued"
    assert order(store) == [1, 2, 0]


def test_a_run_that_dies_again_and_again_fails_with_a_sentence(store, three):
    states = [die(store, three[0].id, number) for number in range(1, MAX_DEATHS + 1)]
    assert states == ["queued"] * (MAX_DEATHS - 1) + ["failed"]
    run = store.run(three[0].id)
    assert is_one_sentence(run.message)
    assert run.finished
    assert order(store) == [1, 2]
    assert resume(store, run.id).deaths == 0


def test_progress_makes_earlier_deaths_forgotten(store, three):
    for number in range(1, 3 * MAX_DEATHS):
        assert die(store, three[0].id, number) == "queued"
        claim(store, three[0].id, ME)
        progressed(store, three[0].id)
        assert store.run(three[0].id).deaths == 0
        requeue(store, store.run(three[0].id))


def test_a_run_that_another_process_has_claimed_since_is_left_alone(store, three):
    claim(store, three[0].id, dataclasses.replace(ME, pid=1))
    seen = store.run(three[0].id)
    requeue(store, seen)
    claim(store, three[0].id, ME)
    assert requeue(store, seen) == "running"
    assert store.run(three[0].id).deaths == 1


def test_a_stop_that_was_asked_for_is_kept_when_the_process_dies(store, three):
    claim(store, three[0].id, ME)
    request(store, three[0].id, "stop")
    assert requeue(store, store.run(three[0].id)) == "stopped"
    claim(store, three[1].id, ME)
    request(store, three[1].id, "pause")
    assert requeue(store, store.run(three[1].id)) == "paused"


def test_a_process_is_known_alive_dead_and_from_another_with_its_number():
    assert ME.pid == os.getpid()
    assert ME.is_alive
    assert not dataclasses.replace(ME, started=ME.started - 60).is_alive
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        process = Process.of(other.pid)
        assert process.is_alive
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, but its parent has not looked yet
        assert not process.is_alive
    assert not process.is_alive
