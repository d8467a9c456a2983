"""Curves: what is drawn of the numbers of runs, and what a mean, a band and a thinned curve promise."""

import dataclasses
import math
import random
import statistics

import numpy as np
import pytest

from resnet_lab.bands import BANDS, t_975
from resnet_lab.curves import AXES, Curve, curves, errors_of, smoothed, thinned
from resnet_lab.events import Probe
from resnet_lab.histories import Epochs, Probes, Steps
from resnet_lab.probe_curves import of_responses, over_depth, over_time
from resnet_lab.series import each_run, seeds_together
from resnet_lab.store import Store
from resnet_lab.thinning import kept
from tests.sentences import is_one_sentence, refusal
from tests.stores import config


@pytest.fixture
def store(tmp_path):
    with Store(None, tmp_path / "home") as store:
        yield store


def array(*values):
    return np.array(values, dtype=np.float64)


def steps_of(loss, step=None, seconds=None):
    loss = np.asarray(loss, dtype=np.float64)
    step = 10.0 * np.arange(1, len(loss) + 1) if step is None else np.asarray(step, dtype=np.float64)
    seconds = step / 100 if seconds is None else np.asarray(seconds, dtype=np.float64)
    return Steps(step=step, seconds=seconds, loss=loss, train_error=loss, lr=loss, images_per_second=loss)


def epochs_of(test_error):
    errors = array(*test_error)
    return Epochs(
        step=errors, seconds=errors, epoch=np.arange(1.0, len(errors) + 1), test_error=errors, test_loss=errors
    )


# ---- axes


def test_a_point_stands_where_its_axis_says(store):
    run = store.add(config(batch_size=100, train_size=500))
    columns = {run.id: steps_of([3.0, 2.0, 1.0], step=[10, 20, 30], seconds=[1.0, 2.5, 4.0])}
    found = {axis: list(curves(each_run([run]), columns, "loss", axis)[0].x) for axis in AXES}
    assert found == {"step": [10, 20, 30], "epoch": [2, 4, 6], "images": [1000, 2000, 3000], "time": [1.0, 2.5, 4.0]}
    assert is_one_sentence(refusal(curves, each_run([run]), columns, "loss", "days"))


def test_time_never_goes_back_where_a_dead_process_had_been_further(store):
    run = store.add(config())
    columns = {run.id: steps_of([3.0, 2.0, 1.0, 0.5], seconds=[1.0, 5.0, 4.0, 6.0])}
    assert list(curves(each_run([run]), columns, "loss", "time")[0].x) == [1.0, 5.0, 5.0, 6.0]


def test_a_run_without_a_number_has_no_curve(store):
    runs = [store.add(config(seed=seed)) for seed in range(3)]
    columns = {runs[0].id: steps_of([]), runs[1].id: steps_of([np.nan, np.nan]), runs[2].id: steps_of([1.0])}
    assert [curve.runs for curve in curves(each_run(runs), columns, "loss", smoothing=0.5)] == [(runs[2].id,)]


# ---- smoothing


@pytest.mark.parametrize("smoothing", [0.0, 0.3, 0.9, 0.99])
def test_smoothing_is_the_exponential_mean_without_its_bias(smoothing):
    values = np.random.default_rng(0).normal(size=1560)
    average, expected = 0.0, []
    for count, value in enumerate(values, start=1):
        average = smoothing * average + (1 - smoothing) * value
        expected.append(average / (1 - smoothing**count))
    np.testing.assert_allclose(smoothed(values, smoothing), expected, rtol=1e-9, atol=1e-12)


def test_smoothing_starts_at_the_first_value_and_leaves_a_constant_alone():
    assert smoothed(array(5.0, 1.0), 0.9)[0] == 5.0
    np.testing.assert_allclose(smoothed(np.full(300, 2.5), 0.97), 2.5)


def test_a_loss_that_is_not_finite_is_a_gap_and_spoils_nothing_after_it():
    values = smoothed(array(2.0, np.nan, np.inf, 2.0, 4.0), 0.5)
    assert np.isnan(values[1:3]).all()
    assert values[3] == 2.0
    assert 2.0 < values[4] < 4.0


