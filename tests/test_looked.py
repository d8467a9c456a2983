"""What can be looked into: runs with weights, shipped runs, checkpoints from elsewhere; and what is refused."""

import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from resnet_lab.data import load_images
from resnet_lab.films import write_frame
from resnet_lab.inside.looked import IMAGENET, film, import_checkpoint, imported, subjects
from resnet_lab.inside.subjects import Subject, open_subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.store import Store
from resnet_lab.trainer import Trainer
from resnet_lab.weights import CHECKPOINT, WEIGHTS, write_tensors
from tests.sentences import is_one_sentence, refusal
from tests.stores import config
from tests.test_checkpoints import AKAMASTER, CHENYAOFO, named, our_net

pytestmark = pytest.mark.usefixtures("one_thread")

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TINY = {"depth": 8, "width": 0.25}


@pytest.fixture
def store(tmp_path):
    with Store(None, tmp_path) as store:
        yield store


def finished(store, status="done", name="", **fields):
    """A run with random weights, and a film of them."""
    run = store.add(config().with_fields(**{"width": 0.25} | fields), name=name)
    torch.manual_seed(run.seed)
    net, folder = build_model(run.config.model), store.run_folder(run.id)
    for step in (5, 0):
        write_frame(folder, step, net.state_dict())
    write_tensors(folder / WEIGHTS, net.state_dict(), {"config": run.config.to_json(), "step": 20})
    store.change(run.id, status=status)
    return store.run(run.id)


def rested(store, status):
    """A run of which there is but a checkpoint, after two steps of its four, and the trainer that wrote it."""
    run = store.add(config(width=0.25, steps=4))
    trainer = Trainer(run.config, "cpu")
    while trainer.step < 2:
        trainer.advance()
    write_tensors(store.run_folder(run.id) / CHECKPOINT, **trainer.state_dict())
    store.change(run.id, status=status)
    return store.run(run.id), trainer


def test_runs_that_are_over_and_have_weights_are_listed_newest_first(store, tmp_path):
    runs = [finished(store, status, seed=seed) for seed, status in enumerate(["done", "diverged", "done"])]
    for status in ("running", "queued"):
        finished(store, status)
    (store.run_folder(finished(store).id) / WEIGHTS).unlink()
    store.delete(finished(store).id)
    found = subjects(store, None, tmp_path)
    expected = sorted(runs, key=lambda run: (-run.created, run.id))
    assert [subject.id for subject in found] == [run.id for run in expected]
    for subject, run in zip(found, expected, strict=True):
        assert (subject.model, subject.data, subject.seed) == (run.config.model, run.config.data, run.seed)
        assert subject.origin == "run"
        assert open_subject(subject)(IMAGES).shape == (2, 10)


@pytest.mark.parametrize("status", ["paused", "stopped", "failed"])
def test_a_run_that_rests_is_looked_into_as_it_stood(status, store, tmp_path):
    run, trainer = rested(store, status)
    [subject] = subjects(store, None, tmp_path)
    assert (subject.id, subject.model) == (run.id, run.config.model)
    assert subject.title == f"{run.title}, as it stood after 2 steps"
    opened, net = open_subject(subject), trainer.model.eval()
    with torch.no_grad():
        assert torch.equal(opened(IMAGES), net(opened.normalised(IMAGES)))


def test_a_run_at_work_or_with_a_damaged_checkpoint_is_not_listed(store, tmp_path):
    for status in ("running", "queued"):
        rested(store, status)
    damaged, _ = rested(store, "paused")
    (store.run_folder(damaged.id) / CHECKPOINT).write_bytes(b"cut off")
    assert subjects(store, None, tmp_path) == []


def test_the_film_of_a_run_that_rests_ends_where_it_stood(store, tmp_path):
    run, trainer = rested(store, "stopped")
    for step in (0, 1, 3):  # it had gone further than its checkpoint
        write_frame(store.run_folder(run.id), step, trainer.model.state_dict())
    [subject] = subjects(store, None, tmp_path)
    assert list(film(subject)) == [0, 1, 2]
    assert film(subject)[2] == subject


def test_the_same_run_may_be_in_the_store_and_come_with_the_lab(store, tmp_path):
    finished(store)
    found = subjects(store, store, tmp_path)
    assert [subject.origin for subject in found] == ["run", "shipped"]
    assert len({subject.id for subject in found}) == len({subject.title for subject in found}) == 2


def test_titles_that_are_alike_get_what_tells_them_apart_and_others_stay(store, tmp_path):
    other = finished(store, name="mine")
    runs = [finished(store, **fields) for fields in ({}, {"seed": 1}, {"data": "synthetic"}, {})]
    titles = {subject.id: subject.title for subject in subjects(store, None, tmp_path)}
    assert len(set(titles.values())) == 5
    assert titles[other.id] == "mine"
    first, second, third, again = (titles[run.id] for run in runs)
    assert all(title.startswith(runs[0].title) for title in (first, second, third, again))
    assert "seed 1" in second
    assert "on synthetic patterns" in third
    assert "seed" not in third
    assert runs[0].id in first
    assert runs[3].id in again


