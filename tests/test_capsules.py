"""Capsules: a run goes to another lab with all that belongs to it, and a damaged one changes nothing there."""

import hashlib
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from sqlalchemy import text

from resnet_lab.capsules import MANIFEST, read_capsule, write_capsule
from resnet_lab.forecasts import Forecast
from resnet_lab.predictions import PREDICTIONS, Predictions, read_predictions, write_predictions
from resnet_lab.queueing import Process, claim, release, resume
from resnet_lab.store import Store
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_tensors, write_tensors
from tests.sentences import is_one_sentence, refusal
from tests.stores import config, story

pytest_plugins = ["tests.postgres"]

TENSORS = {"weight": torch.arange(600.0).view(3, 200)}
FORECAST = Forecast("well", {"well": 0.75, "slowly": 0.25, "not at all": 0.0}, {"gradient": 1.5}).to_dict()
ANSWERS = Predictions(np.arange(1000) % 10, np.arange(1000) % 7, np.full(1000, 0.5, dtype=np.float32))


def trained(store, status="done", **labels):
    run = store.add(config(seed=4), name="é", notes="a\nb", tags=["t"], **labels)
    claim(store, run.id, Process.of(), threads=2)
    store.append(run.id, story())
    store.record_environment(run.id, {"torch": "2.15"})
    write_tensors(store.run_folder(run.id) / WEIGHTS, TENSORS, {"step": 20})
    if status == "done":
        write_predictions(store.run_folder(run.id), ANSWERS)
    write_tensors(store.run_folder(run.id) / CHECKPOINT, TENSORS, {"step": 10})
    if status != "running":
        release(store, run.id, status)
    return store.run(run.id)


@pytest.fixture
def lab(tmp_path):
    with Store(None, tmp_path / "lab") as store:
        yield store


@pytest.fixture
def other(tmp_path):
    """Another lab, always an SQLite file: capsules go from one database to the other."""
    with Store(None, tmp_path / "other") as store:
        yield store


@pytest.fixture
def capsule(lab, tmp_path):
    path = tmp_path / "a.zip"
    write_capsule(lab, [trained(lab)], path)
    return path


def is_untouched(store):
    left = [path for path in store.folder.rglob("*") if path.is_file() and not path.name.startswith("lab.db")]
    return store.runs() == store.runs(deleted=True) == left == []


def test_a_run_arrives_with_all_that_belongs_to_it(store, other, tmp_path):
    run = trained(store)
    write_capsule(store, [run], tmp_path / "a.zip")
    [arrived], known = read_capsule(other, tmp_path / "a.zip")
    assert known == []
    for name in ("id", "key", "name", "status", "config", "environment", "notes", "tags", "created"):
        assert getattr(arrived, name) == getattr(run, name), name
    assert (arrived.pid, arrived.host, arrived.position, arrived.threads) == (None, None, None, None)
    assert other.events(run.id) == store.events(run.id)
    tensors, record = read_tensors(other.run_folder(run.id) / WEIGHTS)
    assert torch.equal(tensors["weight"], TENSORS["weight"])
    assert record == {"step": 20}
    found = read_predictions(other.run_folder(run.id))
    for name in ("labels", "predicted", "confidence"):
        assert np.array_equal(getattr(found, name), getattr(ANSWERS, name)), name
    assert not (other.run_folder(run.id) / CHECKPOINT).exists()
    assert other.same(run.config) == arrived


@pytest.mark.parametrize(("status", "then"), [("running", "stopped"), ("paused", "paused"), ("stopped", "stopped")])
def test_an_unfinished_run_arrives_with_its_checkpoint_and_can_be_resumed(store, other, tmp_path, status, then):
    run = trained(store, status)
    write_capsule(store, [run], tmp_path / "a.zip")
    [arrived], _ = read_capsule(other, tmp_path / "a.zip")
    assert arrived.status == then
    assert read_tensors(other.run_folder(run.id) / CHECKPOINT)[1] == {"step": 10}
    assert resume(other, run.id).status == "queued"


def test_runs_arrive_in_either_database(lab, store, capsule):
    [run], _ = read_capsule(store, capsule)
    assert store.events(run.id) == lab.events(run.id)
    assert read_capsule(store, capsule) == ([], [run])


def test_the_same_capsule_twice_is_said_and_not_duplicated(other, capsule):
    [run], _ = read_capsule(other, capsule)
    assert read_capsule(other, capsule) == ([], [run])
    other.delete(run.id)
    new, [known] = read_capsule(other, capsule)
    assert new == []
    assert known.deleted
    other.purge(run.id)
    assert [again.id for again in read_capsule(other, capsule)[0]] == [run.id]