def test_smoothing_outside_its_range_is_refused():
    for wrong in (1, 1.5, -0.1):
        assert is_one_sentence(refusal(smoothed, array(1.0), wrong))


def test_what_is_smoothed_does_not_depend_on_how_many_points_are_drawn(store):
    run, values = store.add(config()), np.random.default_rng(0).normal(size=3000)
    columns = {run.id: steps_of(values)}
    full, few = (curves(each_run([run]), columns, "loss", smoothing=0.9, most=most)[0] for most in (10_000, 200))
    assert len(full.x) == 3000
    assert len(few.x) <= 200
    assert set(zip(few.x, few.y, few.raw, strict=True)) <= set(zip(full.x, full.y, full.raw, strict=True))
    assert np.array_equal(full.raw, values)


# ---- thinning


def test_a_thinned_curve_has_at_most_so_many_points_and_among_them_the_first_and_the_last():
    rng = random.Random(0)
    for _ in range(100):
        length, most = rng.randrange(1, 5000), rng.randrange(6, 1200)
        keep = kept(np.array([rng.random() for _ in range(length)]), most)
        assert len(keep) <= most
        assert (keep[0], keep[-1]) == (0, length - 1)
        assert len(keep) == length or length > most


def test_a_thinned_curve_keeps_every_spike_and_every_gap():
    values = np.ones(5000)
    values[[1234, 3210]], values[2000:2003] = [9.0, -9.0], np.nan
    drawn = kept(values, 200)
    assert {1234, 3210} <= set(drawn)
    assert np.isnan(values[drawn]).any()


def test_a_growing_curve_keeps_its_earlier_points_until_it_has_doubled():
    values = np.random.default_rng(0).normal(size=4000)
    sizes, changes = [], 0
    before = kept(values[:1000], 500)
    for length in range(1001, 4000):
        now = kept(values[:length], 500)
        block = int(np.diff(now).max()) + 1
        stays = before[before < length - 2 * block]
        changes += not np.array_equal(now[: len(stays)], stays)
        before = now
        sizes.append(len(now))
    assert changes <= 2
    assert max(sizes) <= 500
    assert min(sizes) > 200


def test_all_columns_of_a_curve_are_thinned_alike():
    x = np.arange(3000.0)
    curve = thinned(Curve("a", ("1",), x, y=-x, raw=2 * x, low=x - 1, high=x + 1, n=x + 5), 100)
    assert len(curve.x) <= 100
    for column, expected in ((curve.y, -curve.x), (curve.raw, 2 * curve.x), (curve.low, curve.x - 1)):
        assert np.array_equal(column, expected)
    assert np.array_equal(curve.n, curve.x + 5)


# ---- seeds


def test_seeds_of_one_variant_become_a_mean_with_its_band_and_n_at_every_step(store):
    runs = [store.add(config(seed=seed)) for seed in range(3)]
    values = [[3.0, 2.0, 1.0], [4.0, 2.5], [5.0, 6.0, np.nan]]
    columns = {run.id: steps_of(loss) for run, loss in zip(runs, values, strict=True)}
    (curve,) = curves(seeds_together(runs), columns, "loss")
    assert curve.runs == tuple(run.id for run in runs)
    assert list(curve.x) == [10, 20, 30]
    assert list(curve.n) == [3, 3, 1]
    np.testing.assert_allclose(curve.y, [4.0, 3.5, 1.0])
    deviations = [statistics.stdev([3, 4, 5]), statistics.stdev([2, 2.5, 6])]
    np.testing.assert_allclose((curve.high - curve.low)[:2] / 2, deviations)
    assert np.isnan(curve.low[2])
    assert curve.raw is None


def test_runs_that_differ_in_more_than_the_seed_stay_apart(store):
    fields = ({"seed": 0}, {"seed": 1}, {"seed": 1, "depth": 14}, {"seed": 0, "lr": 0.2}, {"seed": 2})
    runs = [store.add(config(**each)) for each in fields]
    assert [[run.seed for run in one.runs] for one in seeds_together(runs)] == [[0, 1, 2], [1], [0]]
    columns = {run.id: steps_of([1.0, 2.0]) for run in runs}
    drawn = curves(seeds_together(runs), columns, "loss", smoothing=0.5)
    assert [curve.n is None for curve in drawn] == [False, True, True]
    assert [curve.raw is None for curve in drawn] == [True, False, False]


