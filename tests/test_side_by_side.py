"""Runs of one process side by side: they are steps of each, and as many as make most steps in all."""

import pytest
import torch

from resnet_lab import side_by_side
from resnet_lab.execution import UsualWay
from resnet_lab.learner import Learner
from resnet_lab.memory import PLENTY, Memory, needed_gpu_bytes
from resnet_lab.side_by_side import COUNTS, SideBySide, best_runs_at_once
from tests.test_learner import assert_same, values
from tests.test_trainer import tiny

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
FP32 = UsualWay("fp32")


def learner(seed):
    return Learner(tiny(seed=seed), CPU)


def test_each_takes_the_steps_that_it_would_take_alone():
    runs = SideBySide(CPU)
    for seed in range(3):
        runs.add(lambda seed=seed: learner(seed))
    assert runs.rate(steps=4) > 0
    for seed, one in enumerate(runs.learners):
        alone = learner(seed)
        alone.take_steps(4)
        assert_same(values(one), values(alone))


@pytest.fixture
def tiny_nets(monkeypatch):
    monkeypatch.setattr(side_by_side, "preset", lambda name, data: tiny())
    monkeypatch.setattr(side_by_side, "gpu_memory", lambda: Memory(PLENTY, PLENTY))


def best_with(monkeypatch, rates, free=PLENTY, total=PLENTY, is_alone=lambda: True):
    """The number that is found best where so many make so many steps a second, and memory for so many is free."""
    seen = []

    def rate(runs, steps):
        seen.append(len(runs.learners))
        return rates[len(runs.learners)]

    monkeypatch.setattr(SideBySide, "rate", rate)
    monkeypatch.setattr(side_by_side, "gpu_memory", lambda: Memory(total, free))
    return best_runs_at_once(CPU, FP32, is_alone), seen


@pytest.mark.usefixtures("tiny_nets")
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


@pytest.mark.usefixtures("tiny_nets")
def test_no_more_run_at_once_than_there_is_memory_for(monkeypatch):
    rates = {count: 1000**count for count in COUNTS}
    need = needed_gpu_bytes(tiny())
    assert best_with(monkeypatch, rates, total=5 * need) == (4, [1, 2, 4])
    assert best_with(monkeypatch, rates, free=need) == (None, [1, 2]), "what lacks now may be there another time"
    assert best_with(monkeypatch, rates, free=0) == (None, [])


@pytest.mark.usefixtures("tiny_nets")
def test_what_fell_back_to_a_slower_way_is_no_measure(monkeypatch):
    monkeypatch.setattr(Learner, "obstacle", "no memory is left", raising=False)
    monkeypatch.setattr(Learner, "compute_as", lambda learner, execution: setattr(learner, "execution", execution))
    assert best_with(monkeypatch, {1: 100, 2: 90}) == (None, [1])


@pytest.mark.usefixtures("tiny_nets")
@pytest.mark.parametrize("looks", range(5))
def test_what_a_run_came_between_is_not_told(monkeypatch, looks):
    left = iter(range(looks))
    found = best_with(monkeypatch, {1: 100, 2: 90}, is_alone=lambda: next(left, None) is not None)
    assert found[0] == (1 if looks == 4 else None)


@pytest.mark.usefixtures("tiny_nets")
def test_the_steps_that_are_counted_are_taken(monkeypatch):
    taken = []
    monkeypatch.setattr(Learner, "take_steps", lambda learner, count: taken.append(count))
    assert best_runs_at_once(CPU, FP32, lambda: True, steps=7) in COUNTS
    assert taken[:5] == [5, 7, 5, 7, 7]
