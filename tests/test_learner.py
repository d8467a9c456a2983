"""The works of a learner: they touch what they say and nothing else, and can be done again and again."""

from dataclasses import replace

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from resnet_lab.captures import undone
from resnet_lab.execution import Execution
from resnet_lab.learner import Learner
from resnet_lab.placements import PLACEMENTS
from resnet_lab.shortcuts import SHORTCUTS
from tests.test_trainer import tiny

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
FP32 = Execution("cpu", "fp32", 1)


RECORDABLE = {
    **{name: {"shortcut": name} for name in SHORTCUTS},
    **{name: {"placement": name} for name in PLACEMENTS},
    "bottleneck": {"unit": "bottleneck", "depth": 11, "placement": "full_preact"},
    "projections": {"projection": "C"},
    "stochastic depth": {"stochastic_depth": 0.5},
    "other norms": {"placement": "custom", "pre": "gn silu", "post": "gn", "after": "tanh"},
}


def learner(**fields):
    return Learner(tiny(**fields), CPU)


def values(one):
    return {name: tensor.detach().clone() for name, tensor in one.tensors().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def walk(one, steps, work="learn"):
    for step in steps:
        one.turn_to(step)
        one.do(getattr(one, work))


def outside(one):
    """Every tensor that hangs on a learner and is not among those that it says a step changes."""
    own = {id(tensor) for tensor in [*one.tensors().values(), *one.model.state_dict(keep_vars=True).values()]}
    inputs = {id(tensor) for tensor in (one.position, one.optimizer.lr, *one.stream.window.parts)}
    splits = [tensor for split in (one.train, one.test) for tensor in vars(split).values()]
    held = [*splits, *vars(one.stream).values(), *vars(one).values(), *vars(one.optimizer).values()]
    return [tensor for tensor in held if isinstance(tensor, torch.Tensor) and id(tensor) not in own | inputs]


@pytest.mark.parametrize("fields", [{}, {"optimizer": "adamw"}, {"shortcut": "exclusive_gating"}], ids=str)
def test_a_step_changes_all_the_tensors_that_it_names_and_no_other(fields):
    one = learner(**fields)
    others, before = outside(one), values(one)
    copies = [tensor.clone() for tensor in others]
    walk(one, range(2))
    changed = {name for name, value in values(one).items() if not torch.equal(value, before[name])}
    assert changed == before.keys()
    assert all(map(torch.equal, others, copies))


def test_a_probed_step_is_the_same_step():
    one, other = learner(), learner()
    walk(one, range(3))
    walk(other, range(3), "learn_probed")
    assert_same(values(one), values(other))


def test_judging_changes_nothing():
    one = learner()
    walk(one, range(2))
    before = values(one)
    first, second = one.do(one.judge), one.do(one.judge)
    assert first == second
    assert_same(values(one), before)
    assert one.model.training


@pytest.mark.parametrize("fields", [{}, {"stochastic_depth": 0.5}, {"shortcut": "dropout"}], ids=str)
def test_trying_how_to_compute_leaves_no_trace(fields):
    one, other = learner(**fields), learner(**fields)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert min(one.paces([FP32, Execution("cpu", "bf16", 1)])) > 0
    assert torch.equal(torch.rand(3), expected)
    one.compute_as(FP32)
    walk(one, range(3))
    walk(other, range(3))
    assert_same(values(one), values(other))


@pytest.mark.parametrize("fields", [{}, {"optimizer": "adamw"}, {"unit": "bottleneck", "depth": 11}], ids=str)
def test_however_it_lies_in_memory_it_is_the_same_net_and_goes_on_from_the_same_state(fields):
    one, other = learner(**fields), learner(**fields)
    walk(one, range(3))
    one.compute_as(replace(FP32, layout="contiguous"))
    walk(one, range(3, 4))
    walk(other, range(4))
    assert all(is_laid_out(tensor, torch.contiguous_format) for tensor in one.tensors().values())
    for name, tensor in values(one).items():
        torch.testing.assert_close(tensor, values(other)[name], rtol=1e-3, atol=1e-4)
    one.compute_as(FP32)
    assert all(is_laid_out(tensor, torch.channels_last) for tensor in one.tensors().values())


def is_laid_out(tensor, memory_format):
    return tensor.dim() < 4 or tensor.is_contiguous(memory_format=memory_format)


def test_a_pace_is_measured_as_the_net_will_lie_in_memory(monkeypatch):
    one, seen = learner(), []
    monkeypatch.setattr(one, "learn", lambda: seen.append(one.model.stem.conv1.weight.is_contiguous()))
    one.learn.__name__ = "learn"
    for layout in ("contiguous", "channels_last"):
        one.paces([replace(FP32, layout=layout)])
    assert seen[0]
    assert not seen[-1]


def test_what_is_undone_is_undone_after_a_failure_too():
    tensor = torch.ones(3)
    with pytest.raises(RuntimeError, match="must match"), undone([tensor]):
        tensor.zero_().add_(torch.ones(2))
    assert torch.equal(tensor, torch.ones(3))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device, which records")
@pytest.mark.parametrize("work", ["learn", "learn_probed", "judge"])
def test_where_nothing_can_be_recorded_it_is_said_and_the_step_is_taken_all_the_same(work):
    one, other = learner(), learner()
    one.compute_as(Execution("cpu", "fp32", 1, launch="graph"))
    walk(one, range(2), work)
    walk(other, range(2), work)
    assert one.obstacle
    assert one.execution == FP32
    assert_same(values(one), values(other))


def test_every_batch_is_counted_once_by_every_normalisation():
    one = learner()
    walk(one, range(3))
    counts = {name: value for name, value in values(one).items() if name.endswith("num_batches_tracked")}
    assert len(counts) > 3
    assert all(count == 3 for count in counts.values())


def recorded(one, work):
    """The work as a list of operations on the tensors of the learner: what a GPU's graph keeps of it, and no more."""
    one.turn_to(0)
    with undone(one.tensors().values()):
        work()
        return make_fx(lambda: work())()  # it asks for the arguments of a method


@pytest.mark.parametrize("name", RECORDABLE)
def test_steps_that_were_recorded_once_are_the_steps(name):
    one, other = learner(**RECORDABLE[name]), learner(**RECORDABLE[name])
    learn, learn_probed = recorded(one, one.learn), recorded(one, one.learn_probed)
    for step in range(12):  # beyond an epoch
        is_probed = step % 5 == 4
        one.turn_to(step)
        with one.draws(), torch.no_grad():
            told = (learn_probed if is_probed else learn)()
        other.turn_to(step)
        expected = other.do(other.learn_probed if is_probed else other.learn)
        if is_probed:
            assert torch.equal(told[0], expected[0])
            assert_same(told[1], expected[1])
    assert_same(values(one), values(other))
    with torch.no_grad():
        assert recorded(one, one.judge)() == other.judge()


class ReadingRefusedError(Exception):
    pass


class NothingIsRead(TorchDispatchMode):
    """Refuses what a GPU cannot record: a number that goes to the host, a shape that depends on values."""

    REFUSED = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "bincount", "is_nonzero", "equal")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        is_mask = name == "index" and any(index is not None and index.dtype == torch.bool for index in args[1])
        if name in self.REFUSED or is_mask:
            raise ReadingRefusedError(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", RECORDABLE)
def test_no_work_reads_a_number_from_the_device(name):
    one = learner(**RECORDABLE[name])
    walk(one, range(1))
    one.turn_to(1)
    with NothingIsRead():
        one.learn()
        one.learn_probed()
        one.judge()


def test_the_refusal_can_fail():
    with pytest.raises(ReadingRefusedError), NothingIsRead():
        torch.ones(3).sum().item()
    with pytest.raises(ReadingRefusedError), NothingIsRead():
        torch.ones(3)[torch.ones(3) > 0]