def test_a_variant_keeps_its_runs_and_so_its_colour_while_some_have_said_nothing_yet(store):
    runs = [store.add(config(seed=seed)) for seed in range(3)]
    columns = {run.id: steps_of([1.0] if run == runs[2] else []) for run in runs}
    probes = {runs[2].id: probe({"gradient_norm": [1.0]}, {"a": {"response": 1.0}})}
    group = seeds_together(runs)
    drawn = [curves(group, columns, "loss"), over_depth(group, probes, "gradient_norm")]
    for (curve,) in [*drawn, of_responses(group, probes, by_size=True)]:
        assert curve.runs == tuple(run.id for run in runs)
        assert (len(curve.x), curve.n) == (1, None)


def test_the_mean_of_seeds_stands_at_their_mean_time_which_never_goes_back(store):
    runs = [store.add(config(seed=seed)) for seed in range(2)]
    slow = steps_of([3.0, 2.0], seconds=[10.0, 20.0])
    fast = steps_of([3.0, 2.0, 1.0], seconds=[1.0, 2.0, 3.0])
    (curve,) = curves(seeds_together(runs), {runs[0].id: slow, runs[1].id: fast}, "loss", "time")
    assert list(curve.x) == [5.5, 11.0, 11.0]


@pytest.mark.parametrize("n", [2, 3, 5, 11, 12, 30, 200])
def test_the_bands_are_what_statistics_says(n):
    deviations, counts = array(2.0), np.array([n])
    assert BANDS["std"](deviations, counts)[0] == 2.0
    assert BANDS["sem"](deviations, counts)[0] == pytest.approx(2 / math.sqrt(n))
    assert BANDS["ci95"](deviations, counts)[0] == pytest.approx(2 / math.sqrt(n) * t_975(n - 1))


@pytest.mark.parametrize("freedom", [*range(1, 16), 20, 30, 100, 1000])
def test_two_and_a_half_percent_of_students_t_lie_above_the_quantile(freedom):
    """The tail of the density, integrated: t = q / s, s from 0 to 1."""
    factor = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    quantile, pieces = t_975(freedom), 200_000
    s = (np.arange(pieces) + 0.5) / pieces
    density = factor * (1 + (quantile / s) ** 2 / freedom) ** (-(freedom + 1) / 2)
    assert (density * quantile / s**2).mean() == pytest.approx(0.025, abs=6e-6)


def test_an_unknown_band_is_refused(store):
    assert is_one_sentence(refusal(curves, [], {}, "loss", band="iqr"))


# ---- labels


def test_curves_are_called_by_what_tells_their_runs_apart(store):
    fields = ({}, {"shortcut": "none"}, {"shortcut": "exclusive_gating", "shortcut_args": {"gate_bias": 0}})
    runs = [store.add(config(**each)) for each in fields]
    assert [one.label for one in each_run(runs)] == [
        "ResNet-8, identity",
        "Plain net-8",
        "ResNet-8, exclusive gating (gate bias 0)",
    ]
    seeds = [store.add(config(seed=seed, lr=lr)) for seed in range(2) for lr in (0.1, 0.2)]
    assert [one.label for one in seeds_together(seeds)] == [
        "ResNet-8, Original, identity, lr 0.1",
        "ResNet-8, Original, identity, lr 0.2",
    ]
    assert each_run(seeds)[3].label == "ResNet-8, Original, identity, lr 0.2, seed 1"


def test_labels_are_names_where_a_run_has_its_own_and_never_the_same_twice(store):
    runs = [store.add(config(seed=seed), name=name) for seed, name in ((0, "mine"), (0, "both"), (1, "both"))]
    runs += [store.add(config(seed=2)), store.add(config(seed=2))]
    labels = [one.label for one in each_run(runs)]
    assert labels[0] == "mine"
    assert "both" not in labels
    assert len(set(labels)) == 5
    assert runs[4].id in labels[4]


