"""What is fastest on this machine: tried once, and the same answer for all who ask."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from resnet_lab.files import StorageError
from resnet_lab.machine import FILE, LOCK, tried, usual_precision

CPU = torch.device("cpu")


@pytest.fixture
def trials():
    """Each trial is noted, and answers differently."""
    noted = []

    def try_out(device):
        noted.append(device.type)
        return ("bf16", "fp32")[len(noted) % 2]

    try_out.noted = noted
    return try_out


def test_many_who_ask_at_once_get_one_answer_of_one_trial(tmp_path, trials):
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda _: usual_precision(tmp_path / "home", CPU, trials), range(8)))
    assert answers == {"fp32"}
    assert trials.noted == ["cpu"]


def test_another_machine_and_another_torch_try_for_themselves(tmp_path, trials, monkeypatch):
    assert usual_precision(tmp_path, CPU, trials) == "fp32"
    monkeypatch.setattr("resnet_lab.environment.cpu_name", lambda: "another CPU")
    assert usual_precision(tmp_path, CPU, trials) == "bf16"
    monkeypatch.setattr(torch, "__version__", "9.9")
    assert usual_precision(tmp_path, CPU, trials) == "fp32"
    monkeypatch.undo()
    assert usual_precision(tmp_path, CPU, trials) == "fp32"
    assert len(trials.noted) == 3


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"[1]", b"\xff"])
def test_what_cannot_be_read_is_tried_anew(tmp_path, trials, content):
    (tmp_path / FILE).write_bytes(content)
    assert usual_precision(tmp_path, CPU, trials) == "fp32"
    assert list(json.loads((tmp_path / FILE).read_bytes()).values()) == ["fp32"]


def test_a_home_that_cannot_be_written_is_named(tmp_path, trials):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(StorageError, match=rf"{LOCK} could not be locked: is a directory\."):
        usual_precision(tmp_path, CPU, trials)


def test_a_trial_leaves_the_process_as_it_was(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")  # both precisions are tried
    torch.set_num_threads(2)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert tried(CPU) in ("fp32", "bf16")
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), state)
