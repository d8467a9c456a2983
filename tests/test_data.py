"""The data sets: their tables are right, what is kept is whole or not there, and a subset is as even as it can be."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
import torch

from resnet_lab.data import (
    DATASETS,
    SAMPLE,
    data_folder,
    data_is_here,
    home,
    keep,
    kept_file,
    load_images,
    normalised,
    place,
    stratified,
)
from resnet_lab.known_facts import FACTS
from resnet_lab.sheets import Images
from tests.sentences import is_one_sentence, refusal

SYNTHETIC = {
    "train": "9f672d0b2c18706daf05bbfc094f868f784d6f891d140ae9d8f4e57655a1b57c",
    "test": "3ddf1db705d9f71e874a57376d99bfb0adc996b8ad7d6d93a3639b5ac5c49531",
}


@pytest.fixture
def small():
    """The form of CIFAR-100, of few images: for it, what was recorded when it was imported counts."""
    return {split: load_images("synthetic", split) for split in ("train", "test")}


@pytest.fixture
def kept(small, tmp_path):
    return keep("cifar100", small, "a test", tmp_path)


@pytest.mark.parametrize("name", ["sample", "synthetic"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_data_set_has_the_size_and_the_classes_that_its_table_says(name, split):
    images, dataset = load_images(name, split), DATASETS[name]
    assert images.pixels.shape == (dataset.sizes[split], 3, 32, 32)
    assert images.pixels.dtype == images.labels.dtype == np.uint8
    assert np.bincount(images.labels).tolist() == [dataset.sizes[split] // dataset.num_classes] * dataset.num_classes


def test_the_classes_of_each_data_set_are_distinct_and_as_many_as_is_published():
    for name, dataset in DATASETS.items():
        assert len(set(dataset.classes)) == dataset.num_classes == (100 if name == "cifar100" else 10)
    assert DATASETS["cifar100"].classes == tuple(sorted(DATASETS["cifar100"].classes))


@pytest.mark.parametrize("split", SYNTHETIC)
def test_synthetic_images_are_the_same_bytes_on_every_machine(split):
    assert load_images("synthetic", split).checksum == SYNTHETIC[split]


def test_synthetic_images_have_the_mean_and_deviation_of_their_table():
    images, dataset = load_images("synthetic", "train"), DATASETS["synthetic"]
    x = normalised(images, dataset.mean, dataset.std)
    assert x.mean((0, 2, 3)).tolist() == pytest.approx([0] * 3, abs=1e-4)
    assert x.std((0, 2, 3)).tolist() == pytest.approx([1] * 3, abs=1e-4)


def test_synthetic_images_can_be_learnt_and_no_test_image_is_a_training_image():
    train, test = (load_images("synthetic", split) for split in ("train", "test"))
    means = np.stack([train.pixels[train.labels == label].mean(0) for label in range(10)])
    distances = ((test.pixels[:, None].astype(np.float32) - means) ** 2).sum((2, 3, 4))
    assert (distances.argmin(1) == test.labels).all()
    assert not {image.tobytes() for image in train.pixels} & {image.tobytes() for image in test.pixels}


@pytest.mark.parametrize("split", ["train", "test"])
def test_what_is_kept_comes_back_bit_for_bit(small, kept, split):
    again = load_images("cifar100", split, kept.parent)
    assert np.array_equal(again.pixels, small[split].pixels)
    assert np.array_equal(again.labels, small[split].labels)


def test_what_is_kept_is_one_file_that_says_where_it_came_from(kept):
    assert [path.name for path in kept.parent.iterdir()] == ["cifar100.npz"]
    with np.load(kept) as arrays:
        assert json.loads(str(arrays["provenance"]))["source"] == "a test"


def test_other_images_in_the_place_of_cifar_10_are_refused_whatever_was_recorded(small, tmp_path):
    path = keep("cifar10", small, "a test", tmp_path)
    text = refusal(load_images, "cifar10", "test", tmp_path)
    assert is_one_sentence(text), text
    assert str(path) in text


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_changed_byte_is_refused_by_the_name_of_the_file(kept, split):
    with np.load(kept) as arrays:
        changed = dict(arrays)
    changed[f"{split}_pixels"][7, 1, 2, 3] ^= 1
    np.savez(kept, **changed)
    text = refusal(load_images, "cifar100", split, kept.parent)
    assert is_one_sentence(text), text
    assert str(kept) in text
    assert len(load_images("cifar100", {"train": "test", "test": "train"}[split], kept.parent))


@pytest.mark.parametrize("position", [40, 5_000, 1_000_000, -3_000, -40, -5])
def test_a_flipped_byte_anywhere_gives_the_images_or_a_refusal(small, kept, position):
    content = bytearray(kept.read_bytes())
    content[position] ^= 0xFF
    kept.write_bytes(content)
    try:
        again = load_images("cifar100", "train", kept.parent).checksum
    except ValueError as problem:
        again = str(problem)
    assert again == small["train"].checksum or (str(kept) in again and is_one_sentence(again)), again


@pytest.mark.parametrize("kept_bytes", [0, 3, 100, 100_000, -30])
def test_a_file_that_was_cut_off_is_refused_by_its_name(kept, kept_bytes):
    kept.write_bytes(kept.read_bytes()[:kept_bytes])
    text = refusal(load_images, "cifar100", "train", kept.parent)
    assert is_one_sentence(text), text
    assert str(kept) in text


@pytest.mark.parametrize("lost", ["provenance", "train_pixels", "train_labels"])
def test_a_file_that_lacks_an_array_is_refused_by_its_name(kept, lost):
    with np.load(kept) as arrays:
        rest = {key: arrays[key] for key in arrays if key != lost}
    np.savez(kept, **rest)
    assert str(kept) in refusal(load_images, "cifar100", "train", kept.parent)


def test_a_pickle_in_the_place_of_the_file_is_not_unpickled(kept):
    np.savez(kept, train_pixels=np.array([print], dtype=object), train_labels=np.zeros(1, dtype=np.uint8))
    assert str(kept) in refusal(load_images, "cifar100", "train", kept.parent)


def test_a_full_disk_leaves_what_was_there_before_and_says_so(small, kept):
    before = kept.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        text = refusal(keep, "cifar100", small, "again", kept.parent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert is_one_sentence(text), text
    assert str(kept) in text
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert kept.read_bytes() == before


KEEP_FOR_EVER = """
import sys
from pathlib import Path
from resnet_lab.data import keep, load_images
splits = {split: load_images("synthetic", split) for split in ("train", "test")}
print("begun", flush=True)
while True:
    keep("cifar100", splits, "a test", Path(sys.argv[1]))
