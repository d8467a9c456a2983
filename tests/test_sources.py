"""Each form in which people have CIFAR is recognised and read bit for bit; what is damaged or unknown is named."""

import functools
import hashlib
import io
import json
import pickle
import shutil
import struct
import sys
import tarfile
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from assets import make_sample
from resnet_lab import formats, sheets
from resnet_lab.data import keep, kept_file, load_images
from resnet_lab.known_facts import PICKLE_MD5S, checksums
from resnet_lab.npm_package import FILES, LABELS
from resnet_lab.sheets import Images, write_sheets
from resnet_lab.sources import FORMS, import_source, read_source
from tests.sentences import is_one_sentence, refusal


@functools.cache
def few(name):
    """Fifty training and ten test images of the sample, with labels as the data set has them."""
    splits = {split: load_images("sample", split) for split in ("train", "test")}
    splits = {"train": first(splits["train"], 50), "test": first(splits["test"], 10)}
    if name == "cifar100":
        splits = {s: Images(images.pixels, (images.labels * 9 + 5).astype(np.uint8)) for s, images in splits.items()}
    return splits


def first(images, size):
    return Images(images.pixels[:size], images.labels[:size])


def parts(images, count):
    """The images, split into as many files."""
    size = len(images) // count
    starts = range(0, len(images), size)
    return [Images(images.pixels[i : i + size], images.labels[i : i + size]) for i in starts]


def batch_files(splits, suffix=""):
    names = [f"data_batch_{i}{suffix}" for i in range(1, 6)]
    return {**dict(zip(names, parts(splits["train"], 5), strict=True)), f"test_batch{suffix}": splits["test"]}


def python2_pickle(images, key):
    """Opcode by opcode as Python 2 wrote it with protocol 2: byte strings, and NumPy's old module names."""

    def string(value):
        value = value.encode() if isinstance(value, str) else value
        return b"T" + struct.pack("<i", len(value)) + value

    def number(value):
        return b"J" + struct.pack("<i", value)

    rows = images.pixels.reshape(len(images), -1)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + number(0) + b"\x85" + string("b") + b"\x87R"
    )
    dtype = b"cnumpy\ndtype\n" + string("u1") + number(0) + number(1) + b"\x87R"
    dtype += b"(" + number(3) + string("|") + b"NNN" + number(-1) * 2 + number(0) + b"tb"
    shape = number(rows.shape[0]) + number(rows.shape[1]) + b"\x86"
    array += b"(" + number(1) + shape + dtype + b"\x89" + string(rows.tobytes()) + b"tb"
    labels = b"](" + b"".join(number(int(label)) for label in images.labels) + b"e"
    return b"\x80\x02}(" + string("data") + array + string(key) + labels + b"u."


@pytest.fixture
def publish(monkeypatch):
    """Takes the small files of a folder for the published ones of their names."""

    def publish(folder):
        for name in PICKLE_MD5S:
            if (folder / name).exists():
                monkeypatch.setitem(PICKLE_MD5S, name, hashlib.md5((folder / name).read_bytes()).hexdigest())

    return publish


def write_pickles(folder, splits, name):
    key = {"cifar10": "labels", "cifar100": "fine_labels"}[name]
    for file, images in (batch_files(splits) if name == "cifar10" else splits).items():
        (folder / file).write_bytes(python2_pickle(images, key))


def write_records(folder, splits, name):
    files = batch_files(splits, ".bin") if name == "cifar10" else {f"{s}.bin": splits[s] for s in splits}
    for file, images in files.items():
        coarse = [] if name == "cifar10" else [images.labels // 5]
        columns = [column[:, None] for column in (*coarse, images.labels)]
        np.concatenate([*columns, images.pixels.reshape(len(images), -1)], axis=1).tofile(folder / file)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def write_parquet(folder, splits, name):
    keys = {"cifar10": ("img", "label"), "cifar100": ("image", "fine_label")}[name]
    for split, images in splits.items():
        for i, part in enumerate(parts(images, 2)):
            columns = [[png(pixels) for pixels in part.pixels], part.labels.tolist()]
            table = pyarrow.table(dict(zip(keys, columns, strict=True)) | {"coarse_label": [0] * len(part)})
            parquet.write_table(table, folder / f"{split}-0000{i}-of-00002.parquet")


def write_npm(folder, splits, name):
    for split, files in FILES.items():
        (folder / LABELS[split]).write_text(json.dumps(splits[split].labels.tolist()))
        for file, part in zip(files, parts(splits[split], len(files)), strict=True):
            rows = part.pixels.transpose(0, 2, 3, 1).reshape(len(part), 1024, 3)
            Image.fromarray(np.ascontiguousarray(rows)).save(folder / file)


def write_own_sheets(folder, splits, name):
    write_sheets(folder, splits, {"data": name})


WRITERS = [
    ("cifar-10-batches-py", "cifar10", write_pickles),
    ("cifar-100-python", "cifar100", write_pickles),
    ("cifar-10-batches-bin", "cifar10", write_records),
    ("cifar-100-binary", "cifar100", write_records),
    ("plain_text", "cifar10", write_parquet),
    ("cifar100", "cifar100", write_parquet),
    ("package", "cifar10", write_npm),
    ("sheets", "cifar10", write_own_sheets),
    ("sheets", "cifar100", write_own_sheets),
]
FOLDERS = [f"{folder} {writer.__name__}" for folder, _, writer in WRITERS]


@pytest.fixture(scope="module", params=WRITERS, ids=FOLDERS)
def made(request, tmp_path_factory):
    folder, name, write = request.param
    path = tmp_path_factory.mktemp("made") / folder
    path.mkdir()
    splits = few(name)  # before the sheets become small
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "SHEET_COLUMNS", 10)
        write(path, splits, name)
    return path, name


