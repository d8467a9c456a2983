"""The benchmark of wall times: when something counts as reached, and what the table makes of it."""

import json
import math
from contextlib import closing
from subprocess import CalledProcessError

import psutil
import pytest

from benchmarks.parts.reaching import ERROR, LOSS, Moment, Outcome, RecentLoss, Target, follow
from benchmarks.time_to import TARGETS, cell, main, results, told_by, train
from resnet_lab.events import Done, Epoch, Start, Step
from resnet_lab.presets import PRESETS, preset

# fmt: off
TINY = preset(
    "minute", data="synthetic", depth=8, width=0.25, train_size=100, test_size=60, batch_size=16, steps=60,
    precision="fp32", loss_every=10, probe_every=0, evaluate_every=2,
)
# fmt: on
WHERE = {"cpu": "some", "cores": 2, "load": 0.0, "versions": {}, "date": "today"}


@pytest.fixture(autouse=True)
def processes_of_one_thread(monkeypatch):
    """Nets as small as the tests' are no faster with more."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def start(step=0, seconds=0.0):
    rest = {"steps": 9, "num_train": 9, "num_test": 9, "parameters": 9, "images_per_second": 9, "seconds_expected": 9}
    return Start(step, seconds, execution={"precision": "fp32"}, **rest)


def step(number, loss, seconds=0.0):
    return Step(number, seconds, loss=loss, lr=0.1, images_per_second=1.0, seconds_left=1.0)


def judged(number, error):
    return Epoch(number, 0.0, epoch=1.0, test_error=error, test_loss=1.0, num_test=10)


def means(*told, num_steps=50):
    recent = RecentLoss(num_steps)
    return [recent.after(step(number, loss)) for number, loss in told]


def test_a_loss_is_the_mean_over_the_last_steps_and_none_before_there_are_so_many():
    assert means((20, 3.0), (40, 2.0), (50, 1.0), num_steps=50)[-1] == pytest.approx((20 * 3 + 20 * 2 + 10) / 50)
    assert all(map(math.isnan, means((10, 1.0), (40, 1.0))))
    assert means((10, 9.0), (30, 2.0), (60, 1.0))[-1] == pytest.approx((20 * 2 + 30 * 1) / 50)


def test_the_mean_reaches_further_back_only_where_losses_are_told_rarely():
    assert means((100, 3.0), (200, 1.0)) == [3.0, 1.0]
    assert means((40, 4.0), (80, 2.0))[-1] == pytest.approx(3.0)


def test_a_loss_that_is_no_number_reaches_nothing_while_it_is_in_the_mean():
    found = means((30, None), (60, 1.0), (90, 1.0), num_steps=50)
    assert list(map(math.isnan, found)) == [True, True, False]


def told(*events):
    return ((10.0 + number, event) for number, event in enumerate(events))


EASY, HARD, WRONG = Target(LOSS, 2.0), Target(LOSS, 1.0), Target(ERROR, 50.0)


def test_the_first_moment_counts():
    events = [start(), step(50, 2.0, 3.0), judged(50, 49.0), step(100, 1.5, 6.0), step(150, 1.0), judged(150, 9)]
    outcome = follow(TINY, told(*events), [EASY, HARD, WRONG], 50)
    assert outcome.start == Moment(10.0, 0.0, 0)
    assert outcome.reached == {EASY: Moment(11.0, 3.0, 50), WRONG: Moment(12.0, 0.0, 50), HARD: Moment(14.0, 0.0, 150)}
    assert (outcome.status, outcome.execution) == ("ended early", {"precision": "fp32"})


def test_nothing_more_is_asked_for_once_all_is_reached():
    events = told(start(), step(50, 2.0), step(100, 1.0))
    assert EASY in follow(TINY, events, [EASY], 50).reached
    assert next(events)[1].step == 100


def test_what_is_not_reached_is_missing():
    events = [start(), step(50, None), judged(50, 50.1), Done(50, 1.0, "diverged", "It broke.", 1.0, 50.1)]
    outcome = follow(TINY, told(*events), [EASY, WRONG], 50)
    assert (outcome.reached, outcome.status) == ({}, "diverged")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ([12.34], "12.3"),
        ([1.0, 3.0, 2.0], "2.0 (1.0 to 3.0)"),
        ([1.0, math.inf, 2.0], "2.0 (1.0 to not reached), 2 of 3"),
        ([math.inf, math.inf, 2.0], "not reached (2.0 to not reached), 1 of 3"),
        ([math.inf, 2.0], "not reached (2.0 to not reached), 1 of 2"),
        ([math.inf, math.inf], "not reached"),
        ([math.inf], "not reached"),
    ],
)
def test_what_was_not_reached_comes_after_all_that_was(seconds, words):
    assert cell(seconds) == words


def test_the_table_has_a_column_a_variant_and_counts_its_seeds():
    plain, identity = TINY.with_fields(shortcut="none"), TINY
    outcomes = [
        Outcome(config.changed(seed=seed), Moment(5, 0, 0), {"precision": "fp32"}, reached, "done")
        for seed in (0, 1)
        for config, reached in ((plain, {}), (identity, {EASY: Moment(20.0 + seed, 10.0, 60)}))
    ]
    outcomes[-1].reached[HARD] = Moment(30.0, 15.0, 70)
    found = results(outcomes, [EASY, HARD], WHERE, {"recipe": "minute", "device": "cpu"})
    assert "|  | Plain, depth 8, n = 2 | 2(a) Identity = 4(a) Original, depth 8, n = 2 |" in found.tables
    assert "| training loss 2 | not reached | 20.5 (20.0 to 21.0) |" in found.tables
    assert "| training loss 2 | not reached | 10.0 (10.0 to 10.0) |" in found.tables
    assert "| training loss 1 | not reached | not reached (30.0 to not reached), 1 of 2 |" in found.tables
    assert "| ready for the first step | 5.0 (5.0 to 5.0) | 5.0 (5.0 to 5.0) |" in found.tables
    assert "| computed in | fp32 | fp32 |" in found.tables
    assert [run["reached"]["training loss 2"] is None for run in found.numbers["runs"]] == [True, False] * 2


def test_every_recipe_has_targets_of_both_kinds():
    assert TARGETS.keys() == PRESETS.keys()
    assert all(set(limits) == {LOSS, ERROR} and all(limits.values()) for limits in TARGETS.values())


def test_a_run_of_its_own_process_ends_when_it_has_reached_everything():
    """It would take hours."""
    children = set(psutil.Process().children())
    outcome = train(TINY.with_fields(steps=10**6), "cpu", [Target(LOSS, 99.0)])
    now = outcome.reached[Target(LOSS, 99.0)]
    assert (now.step, outcome.status) == (50, "ended early")
    assert now.wall > outcome.start.wall > outcome.start.training
    assert now.wall > now.training > outcome.start.training
    assert set(psutil.Process().children()) == children


def test_a_process_that_fails_is_not_taken_for_a_run_that_reached_nothing(capfd):
    with closing(told_by(TINY, "nope")) as events, pytest.raises(CalledProcessError):
        next(events)
    assert "invalid choice: 'nope'" in capfd.readouterr().err


def test_one_command_trains_and_saves(tmp_path, capsys):
    words = "--data synthetic --variants identity --depths 8 --seeds 0 --steps 2 --precision fp32 --device cpu"
    main([*words.split(), "--losses", "0.001", "--errors", "100", "--save"], tmp_path)
    page, record = (tmp_path / f"time_to-minute-cpu.{suffix}" for suffix in ("md", "json"))
    assert capsys.readouterr().out.endswith(page.read_text() + "\n")
    (run,) = json.loads(record.read_text())["runs"]
    assert (run["status"], run["reached"]["training loss 0.001"]) == ("done", None)
    assert run["reached"]["test error 100%"]["step"] == 2
    assert run["execution"]["precision"] == run["config"]["recipe"]["precision"] == "fp32"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--losses --errors", "Name at least one of --losses and --errors."),
        ("--depths 7", "depth"),
        ("--seeds x", "--seeds takes 3, or 0..4, or 0,2,5, but was given 'x'."),
        ("--steps 0", "steps"),
        ("--variants nope", "invalid choice: 'nope'"),
    ],
)
def test_what_cannot_be_trained_is_refused(capsys, arguments, words):
    with pytest.raises(SystemExit) as refused:
        main(arguments.split())
    assert refused.value.code == 2
    assert words in capsys.readouterr().err
