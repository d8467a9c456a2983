"""How long a run will take: by what was measured on this machine, and not at all where nothing was."""

import os

import pytest

from resnet_lab import estimates
from resnet_lab.environment import describe_environment
from resnet_lab.estimates import expected_many, expected_seconds, seconds_together
from resnet_lab.events import Step
from resnet_lab.places import choose_places
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim
from resnet_lab.supervisor import fair_share
from resnet_lab.trainer import expected_seconds as seconds_at

pytest_plugins = ["tests.postgres"]

DAY = 86_400.0


@pytest.fixture(params=[1, 2, 8, 32])
def cores(request, monkeypatch):
    """Of machines as small and as large as they come: a run alone has at most eight threads."""
    monkeypatch.setattr(estimates, "usable_cores", lambda: list(range(request.param)))
    return request.param


def threads_alone():
    return fair_share(len(estimates.usable_cores()), 1)


def minute(**fields):
    return preset("minute", data="sample", **{"depth": 20} | fields)


def measured(store, config, pace, threads=None, share=1.0, ended=None, **environment):
    """A run of this machine whose steps took `pace` seconds each, tests counted as steps; alone, or `ended` then."""
    run = store.add(config)
    assert claim(store, run.id, Process.of(), threads or threads_alone())
    store.change(run.id, heartbeat=ended or DAY * len(store.runs()))
    store.record_environment(run.id, describe_environment("cpu") | environment)
    step = int(share * config.recipe.steps)
    store.append(run.id, [(1, Step(step, pace * share * seconds_at(config, 1), 1.0, 0.1, 1000.0, 0.0))])
    return run


def test_where_nothing_was_trained_nothing_is_known(store):
    store.add(minute())
    assert expected_seconds(store, minute(), "cpu") is None
    assert expected_many(store, [], "cpu") == []


def test_the_same_run_takes_as_long_as_before(store):
    measured(store, minute(), pace=0.2)
    assert expected_seconds(store, minute(seed=1), "cpu") == pytest.approx(seconds_at(minute(), 0.2))
    assert expected_seconds(store, minute(steps=4000, lr=0.01), "cpu") == pytest.approx(
        seconds_at(minute(steps=4000), 0.2)
    )


def test_a_run_that_has_just_begun_tells_already(store):
    measured(store, minute(), pace=0.2, share=0.25)
    assert expected_seconds(store, minute(), "cpu") == pytest.approx(seconds_at(minute(), 0.2))


def test_runs_of_a_few_steps_are_not_asked_where_there_are_longer_ones(store):
    measured(store, minute(steps=30), pace=2.0)
    assert expected_seconds(store, minute(), "cpu") == pytest.approx(seconds_at(minute(), 2.0))
    measured(store, minute(), pace=0.2)
    measured(store, minute(steps=30, seed=1), pace=2.0)
    assert expected_seconds(store, minute(), "cpu") == pytest.approx(seconds_at(minute(), 0.2))


def test_of_several_the_newest_counts(store):
    for pace in (0.5, 0.3, 0.2):
        measured(store, minute(), pace)
    measured(store, minute(depth=56), 0.9)
    assert expected_seconds(store, minute(), "cpu") == pytest.approx(seconds_at(minute(), 0.2))


def test_another_net_is_scaled_by_its_multiply_adds_from_the_one_most_alike(store):
    measured(store, minute(depth=110), 9.0)
    measured(store, minute(depth=20), 0.2)
    measured(store, minute(depth=110, seed=1), 9.0)
    found = expected_seconds(store, minute(depth=32, batch_size=64), "cpu")
    ratio = seconds_at(minute(depth=32, batch_size=64), 0.2 / 2)
    assert 1.5 < found / ratio < 1.75  # 32 layers have 1.7 times the multiply-adds of 20


@pytest.mark.parametrize("field", [{"cpu": "another"}, {"cores": (os.cpu_count() or 1) + 1}, {"device": "cuda"}])
def test_other_machines_and_devices_tell_nothing(store, field):
    measured(store, minute(), 0.2, **field)
    assert expected_seconds(store, minute(), "cpu") is None


def test_with_fewer_threads_each_a_run_takes_longer(store, cores):
    measured(store, minute(), 0.2)
    alone = expected_seconds(store, minute(), "cpu")
    assert alone == pytest.approx(seconds_at(minute(), 0.2))
    many = [minute(seed=seed) for seed in range(max(3, cores))]
    turns = len(many) / cores
    assert expected_many(store, many, "cpu") == pytest.approx([turns * alone * threads_alone() ** 0.5] * len(many))


def test_a_run_alone_is_quicker_than_it_was_beside_others(store, cores):
    """Of one thread each, at least three: what they are said to take together is what they took, alone it is less."""
    number = max(3, cores)
    many = [minute(seed=seed) for seed in range(number)]
    for config in many:
        measured(store, config, 0.3, threads=1, ended=DAY)
    measured(store, minute(depth=56), 9.0, threads=1, ended=2 * DAY)
    together, turns = seconds_at(minute(), 0.3), number / cores
    assert expected_many(store, many, "cpu") == pytest.approx([together] * number)
    assert expected_seconds(store, minute(), "cpu") == pytest.approx(together / turns / threads_alone() ** 0.5)


def test_runs_that_were_beside_it_for_a_part_count_for_that_part(store, cores):
    """Each of as many threads as there are cores."""
    seconds = seconds_at(minute(), 0.2)
    measured(store, minute(seed=1), 0.2, threads=cores, ended=DAY + seconds / 2)
    measured(store, minute(), 0.2, threads=cores, ended=DAY)
    narrower = (cores / threads_alone()) ** 0.5
    assert expected_seconds(store, minute(), "cpu") == pytest.approx(narrower * seconds / 1.5)


@pytest.mark.parametrize(
    ("seconds", "side_by_side", "total"),
    [([], 3, 0), ([5], 3, 5), ([5, 6, 7], 3, 7), ([5, 6, 7, 1], 3, 7), ([5, 6, 7, 9], 3, 14), ([2, 2, 2], 1, 6)],
)
def test_runs_side_by_side_are_over_with_the_last_of_them(seconds, side_by_side, total):
    assert seconds_together(seconds, side_by_side) == total


def test_as_many_are_expected_to_be_trained_at_once_as_the_user_says(store, cores):
    measured(store, minute(), pace=0.2, threads=1)
    several = [minute(seed=seed) for seed in range(1, 1 + max(3, cores))]
    together = expected_many(store, several, "cpu")
    choose_places(store.folder, 1)
    assert expected_many(store, several, "cpu")[0] < together[0]