"""


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.11])
def test_a_killed_import_leaves_the_file_whole_or_none(small, tmp_path, seconds):
    command = [sys.executable, "-c", KEEP_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": ""}) as process:
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    if kept_file("cifar100", tmp_path).exists():
        assert load_images("cifar100", "train", tmp_path).checksum == small["train"].checksum
    keep("cifar100", small, "a test", tmp_path)
    assert load_images("cifar100", "test", tmp_path).checksum == small["test"].checksum


def test_missing_data_are_told_with_the_commands_that_get_them(tmp_path):
    for name in FACTS:
        text = refusal(load_images, name, "train", tmp_path)
        assert is_one_sentence(text), text
        for part in (str(tmp_path), f"python -m resnet_lab data get {name}", "data import PATH", "'sample'"):
            assert part in text
        assert not data_is_here(name, tmp_path)


def test_what_is_bundled_made_or_kept_is_here(kept):
    assert data_is_here("sample", kept.parent)
    assert data_is_here("synthetic", kept.parent)
    assert data_is_here("cifar100", kept.parent)
    assert place("synthetic") is None


@pytest.mark.parametrize(("name", "split"), [("imagenet", "train"), ("sample", "validation")])
def test_unknown_names_are_refused_with_those_that_are_known(name, split):
    text = refusal(load_images, name, split)
    assert is_one_sentence(text), text
    assert "'sample'" in text or "'train'" in text
    assert "'imagenet'" in refusal(data_is_here, "imagenet")


def test_the_lab_s_home_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_HOME", str(tmp_path))
    assert home() == tmp_path
    assert data_folder() == tmp_path / "data"
    assert place("cifar10") == tmp_path / "data" / "cifar10.npz"
    assert str(tmp_path) in refusal(load_images, "cifar10", "train")


@pytest.mark.parametrize("size", [1, 9, 10, 11, 137, 499, 500])
def test_a_stratified_choice_is_as_even_as_it_can_be_and_takes_the_first_of_each_class(size):
    labels = np.random.default_rng(0).integers(0, 10, 500).astype(np.uint8)
    chosen = stratified(labels, size)
    assert len(chosen) == size
    assert (np.diff(chosen) > 0).all()
    counts = Counter(labels[chosen].tolist())
    for label in range(10):
        mine = np.flatnonzero(labels == label)
        assert np.array_equal(chosen[labels[chosen] == label], mine[: counts[label]])
        assert counts[label] == len(mine) or counts[label] >= max(counts.values()) - 1


def test_a_stratified_choice_of_the_sample_s_size_is_the_first_500_of_each_class():
    labels = (np.arange(1000) % 10).astype(np.uint8)
    assert np.array_equal(stratified(labels, 500), np.arange(500))


@pytest.mark.parametrize("size", [0, -1, 11])
def test_a_stratified_choice_of_an_impossible_size_is_refused(size):
    text = refusal(stratified, np.zeros(10, dtype=np.uint8), size)
    assert is_one_sentence(text), text
    assert str(size) in text
    assert "10" in text


@pytest.fixture(params=["sample", "synthetic"])
def images(request):
    return load_images(request.param, "test"), DATASETS[request.param]


def test_normalised_images_have_about_zero_mean_and_unit_deviation(images):
    images, dataset = images
    x = normalised(images, dataset.mean, dataset.std)
    assert x.dtype == torch.float32
    assert x.mean((0, 2, 3)).tolist() == pytest.approx([0] * 3, abs=0.05)
    assert x.std((0, 2, 3)).tolist() == pytest.approx([1] * 3, abs=0.05)


def test_normalisation_is_the_formula():
    generator = np.random.default_rng(0)
    images = Images(generator.integers(0, 256, (2, 3, 32, 32), dtype=np.uint8), np.zeros(2, dtype=np.uint8))
    x = normalised(images, mean=(0.1, 0.2, 0.3), std=(0.5, 1, 2))
    for channel, (mean, std) in enumerate([(0.1, 0.5), (0.2, 1), (0.3, 2)]):
        expected = (images.pixels[:, channel] / 255 - mean) / std
        assert x[:, channel].numpy() == pytest.approx(expected, abs=1e-5)


def test_the_sample_loads_wherever_the_working_directory_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert SAMPLE.is_absolute()
    assert len(load_images("sample", "test")) == 1_000


@pytest.mark.parametrize("split", ["train", "test"])
def test_all_of_cifar_10_is_there(full_cifar10, split):
    assert len(full_cifar10[split]) == DATASETS["cifar10"].sizes[split]


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_sample_is_the_first_images_of_each_class_of_cifar_10(full_cifar10, split):
    sample, images = load_images("sample", split), full_cifar10[split]
    chosen = stratified(images.labels, len(sample))
    assert np.array_equal(images.pixels[chosen], sample.pixels)
    assert np.array_equal(images.labels[chosen], sample.labels)
