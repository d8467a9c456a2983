"""How a net is run: what is chosen, that it is recorded, and that the process stays as it was."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from resnet_lab.execution import Execution, UsualWay, choose_execution, find_device, seconds_per_step
from resnet_lab.machine import tried
from resnet_lab.run_config import RecipeConfig
from tests.sentences import is_one_sentence, refusal

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
WITHOUT_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def flags():
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    names = ("enabled", "benchmark", "deterministic", "allow_tf32")
    return {name: getattr(cudnn, name) for name in names} | {"matmul": matmul.allow_tf32}


def paced(**paces):
    """What is asked for, and who answers by the precision."""
    asked = []

    def measure(executions):
        asked.extend(execution.precision for execution in executions)
        return [paces[execution.precision] for execution in executions]

    return asked, measure


@pytest.mark.parametrize(
    ("fp32", "bf16", "chosen"), [(0.03, 0.01, "bf16"), (0.01, 0.03, "fp32"), (0.05, 0.049, "fp32")]
)
def test_auto_takes_bf16_where_it_is_clearly_faster(fp32, bf16, chosen, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    asked, measure = paced(fp32=fp32, bf16=bf16)
    execution, seconds = choose_execution(CPU, RecipeConfig(), measure, UsualWay())
    assert execution == Execution("cpu", chosen, torch.get_num_threads())
    assert seconds == {"fp32": fp32, "bf16": bf16}[chosen]
    assert set(asked) == {"fp32", "bf16"}


@pytest.mark.parametrize("instructions", ["DEFAULT", "AVX2"])
def test_a_cpu_that_has_nothing_for_bf16_is_not_asked_for_a_step_in_it(instructions, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: instructions)
    asked, measure = paced(fp32=9, bf16=1)
    assert choose_execution(CPU, RecipeConfig(), measure, UsualWay())[0].precision == "fp32"
    assert set(asked) == {"fp32"}
    assert tried(CPU).precision == "fp32"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_precision_that_is_given_is_taken_whatever_it_costs(precision):
    asked, measure = paced(fp32=0, bf16=9)
    execution, _ = choose_execution(CPU, RecipeConfig(precision=precision, deterministic=True), measure, UsualWay())
    how = {"precision": precision, "threads": 1, "deterministic": True, "launch": "eager"}
    how |= {"units": "plain", "layout": "channels_last"}
    assert execution.to_dict() == {"device": "cpu"} | how
    assert asked == [precision]


def test_a_cpu_has_no_tf32_and_says_that_it_computes_in_fp32():
    _, measure = paced(fp32=1)
    assert choose_execution(CPU, RecipeConfig(precision="tf32"), measure, UsualWay())[0].precision == "fp32"


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_each_precision_is_given_the_layout_that_is_fastest_for_it_here(precision):
    usual = UsualWay("bf16", {"fp32": "contiguous", "bf16": "channels_last"})
    _, measure = paced(fp32=1, bf16=1)
    chosen = choose_execution(CPU, RecipeConfig(precision=precision), measure, usual)[0]
    taken = "bf16" if precision == "auto" else precision
    assert (chosen.precision, chosen.layout) == (taken, usual.layouts[taken])


def test_a_gpu_is_given_graphs():
    _, measure = paced(fp32=2, bf16=1)
    assert choose_execution(torch.device("cuda"), RecipeConfig(), measure, UsualWay())[0].launch == "graph"


def test_elsewhere_the_same_is_done_as_that_device_does_it():
    execution = Execution("cuda", "bf16", 1, launch="graph")
    assert execution.on(CPU) == Execution("cpu", "bf16", 1)
    contiguous = Execution("cpu", "fp32", 1, layout="contiguous")
    assert contiguous.on(CPU) == contiguous
    assert contiguous.on(torch.device("cuda")) == Execution("cuda", "fp32", 1, launch="graph")
    assert execution.on(CPU).on(torch.device("cuda")) == execution
    assert Execution("cuda", "bf16", 1, launch="graph", units="fused").on(torch.device("cuda")) == execution


def test_what_cannot_be_done_is_done_more_simply_until_it_can():
    fused = Execution("cuda", "bf16", 1, launch="graph", units="fused")
    ways = [fused, fused.simpler, fused.simpler.simpler]
    assert [(way.launch, way.units) for way in ways] == [("graph", "fused"), ("graph", "plain"), ("eager", "plain")]
    assert [way.needs_preparation for way in ways] == [True, True, False]


def test_the_pace_is_that_of_the_usual_step_and_the_first_is_not_counted():
    clock = Clock()
    seconds = iter([200.0, 1.0, 5.0, 5.0, 30.0])
    assert seconds_per_step(CPU, [lambda: clock.passes(next(seconds))], clock) == [5.0]


@pytest.mark.parametrize(("device", "expected", "tries"), [("cpu", [5.0, 31.0], 1), ("cuda", [5.0, 6.0], 5)])
def test_what_is_hopeless_on_a_cpu_is_tried_once(device, expected, tries, monkeypatch):
    monkeypatch.setattr("resnet_lab.execution.synchronise", lambda device: None)
    clock, steps = Clock(), []
    fast, slow = iter([10.0, 5.0, 5.0, 5.0, 5.0]), iter([31.0, 6.0, 6.0, 6.0, 6.0])

    def hopeless():
        steps.append("hopeless")
        clock.passes(next(slow))

    assert seconds_per_step(torch.device(device), [lambda: clock.passes(next(fast)), hopeless], clock) == expected
    assert len(steps) == tries


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def passes(self, seconds):
        self.now += seconds


def test_ways_are_measured_in_turns():
    order = []
    seconds_per_step(CPU, [lambda: order.append("one"), lambda: order.append("other")], repeats=3)
    assert order == ["one", "other"] * 4


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_autocast_is_bf16_where_that_is_the_precision(precision):
    with Execution("cpu", precision, 1).autocast():
        dtype = net()[0](torch.ones(1, 3, 8, 8)).dtype
    assert dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize(
    ("precision", "deterministic", "tf32"), [("fp32", False, False), ("tf32", False, True), ("bf16", True, True)]
)
def test_on_a_gpu_cudnn_does_as_the_configuration_says(precision, deterministic, tf32):
    before = flags()
    expected = {"benchmark": not deterministic, "deterministic": deterministic, "allow_tf32": tf32, "enabled": True}
    with Execution("cuda", precision, 1, deterministic).applied():
        assert flags() == before | expected
    assert flags() == before
    with pytest.raises(KeyError), Execution("cuda", precision, 1, deterministic).applied():
        raise KeyError
    assert flags() == before


def test_on_a_cpu_no_flag_is_touched():
    before = flags()
    with Execution("cpu", "fp32", 1, True).applied():
        assert flags() == before


def test_the_number_of_threads_is_recorded():
    torch.set_num_threads(2)
    try:
        assert choose_execution(CPU, RecipeConfig(precision="fp32"), paced(fp32=1)[1], UsualWay())[0].threads == 2
    finally:
        torch.set_num_threads(1)


def test_auto_and_cpu_are_devices_everywhere():
    assert find_device("cpu") == CPU
    assert find_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@WITHOUT_CUDA
def test_a_gpu_that_is_not_there_is_missed_in_one_sentence():
    text = refusal(find_device, "cuda")
    assert is_one_sentence(text)
    assert "'cuda'" in text
    assert "'cpu'" in text


@pytest.mark.parametrize("name", ["gpu", "cuda:1", "", None, 3])
def test_another_device_is_refused_in_one_sentence(name):
    text = refusal(find_device, name)
    assert is_one_sentence(text)
    assert "'auto', 'cpu' or 'cuda'" in text


FREED = """
import torch
from resnet_lab.execution import keep_freed_memory
keep_freed_memory()
print(torch.ones(2**22).sum().item())
"""


def test_a_process_that_keeps_freed_memory_computes_as_before():
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert done.stdout == "4194304.0\n"
