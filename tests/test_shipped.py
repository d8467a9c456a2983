"""Runs that come with the lab: their capsules are made from finished runs, and unpacked once into their own store."""

import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from assets.make_gallery import MOST_BYTES, answers_alike, file_name, finished, make_gallery, plan
from resnet_lab.capsules import write_capsule
from resnet_lab.films import frames, write_frame
from resnet_lab.predictions import PREDICTIONS, Predictions, answered, predict, read_predictions, write_predictions
from resnet_lab.run_config import RunConfig
from resnet_lab.shipped import GALLERY, MARK, TAKEN, shipped_problems, shipped_store
from resnet_lab.store import Store
from resnet_lab.trainer import Trainer
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_tensors, write_tensors
from tests.sentences import is_one_sentence, refusal
from tests.stores import config

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"identity": {}, "plain": {"shortcut": "none"}, "full_preact": {"placement": "full_preact"}}
SMALL = {"data": "synthetic", "width": 0.25, "train_size": 100, "test_size": 20, "batch_size": 50, "steps": 2}


def trained(store, **fields):
    """A run of two steps, with all that a worker leaves behind."""
    run = store.add(config().with_fields(**SMALL | fields))
    trainer, folder = Trainer(run.config, "cpu"), store.run_folder(run.id)
    write_frame(folder, 0, dict(trainer.model.state_dict()))
    while not trainer.status:
        trainer.advance()
    write_tensors(folder / WEIGHTS, dict(trainer.model.state_dict()), {"step": trainer.step})
    write_predictions(folder, answered(trainer.model, trainer.test, trainer.execution))
    write_tensors(folder / CHECKPOINT, **trainer.state_dict())
    store.append(run.id, trainer.pending)
    store.change(run.id, status="done")
    return store.run(run.id)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with Store(None, tmp_path_factory.mktemp("lab")) as store:
        yield store


@pytest.fixture(scope="module")
def runs(lab):
    return {kind: trained(lab, precision="fp32", **fields) for kind, fields in KINDS.items()}


