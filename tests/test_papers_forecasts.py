"""The forecasts of the Papers page without a browser: what is said beforehand, what came, and what is not scored."""

import math
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.events import Step
from resnet_lab.forecasts import VERSION, judged
from resnet_lab.papers.scoring import Score
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim, release
from resnet_lab.ui.board import KNOWN
from resnet_lab.ui.links import decode
from resnet_lab.ui.papers_forecasts import papers_blocks, worth
from tests.processes import store

__all__ = ["store"]

APP = str(Path(__file__).parent.parent / "app.py")
GOOD, BAD = judged(gradient=1.0).to_dict(), judged(gradient=5.0).to_dict()


def opened():
    app = AppTest.from_file(APP, default_timeout=180)
    app.switch_page("screens/papers.py")
    app.query_params |= {"view": "forecasts", "depth": "20"}
    app.run()
    assert not app.exception, app.exception
    return app


def over(store, gone, forecast=None, status="done", recipe="minute", **fields):
    """A run in whose last steps this share of the first loss is gone."""
    run = store.add(preset(recipe, **{"data": "sample", "depth": 8} | fields))
    if forecast is not None:
        store.record_forecast(run.id, forecast)
    claim(store, run.id, Process.of())
    store.append(run.id, [(1, Step(400, 9.0, math.log(10) * (1 - gone), 0.05, 1000.0, 0.0))])
    release(store, run.id, status)
    return run


def captions(app):
    return " ".join(caption.value for caption in app.caption)


@pytest.fixture
def scored(store):
    over(store, 0.3, GOOD)
    over(store, 0.1, GOOD, seed=1)
    over(store, 0.0, BAD, shortcut="none", status="diverged")


def test_without_runs_the_page_says_what_to_do_and_what_each_block_will_do(store):
    app = opened()
    assert "Train a block" in app.info[0].value
    table = app.dataframe[0].value
    assert len(table) == len(papers_blocks())
    assert set(table["forecast"]) <= {"well", "slowly", "not at all"}
    assert table[["well", "slowly", "not at all"]].sum(axis=1).tolist() == pytest.approx([100] * len(table))
    for link, block in zip(table["train"], papers_blocks(), strict=True):
        address, _, packed = link.partition("?build=")
        assert (address, decode(packed).model.block, decode(packed).model.depth) == ("train", block, 20)


def test_runs_are_shown_with_what_was_said_and_what_came(store, scored):
    _, scores, runs = (frame.value for frame in opened().dataframe)
    assert scores[["recipe", "n", "right"]].values.tolist() == [["minute", 3, 2]]
    assert sorted(zip(runs["forecast"], runs["came"], strict=True)) == [
        ("not at all", "not at all"),
        ("well", "slowly"),
        ("well", "well"),
    ]
    assert set(runs["budget"]) == {"minute, 5,000 of sample"}
    assert set(runs["from"]) == {"yours"}


def test_both_charts_say_their_numbers(store, scored):
    charts = opened().session_state[KNOWN].last.state["charts"]
    assert charts["calibration"]["alt"].startswith("Calibration: predicted 0%")
    assert "said well, came slowly: 1" in charts["confusion"]["alt"]


def test_what_was_trained_before_there_were_forecasts_is_not_scored_and_gets_none(store, scored):
    run = over(store, 0.3, seed=5)
    app = opened()
    assert "1 run had no forecast." in captions(app)
    assert app.dataframe[1].value["n"].tolist() == [3]
    assert store.run(run.id).forecast is None


def test_what_another_rule_said_and_what_has_no_limits_is_not_scored(store):
    over(store, 0.3, GOOD | {"version": VERSION + 1})
    over(store, 0.3, GOOD, steps=500)
    app = opened()
    assert app.info
    assert "1 run had the forecast of another version of the rule." in captions(app)
    assert "1 run had a forecast, but a recipe or data for which no limits were fixed." in captions(app)


def test_budgets_are_scored_apart_and_together(store, scored):
    over(store, 0.9, GOOD, recipe="quick")
    scores = opened().dataframe[1].value
    assert scores[["recipe", "n"]].values.tolist() == [["quick", 1], ["minute", 3], ["all", 4]]


@pytest.mark.parametrize(
    ("often", "shares", "words"),
    [
        (0.0, 0.0, "all ended alike"),
        (0.5, 0.4, "a better score than both"),
        (0.3, 0.2, "**no better score** than both"),
        (0.4, 0.3, "**no better score** than the shares"),
    ],
)
def test_what_the_score_is_worth_is_said(often, shares, words):
    assert words in worth(Score(n=9, right=6, forecast=0.35, most_frequent=often, shares=shares))


def test_a_forecast_that_cannot_be_read_is_not_scored(store):
    run = over(store, 0.3, GOOD)
    store.change(run.id, forecast='{"says": "well"}')
    assert "1 run had the forecast of another version of the rule" in captions(opened())
