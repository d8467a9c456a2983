"""Configurations: frozen, strict, the same key on every machine, and one sentence for every mistake."""

import itertools
import json
import os
import subprocess
import sys

import pydantic
import pytest

from resnet_lab import BlockConfig, ModelConfig
from resnet_lab.ops import OPS
from resnet_lab.placements import PLACEMENTS, SLOTS
from resnet_lab.shortcuts import SHORTCUTS
from tests.sentences import is_one_sentence, refusal

BLOCKS = [BlockConfig(placement=p, shortcut=s) for p, s in itertools.product(PLACEMENTS, SHORTCUTS)]
ARGUMENTS = [(key, name) for key, shortcut in SHORTCUTS.items() for name in shortcut.arguments]
CONFIGS = [*BLOCKS, *[ModelConfig(depth=56, projection="B", block=block) for block in BLOCKS]]

# Pinned once: if one of them changes, stored runs are no longer found under their configuration.
KNOWN_KEYS = {
    "b11e2f377b6611d3": BlockConfig(),
    "642ace0711c86bea": BlockConfig(
        placement="full_preact", shortcut="exclusive_gating", shortcut_args={"gate_bias": 0}
    ),
    "6857252bef6814a7": BlockConfig(pre="gn silu", post="bn", branch_dropout=0.3),
    "9d8516f2c4fdfc82": ModelConfig(),
    "51464ad001140d4c": ModelConfig(depth=56, block=BlockConfig(placement="full_preact")),
    "81ca96748d888fcd": ModelConfig(
        family="imagenet",
        depth=50,
        unit="bottleneck",
        projection="B",
        num_classes=1000,
        groups=32,
        group_width=4,
        stochastic_depth=0.2,
        zero_gamma=True,
    ),
}


def net(**fields):
    return fields


def block(**fields):
    return {"block": fields}


def name_of(config):
    return f"{type(config).__name__}:{config.to_json()}"


# The wrong fields; what the sentence must name of what came; what it must name of what is allowed.
# fmt: off
WRONG = [
    (net(depth=21),                                          "21",            "20 and 26"),
    (net(depth=1208),                                        "1208",          "1202"),
    (net(depth=0),                                           "is 0",          "8"),
    (net(depth=-20),                                         "-20",           "8"),
    (net(depth=10**30),                                      f"{10**30}",     "1202"),
    (net(depth="abc"),                                       "'abc'",         "a whole number"),
    (net(depth=2.5),                                         "2.5",           "a whole number"),
    (net(depth=None),                                        "None",          "a whole number"),
    (net(depth=21, unit="bottleneck"),                       "21",            "20 and 29"),
    (net(family="imagenet", depth=20),                       "20",            "18 or 34"),
    (net(family="imagenet", depth=50),                       "50",            "18 or 34"),
    (net(family="imagenet", depth=18, unit="bottleneck"),    "18",            "50, 101 or 152"),
    (net(family="mnist"),                                    "'mnist'",       "'cifar' or 'imagenet'"),
    (net(unit="wide"),                                       "'wide'",        "'basic' or 'bottleneck'"),
    (net(projection="D"),                                    "'D'",           "'A', 'B' or 'C'"),
    (net(projection=["A"]),                                  "['A']",         "'A', 'B' or 'C'"),
    (net(pad="left"),                                        "'left'",        "'both' or 'end'"),
    (net(stem="tiny"),                                       "'tiny'",        "'small' or 'large'"),
    (net(init="zeros"),                                      "'zeros'",       "'he_fan_in'"),
    (net(width=-1),                                          "-1",            "above 0"),
    (net(width=0),                                           "is 0",          "above 0"),
    (net(width=float("nan")),                                "nan",           "a finite number"),
    (net(width=float("inf")),                                "inf",           "a finite number"),
    (net(width=0.3),                                         "0.3",           "whole number of channels"),
    (net(width="wide"),                                      "'wide'",        "a number"),
    (net(stochastic_depth=-1),                               "-1",            "at least 0"),
    (net(stochastic_depth=1),                                "is 1",          "at most 0.95"),
    (net(num_classes=1),                                     "is 1",          "at least 2"),
    (net(groups=0),                                          "is 0",          "at least 1"),
    (net(groups=2),                                          "'basic'",       "'bottleneck'"),
    (net(group_width=4),                                     "'basic'",       "'bottleneck'"),
    (net(unit="bottleneck", depth=29, groups=3),             "is 3",          "16 channels"),
    (net(zero_gamma="often"),                                "'often'",       "true or false"),
    (net(zero_gamma=True, **block(placement="full_preact")), "a convolution", "'original'"),
    (net(zero_gamma=True, **block(placement="relu_before_addition")),"relu",          "'original'"),
    (net(zero_gamma=True, **block(shortcut="none")),         "plain",         "needs a shortcut"),
    (net(skipinit=True, **block(shortcut="none")),           "plain",         "needs a shortcut"),
    (net(stochastic_depth=0.5, **block(shortcut="none")),    "plain",         "needs a shortcut"),
    (net(colour="red"),                                      "'colour'",      "projection"),
    (net(block=3),                                           "3",             "an object"),
    (net(block="original"),                                  "'original'",    "an object"),
    (net(block=[1]),                                         "[1]",           "an object"),
    (net(block=None),                                        "None",          "an object"),
    (block(colour="red"),                                    "'colour'",      "placement"),
    (block(placement="preact"),                              "'preact'",      "'full_preact'"),
    (block(placement=None),                                  "None",          "'full_preact'"),
    (block(placement=["original"]),                          "['original']",  "'full_preact'"),
    (block(placement="original", pre="bn"),                  "'original'",    "'custom'"),
    (block(shortcut="highway"),                              "'highway'",     "'exclusive_gating'"),
    (block(shortcut=["conv"]),                               "['conv']",      "'exclusive_gating'"),
    (block(pre="bn swish"),                                  "'swish'",       "'silu'"),
    (block(post="bn,relu"),                                  "'bn,relu'",     "'relu'"),
    (block(after=3),                                         "3",             "'bn relu'"),
    (block(pre=" ".join(["bn"] * 7)),                        "7",             "at most 6"),
    (block(branch_dropout=2),                                "2",             "at most 0.95"),
    (block(branch_dropout=float("nan")),                     "nan",           "a finite number"),
    (block(shortcut="dropout", shortcut_args={"p": 1.5}),    "1.5",           "from 0 to 0.95"),
    (block(shortcut="dropout", shortcut_args={"p": True}),   "True",          "from 0 to 0.95"),
    (block(shortcut="dropout", shortcut_args={"p": float("nan")}),"nan",           "from 0 to 0.95"),
    (block(shortcut="exclusive_gating", shortcut_args={"gate_bias": "open"}),"'open'",        "from -12 to 12"),
    (block(shortcut="conv", shortcut_args={"p": 0.5}),       "'p'",           "no arguments"),
    (block(shortcut="dropout", shortcut_args={"scale": 1}),  "'scale'",       "'p'"),
    (block(shortcut="dropout", shortcut_args=[0.5]),         "[0.5]",         "gate_bias"),
]
NOT_JSON = [
    ("depth 20",       "'depth 20'",     "JSON"),
    ("",               "''",             "JSON"),
    ('{"depth": 20',   "{\"depth\": 20", "JSON"),
    ("[20]",           "'[20]'",         "object of fields"),
    ("null",           "'null'",         "object of fields"),
    ('{"depth": 21}',  "21",             "20 and 26"),
    ('{"width": NaN}', "nan",            "a finite number"),
]
# fmt: on

