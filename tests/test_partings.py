"""The step at which two losses part, on curves whose parting is known."""

import numpy as np
import pytest

from resnet_lab.partings import RULE, noise, parting

STEPS = np.arange(10, 2010, 10.0)


def falling(seed, slope=0.0, since=0, spread=0.05):
    """A loss that falls as all do, with noise; from the step `since` on it falls `slope` less with every step."""
    noise = spread * np.random.default_rng(seed).standard_normal(len(STEPS))
    return 0.5 + 1.8 * np.exp(-STEPS / 400) + slope * np.maximum(STEPS - since, 0) + noise


def test_the_noise_of_a_falling_loss_is_that_of_a_record():
    assert noise(falling(0, spread=0.05)) == pytest.approx(0.05, rel=0.2)
    assert noise(falling(0, spread=0.0)) < 0.005


@pytest.mark.parametrize("seed", range(20))
def test_runs_that_differ_only_by_noise_never_part(seed):
    assert parting(STEPS, falling(seed), STEPS, falling(1000 + seed)) is None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("since", [300, 1000, 1500])
def test_runs_part_soon_after_they_begin_to_differ(seed, since):
    found = parting(STEPS, falling(seed), STEPS, falling(1000 + seed, 0.002, since))
    # twice the noise of 0.05 is reached 50 steps later, which the smoothed losses follow by some 4 records
    assert since <= found <= since + 150


def test_a_jump_is_found_at_its_step_and_in_both_orders():
    jump = falling(1) + np.where(STEPS >= 800, 1.0, 0.0)
    assert 800 <= parting(STEPS, falling(0), STEPS, jump) <= 820
    assert parting(STEPS, jump, STEPS, falling(0)) == parting(STEPS, falling(0), STEPS, jump)


def test_equal_curves_and_constant_ones_never_part():
    assert parting(STEPS, falling(0), STEPS, falling(0)) is None
    assert parting(STEPS, np.ones(200), STEPS, np.ones(200)) is None


def test_curves_that_meet_again_have_not_parted():
    apart = falling(1) + np.where((STEPS >= 500) & (STEPS < 1200), 1.0, 0.0)
    assert parting(STEPS, falling(0), STEPS, apart) is None


def test_a_spike_at_the_end_is_no_parting():
    spike = falling(1) + np.where(STEPS >= 1990, 5.0, 0.0)
    assert parting(STEPS, falling(0), STEPS, spike) is None


def test_runs_that_recorded_at_other_steps_are_compared_where_both_did():
    jump = falling(1) + np.where(STEPS >= 800, 1.0, 0.0)
    assert 800 <= parting(STEPS, falling(0), STEPS[::4], jump[::4]) <= 850
    assert parting(STEPS, falling(0), STEPS + 5, jump) is None


def test_a_shorter_run_is_compared_as_far_as_it_goes():
    jump = falling(1) + np.where(STEPS >= 800, 1.0, 0.0)
    assert parting(STEPS[:79], falling(0)[:79], STEPS, jump) is None
    assert 800 <= parting(STEPS[:120], falling(0)[:120], STEPS, jump) <= 820


def test_a_loss_that_is_not_a_number_any_more_parts_from_one_that_is():
    broken = np.where(STEPS >= 1500, np.nan, falling(1))
    assert 1490 <= parting(STEPS, falling(0), STEPS, broken) <= 1500
    assert parting(STEPS, broken, STEPS, broken) is None


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_records_tell_nothing(count):
    assert parting(STEPS[:count], np.zeros(count), STEPS[:count], np.ones(count)) is None


def test_the_rule_is_one_sentence():
    assert RULE.count(". ") == 0
    assert RULE.endswith(".")
