"""The table of claims: what each compares, by every budget that can test it."""

import math

import pytest

from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.claims import CLAIMS, TOPICS
from resnet_lab.papers.measures import EXPECTATIONS, MEASURES, counted
from resnet_lab.papers.results import Result
from resnet_lab.references import paper_recipe
from resnet_lab.store import Store
from tests.stores import config

EACH = pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)


def pairs_by(claim, budget):
    return [(pair, pair.first(budget), pair.second(budget)) for pair in claim.pairs]


def test_every_claim_is_in_one_topic_under_its_own_key():
    assert len(CLAIMS) == sum(map(len, TOPICS.values()))
    assert all(key == claim.key for key, claim in CLAIMS.items())


@EACH
def test_a_claim_is_a_sentence_with_its_source(claim):
    assert claim.sentence[0].isupper()
    assert claim.sentence.endswith(".")
    assert claim.citation.startswith(("He et al. 2015, ", "He et al. 2016, "))


@EACH
def test_a_claim_says_why_some_budget_cannot_test_it_and_only_then(claim):
    assert bool(claim.untested) == any(not claim.is_tested(budget) for budget in BUDGETS.values())
    assert any(claim.is_tested(budget) for budget in BUDGETS.values())


@EACH
@pytest.mark.parametrize("name", ["sample", "minute", "quick", "paper"])
def test_the_nets_of_a_claim_differ_in_depth_or_block_and_in_nothing_else(claim, name):
    for _, first, second in pairs_by(claim, BUDGETS[name]):
        assert first.data == second.data
        assert first.recipe == second.recipe
        differing = {
            field
            for field in type(first.model).model_fields
            if getattr(first.model, field) != getattr(second.model, field)
        }
        assert differing in ({"depth"}, {"block"})


@EACH
def test_what_is_measured_and_expected_is_known(claim):
    for pair in claim.pairs:
        assert pair.expects in EXPECTATIONS
        assert pair.measures.keys() <= {"minute", "quick", "paper"}
        assert set(pair.measures.values()) <= MEASURES.keys()


@EACH
def test_the_paper_budget_is_the_papers_setting(claim):
    for _, *nets in pairs_by(claim, BUDGETS["paper"]):
        for net in nets:
            assert net.recipe == paper_recipe(net.model.unit, net.model.depth)
            assert net.data.num_train == 50_000


def test_claims_about_one_deep_net_are_of_the_papers_depth_in_the_paper_budget():
    for topic in ("What is done to the shortcut", "Where BN and ReLU stand"):
        for claim in TOPICS[topic]:
            depth = 164 if "ResNet-164" in claim.citation else 110
            assert {net.model.depth for _, *nets in pairs_by(claim, BUDGETS["paper"]) for net in nets} == {depth}


def test_early_training_is_not_asked_for_the_test_error():
    """400 steps say nothing of what a net is in the end."""
    assert all(
        pair.measures.get("minute") in (None, "loss", "train_error")
        for claim in CLAIMS.values()
        for pair in claim.pairs
    )


@pytest.mark.parametrize(
    ("expects", "holds", "fails"),
    [("higher", 0.1, -0.1), ("lower", -0.1, 0.1), ("not higher", 0.4, 0.6), ("the same", -0.4, -0.6)],
)
def test_the_parts_of_an_expectation_are_positive_where_it_holds(expects, holds, fails):
    parts = EXPECTATIONS[expects].parts
    assert all(part(holds, 0.5) > 0 for part in parts)
    assert any(part(fails, 0.5) < 0 for part in parts)


@pytest.mark.parametrize(
    ("measure", "value", "counts"),
    [("loss", 1.5, 1.5), ("loss", 80.0, math.log(10)), ("test_error", 93.0, 90.0), ("response", 3.0, 3.0)],
)
def test_nothing_counts_as_worse_than_guessing(tmp_path, measure, value, counts):
    assert counted(measure, result(tmp_path, "done", value)) == pytest.approx(counts)


@pytest.mark.parametrize(
    ("measure", "counts"), [("loss", math.log(10)), ("train_error", 90.0), ("test_error", 90.0), ("response", None)]
)
def test_what_diverged_counts_as_guessing_and_has_no_responses(tmp_path, measure, counts):
    assert counted(measure, result(tmp_path, "diverged", 0.5)) == (counts and pytest.approx(counts))


def test_what_was_not_measured_does_not_count(tmp_path):
    assert counted("loss", result(tmp_path, "done", None)) is None


def result(folder, status, value):
    with Store(None, folder) as store:
        run = store.add(config())
        store.change(run.id, status=status)
        return Result(store.run(run.id), False, value, value, value, value)