LONG = "x" * 10_000
TOO_LONG = [
    net(projection=LONG),
    net(depth=LONG),
    net(depth=[1] * 1000),
    {LONG: 1},
    block(placement=LONG),
    block(pre=LONG),
    block(shortcut="dropout", shortcut_args={LONG: 1}),
]


@pytest.mark.parametrize(("fields", "came", "allowed"), WRONG, ids=lambda value: str(value)[:60])
def test_a_mistake_is_told_in_one_sentence_with_what_came_and_what_is_allowed(fields, came, allowed):
    text = refusal(ModelConfig, **fields)
    assert is_one_sentence(text), text
    assert came in text
    assert allowed in text


@pytest.mark.parametrize(("text", "came", "allowed"), NOT_JSON)
def test_text_that_is_no_configuration_is_told_in_one_sentence(text, came, allowed):
    sentence = refusal(ModelConfig.from_json, text)
    assert is_one_sentence(sentence), sentence
    assert came in sentence
    assert allowed in sentence


@pytest.mark.parametrize("fields", TOO_LONG, ids=lambda fields: str(fields)[:40])
def test_a_very_long_value_is_cut_short_in_the_sentence(fields):
    assert is_one_sentence(refusal(ModelConfig, **fields))


@pytest.mark.parametrize("config", [BlockConfig(), ModelConfig()], ids=name_of)
def test_no_field_of_a_configuration_can_be_set(config):
    for name in type(config).model_fields:
        with pytest.raises(pydantic.ValidationError, match="frozen"):
            setattr(config, name, getattr(config, name))


@pytest.mark.parametrize(("shortcut", "name"), ARGUMENTS)
def test_the_arguments_inside_a_block_are_frozen_too(shortcut, name):
    config = BlockConfig(shortcut=shortcut, shortcut_args={name: SHORTCUTS[shortcut].arguments[name].high})
    with pytest.raises(TypeError):
        config.shortcut_args[name] = 0.0