@pytest.fixture
def written(made, tmp_path, publish, monkeypatch):
    """A folder with one data set in it, which a test may damage, and the name of that."""
    path, name = made
    monkeypatch.setattr(sheets, "SHEET_COLUMNS", 10)
    folder = Path(shutil.copytree(path, tmp_path / "here" / path.name))
    publish(folder)
    return folder, name


def packed(folder, mode="w:gz", suffix=".tar.gz"):
    path = folder.parent / f"{folder.name}{suffix}"
    with tarfile.open(path, mode) as archive:
        archive.add(folder, arcname=folder.name)
    return path


def is_read(path, name):
    found, splits = read_source(path)
    assert found == name
    for split, images in few(name).items():
        assert np.array_equal(splits[split].pixels, images.pixels)
        assert np.array_equal(splits[split].labels, images.labels)
        assert splits[split].pixels.dtype == splits[split].labels.dtype == np.uint8


def test_a_form_is_read_from_its_folder_and_from_the_folder_above(written):
    path, name = written
    is_read(path, name)
    is_read(path.parent, name)


def test_a_form_is_read_from_an_archive_of_its_folder(written):
    path, name = written
    is_read(packed(path), name)
    is_read(packed(path, "w", ".tar"), name)


def test_every_form_has_a_writer_here():
    assert len(FORMS) == len({(write, name) for _, name, write in WRITERS}) - 2  # parquet and sheets hold either


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("channels", ["first", "last"])
def test_the_arrays_of_keras_are_read(tmp_path, name, save, channels):
    arrays = {}
    for split, images in few(name).items():
        pixels = images.pixels if channels == "first" else images.pixels.transpose(0, 2, 3, 1)
        arrays |= {f"x_{split}": pixels, f"y_{split}": images.labels.astype(np.int64)[:, None]}
    save(tmp_path / "data.npz", **arrays)
    is_read(tmp_path / "data.npz", name)


def test_our_own_file_is_a_source(tmp_path):
    is_read(keep("cifar100", few("cifar100"), "a test", tmp_path), "cifar100")


def told_of(path, *parts):
    text = refusal(read_source, path)
    assert is_one_sentence(text), text
    for part in (path, *parts):
        assert str(part) in text
    return text


def test_a_missing_file_is_told_by_its_name(written):
    path, _ = written
    for file in sorted(path.iterdir()):
        if file.name.endswith(("-of-00002.parquet", "index.json")):
            continue
        file.rename(path.parent / "aside")
        told_of(path, path / file.name)
        (path.parent / "aside").rename(file)


@pytest.mark.parametrize("kept", [0, 5, 1_000, -30])
def test_a_file_that_was_cut_off_is_told_by_its_name(written, kept):
    path, _ = written
    for file in sorted(path.iterdir()):
        content = file.read_bytes()
        file.write_bytes(content[:kept])
        if file.stat().st_size < len(content) and not (file.suffix == ".bin" and not kept):
            text = refusal(read_source, path)
            assert is_one_sentence(text), text
            assert file.name in text or "train images in" in text
        file.write_bytes(content)


@pytest.mark.parametrize("kept", [3, 40, 0.3, 0.9])
def test_an_archive_that_was_cut_off_is_told_by_its_name(written, kept):
    path = packed(written[0])
    path.write_bytes(path.read_bytes()[: kept if kept > 1 else int(kept * path.stat().st_size)])
    told_of(path)


def test_what_is_wrong_in_an_archive_is_told_with_the_name_of_the_archive(written):
    path, _ = written
    file = next(file for file in sorted(path.iterdir()) if file.suffix != ".json")
    file.write_bytes(b"something else")
    archive = packed(path)
    assert "/tmp" not in told_of(archive).replace(str(archive), "")


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"PK\x03\x04", b"\x1f\x8b", b"\x80\x04N."])
def test_a_file_of_another_kind_is_told(tmp_path, content):
    (tmp_path / "data").write_bytes(content)
    told_of(tmp_path / "data")