def test_no_runs_have_no_curves():
    assert each_run([]) == seeds_together([]) == []


# ---- probes


def probe(units, layers=()):
    return Probe(step=10, seconds=1.0, layers=dict(layers), units=units)


def test_depth_curves_have_a_point_a_unit_and_the_mean_of_seeds(store):
    runs = [store.add(config(seed=seed)) for seed in range(2)]
    other = store.add(config(depth=14))
    probes = {
        runs[0].id: probe({"gradient_norm": [1.0, 2.0, None]}),
        runs[1].id: probe({"gradient_norm": [3.0, 2.0, 4.0]}),
        other.id: probe({"gradient_norm": [7.0] * 6}),
    }
    mean, single = over_depth(seeds_together([*runs, other]), probes, "gradient_norm")
    assert (list(mean.x), list(mean.y), list(mean.n)) == ([1, 2, 3], [2, 2, 4], [2, 2, 1])
    assert (list(single.x), single.n) == ([1, 2, 3, 4, 5, 6], None)
    assert over_depth(seeds_together(runs), {}, "gradient_norm") == []
    assert over_depth(seeds_together(runs), probes, "gate_openness") == []


def test_responses_come_in_the_order_of_the_layers_or_the_largest_first(store):
    run = store.add(config())
    layers = {
        "stem.0": {"response": 1.0, "gradient_norm": 5.0},
        "a": {"response": 3.0},
        "head": {"gradient_norm": 1.0},
        "b": {"response": None},
        "c": {"response": 2.0},
    }
    probes = {run.id: probe({}, layers)}
    (in_order,) = of_responses(each_run([run]), probes, by_size=False)
    (by_size,) = of_responses(each_run([run]), probes, by_size=True)
    assert in_order.names == ("stem.0", "a", "b", "c")
    assert np.array_equal(in_order.y, [1, 3, np.nan, 2], equal_nan=True)
    assert by_size.names == ("a", "c", "stem.0", "b")
    assert np.array_equal(by_size.y, [3, 2, 1, np.nan], equal_nan=True)


def test_the_mean_of_seeds_by_size_has_no_layers_names(store):
    runs = [store.add(config(seed=seed)) for seed in range(2)]
    probes = {
        runs[0].id: probe({}, {"a": {"response": 1.0}, "b": {"response": 2.0}}),
        runs[1].id: probe({}, {"a": {"response": 4.0}, "b": {"response": 3.0}}),
    }
    (by_size,) = of_responses(seeds_together(runs), probes, by_size=True)
    assert (list(by_size.y), by_size.names) == ([3.0, 2.0], ())
    (in_order,) = of_responses(seeds_together(runs), probes, by_size=False)
    assert (list(in_order.y), in_order.names) == ([2.5, 2.5], ("a", "b"))


def test_over_time_a_run_is_the_mean_of_its_units_between_the_lowest_and_the_highest(store):
    run, other = store.add(config()), store.add(config(seed=1))
    table = np.array([[1.0, 2.0, 6.0], [np.nan, 4.0, 2.0], [np.nan] * 3])
    history = Probes(
        step=array(10, 20, 30), seconds=array(1, 2, 3), units={"update_ratio": table}, layers={}, layer_names=()
    )
    without = dataclasses.replace(history, units={})
    (curve,) = over_time(each_run([run, other]), {run.id: history, other.id: without}, "update_ratio")
    assert list(curve.x) == [10, 20, 30]
    for column, expected in ((curve.y, [3, 3, np.nan]), (curve.low, [1, 2, np.nan]), (curve.high, [6, 4, np.nan])):
        assert np.array_equal(column, expected, equal_nan=True)


# ---- errors


def test_errors_are_the_best_the_last_and_the_median_of_the_last_few():
    errors = errors_of(epochs_of([90.0, 8.0, 20.0, 30.0, 12.0]), last=3)
    assert (errors.best, errors.final, errors.median) == (8.0, 12.0, 20.0)
    assert errors_of(epochs_of([50.0, 40.0])).median == 45.0
    assert errors_of(epochs_of([])) is None