@pytest.mark.parametrize(("shortcut", "name"), ARGUMENTS)
def test_a_block_keeps_no_hold_of_the_dict_it_was_made_from(shortcut, name):
    given = {name: SHORTCUTS[shortcut].arguments[name].high}
    config = BlockConfig(shortcut=shortcut, shortcut_args=given)
    given[name] = 0.0
    assert config.arguments[name] == SHORTCUTS[shortcut].arguments[name].high


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_a_configuration_comes_back_from_json_as_it_was(config):
    kind = type(config)
    own, pydantics = kind.from_json(config.to_json()), kind.model_validate_json(config.model_dump_json())
    assert own == pydantics == config
    assert own.key == pydantics.key == config.key
    assert hash(own) == hash(pydantics) == hash(config)


@pytest.mark.parametrize(("shortcut", "name"), ARGUMENTS)
def test_arguments_come_back_from_json_as_they_were(shortcut, name):
    for value in (SHORTCUTS[shortcut].arguments[name].low, 0.1, SHORTCUTS[shortcut].arguments[name].high):
        config = ModelConfig(block=BlockConfig(shortcut=shortcut, shortcut_args={name: value}))
        again = ModelConfig.from_json(config.to_json())
        assert again == config
        assert again.block.arguments[name] == value


@pytest.mark.parametrize(("key", "config"), KNOWN_KEYS.items())
def test_a_key_is_what_it_was_when_runs_were_stored_under_it(key, config):
    assert config.key == key


def test_keys_are_the_same_in_a_fresh_process_with_another_hash_seed():
    texts = [ModelConfig(block=block).to_json() for block in BLOCKS]
    code = "import json, sys; from resnet_lab import ModelConfig\n"
    code += "print(json.dumps([ModelConfig.from_json(text).key for text in json.load(sys.stdin)]))"
    environment = os.environ | {"PYTHONHASHSEED": "4321", "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(texts),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(found.stdout) == [ModelConfig.from_json(text).key for text in texts]


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_naming_every_field_at_its_default_changes_no_key(config):
    fields = {name: getattr(config, name) for name in type(config).model_fields if getattr(config, name) is not None}
    if isinstance(config, BlockConfig):
        fields |= {"shortcut_args": config.arguments}
    assert type(config)(**fields) == config
    assert type(config)(**fields).key == config.key


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_adding_a_field_with_a_default_changes_no_key(config):
    kind = type(config)
    grown = type(kind.__name__, (kind,), {"__annotations__": {"colour": str}, "colour": "grey"})
    assert grown.from_json(config.to_json()).key == config.key
    assert grown.from_json(config.to_json()).changed(colour="red").key != config.key


def test_adding_a_field_to_the_block_changes_no_key_of_a_net():
    grown_block = type("BlockConfig", (BlockConfig,), {"__annotations__": {"colour": str}, "colour": "grey"})
    fields = {"__annotations__": {"block": grown_block}, "block": grown_block()}
    grown = type("ModelConfig", (ModelConfig,), fields)
    for block in BLOCKS:
        config = ModelConfig(depth=56, block=block)
        assert grown.from_json(config.to_json()).key == config.key


def test_different_configurations_have_different_keys():
    keys = [config.key for config in CONFIGS]
    assert len(set(keys)) == len(keys)


def test_equal_configurations_have_the_same_key_whatever_the_sign_of_a_zero():
    biases = [BlockConfig(shortcut="exclusive_gating", shortcut_args={"gate_bias": zero}) for zero in (0, 0.0, -0.0)]
    assert biases[0] == biases[1] == biases[2]
    assert len({block.key for block in biases}) == 1


@pytest.mark.parametrize("key", PLACEMENTS)
def test_slots_that_make_a_placement_of_the_paper_get_its_name(key):
    slots = dict(zip(SLOTS, PLACEMENTS[key].slots, strict=True))
    for given in (slots, slots | {"placement": "custom"}, {name: f"  {ops} " for name, ops in slots.items()}):
        assert BlockConfig(**given) == BlockConfig(placement=key)
        assert BlockConfig(**given).key == BlockConfig(placement=key).key


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("slot", SLOTS)
def test_slots_of_no_paper_make_a_custom_placement_with_these_ops(slot, op):
    config = BlockConfig(**{slot: f"{op} {op}"})
    assert config.placement == "custom"
    assert getattr(config.ops, slot) == f"{op} {op}"


def test_an_empty_slot_may_be_left_out_or_named():
    assert BlockConfig(pre="gn") == BlockConfig(pre="gn", post="", after="") == BlockConfig(pre="gn", post=None)


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_a_changed_configuration_is_validated_again(config):
    assert config.changed() == config
    with pytest.raises(ValueError, match="has no field 'colour'"):
        config.changed(colour="red")