def test_a_film_is_the_subject_at_moments_of_its_run_and_at_last_itself(store, tmp_path):
    finished(store)
    [subject] = subjects(store, None, tmp_path)
    moments = film(subject)
    assert list(moments) == [0, 5, 20]
    assert moments[20] == subject
    for moment in moments.values():
        torch.testing.assert_close(open_subject(moment)(IMAGES), open_subject(subject)(IMAGES), rtol=0.05, atol=0.05)
    assert len({moment.id for moment in moments.values()}) == len({moment.title for moment in moments.values()}) == 3


# Checkpoints from elsewhere.


def torch_file(folder, state):
    torch.save(state, folder / "net.th")
    return folder / "net.th"


def safetensors_file(folder, state):
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "net.bin")
    return folder / "net.bin"


FILES = {"torch": torch_file, "safetensors": safetensors_file}
NAMINGS = {
    "akamaster": lambda net: named(net, AKAMASTER),
    "chenyaofo": lambda net: named(net, CHENYAOFO),
    "ours": lambda net: net.state_dict(),
}


@pytest.mark.parametrize("write", FILES.values(), ids=FILES)
@pytest.mark.parametrize("naming", NAMINGS.values(), ids=NAMINGS)
@pytest.mark.parametrize("fields", [{}, {"projection": "B", "num_classes": 100}, {"depth": 11, "unit": "bottleneck"}])
def test_a_checkpoint_of_any_form_and_naming_becomes_a_subject(write, naming, fields, tmp_path):
    model, net = our_net(**TINY | fields)
    path = write(tmp_path, naming(net))
    subject = import_checkpoint(path, "theirs", tmp_path / "home")
    assert subject == import_checkpoint(path.read_bytes(), "again", tmp_path / "home")
    assert imported(tmp_path / "home") == [subject]
    assert (subject.model, subject.origin, subject.title) == (model, "checkpoint", "theirs")
    assert subject.data.name == {10: "cifar10", 100: "cifar100"}[model.num_classes]
    pixels = open_subject(subject)
    assert torch.equal(pixels(IMAGES), net(pixels.normalised(IMAGES)))
    assert (subject.normalisation == IMAGENET) == (naming is NAMINGS["akamaster"])
    assert import_checkpoint(Path(subject.weights), "from another lab", tmp_path / "home") == subject
    assert Subject.from_json(subject.to_json()) == subject
    assert list(film(subject).values()) == [subject]


def test_a_kept_checkpoint_that_is_damaged_is_not_listed_and_is_mended_by_importing_it_again(tmp_path):
    path = torch_file(tmp_path, state())
    subject = import_checkpoint(path, "theirs", tmp_path)
    kept = Path(subject.weights)
    for content in (b"", kept.read_bytes()[:3000], safetensors_file(tmp_path, state()).read_bytes()):
        kept.write_bytes(content)
        assert imported(tmp_path) == []
        assert import_checkpoint(path, "theirs", tmp_path) == subject
        assert imported(tmp_path) == [subject]


@pytest.mark.parametrize("fields", [{"placement": "full_preact"}, {"shortcut": "none"}, {"data": "synthetic"}])
def test_the_weights_of_a_run_say_themselves_what_net_they_are(fields, store, tmp_path):
    run = finished(store, **fields)
    subject = import_checkpoint((store.run_folder(run.id) / WEIGHTS).read_bytes(), "from a colleague", tmp_path)
    assert (subject.model, subject.data) == (run.config.model, run.config.data)
    own, theirs = subjects(store, None, tmp_path)
    assert theirs == subject
    assert torch.equal(open_subject(own)(IMAGES), open_subject(theirs)(IMAGES))
    assert import_checkpoint(Path(subject.weights), "once more", tmp_path) == subject


def state(**fields):
    return our_net(**TINY | fields)[1].state_dict()


def saved(content):
    return lambda folder: torch_file(folder, content).read_bytes()


def with_record(folder, record):
    write_tensors(folder / "net.bin", state(), record)
    return (folder / "net.bin").read_bytes()


