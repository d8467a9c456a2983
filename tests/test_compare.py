"""Runs side by side: numbers that can be worked out by hand, seeds together, and what was not trained alike."""

import json

import pytest

from resnet_lab.comparisons import compare, unlike
from resnet_lab.events import Epoch, Probe, Start, Step
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim, release
from tests.command_line import lab
from tests.processes import store
from tests.stores import config, story

__all__ = ["lab", "store"]


def trained(store, config, events=(), status="done", **labels):
    run = store.add(config, **labels)
    claim(store, run.id, Process.of())
    store.append(run.id, list(enumerate(events, start=1)))
    release(store, run.id, status)
    return store.run(run.id)


def told(losses=(), errors=(), norms=(), every=10):
    """Events: a loss every so many steps, a second each; then test errors; then norms of the units' gradients."""
    steps = [Step(every * k, float(k), loss, 0.1, 1000.0, 0.0) for k, loss in enumerate(losses, start=1)]
    tests = [Epoch(every * k, 99.0, k, error, 1.0, 1000) for k, error in enumerate(errors, start=1)]
    return [*steps, *tests, *(Probe(every, 1.0, {}, {"gradient_norm": list(each)}) for each in norms)]


def test_seeds_of_one_configuration_are_one_group_in_the_order_given(store):
    first, other, second = (
        trained(store, config(seed=seed, shortcut=shortcut))
        for seed, shortcut in ((3, "identity"), (0, "none"), (1, "identity"))
    )
    groups = compare(store, [first, other, second])
    assert [[run.id for run in group.runs] for group in groups] == [[first.id, second.id], [other.id]]
    assert groups[0].config == first.config


def test_mean_and_deviation_are_those_of_a_sample(store):
    runs = [
        trained(store, config(seed=0), told([9.0] * 5 + [1.0] * 5, [50.0, 20.0], [(9, 9), (3.0, 7.0, 1.5)])),
        trained(store, config(seed=1), told([9.0] * 4 + [2.0] * 5, [24.0], [(2.0, 1.0)])),
    ]
    [group] = compare(store, runs)
    assert group.loss.values == (1.0, 2.0)
    assert (group.loss.mean, group.loss.deviation) == (1.5, pytest.approx(0.5**0.5))
    assert group.test_error.values == (20.0, 24.0)
    assert (group.test_error.mean, group.test_error.deviation) == (22.0, pytest.approx(8**0.5))
    assert group.gradient_ratio.values == (2.0, 2.0)
    assert group.gradient_ratio.deviation == 0
    assert group.seconds.values == (10.0, 9.0)


def test_a_single_run_has_no_deviation(store):
    [group] = compare(store, [trained(store, config(), told([1.0], [10.0]))])
    assert group.loss.values == (1.0,)
    assert group.loss.deviation is None
    assert group.test_error.to_dict() == {"n": 1, "mean": 10.0, "deviation": None, "values": [10.0]}


def test_the_final_loss_weighs_each_event_by_its_steps(store):
    """Of 80 steps, told at 16, 32, 48, 64 and 80, the last 50 begin in those told at 32."""
    rising = trained(store, config(), told([100.0, 1.0, 2.0, 3.0, 4.0], every=16))
    assert compare(store, [rising])[0].loss.values == (pytest.approx((1 + 2 + 3 + 4) / 4),)
    last = Step(24, 3.0, 8.0, 0.1, 1000.0, 0.0)  # tells 4 steps, the one before it 20
    ragged = trained(store, config(seed=1), [*told([2.0], every=20), last])
    assert compare(store, [ragged])[0].loss.values == (pytest.approx((20 * 2 + 4 * 8) / 24),)


def test_a_loss_that_is_not_a_number_leaves_none(store):
    runs = [
        trained(store, config(seed=0), told([1.0, None], [90.0]), "diverged"),
        trained(store, config(seed=1), told([1.0, 3.0], [30.0])),
    ]
    [group] = compare(store, runs)
    assert group.loss.values == (2.0,)
    assert group.test_error.values == (90.0, 30.0)
    assert group.num_diverged == 1


