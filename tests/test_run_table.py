"""The table of runs: numbers that can be worked out by hand, and columns that tell the rows apart."""

import pytest

from resnet_lab.events import Epoch, Step
from resnet_lab.histories import Histories
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim, release
from resnet_lab.run_table import (
    COLUMNS,
    cost_of,
    differences,
    fold,
    framed,
    in_words,
    matching,
    recipe_name,
    rows,
    titled,
    told_of,
)
from resnet_lab.store import Store
from resnet_lab.summaries import summarise
from tests.stores import config


@pytest.fixture
def store(tmp_path):
    with Store(None, tmp_path) as store:
        yield store


def trained(store, config, losses=(), errors=(), every=10, **labels):
    """A finished run that told these losses, a second each, and then these test errors."""
    run = store.add(config, **labels)
    claim(store, run.id, Process.of())
    events = [Step(every * k, float(k), loss, 0.1, 1000.0, 0.0) for k, loss in enumerate(losses, start=1)]
    events += [Epoch(every * k, float(k), k, error, 1.0, 1000) for k, error in enumerate(errors, start=1)]
    store.append(run.id, list(enumerate(events, start=1)))
    release(store, run.id, "done")
    return store.run(run.id)


def table(store):
    """In the order in which the runs were made."""
    return rows(told_of(Histories(store), summarise(store, store.runs()[::-1]), cost_of))


def test_final_best_and_median_are_three_numbers(store):
    trained(store, config(), errors=[90.0, 20.0, 50.0, 30.0, 60.0, 40.0])
    [row] = table(store)
    assert (row["final"], row["best"], row["median"]) == (40.0, 20.0, 40.0)
    assert row["num_test"] == 1000
    assert "chosen on the test images" in COLUMNS["best"].help


def test_the_median_is_of_the_last_five_tests(store):
    trained(store, config(), errors=[1.0, 1.0, 1.0, 10.0, 50.0, 30.0, 20.0, 40.0])
    assert table(store)[0]["median"] == 30.0


def test_the_training_loss_is_the_mean_of_the_last_50_steps(store):
    trained(store, config(), [9.0] * 5 + [1.0, 2.0, 3.0, 4.0, 5.0])
    trained(store, config(seed=1), [100.0, 1.0, 2.0, 3.0, 4.0], every=16)  # the last 50 begin in those told at 32
    assert [row["loss"] for row in table(store)] == [3.0, 2.5]


def test_numbers_that_are_not_there_are_none(store):
    trained(store, config(), [1.0, None])
    store.add(config(seed=1))
    for row in table(store):
        assert {row[key] for key in ("final", "best", "median", "loss")} == {None}
    assert table(store)[1]["pace"] is None


def test_cost_time_and_pace_are_those_of_the_run(store):
    trained(store, config(depth=20, width=1.0, resolution=32), [1.0] * 4)
    [row] = table(store)
    assert row["parameters"] == 269_722
    assert row["multiply_adds"] == pytest.approx(40.55104)
    assert row["seconds"] == 4.0
    assert row["pace"] == 40 * 128 / 4


def test_what_all_rows_share_folds_away_into_one_sentence(store):
    for shortcut in ("identity", "none"):
        trained(store, config(shortcut=shortcut), [1.0], [50.0])
    shown, sentence = fold(table(store))
    assert sentence.startswith("All: done, seed 0, 19,218 parameters, ")
    assert "depth 8, width 0.5, 4(a) Original, 5,000 images of sample at 16×16, recipe minute, 20 steps" in sentence
    assert sentence.endswith("1,000 test images, on auto.")
    assert {"run", "id", "shortcut", "final", "best", "median", "loss", "seconds"} <= set(shown)
    assert not {"depth", "seed", "steps", "tags", "notes", "placement"} & set(shown)


