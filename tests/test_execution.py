"""How a net is run: what is chosen, that it is recorded, and that the process stays as it was."""

import subprocess
import sys
import time

import pytest
import torch
from torch import nn
from torch.nn import functional

from resnet_lab.execution import Execution, choose_execution, find_device, seconds_per_step
from resnet_lab.run_config import RecipeConfig
from tests.sentences import is_one_sentence, refusal

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
WITHOUT_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def step(model):
    return lambda: functional.cross_entropy(model(torch.ones(4, 3, 8, 8)).float(), torch.arange(4)).backward()


def flags():
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    names = ("enabled", "benchmark", "deterministic", "allow_tf32")
    return {name: getattr(cudnn, name) for name in names} | {"matmul": matmul.allow_tf32}


class Sleeper:
    """A step that takes one time in fp32 and another in bf16."""

    def __init__(self, fp32, bf16):
        self.seconds, self.calls = {False: fp32, True: bf16}, []

    def __call__(self, model):
        return self.step

    def step(self):
        is_bf16 = torch.is_autocast_enabled("cpu")
        self.calls.append("bf16" if is_bf16 else "fp32")
        time.sleep(self.seconds[is_bf16])


@pytest.mark.parametrize(
    ("fp32", "bf16", "chosen"), [(0.03, 0.01, "bf16"), (0.01, 0.03, "fp32"), (0.05, 0.049, "fp32")]
)
def test_auto_takes_bf16_where_it_is_clearly_faster(fp32, bf16, chosen):
    sleeper = Sleeper(fp32, bf16)
    execution, seconds = choose_execution(CPU, RecipeConfig(), net(), sleeper)
    assert execution == Execution("cpu", chosen, torch.get_num_threads())
    assert {"fp32": fp32, "bf16": bf16}[chosen] <= seconds < 1
    assert set(sleeper.calls) == {"fp32", "bf16"}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_precision_that_is_given_is_taken_whatever_it_costs(precision):
    sleeper = Sleeper(0, 0.01)
    execution, _ = choose_execution(CPU, RecipeConfig(precision=precision, deterministic=True), net(), sleeper)
    assert execution.to_dict() == {"device": "cpu", "precision": precision, "threads": 1, "deterministic": True}
    assert set(sleeper.calls) == {"bf16" if precision == "bf16" else "fp32"}


def test_a_cpu_has_no_tf32_and_says_that_it_computes_in_fp32():
    execution, _ = choose_execution(CPU, RecipeConfig(precision="tf32"), net(), step)
    assert execution.precision == "fp32"


def test_trying_leaves_the_net_as_it_was():
    model = net()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    choose_execution(CPU, RecipeConfig(), model, step)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_pace_is_that_of_the_usual_step_and_the_first_is_not_counted():
    pauses = iter([0.2, 0.0, 0.05, 0.05, 0.3])
    seconds = seconds_per_step(Execution("cpu", "fp32", 1), lambda: time.sleep(next(pauses)))
    assert 0.05 <= seconds < 0.15


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
        assert choose_execution(CPU, RecipeConfig(precision="fp32"), net(), step)[0].threads == 2
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