@pytest.mark.parametrize("norms", [(None, 1.0), (1.0, None), (1.0, 0.0), ()])
def test_gradients_that_vanish_or_are_no_numbers_have_no_ratio(store, norms):
    assert compare(store, [trained(store, config(), told(norms=[norms]))])[0].gradient_ratio is None


def test_runs_without_events_have_no_numbers(store, lab):
    start = Start(0, 0.0, 20, 5000, 1000, 77, 1000.0, 3.0, {"device": "cpu", "precision": "fp32", "threads": 1})
    runs = [trained(store, config(seed=0)), trained(store, config(seed=1), [start])]
    [group] = compare(store, runs)
    assert (group.loss, group.test_error, group.gradient_ratio, group.seconds) == (None, None, None, None)
    said = lab("compare")
    assert said.status == 0
    assert "none" in said.out
    assert "none of" not in said.out
    assert json.loads(lab("compare", "--json").out)["groups"][0]["loss"] is None


def test_unlike_names_what_differs_beside_the_block(store):
    synthetic = preset("minute", data="synthetic", depth=8, steps=20)
    configs = config(), config(shortcut="none", loss_every=5), config(lr=0.5, milestones=()), synthetic
    assert unlike(compare(store, [store.add(each) for each in configs])) == {
        "data": ["sample", "sample", "sample", "synthetic"],
        "lr": [0.05, 0.05, 0.5, 0.05],
        "milestones": [(0.5, 0.75), (0.5, 0.75), (), (0.5, 0.75)],
    }


def test_groups_that_were_trained_alike_are_not_unlike(store):
    groups = compare(store, [store.add(config(shortcut=name)) for name in ("identity", "none", "dropout")])
    assert len(groups) == 3
    assert unlike(groups) == {}
    assert unlike([]) == {}


def test_the_command_shows_every_result_or_those_that_are_named_or_tagged(store, lab):
    assert lab("compare").out == "There are no runs to compare.\n"
    first = trained(store, config(), [event for _, event in story()], tags=["a"])
    second = trained(store, config(seed=1), status="diverged", tags=["a", "b"])
    third = trained(store, config(shortcut="none"), name="plain")
    store.add(config(shortcut="dropout"))

    def groups(*words):
        return [group["runs"] for group in json.loads(lab("compare", "--json", *words).out)["groups"]]

    assert groups() == [[third.id], [second.id, first.id]]
    assert groups("--tag", "a", "--tag", "b") == [[second.id]]
    assert groups("plain", first.id[:6], first.id) == [[third.id], [first.id]]


def test_the_table_shows_what_was_worked_out(store, lab):
    trained(store, config(lr=0.5), told([1.0], [20.0], [(3.0, 1.5)]))
    trained(store, config(lr=0.5, seed=1), told([2.0], [24.0]), "diverged")
    trained(store, config(shortcut="none"), told([3.0], [60.0]))
    said = lab("compare")
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    row = f"{config().title} 2, 1 diverged 1.500 ± 0.707 22.00 ± 2.83 of 1,000 2.00 1 s"
    assert row in lines
    assert f"{config(shortcut='none').title} 1 3.000 60.00 of 1,000 none 1 s" in lines
    assert "Not alike in lr: 0.05, 0.5." in lines
    assert said.status == 0


def test_the_comparison_for_programs_has_the_same(store, lab):
    first = trained(store, config(), told([1.0], [20.0]))
    second = trained(store, config(seed=1), told([None]), "diverged")
    third = trained(store, config(batch_size=64))
    told_ = json.loads(lab("compare", first.id, second.id, third.id, "--json").out)
    assert told_["unlike"] == {"batch_size": [128, 64]}
    assert told_["groups"][0] == {
        "title": config().title,
        "runs": [first.id, second.id],
        "diverged": 1,
        "unfinished": 0,
        "loss": {"n": 1, "mean": 1.0, "deviation": None, "values": [1.0]},
        "test_error": {"n": 1, "mean": 20.0, "deviation": None, "values": [20.0]},
        "gradient_ratio": None,
        "seconds": {"n": 2, "mean": 1.0, "deviation": 0.0, "values": [1.0, 1.0]},
    }
