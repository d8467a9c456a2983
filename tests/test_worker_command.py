"""`worker`: the queue as it is, and what can be asked of it."""

import json

import pytest

from resnet_lab.places import chosen_places
from resnet_lab.queueing import Process, claim, release, request, waiting
from resnet_lab.supervisor import LOCK_SECONDS, is_supervised, supervisor_lock
from tests.command_line import lab
from tests.processes import store, until
from tests.sentences import is_one_sentence
from tests.stores import config

__all__ = ["lab", "store"]


@pytest.fixture
def idle(store):
    """Nobody trains what is put into the queue."""
    with supervisor_lock(store.folder, LOCK_SECONDS):
        yield


@pytest.fixture
def queue(store, idle):
    """Four runs: the first one is running, the others wait."""
    runs = [store.add(config(seed=seed), name=f"number {seed}") for seed in range(4)]
    claim(store, runs[0].id, Process.of())
    return runs


def ids(store):
    return [run.id for run in waiting(store)]


def test_an_empty_queue_says_so(store, lab):
    assert lab("worker").out == "Nothing is being trained, and nothing waits.\n"
    assert lab("worker", "--json").out == "[]\n"


def test_the_queue_is_shown_in_its_order_what_runs_before_what_waits(store, queue, lab):
    request(store, store.add(config()).id, "pause")
    order = [run.id for run in queue]
    lines = lab("worker").out.splitlines()
    assert [line.split()[0] for line in lines if "queued" in line or "running" in line] == order
    told = json.loads(lab("worker", "--json").out)
    assert [(run["id"], run["status"]) for run in told] == list(zip(order, ["running"] + 3 * ["queued"], strict=True))


def test_what_waits_is_moved(store, queue, lab):
    _, first, second, third = (run.id for run in queue)
    assert lab("worker", "move", third, "--before", "number 1").out == f"{third} (number 3) is queued.\n"
    assert ids(store) == [third, first, second]
    lab("worker", "move", third)
    assert ids(store) == [first, second, third]
    lab("worker", "move", second, third, "--before", first)
    assert ids(store) == [second, third, first]


def test_what_waits_is_paused_stopped_and_resumed_at_once(store, queue, lab):
    _, first, second, third = (run.id for run in queue)
    assert "is paused." in lab("worker", "pause", first).out
    assert lab("worker", "stop", second, third).out.count("is stopped.\n") == 2
    assert ids(store) == []
    lab("worker", "resume", second, first)
    assert ids(store) == [second, first]


def test_how_many_are_trained_at_once_is_said_and_taken_back(store, idle, lab):
    said = lab("worker", "--at-once", "2", "--json")
    assert (said.status, json.loads(said.out), said.err) == (0, [], "2 at once from now on.\n")
    assert chosen_places(store.folder) == 2
    refused = lab("worker", "--at-once", "13")
    assert (refused.status, is_one_sentence(refused.err.strip())) == (2, True)
    assert chosen_places(store.folder) == 2
    lab("worker", "--at-once", "0")
    assert chosen_places(store.folder) is None


def test_what_runs_is_asked_to(store, queue, lab):
    assert lab("worker", "pause", "number 0").out == f"{queue[0].label} is running, asked to pause.\n"
    assert "running, asked to pause" in lab("worker").out
    assert lab("worker", "stop", "number 0").out == f"{queue[0].label} is running, asked to stop.\n"
    assert store.run(queue[0].id).request == "stop"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["resume", "number 0"], "running"),
        (["resume", "number 1"], "queued"),
        (["move", "number 0"], "running"),
        (["move", "number 1", "--before", "number 0"], "running"),
        (["move", "number 1", "--before", "nope"], "nope"),
        (["pause", "nope"], "nope"),
        (["stop", "number"], "number"),
        (["pause", "number 1", "nope"], "nope"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_changes(store, queue, lab, words, named):
    before = store.runs()
    said = lab("worker", *words)
    assert (said.status, said.out) == (2, "")
    assert is_one_sentence(said.err.removesuffix("\n"))
    assert named in said.err
    assert store.runs() == before


def test_what_is_over_is_not_paused(store, queue, lab):
    release(store, queue[0].id, "done")
    for action in ("pause", "stop", "resume", "move"):
        assert "is done, so it cannot" in lab("worker", action, queue[0].id).err


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the supervisor outlives the call that started it
@pytest.mark.parametrize("words", [[], ["resume", "paused", "done"]])
def test_whatever_is_asked_what_waits_is_served(store, lab, words):
    paused, done = store.add(config(), name="paused"), store.add(config(seed=1), name="done")
    claim(store, done.id, Process.of())
    release(store, done.id, "done")
    if words:
        request(store, paused.id, "pause")
    assert lab("worker", *words).status == (2 if words else 0)
    assert store.run(paused.id).status == "queued"
    until(lambda: is_supervised(store.folder), "there is a supervisor")
