"""Forecasts: said from the untrained net alone, judged by limits fixed beforehand, scored by a proper score."""

import dataclasses
import json
import math

import pytest
import torch

from resnet_lab.augmentation import mixed
from resnet_lab.batches import load_split
from resnet_lab.block_config import BlockConfig
from resnet_lab.forecasts import (
    BORDERS,
    FACTORS,
    LIMITS,
    MOST,
    OUTCOMES,
    Forecast,
    decades,
    difference,
    first_images,
    forecast,
    forecast_run,
    judged,
    outcome,
    own_share,
    recipe_of,
)
from resnet_lab.learner import fresh_model
from resnet_lab.nets import build_model
from resnet_lab.papers.results import Result
from resnet_lab.papers.scoring import Bin, Trial, brier, calibration, confusion, score
from resnet_lab.presets import preset
from resnet_lab.run_config import DataConfig
from resnet_lab.signals import signal
from resnet_lab.threads import random_numbers
from tests.sentences import is_one_sentence, refusal

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def images(one_thread):
    return first_images(load_split(DataConfig(name="sample", resolution=16), "test", CPU))


def net(depth=56, **fields):
    return preset("minute", data="sample", depth=depth, **fields).model


def gates(name, bias):
    return {"shortcut": name, "shortcut_args": {"gate_bias": bias}}


# what came of them by the minute recipe, 10,000 images of CIFAR-10, seeds 0 to 2
# fmt: off
KNOWN = [
    ({},                               "well"),
    ({"placement": "full_preact"},     "well"),
    ({"shortcut": "conv"},             "slowly"),
    ({"shortcut": "constant_scaling"}, "slowly"),
    ({"shortcut": "none"},             "not at all"),
    ({"shortcut": "dropout"},          "not at all"),
]
# fmt: on


@pytest.mark.parametrize(("block", "came"), KNOWN, ids=str)
def test_the_rule_parts_the_blocks_by_whose_training_it_was_drawn(images, block, came):
    assert forecast(net(**block), images, mixed(0, "weights")).says == came


def test_where_nothing_at_the_start_gives_a_block_away_the_rule_is_wrong(images):
    """A gate that stands half open hardly trains, but its untrained net looks like one that trains slowly."""
    assert forecast(net(**gates("exclusive_gating", 0)), images, mixed(0, "weights")).says == "slowly"


def test_a_plain_net_that_is_shallow_is_said_to_train(images):
    assert forecast(net(depth=20, shortcut="none"), images, mixed(0, "weights")).says == "well"


def test_a_block_by_another_name_has_the_same_forecast(images):
    named, custom = BlockConfig(), BlockConfig(placement="custom", pre="", post="bn", after="relu")
    assert forecast(net(8).with_block(named), images) == forecast(net(8).with_block(custom), images)


def test_it_is_of_the_weights_that_the_run_begins_with(images):
    config = preset("minute", data="sample", depth=8, seed=3)
    with random_numbers(mixed(config.seed, "weights"), CPU):
        foretold = build_model(config.model).state_dict()
    trained = fresh_model(config).state_dict()
    assert all(torch.equal(foretold[name], trained[name]) for name in trained)
    assert forecast_run(config, images) == forecast(config.model, images, mixed(3, "weights"))
    assert forecast_run(config, images) != forecast_run(config.changed(seed=4), images)


def test_it_draws_nothing_from_the_generator_of_the_process(images):
    before = torch.get_rng_state()
    forecast(net(8, shortcut="dropout"), images)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_factors_are_what_the_words_say(images):
    model = net(8)
    xray, found = signal(model, images, 5), forecast(model, images, 5)
    assert found.factors.keys() == FACTORS.keys()
    assert found.factors["gradient"] == pytest.approx(abs(math.log10(xray.gradient_norm[0] / xray.gradient_norm[-1])))
    amplitudes = xray.mean_square[0] ** 0.5, xray.mean_square[-1] ** 0.5
    assert found.factors["signal"] == pytest.approx(abs(math.log10(amplitudes[0] / amplitudes[1])))
    assert found.factors["sameness"] == pytest.approx(-math.log10(own_share(model, images, 5)))


def test_images_that_are_all_the_same_and_chance_leave_nothing_of_their_own(images):
    same = images[:1].expand(16, -1, -1, -1) + 1e-6 * images
    assert own_share(net(8), same, 0) < 0.01
    assert own_share(net(8, shortcut="dropout"), images, 0) < own_share(net(8), images, 0)


@pytest.mark.parametrize(("value", "powers"), [(0.01, 2), (1, 0), (100, -2), (0, MOST), (-1, MOST)])
def test_powers_of_ten_are_bounded(value, powers):
    assert decades(value) == pytest.approx(powers)


@pytest.mark.parametrize("values", [(1.0, math.nan), (math.nan, math.nan), (math.inf, 1.0)])
def test_what_is_not_finite_differs_by_the_most(values):
    assert difference(values) == MOST


