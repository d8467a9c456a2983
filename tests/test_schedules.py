"""The learning rate at every step, against the papers' numbers and formulas written out."""

import math

import pytest

from resnet_lab.presets import preset
from resnet_lab.run_config import RecipeConfig
from resnet_lab.schedules import SCHEDULES, learning_rate

# He et al. 2015, section 4.2: lr 0.1, divided by 10 at 32k and 48k of 64k iterations, and for ResNet-110 a
# warm-up at 0.01 of 400 iterations, after which lr goes back to 0.1.
PAPER = {0: 0.1, 399: 0.1, 400: 0.1, 31_999: 0.1, 32_000: 0.01, 47_999: 0.01, 48_000: 0.001, 63_999: 0.001}
WARMED_UP = PAPER | {0: 0.01, 399: 0.01}


def rates(recipe):
    return [learning_rate(recipe, step) for step in range(recipe.steps)]


@pytest.mark.parametrize(("depth", "expected"), [(20, PAPER), (56, PAPER), (110, WARMED_UP), (1202, WARMED_UP)])
def test_the_papers_schedule_is_that_of_the_paper(depth, expected):
    recipe = preset("paper", depth=depth).recipe
    assert {step: learning_rate(recipe, step) for step in expected} == pytest.approx(expected, rel=1e-12)


def test_a_constant_rate_is_constant():
    assert set(rates(RecipeConfig(schedule="constant", lr=0.05, steps=10))) == {0.05}


def test_a_cosine_falls_from_the_rate_to_nearly_nothing():
    expected = [0.15 * (1 + math.cos(math.pi * step / 40)) for step in range(40)]
    assert rates(RecipeConfig(schedule="cosine", lr=0.3, steps=40)) == pytest.approx(expected, rel=1e-12)


def test_one_cycle_rises_to_its_peak_and_falls_straight_to_nothing():
    up = [0.2 * (step + 1) / 25 for step in range(25)]
    down = [0.2 * (100 - step) / 75 for step in range(25, 100)]
    recipe = RecipeConfig(schedule="one_cycle", lr=0.2, peak=0.25, steps=100)
    assert rates(recipe) == pytest.approx(up + down, rel=1e-12)


def test_every_milestone_divides_by_ten_at_its_share_of_the_budget():
    recipe = RecipeConfig(schedule="steps", lr=1, steps=10, milestones=(0.1, 0.3, 0.7))
    assert rates(recipe) == pytest.approx([1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_after_the_warm_up_every_schedule_goes_on_where_it_would_have_been(schedule):
    cold = RecipeConfig(schedule=schedule, lr=0.2, steps=50)
    warmed = cold.changed(warmup_steps=7, warmup_lr=0.003)
    assert rates(warmed) == [0.003] * 7 + rates(cold)[7:]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 3, 64_000])
def test_no_step_of_any_budget_stands_still_or_goes_beyond_the_rate(schedule, steps):
    recipe = RecipeConfig(schedule=schedule, lr=0.1, steps=steps)
    tested = {0, steps // 2, steps - 1}
    assert all(0 < learning_rate(recipe, step) <= 0.1 for step in tested)
