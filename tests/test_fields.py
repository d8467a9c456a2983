"""Every field of a run is an option, and what is written after it becomes the value that Python would be given."""

import argparse

import pytest

from resnet_lab.commands.fields import add_field_options, given_fields
from resnet_lab.placements import SLOTS
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig, flat_fields
from tests.sentences import is_one_sentence, refusal


def given(*words):
    parser = argparse.ArgumentParser()
    add_field_options(parser)
    return given_fields(parser.parse_args(words))


def defaults():
    """field -> its usual value"""
    config = RunConfig()
    parts = {type(part): part for part in (config.model.block, config.model, config.data, config.recipe, config.watch)}
    fields = {name: part for name, part in flat_fields().items() if name != "seed"}
    return {name: getattr(parts[part], "name" if name == "data" else name) for name, part in fields.items()}


def written(value):
    """As a person would write it."""
    if isinstance(value, dict):
        return [f"{name}={number}" for name, number in value.items()]
    if isinstance(value, tuple):
        return [str(entry) for entry in value]
    return ["null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)]


def test_nothing_given_is_nothing_changed():
    assert given() == {}


@pytest.mark.parametrize(("name", "value"), defaults().items())
def test_every_field_is_an_option_and_takes_its_own_usual_value(name, value):
    found = given(f"--{name.replace('_', '-')}", *written(value))
    assert found.keys() == {name}
    if name not in SLOTS:  # which the usual placement fills
        assert RunConfig().with_fields(**found) == RunConfig()


def test_the_seed_is_no_option():
    with pytest.raises(SystemExit):
        given("--seed", "3")


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("--lr 0.5", {"lr": 0.5}),
        ("--lr 1e-3 --steps 20", {"lr": 1e-3, "steps": 20}),
        ("--train-size null", {"train_size": None}),
        ("--shortcut dropout --shortcut-args p=0", {"shortcut": "dropout", "shortcut_args": {"p": 0}}),
        ("--shortcut-args scale=0.5 branch_scale=1", {"shortcut_args": {"scale": 0.5, "branch_scale": 1}}),
        ("--pre bn relu --post --after", {"pre": "bn relu", "post": "", "after": ""}),
        ("--milestones 0.25 0.5 0.9", {"milestones": (0.25, 0.5, 0.9)}),
        ("--milestones", {"milestones": ()}),
        ("--nesterov --lr 1", {"nesterov": True, "lr": 1}),
        ("--flip false", {"flip": False}),
        ("--data synthetic", {"data": "synthetic"}),
    ],
)
def test_words_become_values(words, fields):
    assert given(*words.split()) == fields


def test_a_slot_in_quotes_is_the_same_as_in_several_words():
    assert given("--pre", "bn relu") == given("--pre", "bn", "relu")


def test_the_words_make_the_run_that_python_makes():
    words = "--data sample --shortcut exclusive_gating --shortcut-args gate_bias=-3 --depth 20 --flip no --width .5"
    fields = {"shortcut": "exclusive_gating", "shortcut_args": {"gate_bias": -3}, "depth": 20, "flip": False}
    expected = preset("minute", data="sample", width=0.5, **fields)
    assert preset("minute", **given(*words.split())) == expected
    custom = given("--data", "sample", "--pre", "bn", "relu", "--post", "--after")
    assert preset("minute", **custom).key == preset("minute", data="sample", placement="full_preact").key


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--lr fast", "lr"),
        ("--lr NaN", "lr"),
        ("--steps 2.5", "steps"),
        ("--flip perhaps", "flip"),
        ("--depth null", "depth"),
        ("--shortcut nope", "shortcut"),
        ("--shortcut-args gate_bias", "--shortcut-args"),
        ("--shortcut-args gate_bias=much --shortcut exclusive_gating", "gate_bias"),
        ("--shortcut-args nope=1", "nope"),
        ("--pre nope", "pre"),
        ("--milestones half", "milestones"),
        ("--milestones 0.9 0.5", "milestones"),
        ("--resolution 24", "resolution"),
        ("--data [1]", "data"),
    ],
)
def test_what_is_wrong_is_named(words, named):
    said = refusal(lambda: preset("minute", **given(*words.split())))
    assert is_one_sentence(said)
    assert named in said
