"""Numbers that come late are those that were asked for, told in order; a run says the same then."""

import itertools

import pytest
import torch

from resnet_lab.arrivals import Arrivals
from resnet_lab.events import Epoch, Step
from resnet_lab.trainer import Trainer
from tests.test_trainer import RESUMED, Clock, assert_same_tensors, through_bytes, tiny, untimed

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


class Late:
    """An event of a device that is so many looks behind."""

    def __init__(self, looks):
        self.looks, self.was_awaited = looks, False

    def query(self):
        self.looks -= 1
        return self.looks < 0

    def synchronize(self):
        self.was_awaited = self.looks >= 0


class LateArrivals(Arrivals):
    def __init__(self, looks):
        super().__init__(CPU)
        self.looks, self.events = looks, []

    def event(self):
        self.events.append(Late(self.looks))
        return self.events[-1]


def late_trainer(config, looks, **options):
    trainer = Trainer(config, "cpu", **options)
    trainer.arrivals = LateArrivals(looks)
    return trainer


def asked(looks, steps):
    arrivals, told = LateArrivals(looks), []
    for step in steps:
        arrivals.ask(step, lambda step=step: told.append(step))
    return arrivals, told


def test_what_was_asked_for_is_told_as_it_was_then():
    number, told = torch.tensor(1.0), []
    arrivals = LateArrivals(10)
    for value in (1.0, 2.0):
        number.fill_(value)
        arrivals.ask(1, told.append, number)
    number.fill_(3.0)
    arrivals.hear_all()
    assert told == [1.0, 2.0]


def test_on_a_cpu_everything_is_there_at_once():
    arrivals, told = Arrivals(CPU), []
    arrivals.ask(1, told.append, torch.tensor(5))
    assert told == [5]


def test_nothing_is_told_before_it_is_there_or_must_be_waited_for():
    arrivals, told = asked(4, [1, 2, 3])
    assert told == []
    arrivals.hear(3)
    assert told == [1, 2]
    assert [event.was_awaited for event in arrivals.events] == [True, True, False]
    arrivals.hear_all()
    assert told == [1, 2, 3]


def test_what_is_there_is_told_without_waiting():
    arrivals, told = asked(2, [1, 2, 3])
    while told != [1, 2, 3]:
        arrivals.hear()
    assert not any(event.was_awaited for event in arrivals.events)


def test_what_was_forgotten_is_not_told():
    arrivals, told = asked(5, [1, 2])
    arrivals.forget()
    arrivals.hear_all()
    assert told == []


@pytest.mark.parametrize("looks", [0, 1, 3, 10**6])
@pytest.mark.parametrize("name", ["original", "dropout", "far above", "no number"])
def test_however_late_the_numbers_come_a_run_says_and_learns_the_same(name, looks):
    config = tiny(**RESUMED[name], evaluate_every=0.16, probe_every=2)
    late, usual = late_trainer(config, looks), Trainer(config, "cpu")
    assert untimed(late) == untimed(usual)
    assert_same_tensors(late.state_dict()["tensors"], usual.state_dict()["tensors"])


@pytest.mark.parametrize("looks", [2, 10**6])
def test_cut_after_any_step_a_late_run_says_the_rest_and_nothing_twice(looks):
    config = tiny(loss_every=3, evaluate_every=0.5, probe_every=2, steps=12)
    expected = untimed(Trainer(config, "cpu"))
    one, taken = late_trainer(config, looks), []
    while not one.status:
        one.advance()
        taken += [event for _, event in one.take()]
        successor = late_trainer(config, looks)
        successor.load_state_dict(through_bytes(one.state_dict()))
        assert untimed([*taken, *successor]) == expected
    assert untimed(taken) == expected


def test_a_device_that_is_behind_is_waited_for_at_the_first_point_and_then_only_for_the_one_before():
    trainer = late_trainer(tiny(loss_every=3, evaluate_every=100, probe_every=0, steps=12), 10**6)
    behind = {}
    while not trainer.status:
        trainer.advance()
        steps = [event.step for _, event in trainer.take() if isinstance(event, Step)]
        behind |= {step: trainer.step - step for step in steps}
    assert behind == {3: 0, 6: 3, 9: 3, 12: 0}


@pytest.mark.parametrize("looks", [1, 2, 3, 5, 8, 10**6])
@pytest.mark.parametrize("watched", [{"probe_every": 2}, {"probe_every": 1, "loss_every": 1}, {"evaluate_every": 0.16}])
@pytest.mark.parametrize("is_saved", [False, True])
def test_a_run_that_breaks_down_ends_with_the_next_loss_at_the_latest(looks, watched, is_saved):
    config = tiny(**RESUMED["diverging"] | {"steps": 1000, "loss_every": 2} | watched)
    usual, late, trainer = list(Trainer(config, "cpu")), [], late_trainer(config, looks)
    while not trainer.status:
        trainer.advance()
        late += [event for _, event in trainer.take()]
        if is_saved:  # which waits for all that was asked for
            trainer.state_dict()
    late += [event for _, event in trainer.take()]
    assert late[-1].status == "diverged"
    assert usual[-1].step <= late[-1].step <= usual[-1].step + config.watch.loss_every
    tested = [event for event in late if isinstance(event, Epoch) and event.step == late[-1].step]
    assert [event.test_error for event in tested] == [late[-1].test_error]
    assert losses(late) == losses(usual)


def losses(events):
    return [(event.step, repr(event.loss)) for event in events if isinstance(event, Step)]


def test_the_speed_that_is_said_leaves_out_the_tests():
    """By a clock on which only steps and tests take time, a second and a thousand."""
    clock, config = Clock(), tiny(loss_every=3, evaluate_every=0.48, probe_every=2, steps=12)
    trainer = Trainer(config, "cpu", clock=lambda: clock.now)
    learner = trainer.learner
    trainer.advance()

    def do(work):
        clock.now += 1000 if work == learner.judge else 1
        return work()

    learner.do = do
    assert [event.images_per_second for event in trainer if isinstance(event, Step)] == [16] * 4


@pytest.mark.parametrize(("looks", "seconds"), [(0, 12), (10**6, 12 + 1000)])
def test_time_in_which_the_device_has_worked_on_is_time_of_training_whatever_the_host_did(looks, seconds):
    """By a clock that is a little later each time that it is looked at, beside the second that a step takes."""
    now, config = itertools.count(step=1e-6), tiny(steps=12, loss_every=3, probe_every=0, evaluate_every=100)
    passed = []
    trainer = late_trainer(config, looks, clock=lambda: sum(passed) + next(now))
    do = trainer.learner.do
    trainer.advance()

    def taking_a_second(work):
        passed.append(work == trainer.learner.learn)
        return do(work)

    trainer.learner.do = taking_a_second
    while not trainer.status:
        trainer.advance()
        passed.append(1000 * (trainer.step == 5))
    assert trainer.seconds == pytest.approx(seconds, abs=0.01)
