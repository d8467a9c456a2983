"""Weights on the disk: exactly what was given, whole or not there, one sentence otherwise."""

import os
import signal
import subprocess
import sys

import pytest
import torch

from resnet_lab.weights import read_tensors, write_tensors
from tests.sentences import is_one_sentence, refusal

TENSORS = {
    "weight": torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)),
    "half": torch.tensor([1.5, float("nan"), float("inf")], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "nothing": torch.zeros(0, 3),
    "bytes": torch.arange(8, dtype=torch.uint8),
}


def write_in_another_process(path, before=""):
    code = f"""
import resource, signal, sys, torch
from pathlib import Path
from resnet_lab.weights import write_tensors
{before}
try:
    write_tensors(Path(sys.argv[1]), {{"weight": torch.ones(50_000)}}, {{}})
except ValueError as error:
    print(error)
"""
    return subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)


def test_tensors_and_their_record_come_back_exactly(tmp_path):
    record = {"step": 3, "loss": 0.1 + 0.2, "nested": {"list": [1, None, "é"]}}
    write_tensors(tmp_path / "deep" / "a.safetensors", TENSORS, record)
    tensors, read = read_tensors(tmp_path / "deep" / "a.safetensors")
    assert read == record
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert tensors[name].shape == tensor.shape
        assert torch.equal(tensors[name].nan_to_num(1e6), tensor.nan_to_num(1e6))


def test_channels_last_transposed_and_shared_tensors_are_kept_by_value(tmp_path):
    one = TENSORS["weight"]
    given = {
        "last": one.to(memory_format=torch.channels_last),
        "turned": one.transpose(0, 2),
        "a": one,
        "part": one[1:],
    }
    write_tensors(tmp_path / "a", given, {})
    read, _ = read_tensors(tmp_path / "a")
    for name, tensor in given.items():
        assert torch.equal(read[name], tensor)
        assert read[name].is_contiguous()


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_file_is_named(tmp_path, keep):
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {})
    path.write_bytes(path.read_bytes()[:keep])
    text = refusal(read_tensors, path)
    assert is_one_sentence(text)
    assert str(path) in text
    assert "cut off" in text


@pytest.mark.parametrize("content", [b"hello, this is no file of tensors" * 9, b"\x80\x04K\x01." * 99, b"\xff" * 64])
def test_a_foreign_file_is_named(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    assert is_one_sentence(refusal(read_tensors, path))


def test_a_missing_file_a_folder_and_a_file_of_others_are_named(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / "other.safetensors")
    assert "is missing" in refusal(read_tensors, tmp_path / "none")
    assert is_one_sentence(refusal(read_tensors, tmp_path))
    assert "not written by the lab" in refusal(read_tensors, tmp_path / "other.safetensors")


def test_who_reads_while_the_file_is_replaced_reads_the_old_one(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"step": 1})
    old = path.read_bytes()
    with path.open("rb") as file:
        write_tensors(path, TENSORS, {"step": 2})
        assert file.read() == old
    assert read_tensors(path)[1] == {"step": 2}


FULL_DISK = """
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
"""


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"step": 1})
    said = write_in_another_process(path, FULL_DISK).stdout.strip()
    assert is_one_sentence(said)
    assert "the disk is full" in said
    assert read_tensors(path)[1] == {"step": 1}
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_a_process_killed_at_the_end_of_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"step": 1})
    kill = "import os; os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)"
    assert write_in_another_process(path, kill).returncode == -signal.SIGKILL
    assert read_tensors(path)[1] == {"step": 1}


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    text = refusal(write_tensors, tmp_path / "file" / "a", TENSORS, {})
    assert is_one_sentence(text)
    assert "could not be written" in text