def test_a_signal_that_overflows_has_a_forecast_that_can_be_stored(images):
    """Its amplitude doubles twice a unit and more."""
    said = forecast(
        net(110 + 6 * 20, shortcut="constant_scaling", shortcut_args={"scale": 2, "branch_scale": 2}), images
    )
    assert Forecast.from_dict(said.to_dict()) == said
    assert said.says == "not at all"


def test_the_worse_the_factors_the_worse_the_forecast():
    low, high = BORDERS
    assert [judged(gradient=x).says for x in (0, low - 0.1, low + 0.1, high - 0.1, high + 0.1, 3 * MOST)] == [
        *("well", "well", "slowly", "slowly", "not at all", "not at all"),
    ]
    for total in (0, low, 3, high, 3 * MOST):
        assert sum(judged(gradient=total).probabilities.values()) == pytest.approx(1)
    assert judged(gradient=low).probabilities["well"] == pytest.approx(0.5)
    assert judged(gradient=1, signal=2).probabilities == judged(gradient=3).probabilities


@pytest.mark.parametrize("fields", [{"depth": 1202}, {"unit": "bottleneck", "depth": 1001, "projection": "B"}], ids=str)
def test_a_net_too_large_is_refused_before_anything_is_computed(fields):
    images = torch.zeros(16, 3, 32, 32)
    said = refusal(forecast, preset("paper", **fields).model, images)
    assert is_one_sentence(said)
    assert "too large for an X-ray" in said


def test_a_forecast_survives_json_and_a_foreign_one_is_refused():
    said = judged(gradient=1.0, signal=0.5, sameness=0.25)
    told = json.loads(json.dumps(said.to_dict()))
    assert Forecast.from_dict(told) == said
    for wrong in (
        {"says": "great"},
        {"probabilities": {"well": 2.0}},
        {"factors": {"gradient": "x"}},
        {"version": "1"},
    ):
        refusal(Forecast.from_dict, told | wrong)


# ---- what came


@pytest.mark.parametrize("recipe", LIMITS)
@pytest.mark.parametrize("data", ["cifar10", "sample"])
def test_what_came_is_judged_by_the_limits_of_the_recipe(recipe, data):
    config, (low, high) = preset(recipe, data=data), LIMITS[recipe]
    for share, came in ((low - 0.01, "not at all"), (low + 0.01, "slowly"), (high + 0.01, "well")):
        assert outcome(config, "done", math.log(10) * (1 - share)) == came
    assert outcome(config, "diverged", 0.01) == outcome(config, "diverged", None) == "not at all"
    assert outcome(config, "stopped", 0.01) is None


FOLLOWED = [
    ({"depth": 20, "shortcut": "none"}, "minute"),
    ({"precision": "fp32", "test_size": 100}, "minute"),
    ({"steps": 401}, None),
    ({"lr": 0.1}, None),
    ({"resolution": 32}, None),
    ({"data": "cifar100"}, None),
    ({"data": "synthetic"}, None),
]


@pytest.mark.parametrize(("fields", "recipe"), FOLLOWED, ids=str)
def test_only_what_follows_a_recipe_in_all_that_matters_is_judged(fields, recipe):
    assert recipe_of(preset("minute", **fields)) == recipe


def test_deep_nets_warm_up_in_the_papers_recipe():
    assert recipe_of(preset("paper", depth=110)) == "paper"


# ---- what forecasts were worth


def trial(says, came):
    probabilities = {name: 0.8 if name == says else 0.1 for name in OUTCOMES}
    return Trial(Result(*[None] * len(dataclasses.fields(Result))), "minute", Forecast(says, probabilities, {}), came)


WELL, SLOWLY, NOT = OUTCOMES
TRIALS = [trial(WELL, WELL), trial(WELL, WELL), trial(WELL, SLOWLY), trial(NOT, NOT)]


def test_brier_is_zero_for_the_certain_truth_and_two_for_the_certain_error():
    assert brier({WELL: 1.0}, WELL) == 0
    assert brier({WELL: 1.0}, NOT) == 2


def test_scores_are_as_computed_by_hand():
    found = score(TRIALS)
    assert (found.n, found.right) == (4, 3)
    assert found.forecast == pytest.approx((3 * (0.2**2 + 2 * 0.1**2) + (0.8**2 + 0.9**2 + 0.1**2)) / 4)
    assert found.most_frequent == pytest.approx(2 * 2 / 4)
    assert found.shares == pytest.approx(1 - (0.5**2 + 2 * 0.25**2))


def test_calibration_counts_how_often_each_probability_came_true():
    low, high = calibration(TRIALS)
    assert (low.predicted, low.hits, low.n) == (pytest.approx(0.1), 1, 8)
    assert (high.predicted, high.hits, high.n) == (pytest.approx(0.8), 3, 4)
    assert sum(confusion(TRIALS).values()) == 4
    assert confusion(TRIALS)[WELL, SLOWLY] == 1


def test_the_interval_of_a_share_is_wilsons():
    assert Bin(0.5, hits=8, n=10).interval == pytest.approx((0.4902, 0.9433), abs=1e-3)  # Agresti and Coull 1998
    low, high = Bin(0.0, hits=0, n=3).interval
    assert low == pytest.approx(0, abs=1e-12)
    assert 0.5 < high < 0.6
