"""Pictures by reference: the same letters are the same picture, with all of CIFAR-10 and with its sample alone."""

import json
import shutil

import numpy as np
import pytest
import torch

from resnet_lab.data import DATASETS, SAMPLE, data_folder, keep, load_images, stratified
from resnet_lab.inside.specimens import (
    MOST,
    SOURCES,
    browsable,
    browse,
    num_pictures,
    pixels_of,
    places_in_sample,
    read_tray,
    specimen,
)
from resnet_lab.inside.uploads import keep_upload
from resnet_lab.sheets import INDEX, Images
from tests.sentences import is_one_sentence, refusal
from tests.test_uploads import encoded, noise

LETTERS = {"t": "test", "n": "train"}


@pytest.fixture
def full_home(full_cifar10, tmp_path):
    """A lab's home that has all of CIFAR-10."""
    (tmp_path / "data").symlink_to(data_folder())
    return tmp_path


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_sample_says_which_images_of_cifar_10_it_holds(split, full_cifar10):
    full, sample, at = full_cifar10[split], load_images("sample", split), list(places_in_sample(split))
    assert at == stratified(full.labels, len(sample)).tolist()
    assert np.array_equal(full.pixels[at], sample.pixels)
    assert np.array_equal(full.labels[at], sample.labels)


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_places_of_the_sample_rise_within_cifar_10(split):
    at = list(places_in_sample(split))
    assert at == sorted(set(at))
    assert len(at) == DATASETS["sample"].sizes[split]
    assert at[-1] < DATASETS["cifar10"].sizes[split]


@pytest.mark.parametrize(("letter", "split"), LETTERS.items())
def test_a_reference_is_the_same_picture_with_and_without_all_of_cifar_10(letter, split, full_cifar10, tmp_path):
    for number in [*places_in_sample(split)][::311]:
        found = specimen(f"{letter}{number}", tmp_path)
        assert np.array_equal(found.pixels, full_cifar10[split].pixels[number])
        assert found.label == full_cifar10[split].labels[number]
        assert found.class_name == DATASETS["cifar10"].classes[found.label]


def test_a_picture_beyond_the_sample_comes_from_all_of_cifar_10(full_home, full_cifar10):
    assert np.array_equal(specimen("t9999", full_home).pixels, full_cifar10["test"].pixels[9999])


@pytest.mark.parametrize("ref", ["t9999", "n49999", "h3", "h9999"])
def test_a_picture_that_is_not_here_says_how_to_get_it(ref, tmp_path):
    said = refusal(specimen, ref, tmp_path)
    assert is_one_sentence(said)
    assert f"data get {SOURCES[ref[0]].data}`" in said
    assert ref[1:] in said


def test_a_data_set_that_comes_later_or_is_another_one_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("resnet_lab.data.FACTS", {"cifar100": type("Facts", (), {"checksums": {}})})
    refusal(specimen, "h3", tmp_path)
    for colour in (7, 8):
        images = Images(np.full((5, 3, 32, 32), colour, dtype=np.uint8), np.arange(5, dtype=np.uint8))
        keep("cifar100", {"test": images}, "a test", tmp_path / "data")
        found = specimen("h3", tmp_path)
        assert (int(found.pixels[0, 0, 0]), found.label, found.class_name) == (colour, 3, "bear")


def test_pixels_run_from_0_to_1_in_the_order_of_the_references(tmp_path):
    refs = ["y7", browse("sample", "test", None, 0, 1, tmp_path)[0], keep_upload(encoded(noise(40, 50)), tmp_path)]
    pixels = pixels_of(refs, tmp_path)
    assert (pixels.dtype, tuple(pixels.shape)) == (torch.float32, (3, 3, 32, 32))
    for row, ref in zip(pixels, refs, strict=True):
        assert np.array_equal((row * 255).round().numpy(), specimen(ref, tmp_path).pixels)
    assert pixels_of([], tmp_path).shape == (0, 3, 32, 32)


def test_what_is_done_to_a_picture_stays_with_who_did_it(tmp_path):
    specimen("y7", tmp_path).pixels[:] = 0
    assert np.array_equal(specimen("y7", tmp_path).pixels, load_images("synthetic", "test").pixels[7])


def test_an_uploaded_picture_has_no_label(tmp_path):
    ref = keep_upload(encoded(noise(40, 50)), tmp_path)
    found = specimen(ref, tmp_path)
    assert (found.label, found.class_name, found.classes_of, found.ref) == (None, None, "", ref)


def test_a_tray_holds_each_picture_once_in_order():
    assert read_tray("n45.t123.u1a2b3c4d.n45.y7..h12") == (["n45", "t123", "u1a2b3c4d", "y7", "h12"], [])
    assert read_tray("") == ([], [])


BAD = ["x9", "t", "t-1", "t01", "t1.5e", "t10000", "n50000", "h10000", "y500", "u1", "u1A2B3C4D", "u1a2b3c4d5", "t１",
       "t1\n", "../t1", "u../../et", "t" + "9" * 5000]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_picture_is_told_and_the_others_stay(bad, tmp_path):
    refs, problems = read_tray(f"t3.{bad}.y7")
    assert refs[0] == "t3"
    assert refs[-1] == "y7"
    assert problems
    assert all(map(is_one_sentence, problems))
    if "." not in bad:
        assert is_one_sentence(refusal(specimen, bad, tmp_path))


def test_a_tray_that_overflows_is_told():
    refs, problems = read_tray(".".join(f"t{number}" for number in range(MOST + 2)))
    assert refs == [f"t{number}" for number in range(MOST)]
    [problem] = problems
    assert is_one_sentence(problem)


@pytest.mark.parametrize(("name", "split", "letter"), [
    ("sample", "test", "t"), ("sample", "train", "n"), ("synthetic", "test", "y"),
])  # fmt: skip
@pytest.mark.parametrize("label", [None, 0, 9])
def test_browsing_pages_through_every_picture_of_a_class_once(name, split, letter, label, tmp_path):
    number = num_pictures(name, split, label, tmp_path)
    pages = [browse(name, split, label, start, 60, tmp_path) for start in range(0, number, 60)]
    refs = [ref for page in pages for ref in page]
    labels = load_images(name, split).labels
    assert len(refs) == len(set(refs)) == number == (len(labels) if label is None else (labels == label).sum())
    assert all(ref.startswith(letter) for ref in refs)
    assert browse(name, split, label, number, 60, tmp_path) == ()
    for ref in refs[::101]:
        assert label in (None, specimen(ref, tmp_path).label)


def test_the_whole_data_set_is_browsed_by_the_same_references_as_its_sample(full_home):
    assert browse("cifar10", "test", 3, 0, 50, full_home) == browse("sample", "test", 3, 0, 50, full_home)


def test_only_what_is_here_can_be_browsed(tmp_path):
    assert list(browsable(tmp_path)) == ["sample", "synthetic"]
    for name, split, label in [("cifar10", "test", 1), ("x", "test", 1), ("sample", "y", 1), ("sample", "test", 10)]:
        assert is_one_sentence(refusal(browse, name, split, label, 0, 5, tmp_path))


def test_the_index_of_the_sample_still_reads_without_places(tmp_path):
    from resnet_lab.sheets import read_sheets

    folder = shutil.copytree(SAMPLE, tmp_path / "sample")
    index = json.loads((folder / INDEX).read_text())
    del index["splits"]["test"]["indices"]
    (folder / INDEX).write_text(json.dumps(index))
    assert len(read_sheets(folder, "test")) == 1000
