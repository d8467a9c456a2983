"""What paired differences say: known values, degenerate input, and error rates on data whose truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from resnet_lab.papers.measures import EXPECTATIONS
from resnet_lab.papers.statistics import (
    ALPHA,
    FEWEST_FOR_INTERVAL,
    MOST_SEEDS,
    POWER,
    evidence,
    has_spread,
    holm,
    interval,
    looks,
    needed,
    seeds_needed,
)

SLEEP = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)  # Student 1908, his first drug: mean 0.75, t = 1.3257
HIGH, LOW = (1.0, 1.1, 0.9, 1.2), (-1.0, -1.1, -0.9, -1.2)


def turned(expects, differences, margin=1.0):
    return [tuple(part(d, margin) for d in differences) for part in EXPECTATIONS[expects].parts]


def test_p_is_that_of_students_t():
    assert evidence([SLEEP]).p_of_one_look == pytest.approx(0.2176, abs=1e-4)
    for sample in (SLEEP, HIGH, LOW, tuple(30 + value for value in HIGH)):
        found = evidence([sample]).tests[0]
        for side, p in (("greater", found.above), ("less", found.below)):
            assert p == pytest.approx(stats.ttest_1samp(sample, 0, alternative=side).pvalue, rel=1e-6)


def test_the_other_sign_has_the_same_p_and_the_other_answer():
    one, other = evidence([HIGH]), evidence([LOW])
    assert one.p == pytest.approx(other.p)
    assert one.supports
    assert not other.supports


def test_p_counts_every_look_and_all_looks_share_one_level():
    assert evidence([HIGH]).p == pytest.approx(12 * evidence([HIGH]).p_of_one_look)
    assert sum(1 / looks(n) for n in range(2, 100_000)) == pytest.approx(1, abs=1e-4)


def test_a_claim_of_several_parts_is_as_sure_as_its_weakest():
    assert evidence([HIGH, SLEEP]).against_failing == evidence([SLEEP]).against_failing


def test_one_part_contradicts_all_corrected_for_their_number():
    assert evidence([HIGH, LOW]).against_holding == pytest.approx(2 * evidence([LOW]).against_holding)
    assert not evidence([HIGH, LOW]).supports


@pytest.mark.parametrize("nothing", [(), (1.0,), (0.0, 0.0), (0.25, 0.25, 0.25)])
def test_without_spread_there_is_neither_test_nor_interval(nothing):
    assert not has_spread(nothing)
    assert evidence([nothing]) is None
    assert interval(nothing) is None
    assert evidence([HIGH, nothing]).against_failing == 1


def test_differences_that_differ_by_rounding_alone_have_no_spread():
    assert not has_spread((0.1 + 0.2, 0.3, 0.3))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1, 1]
    assert holm([]) == []


def test_few_differences_have_no_interval():
    differences = tuple(float(n) for n in range(FEWEST_FOR_INTERVAL))
    assert interval(differences[:-1]) is None
    low, high = interval(differences)
    assert low < 2 < high
    assert interval(differences) == (low, high)


def test_intervals_of_twenty_seeds_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    found = [interval(tuple(random.normal(1, 1, 20).tolist())) for _ in range(200)]
    assert np.mean([low < 1 < high for low, high in found]) > 0.88  # 95% less three standard errors and small n


def test_the_advised_number_finds_the_effect_as_often_as_promised_and_one_less_does_not():
    random = np.random.default_rng(0)
    for effect in (1.5, 3.0):
        number = needed(effect, ALPHA / 2)
        rates = [found_rate(random, effect, n, ALPHA / 2, 1500) for n in (number, number - 1)]
        assert rates[0] > POWER - 0.04 > rates[1] - 0.04
        assert rates[1] < POWER + 0.04


def found_rate(random, effect, n, level, times):
    samples = random.normal(effect, 1, (times, n))
    return np.mean([evidence([tuple(sample)]).against_failing <= level for sample in samples.tolist()])


def test_what_is_needed_falls_with_the_effect_and_rises_with_the_claims():
    assert needed(1.0, 0.025) > needed(2.0, 0.025) > needed(50.0, 0.025) >= 2
    assert needed(2.0, 0.025 / 19) > needed(2.0, 0.025)
    assert needed(0.01, 0.025) is None
    assert all(needed(float(effect), 1e-4) <= MOST_SEEDS for effect in range(2, 200, 9))


def test_the_weakest_part_says_how_many_seeds_are_needed():
    weak = (1.0, 3.0, 2.0, 0.5)
    assert seeds_needed([HIGH, weak], 0.05) == seeds_needed([weak], 0.05) > seeds_needed([HIGH], 0.05)


def test_a_contradiction_needs_only_the_part_that_fails():
    weak = (1.0, 3.0, -2.0, 0.5)
    assert seeds_needed([LOW, weak], 0.05) == needed(np.mean(HIGH) / np.std(HIGH, ddof=1), 0.05 / 2 / 2)


def test_no_difference_is_found_within_the_margin_and_refuted_outside():
    near, far = (0.1, -0.1, 0.2, 0.0, 0.1, -0.2), (1.9, 2.1, 2.0, 2.2, 1.8, 2.0)
    assert evidence(turned("the same", near)).supports
    assert evidence(turned("the same", near)).p < ALPHA
    assert not evidence(turned("the same", far)).supports
    assert evidence(turned("the same", far)).p < ALPHA


@pytest.mark.parametrize("expects", EXPECTATIONS)
def test_at_the_edge_of_a_claim_a_wrong_answer_is_rarer_than_its_level(expects):
    """Where it holds only just or only just not, either answer is wrong at most half of the level each."""
    random, edge = np.random.default_rng(1), 0.0 if expects in ("higher", "lower") else 1.0
    samples = random.normal(edge, 0.3, (1500, 4)).tolist()
    found = [evidence(turned(expects, sample)) for sample in samples]
    rate = np.mean([each.p_of_one_look <= ALPHA for each in found])
    most = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / len(samples))
    assert rate <= most
    assert np.mean([each.p <= ALPHA for each in found]) <= rate / 3


def test_a_claim_of_which_one_part_fails_is_hardly_ever_supported():
    random = np.random.default_rng(2)
    clear, edge = random.normal(5, 1, (1500, 6)).tolist(), random.normal(0, 1, (1500, 6)).tolist()
    found = [evidence([tuple(one), tuple(other)]) for one, other in zip(clear, edge, strict=True)]
    rate = np.mean([each.p_of_one_look <= ALPHA and each.supports for each in found])
    assert 0.01 < rate < 0.025 + 0.012  # a one-sided test of the part at the edge