BAD = {
    "an archive cut off": lambda folder: saved(state())(folder)[:5000],
    "an archive of a later form": lambda folder: re.sub(
        rb"(?s)(PK\x01\x02..)..", lambda m: m[1] + b"\xff\0", saved(state())(folder)),
    "nothing": lambda folder: b"",
    "text": lambda folder: b"GIF89a",
    "a pickle of code": lambda folder: pickle.dumps(print),
    "numbers": saved([1, 2]),
    "no tensors": saved({"state_dict": {}}),
    "seven classes": saved(state(num_classes=7)),
    "a net for large pictures": saved(named(our_net(family="imagenet", depth=18, projection="B", width=0.25,
                                                    num_classes=10)[1], CHENYAOFO)),
    "a large stem": saved(named(our_net(**TINY, stem="large", projection="B")[1], CHENYAOFO)),
    "another placement, unnamed": saved(state(block={"placement": "full_preact"})),
    "one tensor missing": saved({name: tensor for name, tensor in state().items() if name != "head.bias"}),
    "safetensors cut off": lambda folder: safetensors_file(folder, state()).read_bytes()[:5000],
    "safetensors of something else": lambda folder: safetensors_file(folder, {"a": IMAGES}).read_bytes(),
    "a frame of a film": lambda folder: with_record(folder, {"step": 5}),
    "a record of another net": lambda folder: with_record(folder, {"config": config(depth=14).to_json()}),
    "a record of a huge net": lambda folder: with_record(
        folder, {"config": config(depth=56).with_fields(width=16).to_json()}),
    "a record of nothing": lambda folder: with_record(folder, {"config": 5}),
    "a record that is a list": lambda folder: with_record(folder, ["config"]),
    "a record of an impossible normalisation": lambda folder: with_record(folder, {
        "model": TINY, "data": {}, "normalisation": {"mean": (0, 0, 0), "std": (1, 0, 1)}}),
    "a record of a normalisation that is none": lambda folder: with_record(folder, {
        "model": TINY, "data": {}, "normalisation": "ImageNet"}),
    "half a record": lambda folder: with_record(folder, {"model": {"depth": 8}}),
}  # fmt: skip


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_what_is_no_such_net_is_told_in_one_sentence_and_nothing_is_kept(make, tmp_path):
    content = make(tmp_path)
    said = refusal(import_checkpoint, content, "theirs.th", tmp_path / "home")
    assert is_one_sentence(said)
    assert not (tmp_path / "home").exists()


def test_a_file_that_is_not_there_or_too_large_and_a_name_that_cannot_be_shown_are_told(tmp_path, monkeypatch):
    path = torch_file(tmp_path, state())
    assert is_one_sentence(refusal(import_checkpoint, path, "a\nb", tmp_path))
    assert is_one_sentence(refusal(import_checkpoint, tmp_path / "none.th", "a", tmp_path))
    monkeypatch.setattr("resnet_lab.inside.looked.MAX_CHECKPOINT", 1000)
    for given in (path, path.read_bytes()):
        assert "at most 1 kB" in refusal(import_checkpoint, given, "a", tmp_path)


def huge_views(**fields):
    """Of a net of 870 MB, whose tensors are all one number."""
    with torch.device("meta"):
        net = build_model(ModelConfig(**fields))
    return {name: torch.zeros(()).expand(tensor.shape) for name, tensor in net.state_dict().items()}


def only_the_stem_is_huge():
    names = huge_views(depth=8)
    return names | {"stem.conv1.weight": torch.zeros(()).expand(256, 3, 3, 3)}


BOMBS = {
    "views of one number": (lambda: huge_views(depth=56, width=16), "of numbers: at most 200.0 MB"),
    "a claim of a wide net": (only_the_stem_is_huge, "should have the shape"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_file_of_a_huge_net_is_refused_before_the_net_is_built(bomb, tmp_path, monkeypatch):
    content, words = BOMBS[bomb]
    path = torch_file(tmp_path, content())
    assert path.stat().st_size < 100_000
    devices = set()

    def watched(model):
        net = build_model(model)
        devices.update(parameter.device.type for parameter in net.parameters())
        return net

    monkeypatch.setattr("resnet_lab.checkpoints.build_model", watched)
    said = refusal(import_checkpoint, path, "a bomb", tmp_path / "home")
    assert devices <= {"meta"}
    assert is_one_sentence(said)
    assert words in said


def test_an_archive_that_unpacks_to_more_is_refused_unread(tmp_path):
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data/0", bytes(201_000_000))
    assert path.stat().st_size < 1_000_000
    said = refusal(import_checkpoint, path, "a bomb", tmp_path / "home")
    assert is_one_sentence(said)
    assert "unpacks to 201.0 MB" in said


def num_errors(subject, images):
    net, pixels = open_subject(subject), torch.from_numpy(images.pixels)
    with torch.inference_mode():
        predicted = torch.cat([net(part.float() / 255).argmax(1) for part in pixels.split(500)]).numpy()
    return int(np.sum(predicted != images.labels))


def test_the_public_checkpoint_has_its_86_errors_on_the_sample(public_checkpoint, tmp_path):
    subject = import_checkpoint(public_checkpoint, "akamaster", tmp_path)
    assert subject.model == ModelConfig()
    assert num_errors(subject, load_images("sample", "test")) == 86


def test_the_public_checkpoint_has_its_827_errors_on_all_test_images(public_checkpoint, full_cifar10, tmp_path):
    assert num_errors(import_checkpoint(public_checkpoint, "akamaster", tmp_path), full_cifar10["test"]) == 827
