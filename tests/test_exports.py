"""Exports: every number of a run once, readable by other programs."""

import csv
import json

import pytest
from pyarrow import parquet

from resnet_lab.events import Probe, Step
from resnet_lab.exports import COLUMNS, FORMATS, export_runs, write_csv
from resnet_lab.run_config import RunConfig
from tests.sentences import is_one_sentence, refusal
from tests.stores import config, story

pytest_plugins = ["tests.postgres"]

NUMBERS = [  # of story(), by hand: kind, step, seconds, measure, layer, unit, value
    ("step", 10, 1.5, "loss", None, None, 2.25),
    ("step", 10, 1.5, "train_error", None, None, 62.5),
    ("step", 10, 1.5, "lr", None, None, 0.05),
    ("step", 10, 1.5, "images_per_second", None, None, 1000.0),
    ("probe", 10, 1.6, "gradient", "stem.0", None, 0.5),
    ("probe", 10, 1.6, "dead", "stem.0", None, None),
    ("probe", 10, 1.6, "shortcut_share", None, 0, 0.75),
    ("probe", 10, 1.6, "shortcut_share", None, 1, None),
    ("probe", 10, 1.6, "shortcut_share", None, 2, 0.5),
    ("epoch", 10, 1.7, "epoch", None, None, 0.5),
    ("epoch", 10, 1.7, "test_error", None, None, 81.25),
    ("epoch", 10, 1.7, "test_loss", None, None, 2.125),
    ("epoch", 10, 1.7, "num_test", None, None, 2000.0),
]


@pytest.fixture
def runs(store):
    runs = [
        store.add(config(shortcut="dropout", seed=5), name='a "name", with é'),
        store.add(config(placement="full_preact")),
    ]
    for run in runs:
        store.append(run.id, story())
    return runs


def test_parquet_has_every_number_once(store, runs, tmp_path):
    export_runs(store, runs, tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.schema.equals(COLUMNS)
    rows = table.to_pylist()
    for run, part in zip(runs, (rows[:13], rows[13:]), strict=True):
        block = run.config.model.block
        assert {(row["run"], row["name"], row["seed"]) for row in part} == {(run.id, run.name, run.config.seed)}
        assert {(row["placement"], row["shortcut"], row["depth"]) for row in part} == {
            (block.placement, block.shortcut, 8)
        }
        assert [tuple(row[name] for name in COLUMNS.names[6:]) for row in part] == NUMBERS


def test_csv_has_the_same_rows_as_parquet(store, runs, tmp_path):
    export_runs(store, runs, tmp_path / "a.csv")
    export_runs(store, runs, tmp_path / "a.parquet")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert rows == [{name: "" if value is None else str(value) for name, value in row.items()} for row in expected]


def test_json_has_everything(store, runs, tmp_path):
    store.record_environment(runs[0].id, {"torch": "2.15"})
    export_runs(store, [store.run(run.id) for run in runs], tmp_path / "a.JSON")
    first, second = json.loads((tmp_path / "a.JSON").read_text())["runs"]
    assert RunConfig(**first["config"]) == runs[0].config
    assert first["config"]["recipe"]["momentum"] == 0.9  # what is left at its default is written too
    assert first["environment"] == {"torch": "2.15"}
    assert [event["number"] for event in second["events"]] == [1, 2, 3, 4, 5, 6]
    assert second["events"][4] == {"number": 5} | story()[4][1].to_dict()


def test_runs_without_events_are_exported(store, tmp_path):
    run = store.add(config())
    for ending in FORMATS:
        export_runs(store, [run], tmp_path / f"a{ending}")
    assert (tmp_path / "a.csv").read_text().splitlines() == [",".join(COLUMNS.names)]
    assert parquet.read_table(tmp_path / "a.parquet").num_rows == 0


def test_more_rows_than_fit_a_batch_are_all_there_in_order(store, tmp_path):
    run = store.add(config())
    layers = {f"layer{n}": {"gradient": float(n)} for n in range(100)}
    store.append(run.id, [(n, Probe(n, float(n), layers, {})) for n in range(1, 251)])
    store.append(run.id, [(251, Step(251, 1.0, 2.0, 0.1, 1.0, 0.0))])
    export_runs(store, [run], tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.num_rows == 25_004
    assert table["step"].to_pylist() == sorted(table["step"].to_pylist())


def test_an_unknown_ending_and_a_place_that_cannot_be_written_are_named(store, runs, tmp_path):
    assert is_one_sentence(refusal(export_runs, store, runs, tmp_path / "a.xlsx"))
    (tmp_path / "file").write_text("")
    assert "could not be written" in refusal(write_csv, store, runs, tmp_path / "file" / "a.csv")


@pytest.mark.parametrize("ending", FORMATS)
def test_an_export_that_fails_leaves_what_was_there(store, runs, tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_text("before")
    with pytest.raises(AttributeError):
        export_runs(store, [runs[0], None], path)
    assert path.read_text() == "before"
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == [path.name]
