"""Events go through JSON and come back as they were; what is not a number comes back as None."""

import dataclasses
import json
import math

import pytest

from resnet_lab.events import EVENTS, Alert, Done, Epoch, Event, Probe, Start, Step, Switch, finite

# fmt: off
EXAMPLES = [
    Start(0, 0.0, steps=400, num_train=10_000, num_test=2_000, parameters=269_722, images_per_second=1 / 3,
          seconds_expected=51.2, execution={"device": "cpu", "precision": "bf16", "threads": 1}),
    Step(50, 6.25, loss=2.302585092994046, lr=0.1, images_per_second=1024.0, seconds_left=0.1 + 0.2, train_error=1 / 3),
    Epoch(391, 60.0, epoch=1.00096, test_error=54.32, test_loss=1.5, num_test=10_000),
    Probe(200, 30.0, layers={"stem.conv1": {"gradient_norm": 0.5, "response": 1.0}}, units={"dead_relus": [0.0, 0.25]}),
    Alert(100, 12.0, about="chance", words="After 100 steps the training loss, 2.30, is still that of guessing, 2.30."),
    Switch(150, 20.0, execution={"device": "cuda", "units": "fused"}, words="From here on it is 1.20 times as fast."),
    Done(400, 51.0, status="done", words="All 400 steps are done.", epoch=5.12, test_error=None),
]
# fmt: on


def through_json(event):
    return Event.from_dict(json.loads(json.dumps(event.to_dict(), allow_nan=False)))


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_an_event_comes_back_from_json_as_it_was(event):
    assert through_json(event) == event
    assert type(through_json(event)) is type(event)


def test_a_step_of_before_there_was_a_training_error_is_read_without_one():
    told = EXAMPLES[1].to_dict()
    del told["train_error"]
    assert Event.from_dict(told) == dataclasses.replace(EXAMPLES[1], train_error=None)


def test_every_kind_of_event_has_an_example_and_a_name_of_its_own():
    assert {type(event) for event in EXAMPLES} == set(EVENTS.values()) == set(Event.__subclasses__())
    assert list(EVENTS) == ["start", "step", "epoch", "probe", "warning", "switch", "done"]


def test_an_event_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXAMPLES[1].loss = 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_none_however_deep_it_stands(bad):
    probe = Probe(1, 0.5, layers={"head": {"gradient_norm": bad, "weight_norm": 2.0}}, units={"dead_relus": [1.0, bad]})
    back = through_json(probe)
    assert back.layers == {"head": {"gradient_norm": None, "weight_norm": 2.0}}
    assert back.units == {"dead_relus": [1.0, None]}
    assert through_json(Step(1, 0.5, loss=bad, lr=0.1, images_per_second=1.0, seconds_left=0.0)).loss is None


def test_numbers_words_and_truths_are_left_as_they_are():
    value = {"a": [1, 2.5, "x", None, True], "b": {"c": (0.0, -1)}}
    assert finite(value) == {"a": [1, 2.5, "x", None, True], "b": {"c": [0.0, -1]}}