def test_an_id_that_is_taken_is_replaced(lab, other, capsule):
    run = lab.runs()[0]
    stranger = other.add(config())
    other.change(stranger.id, id=run.id)
    [arrived], _ = read_capsule(other, capsule)
    assert arrived.id != run.id
    assert other.events(run.id) == []
    assert other.events(arrived.id) == lab.events(run.id)
    assert (other.run_folder(arrived.id) / WEIGHTS).is_file()
    assert read_capsule(other, capsule) == ([], [arrived])


def test_a_run_that_arrives_has_a_colour_of_this_lab(lab, other, tmp_path):
    write_capsule(lab, [trained(lab), trained(lab)], tmp_path / "a.zip")
    mine = other.add_many([config(seed=seed) for seed in (5, 6)])
    new, _ = read_capsule(other, tmp_path / "a.zip")
    assert [run.colour for run in mine] == [0, 1]
    assert {run.colour for run in new} == {2, 3}


def test_a_capsule_of_version_1_without_predictions_arrives(lab, other, capsule):
    with zipfile.ZipFile(capsule) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(contents.pop(MANIFEST))
    gone = member(contents, PREDICTIONS)
    del contents[gone], manifest["members"][gone]
    with zipfile.ZipFile(capsule, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(manifest | {"version": 1}))
    [run], _ = read_capsule(other, capsule)
    assert read_predictions(other.run_folder(run.id)) is None
    assert other.events(run.id) == lab.events(run.id)


def test_a_forecast_travels_and_a_capsule_of_version_3_has_none(lab, other, tmp_path):
    runs = [trained(lab), trained(lab)]
    lab.record_forecast(runs[0].id, FORECAST)
    write_capsule(lab, [lab.run(run.id) for run in runs], tmp_path / "a.zip")
    rewritten(tmp_path / "a.zip", without_forecast(runs[1].id))
    new, _ = read_capsule(other, tmp_path / "a.zip")
    assert {run.id: run.forecast for run in new} == {runs[0].id: FORECAST, runs[1].id: None}


def without_forecast(run_id):
    """As older versions wrote what is told of a run."""

    def change(contents):
        told = json.loads(contents[f"{run_id}/run.json"])
        del told["forecast"]
        contents[f"{run_id}/run.json"] = json.dumps(told).encode()

    return change


def foretold(**fields):
    def change(contents):
        name = member(contents, "run.json")
        contents[name] = json.dumps(json.loads(contents[name]) | {"forecast": FORECAST | fields}).encode()

    return change


def test_several_runs_travel_together(lab, other, tmp_path):
    runs = [trained(lab), trained(lab, "stopped"), lab.add(config())]
    write_capsule(lab, runs, tmp_path / "a.zip")
    new, _ = read_capsule(other, tmp_path / "a.zip")
    assert {run.id for run in new} == {run.id for run in runs}


# ---- damaged and foreign


