"""Runs of one process side by side: they are steps of each, and as many as make most steps in all."""

import threading

import pytest
import torch

from resnet_lab import side_by_side
from resnet_lab.captures import in_one_thread
from resnet_lab.execution import Usual
from resnet_lab.learner import Learner
from resnet_lab.memory import PLENTY, Memory, needed_gpu_bytes
from resnet_lab.side_by_side import COUNTS, SideBySide, best_number, take
from tests.test_learner import assert_same, values
from tests.test_trainer import tiny

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
FP32 = Usual("fp32")


def learner(seed):
    return Learner(tiny(seed=seed), CPU)


def test_each_takes_the_steps_that_it_would_take_alone():
    runs = SideBySide(CPU)
    for seed in range(3):
        runs.add(lambda seed=seed: learner(seed))
    assert runs.rate(steps=4) > 0
    for seed, one in enumerate(runs.learners):
        alone = learner(seed)
        take(alone, 4)
        assert_same(values(one), values(alone))


def best_with(monkeypatch, rates, free=PLENTY):
    """The number that is found best where so many make so many steps a second, and memory for so many is free."""
    seen = []

    def rate(runs, steps):
        seen.append(len(runs.learners))
        return rates[len(runs.learners)]

    monkeypatch.setattr(SideBySide, "rate", rate)
    monkeypatch.setattr(side_by_side, "take", lambda learner, steps: None)
    monkeypatch.setattr(side_by_side, "preset", lambda name, data: tiny())
    monkeypatch.setattr(side_by_side, "gpu_memory", lambda: Memory(PLENTY, free))
    return best_number(CPU, FP32), seen


@pytest.mark.parametrize(
    ("rates", "best", "seen"),
    [
        ({1: 100, 2: 144, 4: 200, 8: 250}, 8, [1, 2, 4, 8]),
        ({1: 100, 2: 144, 4: 150, 8: 900}, 2, [1, 2, 4]),
        ({1: 100, 2: 90}, 1, [1, 2]),
    ],
)
def test_more_run_at_once_as_long_as_they_make_clearly_more_steps_in_all(monkeypatch, rates, best, seen):
    assert best_with(monkeypatch, rates) == (best, seen)


def test_no_more_run_at_once_than_there_is_memory_for(monkeypatch):
    rates = {count: 1000**count for count in COUNTS}
    assert best_with(monkeypatch, rates, free=needed_gpu_bytes(tiny())) == (2, [1, 2])
    assert best_with(monkeypatch, rates, free=0) == (1, [])


def test_the_best_number_is_found_by_steps_that_are_taken():
    assert best_number(CPU, FP32, steps=1) in COUNTS


def test_all_that_is_recorded_is_recorded_in_one_thread_and_what_fails_there_fails_here():
    names = {in_one_thread(lambda: threading.current_thread().name, None) for _ in range(3)}
    assert len(names) == 1
    assert threading.current_thread().name not in names
    with pytest.raises(ZeroDivisionError):
        in_one_thread(lambda: 1 / 0, None)
    assert in_one_thread(lambda: 5, None) == 5
