"""The claims on the Papers page, without a browser."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.claims import CLAIMS
from resnet_lab.papers.verdicts import verdicts
from resnet_lab.ui.board import KNOWN
from resnet_lab.ui.claim_charts import claim_charts
from resnet_lab.ui.claim_words import expected_words, found_words, names, plan_words, verdict_words
from tests.processes import store
from tests.test_verdicts import train

__all__ = ["store"]

APP = str(Path(__file__).parent.parent / "app.py")
CONV = CLAIMS["conv_shortcut"]


def opened(**params):
    app = AppTest.from_file(APP, default_timeout=180).switch_page("screens/papers.py")
    for name, value in {"view": "claims", **params}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def said(app):
    return " ".join(part.value for part in [*app.markdown, *app.caption]).replace("\\", "")


def test_without_runs_every_claim_stands_there_undecided_with_a_way_to_decide_it(store):
    app = opened(budget="sample")
    words, budget = said(app), BUDGETS["sample"]
    for claim in CLAIMS.values():
        assert f"**{claim.sentence}**" in words
        assert claim.citation in words
        assert claim.note in words
        assert claim.is_tested(budget) or claim.untested in words
    tested = {f"train_{claim.key}" for claim in CLAIMS.values() if claim.is_tested(budget)}
    assert {button.key for button in app.button} == tested | {"train_all"}
    assert budget.words in words
    assert not app.get("bidi_component")


def test_a_verdict_stands_there_with_its_numbers(store):
    train(store, CONV, 0.3, range(7), BUDGETS["sample"])
    app = opened()  # the budget that has runs
    words = said(app)
    assert "1 supported, 0 contradicted, 12 undecided" in words
    assert "Difference +0.301, 95% from +0.29" in words
    assert "n\u00a0=\u00a07" in words
    assert "14 runs: none shipped with the lab." in words
    assert "train_conv_shortcut" not in {button.key for button in app.button}
    charts = app.session_state[KNOWN].last.state["charts"]
    assert [chart["figure"]["layout"]["title"]["text"] for chart in charts.values()] == ["Difference in training loss"]
    assert len(app.dataframe[0].value) == 7


def test_the_click_queues_the_advised_seeds_of_both_nets(store):
    app = opened(budget="sample")
    app.button(key="train_conv_shortcut").click().run()
    first, second = CONV.pairs[0].first(BUDGETS["sample"]), CONV.pairs[0].second(BUDGETS["sample"])
    expected = {net.changed(seed=seed).key for net in (first, second) for seed in range(3)}
    assert {run.key for run in store.runs()} == expected
    app = opened(budget="sample")
    assert "6 runs are on the way or stopped" in said(app)


def test_an_address_with_an_unknown_budget_is_told(store):
    app = opened(budget="century")
    assert "century" in app.warning[0].value
    assert app.query_params["budget"] in (["sample"], ["minute"], "sample", "minute")


@pytest.mark.parametrize("name", ["sample", "quick", "paper"])
def test_both_nets_of_a_comparison_have_different_names(name):
    for verdict in verdicts([], BUDGETS[name]):
        for one in verdict.comparisons:
            assert len(set(names(one))) == 2
            assert names(one)[0] in expected_words(verdict)
        if verdict.comparisons:
            assert plan_words(verdict) == "3 seeds of each net would show how far seeds differ."
            assert verdict_words(verdict) == "Undecided"


def test_few_seeds_are_told_one_by_one():
    base = verdicts([], BUDGETS["sample"])[0].comparisons[0]
    assert found_words(of(base, (62.0, 60.0))) == "+2.00 points, n\u00a0=\u00a01"
    assert found_words(of(base, (62.0, 60.0), (60.0, 61.5))) == "+0.25 points (+2.00, −1.50), n\u00a0=\u00a02"


def of(comparison, *values):
    return replace(comparison, values=values)


def test_no_chart_is_drawn_of_nothing():
    assert claim_charts(verdicts([], BUDGETS["sample"]), "light") == {}