@pytest.fixture(scope="module")
def made(lab, runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    make_gallery(lab, list(runs.values()), folder)
    return folder


@pytest.fixture
def gallery(made, tmp_path):
    return shutil.copytree(made, tmp_path / "gallery-files")


def ids(store):
    return {run.id for run in store.runs()}


def test_a_capsule_is_called_by_what_the_net_is(made):
    assert {path.name for path in made.iterdir()} == {f"resnet8-{kind}-own-s0.zip" for kind in KINDS}


def test_a_capsule_has_everything_but_the_state_to_continue_from(made, runs):
    for kind, run in runs.items():
        with zipfile.ZipFile(made / f"resnet8-{kind}-own-s0.zip") as archive:
            names = {name.split("/")[-1] for name in archive.namelist() if name.startswith(run.id)}
        parts = {"config.json", "environment.json", "run.json", "events.jsonl", WEIGHTS, PREDICTIONS}
        assert names == parts | {"film-00000000.safetensors"}


def test_only_finished_runs_are_shipped_and_each_in_its_own_file(lab, runs, tmp_path):
    waiting, other = lab.add(config(depth=14)), lab.add(config().with_fields(**SMALL, lr=0.05))
    shutil.copytree(lab.run_folder(runs["identity"].id), lab.run_folder(other.id))
    lab.change(other.id, status="done")
    for text in (waiting.id, "nobody"):
        assert is_one_sentence(refusal(finished, lab, text))
    assert is_one_sentence(
        refusal(make_gallery, lab, [runs["identity"], finished(lab, other.id)], tmp_path / "gallery")
    )
    assert not (tmp_path / "gallery").exists()
    for run in (waiting, other):
        lab.change(run.id, status="stopped")


def test_shipped_weights_take_half_the_room_and_answer_alike(lab, runs, gallery, tmp_path):
    run = runs["full_preact"]
    with shipped_store(tmp_path, gallery) as store:
        light = store.run_folder(run.id) / WEIGHTS
        assert light.stat().st_size < 0.7 * (lab.run_folder(run.id) / WEIGHTS).stat().st_size
        whole = lab.run_folder(run.id) / WEIGHTS
        assert answers_alike(predict(run.config, whole, "cpu"), predict(run.config, light, "cpu"))


def test_other_answers_are_not_alike():
    labels, sure = np.zeros(1000, int), np.full(1000, 0.9)
    before = Predictions(labels, labels, sure)
    assert answers_alike(before, Predictions(labels, labels, sure + 0.009))
    assert not answers_alike(before, Predictions(labels, labels, np.where(np.arange(1000) == 7, 0.8, 0.9)))
    assert answers_alike(before, Predictions(labels, np.where(np.arange(1000) < 1, 1, 0), sure))
    assert not answers_alike(before, Predictions(labels, np.where(np.arange(1000) < 2, 1, 0), sure))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_planned_run_has_a_file_of_its_own(device):
    configs = plan(device)
    assert {config.data.name for config in configs} == {"cifar10"}
    assert all(config.data.train_size is None and config.epochs >= 15 for config in configs)
    names = {file_name(SimpleNamespace(config=config, seed=config.seed)) for config in configs}
    assert len(names) == len(configs)


def test_what_comes_with_the_lab_is_whole_and_small(tmp_path):
    paths = sorted(GALLERY.glob("*.zip"))
    assert sum(path.stat().st_size for path in paths) <= MOST_BYTES
    with shipped_store(tmp_path, GALLERY) as store:
        assert shipped_problems(tmp_path, GALLERY) == []
        assert len(ids(store)) == len(paths) >= 3
        for run in store.runs():
            assert run.config.data == RunConfig().data
            assert run.config.epochs >= 15
            assert MARK in run.tags
            done = store.last(run.id, "done")
            told = read_predictions(store.run_folder(run.id))
            assert 100 * (told.predicted != told.labels).mean() == pytest.approx(done.test_error)


def test_nothing_shipped_is_no_store(tmp_path):
    assert shipped_store(tmp_path, tmp_path / "none") is None
    assert list(tmp_path.iterdir()) == []


def test_the_runs_arrive_as_they_are(lab, runs, gallery, tmp_path):
    with shipped_store(tmp_path, gallery) as store:
        assert store.folder == tmp_path / "gallery"
        assert ids(store) == {run.id for run in runs.values()}
        for run in runs.values():
            assert store.run(run.id).config == run.config
            assert store.events(run.id) == lab.events(run.id) != []
            assert list(frames(store.run_folder(run.id))) == [0]
            theirs, ours = (each.run_folder(run.id) for each in (store, lab))
            assert (theirs / PREDICTIONS).read_bytes() == (ours / PREDICTIONS).read_bytes()
            light, whole = (read_tensors(folder / WEIGHTS)[0] for folder in (theirs, ours))
            assert light.keys() == whole.keys()
            for name, tensor in whole.items():
                assert torch.allclose(light[name].to(tensor.dtype), tensor, rtol=1e-3, atol=1e-6), name
    assert shipped_problems(tmp_path, gallery) == []


def test_what_is_there_is_not_read_again_and_what_is_new_comes_in(gallery, tmp_path):
    late = gallery / "resnet8-plain-own-s0.zip"
    aside = late.rename(tmp_path / "aside.zip")
    with shipped_store(tmp_path, gallery) as store:
        assert len(ids(store)) == 2
    written = (tmp_path / "gallery" / TAKEN).stat().st_mtime_ns
    with shipped_store(tmp_path, gallery) as store:
        assert len(ids(store)) == 2
    assert (tmp_path / "gallery" / TAKEN).stat().st_mtime_ns == written
    aside.rename(late)
    with shipped_store(tmp_path, gallery) as store:
        assert len(ids(store)) == 3


def test_a_capsule_that_only_looks_new_brings_no_run_twice(gallery, tmp_path):
    with shipped_store(tmp_path, gallery) as store:
        before = ids(store)
    for path in gallery.iterdir():
        path.touch()
    with shipped_store(tmp_path, gallery) as store:
        assert ids(store) == before


def test_a_damaged_capsule_is_told_and_the_others_come(gallery, tmp_path):
    path = gallery / "resnet8-identity-own-s0.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1000])
    for _ in range(2):
        with shipped_store(tmp_path, gallery) as store:
            assert len(ids(store)) == 2
        [problem] = shipped_problems(tmp_path, gallery)
        assert is_one_sentence(problem)
        assert path.name in problem
    path.write_bytes(whole)
    with shipped_store(tmp_path, gallery) as store:
        assert len(ids(store)) == 3
    assert shipped_problems(tmp_path, gallery) == []


def test_of_a_damaged_capsule_that_is_gone_nothing_is_told(gallery, tmp_path):
    path = gallery / "resnet8-identity-own-s0.zip"
    path.write_bytes(path.read_bytes()[:-1000])
    shipped_store(tmp_path, gallery).close()
    assert len(shipped_problems(tmp_path, gallery)) == 1
    path.unlink()
    assert shipped_problems(tmp_path, gallery) == []


def test_several_at_once_bring_each_run_once(gallery, tmp_path):
    def look(_):
        with shipped_store(tmp_path, gallery) as store:
            return sorted(ids(store))

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(look, range(4)))
    assert seen == [seen[0]] * 4
    assert len(seen[0]) == 3


def test_a_lab_that_was_ended_in_the_middle_goes_on(lab, runs, gallery, tmp_path):
    with shipped_store(tmp_path, gallery) as store:
        (store.folder / TAKEN).unlink()
    with shipped_store(tmp_path, gallery) as store:
        assert len(ids(store)) == 3


def test_a_capsule_of_several_runs_comes_in_as_a_whole(lab, runs, tmp_path):
    write_capsule(lab, list(runs.values()), tmp_path / "files" / "all.zip")
    with shipped_store(tmp_path, tmp_path / "files") as store:
        assert len(ids(store)) == 3
