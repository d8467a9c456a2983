"""Something to put into the stores of the tests."""

from resnet_lab.events import Alert, Done, Epoch, Probe, Start, Step
from resnet_lab.presets import preset


def config(**fields):
    """A small run; other fields make it another one."""
    return preset("minute", data="sample", **{"depth": 8, "steps": 20} | fields)


def story(last=6):
    """The events of a short run, numbered from 1."""
    events = [
        Start(
            step=0,
            seconds=0.0,
            steps=20,
            num_train=5000,
            num_test=2000,
            parameters=77,
            images_per_second=1000.0,
            seconds_expected=3.0,
            execution={"device": "cpu", "precision": "fp32", "threads": 1},
        ),
        Step(10, 1.5, 2.25, 0.05, 1000.0, 1.5, 62.5),
        Probe(10, 1.6, {"stem.0": {"gradient": 0.5, "dead": None}}, {"shortcut_share": [0.75, float("nan"), 0.5]}),
        Epoch(10, 1.7, 0.5, 81.25, 2.125, 2000),
        Alert(15, 2.0, "nan", "The loss is not a number."),
        Done(20, 3.0, "done", "The budget is used up.", 1.0, 71.5),
    ]
    return list(enumerate(events[:last], start=1))
