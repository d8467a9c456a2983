"""The commands about runs: what they print, for people and for programs, and what they refuse."""

import argparse
import json
from importlib import import_module

import pytest

from resnet_lab.queueing import Process, claim, release, request
from resnet_lab.store import Store, open_store
from resnet_lab.summaries import duration
from resnet_lab.weights import WEIGHTS, write_tensors
from tests.sentences import is_one_sentence, refusal
from tests.stores import config, story


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESNET_LAB_STORE", raising=False)
    with open_store() as store:
        yield store


@pytest.fixture
def trained(store):
    run = store.add(config(), name="first [red]one[/red]", tags=["good"])
    claim(store, run.id, Process.of())
    store.append(run.id, story())
    store.record_environment(run.id, {"device": "cpu", "torch": "2.15.0"})
    write_tensors(store.run_folder(run.id) / WEIGHTS, {}, {})
    release(store, run.id, "done")
    return store.run(run.id)


@pytest.fixture
def command(capsys):
    """What `python -m resnet_lab NAME ARGUMENTS` prints."""

    def call(name, *arguments):
        module = import_module(f"resnet_lab.commands.{name}")
        parser = argparse.ArgumentParser()
        module.add_options(parser)
        assert module.run(parser.parse_args([str(argument) for argument in arguments])) == 0
        return capsys.readouterr().out

    return call


def test_the_table_says_how_far_each_run_is_and_its_last_numbers(store, trained, command):
    waits = store.add(config(shortcut="dropout"))
    _, head, _, first, second, *_ = command("runs").splitlines()
    assert head.split() == ["run", "what", "seed", "status", "progress", "loss", "test", "error", "time", "device"]
    assert first.split()[0] == waits.id
    assert waits.config.title in first
    assert "queued" in first
    assert "0%" in first
    for part in (trained.id, trained.name, "done", "100%", "2.250", "81.25% of 2,000", "3 s", "cpu"):
        assert part in second


def test_the_table_without_runs_says_so(store, command):
    assert command("runs") == "There are no runs yet.\n"
    assert command("runs", "--deleted") == "There are no such runs.\n"
    assert command("runs", "--json") == "[]\n"


def test_a_request_under_way_is_seen(store, command):
    run = store.add(config())
    claim(store, run.id, Process.of())
    request(store, run.id, "pause")
    assert "running, asked to pause" in command("runs")
    assert "running, asked to pause" in command("show", run.id)


def test_the_table_for_programs_has_the_same(store, trained, command):
    [told] = json.loads(command("runs", "--json"))
    assert (told["id"], told["status"], told["step"], told["steps"]) == (trained.id, "done", 20, 20)
    assert (told["loss"], told["test_error"], told["num_test"], told["seconds"]) == (2.25, 81.25, 2000, 3.0)
    assert told["config"]["recipe"]["momentum"] == 0.9
    assert told["tags"] == ["good"]


def test_runs_are_chosen_by_tag(store, trained, command):
    other = store.add(config())
    assert [run["id"] for run in json.loads(command("runs", "--json", "--tag", "good"))] == [trained.id]
    assert other.id in command("runs", "tag", other.id, "good", "new")
    assert len(json.loads(command("runs", "--json", "--tag", "good"))) == 2
    assert len(json.loads(command("runs", "--json", "--tag", "good", "--tag", "new"))) == 1
    assert "no tags" in command("runs", "tag", other.id)


def test_delete_undelete_and_purge(store, trained, command):
    assert f"runs undelete {trained.id}" in command("runs", "delete", trained.id)
    assert command("runs") == "There are no runs yet.\n"
    assert trained.id in command("runs", "--deleted")
    command("runs", "undelete", trained.id)
    assert trained.id in command("runs")
    assert is_one_sentence(refusal(command, "runs", "purge", trained.id))
    other = store.add(config())
    command("runs", "delete", trained.id, other.id)
    command("runs", "purge", trained.id[:8], other.id)
    assert store.runs(deleted=True) == []


def test_of_several_runs_none_is_deleted_if_one_is_not_there(store, trained, command):
    assert is_one_sentence(refusal(command, "runs", "delete", trained.id, "nope"))
    assert [run.id for run in store.runs()] == [trained.id]


def test_a_run_is_renamed_and_noted(store, trained, command):
    command("runs", "rename", trained.name, "second")
    command("runs", "note", "second", "Looks good.")
    run = store.run(trained.id)
    assert (run.name, run.notes) == ("second", "Looks good.")


def test_show_says_what_it_is_how_it_went_and_where_its_files_are(store, trained, command):
    store.edit(trained.id, notes="A note.")
    shown = command("show", trained.id[:6])
    for part in (
        trained.id,
        trained.config.title,
        "5,000 images of sample, 16×16 pixels",
        "20 steps of 128",
        "step 20 of 20 (100%)",
        "81.25% of 2,000",
        "The budget is used up.",
        "A note.",
        "torch 2.15.0",
        str(store.run_folder(trained.id) / WEIGHTS),
    ):
        assert part in shown
    assert "None" not in shown


def test_show_says_how_long_a_running_one_takes_and_why_a_failed_one_failed(store, command):
    run = store.add(config())
    assert "step 0 of 20 (0%)" in command("show", run.id)
    claim(store, run.id, Process.of())
    store.append(run.id, story(2))
    assert "2 s, about 2 s left" in command("show", run.id)
    release(store, run.id, "failed", "Its data is not here.")
    assert "Its data is not here." in command("show", run.id)


def test_show_for_programs(store, trained, command):
    told = json.loads(command("show", trained.id, "--json"))
    assert told["files"] == [str(store.run_folder(trained.id) / WEIGHTS)]
    assert told["id"] == trained.id
    lines = [json.loads(line) for line in command("show", trained.id, "--events").splitlines()]
    assert lines == [{"number": number} | event.to_dict() for number, event in story()]


def test_a_run_that_is_not_there_is_named(store, trained, command):
    for arguments in (["show", "nope"], ["export", "nope", "--to", "a.csv"], ["runs", "delete", "nope"]):
        said = refusal(command, *arguments)
        assert is_one_sentence(said)
        assert trained.id in said


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json", ".zip"])
def test_export_writes_the_format_of_the_ending(store, trained, command, tmp_path, ending):
    path = tmp_path / f"out{ending}"
    assert command("export", trained.id, trained.name, "--to", path).startswith(f"{path}: 1 run, ")
    assert path.stat().st_size > 100


def test_a_capsule_goes_to_another_home_and_comes_only_once(store, trained, command, tmp_path, monkeypatch):
    command("export", trained.id, "--to", tmp_path / "a.zip")
    monkeypatch.setenv("RESNET_LAB_HOME", str(tmp_path / "elsewhere"))
    assert "is here now" in command("import_", tmp_path / "a.zip")
    assert "was here already; nothing changed" in command("import_", tmp_path / "a.zip")
    command("runs", "delete", trained.id)
    assert f"runs undelete {trained.id}" in command("import_", tmp_path / "a.zip")
    with Store(None, tmp_path / "elsewhere") as other:
        assert other.events(trained.id) == store.events(trained.id)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3600, "1 h 0 min"), (7505, "2 h 5 min")],
)
def test_a_duration_is_told_in_two_units(seconds, words):
    assert duration(seconds) == words
