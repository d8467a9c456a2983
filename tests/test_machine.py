"""What is fastest on this machine: tried once, and the same answer for all who ask."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial

import pytest
import torch

from resnet_lab.execution import UsualWay
from resnet_lab.files import StorageError
from resnet_lab.machine import FILE, LOCK, kept, tried, usual_way

CPU = torch.device("cpu")
FP32, BF16 = UsualWay("fp32", {"fp32": "contiguous"}), UsualWay("bf16", {"bf16": "channels_last"})


@pytest.fixture
def trials():
    """Each trial is noted, and answers differently."""
    noted = []

    def try_out(device):
        noted.append(device.type)
        return (BF16, FP32)[len(noted) % 2]

    try_out.noted = noted
    return try_out


def test_many_who_ask_at_once_get_one_answer_of_one_trial(tmp_path, trials):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: usual_way(tmp_path / "home", CPU, trials), range(8)))
    assert answers == [FP32] * 8
    assert trials.noted == ["cpu"]


def test_another_machine_and_another_torch_try_for_themselves(tmp_path, trials, monkeypatch):
    assert usual_way(tmp_path, CPU, trials) == FP32
    monkeypatch.setattr("resnet_lab.environment.cpu_name", lambda: "another CPU")
    assert usual_way(tmp_path, CPU, trials) == BF16
    monkeypatch.setattr(torch, "__version__", "9.9")
    assert usual_way(tmp_path, CPU, trials) == FP32
    monkeypatch.undo()
    assert usual_way(tmp_path, CPU, trials) == FP32
    assert len(trials.noted) == 3


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"[1]", b"\xff", b'{"machine": "bf16"}'])
def test_what_cannot_be_read_is_tried_anew(tmp_path, trials, content):
    (tmp_path / FILE).write_bytes(content)
    assert usual_way(tmp_path, CPU, trials) == FP32
    assert list(json.loads((tmp_path / FILE).read_bytes()).values()) == [{"way": asdict(FP32)}]


# fmt: off
UNKNOWN = [
    "bf16", {}, None, {"precision": "fp8", "layouts": {}}, {"precision": "fp32", "layouts": {"fp32": "first"}},
    {"precision": "fp32", "layouts": {}, "threads": 3},
]
# fmt: on


@pytest.mark.parametrize("found", UNKNOWN, ids=str)
def test_what_another_version_kept_is_tried_anew(tmp_path, trials, found):
    usual_way(tmp_path, CPU, trials)
    (machine,) = json.loads((tmp_path / FILE).read_bytes())
    (tmp_path / FILE).write_text(json.dumps({machine: {"way": found, "at_once": 4}}))
    assert usual_way(tmp_path, CPU, trials) == BF16
    assert json.loads((tmp_path / FILE).read_bytes()) == {machine: {"way": asdict(BF16), "at_once": 4}}


def test_what_could_not_be_found_out_now_is_asked_for_again(tmp_path):
    found = iter([None, 4, 8])
    ask = partial(kept, tmp_path, CPU, "at_once", lambda: next(found), lambda known: known in (4, 8))
    assert [ask() for _ in range(3)] == [None, 4, 4]
    assert usual_way(tmp_path, CPU, lambda device: FP32) == FP32
    assert ask() == 4


def test_where_the_way_could_not_be_found_out_each_run_finds_out_its_own(tmp_path):
    assert usual_way(tmp_path, CPU, lambda device: None) == UsualWay()
    assert usual_way(tmp_path, CPU, lambda device: FP32) == FP32


def test_who_asks_one_thing_does_not_wait_for_who_finds_out_another(tmp_path):
    ways = []

    def find():
        with ThreadPoolExecutor(1) as another:
            ways.append(another.submit(usual_way, tmp_path, CPU, lambda device: FP32).result(60))
        return 4

    assert kept(tmp_path, CPU, "at_once", find, lambda known: known == 4) == 4
    assert ways == [FP32]
    assert kept(tmp_path, CPU, "at_once", find, lambda known: known == 4) == 4
    assert len(ways) == 1


def test_a_home_that_cannot_be_written_is_named(tmp_path, trials):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(StorageError, match=rf"{LOCK} could not be locked: is a directory\."):
        usual_way(tmp_path, CPU, trials)


@pytest.fixture
def with_bf16(monkeypatch):
    """Both precisions are tried, whatever this machine is."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")


@pytest.mark.usefixtures("with_bf16")
def test_a_trial_leaves_the_process_as_it_was():
    torch.set_num_threads(2)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    found = tried(CPU)
    assert found.precision in ("fp32", "bf16")
    assert found.layouts.keys() == {"fp32", "bf16"}
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), state)


# fmt: off
SECONDS = {  # of a step with the channels last in fp32 and bf16, then contiguous -> what is usual then
    (1.0, 2.0, 3.0, 4.0): UsualWay("fp32", {"fp32": "channels_last", "bf16": "channels_last"}),
    (2.0, 1.9, 1.0, 3.0): UsualWay("fp32", {"fp32": "contiguous", "bf16": "channels_last"}),
    (2.0, 0.9, 3.0, 4.0): UsualWay("bf16", {"fp32": "channels_last", "bf16": "channels_last"}),
    (2.0, 1.2, 2.5, 0.5): UsualWay("bf16", {"fp32": "channels_last", "bf16": "contiguous"}),
    (4.0, 3.0, 2.0, 1.9): UsualWay("fp32", {"fp32": "contiguous", "bf16": "contiguous"}),
}
# fmt: on


@pytest.mark.usefixtures("with_bf16")
@pytest.mark.parametrize("seconds", SECONDS)
def test_each_precision_lies_in_memory_as_it_is_fastest_and_bf16_must_be_clearly_faster(monkeypatch, seconds):
    monkeypatch.setattr("resnet_lab.machine.seconds_per_step", lambda device, steps, clock: list(seconds))
    assert tried(CPU) == SECONDS[seconds]


def test_a_trial_computes_each_way_as_it_is_called(monkeypatch):
    told = []

    def note(learner, count):
        execution, weight = learner.execution, learner.model.stem.conv1.weight
        is_last = weight.is_contiguous(memory_format=torch.channels_last)
        told.append((execution.layout, execution.precision, is_last, execution.threads))

    monkeypatch.setattr("resnet_lab.learner.Learner.take_steps", note)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    tried(CPU)
    assert set(told) == {("channels_last", "fp32", True, 1), ("contiguous", "fp32", False, 1)}