def rewritten(path, change):
    """The capsule with its members changed, and the manifest fitting again."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(contents.pop(MANIFEST))
    change(contents)
    manifest["members"] = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(manifest))


def member(contents, ending):
    return next(name for name in contents if name.endswith(ending))


def replace(ending, content):
    return lambda contents: contents.update({member(contents, ending): content})


# fmt: off
DAMAGES = {
    "a path out of the folder": lambda contents: contents.update({"../../evil.txt": b"x"}),
    "an absolute path":         lambda contents: contents.update({"/tmp/evil.txt": b"x"}),
    "a path out of its run":    lambda contents: contents.update({
                                    member(contents, "run.json").replace("run.json", "../../../evil.txt"): b"x"}),
    "a foreign member":         lambda contents: contents.update({"0123abcd/evil.py": b"x"}),
    "no events":                lambda contents: contents.pop(member(contents, "events.jsonl")),
    "a half line of events":    replace("events.jsonl", b'{"number": 1, "kind": "st'),
    "an unknown event":         replace("events.jsonl", b'{"number": 1, "kind": "party", "step": 1, "seconds": 1}\n'),
    "an event without loss":    replace("events.jsonl", b'{"number": 1, "kind": "step", "step": 1, "seconds": 1}\n'),
    "a script as a loss":       replace("events.jsonl", b'{"number": 1, "kind": "epoch", "step": 1, "seconds": 1, '
                                        b'"epoch": 1, "test_error": "<script>", "test_loss": 1, "num_test": 1}\n'),
    "a list of events":         replace("events.jsonl", b"[1, 2]\n"),
    "a line twice":             lambda contents: contents.update({
                                    name: content * 2 for name, content in contents.items() if "events" in name}),
    "the number 0":             replace("events.jsonl", b'{"number": 0, "kind": "warning", "step": 1, "seconds": 1, '
                                        b'"about": "nan", "words": "x"}\n'),
    "an unknown field":         replace("config.json", b'{"model": {"depht": 20}}'),
    "no configuration":         replace("config.json", b"[]"),
    "bytes as configuration":   replace("config.json", b"\xff\xfe"),
    "an unknown status":        replace("run.json", b'{"status": "great"}'),
    "a list as environment":    replace("environment.json", b"[]"),
    "a pickle as weights":      replace("weights.safetensors", b"\x80\x04K\x01." * 99),
    "cut predictions":          lambda contents: contents.update({
                                    member(contents, PREDICTIONS): contents[member(contents, PREDICTIONS)][:-9]}),
    "others' predictions":      lambda contents: contents.update({
                                    member(contents, PREDICTIONS): contents[member(contents, WEIGHTS)]}),
    "a script as a forecast":   lambda contents: foretold(says="<script>")(contents),
    "a forecast above 1":       lambda contents: foretold(probabilities={"well": 2.0})(contents),
    "too many predictions":     replace("config.json", config(seed=4, test_size=999).to_json().encode()),
}
# fmt: on


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_capsule_with_something_wrong_in_it_is_refused_whole(other, capsule, damage):
    rewritten(capsule, DAMAGES[damage])
    said = refusal(read_capsule, other, capsule)
    assert is_one_sentence(said)
    assert str(capsule) in said
    assert is_untouched(other)
    assert not list(capsule.parent.rglob("evil*"))


def test_two_runs_of_which_one_is_damaged_are_refused_together(lab, other, tmp_path):
    path = tmp_path / "a.zip"
    write_capsule(lab, [trained(lab), trained(lab)], path)
    rewritten(path, replace("events.jsonl", b"?"))
    refusal(read_capsule, other, path)
    assert is_untouched(other)


def test_a_changed_byte_is_found(other, capsule):
    with zipfile.ZipFile(capsule) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    name = member(contents, WEIGHTS)
    with zipfile.ZipFile(capsule, "w") as archive:
        for each, content in contents.items():
            archive.writestr(each, content[:-1] + b"!" if each == name else content)
    said = refusal(read_capsule, other, capsule)
    assert "differs from its checksum" in said
    assert is_untouched(other)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_cut_off_capsule_is_named(other, capsule, share):
    content = capsule.read_bytes()
    capsule.write_bytes(content[: int(len(content) * share)])
    assert is_one_sentence(refusal(read_capsule, other, capsule))
    assert is_untouched(other)


@pytest.mark.parametrize("place", range(10, 3000, 130))
def test_a_damaged_byte_anywhere_is_refused_or_harmless(lab, other, capsule, place):
    content = bytearray(capsule.read_bytes())
    content[place % len(content)] ^= 0xFF
    capsule.write_bytes(content)
    try:
        read_capsule(other, capsule)
        said = ""
    except ValueError as error:
        said = str(error)
    if said:
        assert is_one_sentence(said)
        assert is_untouched(other)
    else:
        run = lab.runs()[0]
        assert other.run(run.id).config == run.config
        assert other.events(run.id) == lab.events(run.id)


def test_a_bomb_is_refused_before_it_is_unpacked(other, capsule):
    rewritten(capsule, replace("weights.safetensors", bytes(30_000_000)))
    assert capsule.stat().st_size < 100_000
    said = refusal(read_capsule, other, capsule, max_bytes=20_000_000)
    assert "30,0" in said
    assert is_one_sentence(said)
    assert is_untouched(other)


def test_a_foreign_zip_a_newer_capsule_and_no_file_are_named(other, tmp_path, capsule):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("holiday.jpg", "x")
    for path in (tmp_path / "b.zip", tmp_path / "none.zip", tmp_path):
        assert is_one_sentence(refusal(read_capsule, other, path))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(MANIFEST, json.dumps({"format": "resnet-lab capsule", "version": 5, "members": {}}))
    assert "version is 5" in refusal(read_capsule, other, tmp_path / "b.zip")
    assert is_untouched(other)


def test_a_database_that_fails_at_the_second_run_keeps_neither(lab, other, tmp_path):
    runs = sorted([trained(lab), trained(lab)], key=lambda run: run.id)
    write_capsule(lab, runs, tmp_path / "a.zip")
    trigger = "CREATE TRIGGER fails BEFORE INSERT ON runs WHEN NEW.id = '{}' BEGIN SELECT RAISE(ABORT, 'No.'); END"
    with other.writing() as connection:
        connection.execute(text(trigger.format(runs[1].id)))
    assert is_one_sentence(refusal(read_capsule, other, tmp_path / "a.zip"))
    assert is_untouched(other)


def test_a_full_disk_imports_nothing(other, capsule):
    code = """
import resource, signal, sys
from pathlib import Path
from resnet_lab.capsules import read_capsule
from resnet_lab.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store(None, Path(sys.argv[1])) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
    try:
        read_capsule(store, Path(sys.argv[2]))
    except ValueError as error:
        print(error)
"""
    command = [sys.executable, "-c", code, str(other.folder), str(capsule)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert is_one_sentence(said)
    assert "the disk is full" in said
    assert is_untouched(other)
