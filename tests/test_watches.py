"""What a run says about itself, by made-up losses here; real runs are in test_trainer.py."""

import json
import math
from dataclasses import asdict

import pytest

from resnet_lab.presets import preset
from resnet_lab.watches import Watches, watches_for
from tests.sentences import is_one_sentence

CHANCE = math.log(10)


def watches(patience=100, window=3):
    return Watches(CHANCE, patience, window)


def said(losses, watch=None, first=1):
    """[(number of the loss, about)] of a run with these mean losses of 10 steps each."""
    watch = watch or watches()
    return [(number, about) for number, loss in enumerate(losses, first) for about, _ in watch.look(number * 10, loss)]


def falling(length, start=CHANCE, rate=0.97):
    return [start * rate**i for i in range(length)]


def test_a_healthy_run_says_nothing():
    assert said(falling(100)) == []


@pytest.mark.parametrize("loss", [math.nan, math.inf, 231.0, 1e30])
def test_a_loss_that_is_no_number_or_hopeless_is_a_break_down_and_the_end(loss):
    watch = watches()
    assert said([CHANCE, loss], watch) == [(2, "nan")]
    assert watch.is_over


@pytest.mark.parametrize("loss", [4.7, 50.0, 230.0])
def test_a_loss_far_above_guessing_is_a_divergence_and_not_yet_the_end(loss):
    watch = watches()
    assert said([CHANCE, loss], watch) == [(2, "divergence")]
    assert not watch.is_over


def test_a_loss_a_little_above_guessing_is_nothing():
    assert said([2.9, 4.5, 2.5]) == []


def test_a_loss_of_guessing_is_said_once_it_may_be_judged():
    losses = [CHANCE * (1.015 if i % 2 else 0.985) for i in range(20)]
    assert said(losses, watches(window=1_000)) == [(10, "chance")]


@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_a_loss_that_is_off_guessing_is_not_guessing(factor):
    assert said([factor * CHANCE] * 20, watches(window=1_000)) == []


def test_a_loss_that_stands_still_is_said_once_both_windows_are_full():
    assert said([1.5] * 50, watches(patience=0, window=8)) == [(16, "plateau")]
    assert said([1.5] * 50, watches(patience=300, window=8)) == [(30, "plateau")]


@pytest.mark.parametrize("drift", [0.98, 1.02])
def test_a_loss_that_falls_or_rises_does_not_stand_still(drift):
    """Over a window of 8 by at least a hundredth."""
    assert said([1.5 * drift ** (i / 8) for i in range(50)], watches(patience=0, window=8)) == []


def test_a_plateau_is_seen_after_a_long_descent():
    assert said(falling(60) + [0.37] * 40, watches(window=8))[-1][1] == "plateau"


def test_everything_is_said_once():
    losses = [CHANCE] * 30 + [10.0] * 30 + [CHANCE] * 30 + [10.0] * 30 + [math.nan] * 5
    kinds = [about for _, about in said(losses)]
    assert sorted(kinds) == ["chance", "divergence", "nan", "plateau"]


def test_what_is_said_is_one_sentence_with_the_step_and_the_numbers():
    watch, words = watches(patience=0, window=2), {}
    for step, loss in enumerate([9.5, CHANCE, CHANCE, CHANCE, CHANCE, math.nan], 1):
        words |= dict(watch.look(step, loss))
    assert set(words) == {"divergence", "chance", "plateau", "nan"}
    assert all(is_one_sentence(sentence) for sentence in words.values())
    assert words["divergence"].startswith("After 1 steps the training loss, 9.50,")
    assert "2.30" in words["chance"]
    assert "2.303 before, 2.303 now" in words["plateau"]
    assert "no longer a number" in words["nan"]


def test_a_hopeless_loss_is_said_with_its_number():
    (about, words), *_ = watches().look(10, 12345.0)
    assert about == "nan"
    assert "1.23e+04" in words


def test_watches_go_on_from_their_record():
    losses = [CHANCE] * 15 + [10.0, 1.5] * 10
    whole = said(losses, watches(window=4))
    assert len(whole) == 3
    for cut in range(len(losses)):
        watch = watches(window=4)
        before = said(losses[:cut], watch)
        successor = Watches(**json.loads(json.dumps(asdict(watch))))
        assert before + said(losses[cut:], successor, first=cut + 1) == whole


def test_no_more_losses_are_kept_than_are_looked_at():
    watch = watches(window=5)
    said([CHANCE] * 1_000, watch)
    assert len(watch.losses) == 10


# fmt: off
SETTINGS = [  # of a run: the loss of guessing, the steps of patience, the losses of a window
    (preset("minute"),                       math.log(10),  100, 20),
    (preset("quick"),                        math.log(10),  586, 20),
    (preset("paper"),                        math.log(10), 6_400, 128),
    (preset("paper", depth=110),             math.log(10), 6_800, 128),
    (preset("quick", data="cifar100"),       math.log(100), 586, 20),
]
# fmt: on


@pytest.mark.parametrize(("config", "chance", "patience", "window"), SETTINGS)
def test_a_tenth_of_the_budget_and_the_warm_up_must_pass_before_a_loss_is_judged(config, chance, patience, window):
    watch = watches_for(config)
    assert (watch.chance, watch.patience, watch.window) == (pytest.approx(chance), patience, window)
