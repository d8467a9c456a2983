"""What was found is kept by content, and makes room for what comes."""

import os
import resource
import time
from contextlib import contextmanager

import pytest
import torch

from resnet_lab.data import kept_file
from resnet_lab.files import StorageError
from resnet_lab.inside.jobs import Findings
from resnet_lab.inside.looks import ABANDONED_SECONDS, Looks, key_of

KILOBYTE = Findings({"x": torch.zeros(250)}, {"words": "of nothing"})


@contextmanager
def files_at_most(num_bytes):
    """As on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def is_kept(looks, key):
    return looks.path(key).exists()


def aged(looks, **seconds):
    for key, age in seconds.items():
        os.utime(looks.path(key), (time.time() - age,) * 2)


def test_what_was_kept_is_read_as_it_was(tmp_path):
    looks = Looks(tmp_path / "looks")
    assert looks.read("a") is None
    looks.keep("a", KILOBYTE)
    assert looks.read("a").tensors["x"].equal(KILOBYTE.tensors["x"])
    assert looks.read("a").record == KILOBYTE.record


def test_the_least_recently_used_ones_make_room(tmp_path):
    looks = Looks(tmp_path, most_bytes=4000)
    for key in "abc":
        looks.keep(key, KILOBYTE)
    aged(looks, a=30, b=20, c=10)
    looks.read("a")
    looks.keep("d", KILOBYTE)
    assert [key for key in "abcd" if is_kept(looks, key)] == ["a", "c", "d"]


def test_the_newest_one_stays_whatever_its_size(tmp_path):
    looks = Looks(tmp_path, most_bytes=100)
    for key in "ab":
        looks.keep(key, KILOBYTE)
    assert [key for key in "ab" if is_kept(looks, key)] == ["b"]


def test_what_a_killed_process_left_is_removed_once_it_is_old(tmp_path):
    looks = Looks(tmp_path)
    old, new = (tmp_path / f".{name}.safetensors.part" for name in ("old", "new"))
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * ABANDONED_SECONDS,) * 2)
    looks.keep("a", KILOBYTE)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_full_disk_is_one_sentence_and_takes_nothing_away(tmp_path):
    looks = Looks(tmp_path)
    looks.keep("a", KILOBYTE)
    with files_at_most(100), pytest.raises(StorageError, match=r"could not be written: the disk is full\.$"):
        looks.keep("b", KILOBYTE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
    assert looks.read("a")


def test_a_key_is_of_the_contents(tmp_path):
    def key(job="maps", weights="one", **fields):
        subject = {"weights": str(tmp_path / weights), "model": {"depth": 8}, "title": "A", "id": "a"} | fields
        return key_of(tmp_path, job, {"subjects": [subject], "side": 3})

    for name, content in {"one": b"1", "same": b"1", "two": b"2"}.items():
        (tmp_path / name).write_bytes(content)
    first = key()
    assert key(weights="same", title="B", id="b") == first
    assert len({first, key(weights="two"), key(job="shares"), key(seed=1)}) == 4
    (tmp_path / "one").write_bytes(b"22")
    assert key() != first


def test_a_key_changes_when_a_data_set_comes(tmp_path):
    before = key_of(tmp_path, "lesion", {})
    path = kept_file("cifar10", tmp_path / "data")
    path.parent.mkdir()
    path.touch()
    assert key_of(tmp_path, "lesion", {}) != before
