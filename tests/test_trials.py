"""A trial runs beside its run, and the run goes over only where that is worth it."""

import time

import pytest
import torch

from resnet_lab import trials
from resnet_lab.events import Alert, Switch
from resnet_lab.fusion import FusedUnits
from resnet_lab.machine import locked
from resnet_lab.queueing import Process, claim
from resnet_lab.trials import COST, LOCK, Found, Fusing, Trial, may_fuse
from resnet_lab.weights import read_tensors
from resnet_lab.worker import Training
from tests.processes import processes_of, store, until
from tests.sentences import is_one_sentence
from tests.test_trainer import tiny, trainer

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("default"),  # torch's compiler has some of its own
]

__all__ = ["store"]

FASTER = Found(plain=2.0, fused=1.0, ready=0.5)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_HOME", str(tmp_path))
    return tmp_path


def begun(**fields):
    """A run after its first loss, and who looks after its units as on a GPU."""
    one = trainer(**fields)
    one.learner.fused_units = FusedUnits("aot_eager")
    while one.step < 4:
        one.advance()
    fusing = Fusing(one, 0, "aot_eager")
    assert fusing.is_over, "on a CPU nothing is to be found"
    fusing.is_over = False
    return one, fusing


def said(one):
    return [event for _, event in one.take() if isinstance(event, Alert | Switch)]


def test_a_trial_is_made_where_only_rounding_differs():
    for fields, expected in [({}, True), ({"shortcut": "dropout"}, False), ({"deterministic": True}, False)]:
        one = trainer(**fields)
        assert not may_fuse(one)
        one.device = torch.device("cuda")
        assert may_fuse(one) == expected


@pytest.mark.parametrize(
    ("found", "steps_left", "expected"),
    [
        (FASTER, 100, True),
        (Found(plain=1.0, fused=2.0, ready=0.0), 100, False),
        (Found(plain=1.04, fused=1.0, ready=0.0), 10**6, False),
        (FASTER, int(COST * FASTER.ready), False),
    ],
)
def test_it_is_worth_it_where_it_is_clearly_faster_and_gains_more_than_it_costs(found, steps_left, expected):
    assert found.is_worth_it(steps_left) == expected


def test_the_run_goes_over_where_it_is_worth_it():
    one, fusing = begun()
    assert fusing.decide(FASTER)
    [switch] = said(one)
    assert "2.00 times" in switch.words
    assert one.execution.units == "fused"
    assert not fusing.look()


def test_the_run_says_nothing_where_it_is_not():
    one, fusing = begun()
    assert not fusing.decide(Found(plain=1.0, fused=1.0, ready=0.1))
    assert said(one) == []
    assert one.execution.units == "plain"
    assert fusing.is_over


def test_a_trial_in_which_nothing_could_be_compiled_is_told_once():
    one, fusing = begun()
    assert fusing.decide(Found(obstacle="OSError: there is no compiler"))
    [alert] = said(one)
    assert is_one_sentence(alert.words)
    assert "there is no compiler" in alert.words
    assert not fusing.look()
    assert said(one) == []


def test_a_short_run_makes_no_trial():
    _, fusing = begun()
    assert not fusing.look()
    assert fusing.trial is None


def test_a_run_repeats_what_an_earlier_process_told_before_it_tries_anything(home, monkeypatch):
    monkeypatch.setattr(trials, "WORTH_SECONDS", 0.0)
    one, fusing = begun()
    fusing.after = one.num_events
    assert not fusing.look()
    assert fusing.trial is None


def test_a_run_goes_over_when_its_trial_is_done_and_a_checkpoint_knows_it(store, monkeypatch):
    for name, value in {"WORTH_SECONDS": 0.0, "GAIN": 0.0, "COST": -1e9}.items():  # whatever it gains
        monkeypatch.setattr(trials, name, value)
    run = store.add(tiny(steps=10**6, loss_every=2, probe_every=0, evaluate_every=10**6), device="cpu")
    assert claim(store, run.id, Process.of(), threads=1)
    training = Training(store, run)
    training.trainer.learner.fused_units = FusedUnits("aot_eager")
    training.fusing = Fusing(training.trainer, 0, "aot_eager")
    training.fusing.is_over = False
    end, kept = time.monotonic() + 300, []

    def has_gone_over():
        if store.last(run.id, Switch.kind):
            kept.append(read_tensors(training.checkpoint)[1]["execution"])
        time.sleep(0.1)  # the trial needs the core more
        return bool(kept) or time.monotonic() > end

    assert training.go_on(1000, has_gone_over) == "running"
    switch = store.last(run.id, Switch.kind)
    assert kept == [switch.execution] == [training.trainer.execution.to_dict()]
    assert switch.execution["units"] == "fused"
    successor = Training(store, run)
    assert successor.trainer.step >= switch.step
    assert successor.trainer.execution.units == "plain"
    assert successor.fusing.after == len(store.events(run.id))


def test_what_goes_wrong_in_the_process_is_said(home):
    one = trainer()
    one.advance()
    trial = Trial(one.config, one.execution, "no such backend")
    found = until(trial.found, "the trial is over", 300)
    assert "no such backend" in found.obstacle
    assert "\n" not in found.obstacle


def test_a_process_that_is_killed_found_nothing(home):
    one = trainer()
    one.advance()
    trial = Trial(one.config, one.execution, "aot_eager")
    trial.process.kill()
    trial.process.wait()
    assert trial.found().obstacle == "the process that compiled them ended with status -9"


def test_a_process_ends_with_the_run_that_was_killed(home):
    one = trainer()
    one.advance()
    with locked(home, LOCK):  # for which it waits
        trial = Trial(one.config, one.execution, "aot_eager")
        trial.process.stdin.close()  # as the system does it for who is killed
        until(lambda: trial.process.poll() is not None, "the trial has ended", 120)
    assert "ended with status" in trial.found().obstacle


CHATTY = """
import subprocess, sys
from torch._dynamo import lookup_backend

def chatty(graph, inputs):
    print("x" * 200_000, flush=True)
    subprocess.run([sys.executable, "-c", "print('y' * 200_000)"], check=True)
    return lookup_backend("aot_eager")(graph, inputs)
"""


def test_a_compiler_that_prints_much_does_not_stop_it(home, monkeypatch):
    (home / "chatty.py").write_text(CHATTY)
    (home / "chatty-1.dist-info").mkdir()
    (home / "chatty-1.dist-info" / "entry_points.txt").write_text("[torch_dynamo_backends]\nchatty = chatty:chatty\n")
    monkeypatch.setenv("PYTHONPATH", str(home))
    one = trainer()
    one.advance()
    trial = Trial(one.config, one.execution, "chatty")
    try:
        assert until(trial.found, "the trial is over", 200).obstacle == ""
    finally:
        trial.end()


def test_no_process_outlives_its_run(home, monkeypatch):
    monkeypatch.setattr(trials, "WORTH_SECONDS", 0.0)
    _, fusing = begun(steps=10**6)
    fusing.look()
    assert processes_of(home)
    fusing.close()
    assert not processes_of(home)
    assert not fusing.look()
