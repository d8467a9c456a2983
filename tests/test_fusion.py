"""Fused units compute what plain ones do, are seen by nobody, and change nothing else of a run."""

import gc
import weakref

import pytest
import torch
from torch._dynamo.utils import counters

from resnet_lab.cards import CARDS
from resnet_lab.events import Alert, Step, Switch
from resnet_lab.execution import Execution
from resnet_lab.fusion import FusedUnits
from resnet_lab.learner import Learner
from resnet_lab.ops import has_chance
from tests.sentences import is_one_sentence
from tests.test_learner import assert_same, values, walk
from tests.test_trainer import of_kind, through_bytes, tiny, trainer, untimed

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("default"),  # torch's compiler has some of its own
]

PLAIN, FUSED = (Execution("cpu", "fp32", 1, units=units) for units in ("plain", "fused"))


def learner(execution=FUSED, backend="aot_eager", **fields):
    """The backend compiles for no device, and is quick."""
    one = Learner(tiny(**fields), torch.device("cpu"))
    one.fused_units = FusedUnits(backend)
    one.compute_as(execution)
    return one


def refusing(graph, inputs):
    raise OSError("there is no compiler")


def assert_close(one, other):
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", CARDS)
def test_fused_steps_are_the_steps_up_to_rounding(name):
    block = CARDS[name].block
    fields = {"placement": block.placement, "shortcut": block.shortcut}
    fused, plain = (learner(execution, **fields) for execution in (FUSED, PLAIN))
    if has_chance(fused.model):
        pytest.skip("its random numbers would be others, so that it is never fused")
    for one in (fused, plain):
        walk(one, range(4))
    assert fused.execution == FUSED, fused.obstacle
    assert_close(values(fused), values(plain))


def test_probes_and_tests_look_at_the_plain_net():
    fused, plain = learner(FUSED), learner(PLAIN)
    for one in (fused, plain):
        walk(one, range(2))
    (norms, numbers), (expected_norms, expected) = (one.do(one.learn_probed) for one in (fused, plain))
    torch.testing.assert_close(norms, expected_norms, rtol=1e-3, atol=1e-5)
    assert_close(numbers, expected)
    assert fused.do(fused.judge)[0] == plain.do(plain.judge)[0]
    assert fused.model.state_dict().keys() == plain.model.state_dict().keys()


@pytest.mark.parametrize("backend", ["aot_eager", refusing])
def test_nothing_of_it_stays_at_the_units(backend):
    one = learner(backend=backend)
    before = values(one)
    one.prepare(one.learn)
    assert not any("forward" in vars(unit) for unit in one.model.units)
    assert_same(values(one), before)


def test_units_of_one_shape_share_their_code():
    one = learner(depth=20)
    counters.clear()
    walk(one, range(2))
    assert counters["stats"]["unique_graphs"] <= 6 < len(one.model.units)


def test_the_compiler_keeps_no_net_when_its_learner_has_gone():
    one = learner()
    walk(one, range(2))
    net = weakref.ref(one.model)
    del one
    gc.collect()
    assert net() is None


def test_where_nothing_can_be_compiled_it_is_said_and_the_step_is_taken_all_the_same():
    one, plain = learner(backend=refusing), learner(PLAIN)
    for each in (one, plain):
        walk(each, range(3))
    assert one.execution == PLAIN
    assert one.obstacle == "OSError: there is no compiler"
    assert_same(values(one), values(plain))


# In a run.


def halfway(backend="aot_eager", **fields):
    """A run that goes over to fused units after five of its nine steps, and its events."""
    one = trainer(**fields)
    one.learner.fused_units = FusedUnits(backend)
    while one.step < 5:
        one.advance()
    one.fuse(1.25)
    return one


def test_a_run_that_goes_over_says_so_and_else_what_it_had_said_anyway():
    one = halfway()
    events, expected = list(one), list(trainer())
    [switch] = of_kind(Switch, events)
    assert switch.step == 5
    assert switch.execution == one.execution.to_dict() == FUSED.to_dict()
    assert is_one_sentence(switch.words)
    assert "1.25 times" in switch.words
    rest = [event for event in events if event is not switch]
    assert [(event.kind, event.step) for event in rest] == [(event.kind, event.step) for event in expected]
    losses, usual = ([event.loss for event in of_kind(Step, each)] for each in (rest, expected))
    assert losses == pytest.approx(usual, rel=1e-4)
    assert [event.seconds for event in events] == sorted(event.seconds for event in events)


def test_a_run_that_cannot_go_over_says_so_once_and_goes_on_bit_for_bit():
    one = halfway(refusing)
    events, expected = list(one), list(trainer())
    [alert] = of_kind(Alert, events)
    assert (alert.step, alert.about) == (5, "launch")
    assert "OSError: there is no compiler" in alert.words
    assert one.execution == PLAIN
    assert untimed(event for event in events if event is not alert) == untimed(expected)


def test_a_resumed_run_goes_on_with_plain_units_until_it_is_found_again():
    first, second = halfway(), trainer()
    second.load_state_dict(through_bytes(first.state_dict()))
    assert second.execution == PLAIN
    one, other = of_kind(Step, first), of_kind(Step, second)
    assert [event.step for event in one] == [event.step for event in other]
    assert [event.loss for event in one] == pytest.approx([event.loss for event in other], rel=1e-4)
