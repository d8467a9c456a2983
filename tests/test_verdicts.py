"""Claims judged by runs of a real store, and by simulated studies whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.error_rates import Simulation
from resnet_lab.events import Done, Epoch, Step
from resnet_lab.histories import Histories
from resnet_lab.library import Library
from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.claims import CLAIMS
from resnet_lab.papers.results import results
from resnet_lab.papers.statistics import ALPHA, looks
from resnet_lab.papers.verdicts import (
    CONTRADICTED,
    FIRST_SEEDS,
    SUPPORTED,
    UNDECIDED,
    UNTESTED,
    verdicts,
)
from resnet_lab.store import Store

MINUTE, QUICK = BUDGETS["minute"], BUDGETS["quick"]
CONV, SAME, ANY = CLAIMS["conv_shortcut"], CLAIMS["closed_gate"], CLAIMS["any_manipulation"]
WOBBLE = (0.01, -0.012, 0.004, -0.006, 0.009, -0.003, 0.008, -0.007, 0.002, -0.005)


@pytest.fixture
def store(tmp_path):
    with Store(None, tmp_path) as store:
        yield store


def told(store, config, loss, status="done"):
    run = store.add(config)
    events = [Step(10, 1.0, loss, 0.1, 100.0, 0.0, train_error=50.0), Epoch(10, 1.0, 1.0, 40.0 + loss, 2.0, 100)]
    store.append(run.id, list(enumerate([*events, Done(10, 1.0, status, "", 1.0, 50.0)], start=1)))
    store.change(run.id, status=status)


def train(store, claim, difference, seeds, budget=MINUTE, skip=()):
    """Both nets of each pair, such that the first has this much more loss, give or take what the seed gives."""
    nets = {
        net(budget).key: (net(budget), place)
        for pair in claim.pairs
        for place, net in enumerate((pair.second, pair.first))
    }
    for config, place in nets.values():
        for seed in seeds:
            told(store, config.changed(seed=seed), 1.5 + place * (difference + WOBBLE[seed]))


def judged(store, claim, budget=MINUTE):
    library = Library(store, None)
    found = results(library, Histories(library))
    return {each.claim.key: each for each in verdicts(found, budget)}[claim.key]


def test_without_runs_every_claim_is_undecided_or_cannot_be_tested():
    for budget in BUDGETS.values():
        for verdict in verdicts([], budget):
            assert verdict.word == (UNDECIDED if verdict.claim.is_tested(budget) else UNTESTED)
            assert verdict.adjusted is None
            assert bool(verdict.missing) == (verdict.word == UNDECIDED)


def test_a_large_difference_of_seven_seeds_supports_the_claim_and_the_other_way_contradicts_it(store):
    train(store, CONV, 0.3, range(7))
    train(store, CLAIMS["scaling"], -0.3, range(7, 8))  # of other seeds: not a pair with the identity above
    assert judged(store, CONV).word == SUPPORTED
    assert judged(store, CONV).n == 7
    assert not judged(store, CONV).missing
    assert judged(store, CLAIMS["scaling"]).word == UNDECIDED


def test_the_other_direction_contradicts(store):
    train(store, CONV, -0.3, range(7))
    assert judged(store, CONV).word == CONTRADICTED


def test_no_difference_supports_equivalence_and_decides_no_direction(store):
    train(store, SAME, 0.0, range(7))
    train(store, CONV, 0.0, ())
    assert judged(store, SAME).word == SUPPORTED
    assert judged(store, CONV).word == UNDECIDED


def test_a_difference_beyond_the_margin_contradicts_equivalence(store):
    train(store, SAME, 0.3, range(7))
    assert judged(store, SAME).word == CONTRADICTED


def test_a_claim_of_several_pairs_needs_all_of_them(store):
    train(store, replace(ANY, pairs=ANY.pairs[:-1]), 0.3, range(7))
    verdict = judged(store, ANY)
    assert verdict.word == UNDECIDED
    assert verdict.n == 0
    assert [config.seed for config in verdict.missing] == [
        *range(FIRST_SEEDS)
    ]  # only the last pair, only its first net
    assert len({config.model.block for config in verdict.missing}) == 1
    for config in [ANY.pairs[-1].first(MINUTE).changed(seed=seed) for seed in range(7)]:
        told(store, config, 1.9 + WOBBLE[config.seed])
    assert judged(store, ANY).word == SUPPORTED


def test_one_pair_the_other_way_contradicts_a_claim_of_several(store):
    train(store, replace(ANY, pairs=ANY.pairs[-1:]), -0.3, range(8))
    assert judged(store, ANY).word == CONTRADICTED


def test_results_of_other_budgets_do_not_count(store):
    train(store, CONV, 0.3, range(7), BUDGETS["sample"])
    assert judged(store, CONV).n == 0
    assert judged(store, CONV, BUDGETS["sample"]).n == 7


def test_a_diverged_run_counts_as_guessing(store):
    train(store, CONV, 0.3, range(2))
    told(store, CONV.pairs[0].first(MINUTE).changed(seed=2), 700.0, "diverged")
    told(store, CONV.pairs[0].second(MINUTE).changed(seed=2), 1.5)
    assert judged(store, CONV).comparisons[0].values[2] == (pytest.approx(np.log(10)), 1.5)


def test_the_missing_half_of_a_pair_is_trained_before_new_seeds(store):
    first, second = (net(MINUTE) for net in (CONV.pairs[0].first, CONV.pairs[0].second))
    told(store, first.changed(seed=5), 1.8)
    found = judged(store, CONV).missing
    assert [(config.model, config.seed) for config in found] == [
        (first.model, 0), (second.model, 0), (first.model, 1), (second.model, 1), (second.model, 5),
    ]  # fmt: skip


def test_what_is_advised_has_never_been_trained_and_completes_the_advised_number(store):
    train(store, CONV, 0.05, range(4))
    verdict = judged(store, CONV)
    assert verdict.word == UNDECIDED
    assert verdict.seeds_in_all > 4
    assert len(verdict.missing) == 2 * (verdict.seeds_in_all - 4)
    assert {config.seed for config in verdict.missing} == set(range(4, verdict.seeds_in_all))


def test_seeds_that_all_differ_by_the_same_decide_nothing(store):
    for seed in range(4):
        for net in (CONV.pairs[0].first, CONV.pairs[0].second):
            told(store, net(MINUTE).changed(seed=seed), 5.0)  # both count as guessing
    verdict = judged(store, CONV)
    assert (verdict.word, verdict.adjusted, verdict.seeds_in_all) == (UNDECIDED, None, None)


# ---- simulated studies

SIMULATION = Simulation(MINUTE)


def most(num_studies):
    return ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / num_studies)


def test_where_nothing_differs_few_studies_have_any_wrong_verdict_even_if_looked_at_after_every_seed():
    assert SIMULATION.wrong(100) <= most(100)


def test_without_counting_the_looks_too_many_studies_would_be_wrong(monkeypatch):
    """The simulation can fail: it sees what the correction is for."""
    monkeypatch.setattr("resnet_lab.papers.statistics.looks", lambda number: 1)
    assert SIMULATION.wrong(100) > most(100)
    assert looks(3) == 6


def test_large_effects_are_found_and_point_the_right_way():
    random, found = np.random.default_rng(4), []
    identity, conv = CONV.pairs[0].second(MINUTE).key, CONV.pairs[0].first(MINUTE).key
    for _ in range(20):
        data = SIMULATION.study(random, 8, means={conv: 0.4, identity: 0.0})
        found.append({one.claim.key: one.word for one in SIMULATION.judged_after(data, 8)}["conv_shortcut"])
    assert found.count(SUPPORTED) >= 16
    assert CONTRADICTED not in found