def test_what_is_not_recognised_is_told_with_all_that_would_be(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"...")
    text = told_of(tmp_path, *(form.title for form in FORMS), ".tar.gz", ".npz")
    assert text == told_of(packed(tmp_path, suffix="x.tar.gz")).replace("x.tar.gz", "")


def test_a_path_that_leads_nowhere_is_told(tmp_path):
    told_of(tmp_path / "nowhere")


def test_a_folder_with_two_data_sets_is_told_with_both(tmp_path):
    for folder, name in (("a", "cifar10"), ("b", "cifar100")):
        (tmp_path / folder).mkdir()
        write_records(tmp_path / folder, few(name), name)
    told_of(tmp_path, tmp_path / "a", tmp_path / "b")
    assert read_source(tmp_path / "b")[0] == "cifar100"


EVIL = b"\x80\x02cos\nsystem\n(X\x0b\x00\x00\x00touch stolentR."


def test_a_pickle_that_is_not_the_published_file_is_never_unpickled(tmp_path, publish, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_pickles(tmp_path, few("cifar10"), "cifar10")
    publish(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(EVIL)
    told_of(tmp_path, "data_batch_1", "MD5")
    assert not (tmp_path / "stolen").exists()


def test_even_a_published_pickle_may_make_nothing_but_arrays(tmp_path, publish, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_pickles(tmp_path, few("cifar10"), "cifar10")
    publish(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(EVIL)
    publish(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match=r"os\.system"):
        read_source(tmp_path)
    assert not (tmp_path / "stolen").exists()


def test_torchvision_and_we_read_the_same_from_the_pickles(tmp_path, publish):
    """What the tests write is what Python 2 wrote: torchvision's own way of reading agrees."""
    write_pickles(tmp_path, few("cifar10"), "cifar10")
    publish(tmp_path)
    with (tmp_path / "test_batch").open("rb") as file, warnings.catch_warnings(action="ignore"):
        entry = pickle.load(file, encoding="latin1")
    images = formats.read_pickle(tmp_path / "test_batch")
    assert np.array_equal(entry["data"].reshape(-1, 3, 32, 32), images.pixels)
    assert entry["labels"] == images.labels.tolist()


def test_arrays_of_another_kind_are_refused(tmp_path):
    images = few("cifar10")["test"]
    path = tmp_path / "data.npz"
    good = {"x_train": images.pixels, "y_train": images.labels, "x_test": images.pixels, "y_test": images.labels}
    others = [
        {"x_train": images.pixels / 255},
        {"x_test": images.pixels[:, :1]},
        {"y_train": images.labels / 2},
        {"y_test": images.labels.astype(np.int64) - 5},
        {"y_test": images.labels + 100},
    ]
    for other in others:
        np.savez(path, **(good | other))
        told_of(path)
    np.savez(path, images=images.pixels)
    told_of(path, "x_train", "images")
    np.savez(path, **(good | {"x_train": np.array([print], dtype=object)}))
    told_of(path)


def test_a_parquet_file_without_the_columns_is_told(tmp_path):
    write_parquet(tmp_path, few("cifar10"), "cifar10")
    path = tmp_path / "train-00000-of-00002.parquet"
    parquet.write_table(parquet.read_table(path).drop_columns(["img"]), path)
    told_of(tmp_path, path, "'image'")


def test_an_archive_cannot_write_outside_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "a").mkdir()
    (tmp_path / "outside").write_text("...")
    with tarfile.open(tmp_path / "a" / "evil.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "outside", arcname="../stolen")
    told_of(tmp_path / "a" / "evil.tar.gz")
    assert not list(tmp_path.rglob("stolen"))


def test_all_of_cifar_10_is_imported_as_it_is(full_cifar10, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    write_records(source, full_cifar10, "cifar10")
    assert import_source(source, "a test", tmp_path) == "cifar10"
    for split, images in full_cifar10.items():
        assert checksums(load_images("cifar10", split, tmp_path)) == checksums(images)


def test_what_is_not_cifar_is_not_kept(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    write_records(source, few("cifar10"), "cifar10")
    text = refusal(import_source, source, "a test", tmp_path)
    assert is_one_sentence(text), text
    assert not kept_file("cifar10", tmp_path).exists()


def test_all_images_are_not_written_in_the_place_of_the_sample(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["make_sample", "--all", "nowhere"])
    with pytest.raises(SystemExit):
        make_sample.main()
    assert "--to FOLDER" in capsys.readouterr().err