def test_a_single_row_keeps_its_columns_and_other_rows_what_differs(store):
    trained(store, config(), errors=[50.0])
    shown, sentence = fold(table(store))
    assert sentence == ""
    assert {"depth", "seed", "steps", "data"} <= set(shown)
    trained(store, config(seed=1, depth=14), errors=[50.0])
    shown, sentence = fold(table(store))
    assert {"depth", "seed", "parameters"} <= set(shown)
    assert "depth" not in sentence


def test_blocks_of_ones_own_are_told_apart_by_their_ops(store):
    for ops in ("gn relu", "silu"):
        store.add(config(pre=ops, post="bn"))
    shown, _ = fold(table(store))
    assert "placement" in shown
    assert [row["placement"] for row in table(store)] == ["gn relu | bn | relu", "silu | bn | relu"]


def test_results_never_fold_even_when_they_are_equal(store):
    for seed in range(2):
        trained(store, config(seed=seed), [1.0], [50.0])
    shown, sentence = fold(table(store))
    assert {"final", "best", "median", "loss"} <= set(shown)
    assert "50" not in sentence.replace("5,000", "")


def test_differences_are_the_row_less_the_baseline(store):
    trained(store, config(), [1.0], [50.0])
    trained(store, config(depth=14), [3.0], [44.5])
    store.add(config(depth=20))
    table_ = table(store)
    first, second, third = differences(table_, table_[0])
    assert first == dict.fromkeys((key for key, column in COLUMNS.items() if column.is_compared), 0)
    assert (second["final"], second["loss"]) == (-5.5, 2.0)
    assert second["parameters"] == table_[1]["parameters"] - table_[0]["parameters"] > 0
    assert third["final"] is None


def test_a_recipe_is_known_by_its_fields_whatever_the_number_of_steps():
    assert recipe_name(preset("paper", depth=20)) == "paper"
    assert recipe_name(preset("paper", depth=110, steps=1000)) == "paper"
    assert recipe_name(preset("paper", depth=164, unit="bottleneck")) == "paper"
    assert recipe_name(preset("minute", data="sample", steps=20)) == "minute"
    assert recipe_name(preset("quick", depth=56)) == "quick"
    assert recipe_name(preset("minute", lr=0.1)) == "own"


def test_runs_are_found_by_words_tags_and_statuses(store):
    first = trained(store, config(), name="my Net", tags=["a", "b"])
    second = trained(store, config(shortcut="exclusive_gating", seed=3), tags=["a"])
    third = store.add(config(shortcut="none"))
    summaries = summarise(store, [first, second, third])

    def found(*asked, **more):
        return [summary.run.id for summary in matching(summaries, *asked, **more)]

    assert found() == [first.id, second.id, third.id]
    assert found("NET my") == [first.id]
    assert found("gating resnet-8") == [second.id]
    assert found(second.id[:5]) == [second.id]
    assert found(tags=["a"]) == [first.id, second.id]
    assert found(tags=["a", "b"]) == [first.id]
    assert found(statuses=["queued", "failed"]) == [third.id]
    assert found("net", tags=["a"], statuses=["done"]) == [first.id, second.id]


def test_cells_are_written_as_their_columns_say_and_differences_with_their_sign(store):
    trained(store, config(steps=2000), [1.25], [50.0])
    trained(store, config(seed=1), [1.0], [51.5])
    store.add(config(seed=2))
    told = table(store)
    columns = framed(told, ["depth", "steps", "final", "loss", "notes"], told[0])
    assert {titled(name): in_words(name, values) for name, values in columns.items()} == {
        "Depth": ["8", "8", "8"],
        "Steps": ["2,000", "20", "20"],
        "Final test error, %": ["50.00", "51.50", ""],
        "Δ Final test error, %": ["+0.00", "+1.50", ""],
        "Training loss": ["1.250", "1.000", ""],
        "Δ Training loss": ["+0.000", "-0.250", ""],
        "Note": ["", "", ""],
    }
    assert [*framed(told, ["depth", "final"], None)] == ["depth", "final"]
