"""The configuration of a run: what it refuses, and that its key never changes by accident."""

import json
import pickle
from typing import get_args

import pytest
from pydantic import create_model

from resnet_lab.data import DATASETS
from resnet_lab.model_config import ModelConfig
from resnet_lab.presets import preset
from resnet_lab.run_config import DataConfig, RecipeConfig, RunConfig, Schedule, WatchConfig, flat_fields
from resnet_lab.schedules import SCHEDULES
from tests.sentences import is_one_sentence, refusal


def data(**fields):
    return DataConfig, fields


def recipe(**fields):
    return RecipeConfig, fields


def watch(**fields):
    return WatchConfig, fields


def run(**fields):
    return RunConfig, fields


# fmt: off
REFUSED = [  # what is given, what the sentence must name, and what it must say is allowed
    (data(name="mnist"),                                  "'mnist'",        "'cifar10'"),
    (data(name=None),                                     "None",           "'cifar10'"),
    (data(train_size=0),                                  "0",              "at least 1"),
    (data(train_size=50_001),                             "50001",          "at most 50000"),
    (data(test_size=10_001),                              "10001",          "at most 10000"),
    (data(name="sample", test_size=1_001),                "1001",           "at most 1000"),
    (data(train_size=2.5),                                "2.5",            "a whole number"),
    (data(train_size="all"),                              "'all'",          "a whole number"),
    (data(resolution=24),                                 "24",             "16 or 32"),
    (data(url="x"),                                       "'url'",          "train_size"),
    (recipe(steps=0),                                     "0",              "at least 1"),
    (recipe(steps=1e9),                                   "1000000000",     "at most 1e+07"),
    (recipe(batch_size=1),                                "1",              "at least 2"),
    (recipe(optimizer="adam"),                            "'adam'",         "'sgd' or 'adamw'"),
    (recipe(lr=0),                                        "0",              "above 0"),
    (recipe(lr=float("nan")),                             "nan",            "a finite number"),
    (recipe(lr=float("inf")),                             "inf",            "a finite number"),
    (recipe(lr="fast"),                                   "'fast'",         "a number"),
    (recipe(momentum=1),                                  "1",              "below 1"),
    (recipe(momentum=-0.1),                               "-0.1",           "at least 0"),
    (recipe(weight_decay=-1e-4),                          "-0.0001",        "at least 0"),
    (recipe(label_smoothing=1),                           "1",              "below 1"),
    (recipe(schedule="linear"),                           "'linear'",       "'one_cycle'"),
    (recipe(peak=1),                                      "1",              "below 1"),
    (recipe(peak=0),                                      "0",              "above 0"),
    (recipe(milestones=(0.75, 0.5)),                      "(0.75, 0.5)",    "rising shares"),
    (recipe(milestones=(0.5, 0.5)),                       "(0.5, 0.5)",     "rising shares"),
    (recipe(milestones=(32_000, 48_000)),                 "(32000.0, 48000.0)", "between 0 and 1"),
    (recipe(milestones=(0.0, 0.5)),                       "(0.0, 0.5)",     "between 0 and 1"),
    (recipe(milestones="half"),                           "'half'",         "milestones"),
    (recipe(steps=400, warmup_steps=400),                 "400",            "below the 400 steps"),
    (recipe(warmup_steps=-1),                             "-1",             "at least 0"),
    (recipe(warmup_lr=0),                                 "0",              "above 0"),
    (recipe(crop=17),                                     "17",             "at most 16"),
    (recipe(crop_zeros="during"),                         "'during'",       "'before' or 'after'"),
    (recipe(flip="often"),                                "'often'",        "true or false"),
    (recipe(precision="fp16"),                            "'fp16'",         "'bf16'"),
    (recipe(nesterov=True, momentum=0),                   "nesterov",       "a momentum above 0"),
    (recipe(nesterov=True, optimizer="adamw"),            "nesterov",       "'sgd'"),
    (recipe(learning_rate=0.1),                           "'learning_rate'", "lr"),
    (watch(loss_every=0),                                 "0",              "at least 1"),
    (watch(probe_every=-1),                               "-1",             "at least 0"),
    (watch(evaluate_every=0),                             "0",              "above 0"),
    (run(seed=2**31),                                     "2147483648",     "below 2.14748e+09"),
    (run(seed=0.5),                                       "0.5",            "a whole number"),
    (run(data=DataConfig(name="cifar100")),               "10",             "must be 100"),
    (run(data={"name": "cifar100"}),                      "10",             "must be 100"),
    (run(model=ModelConfig(num_classes=100)),             "100",            "must be 10"),
    (run(data=DataConfig(train_size=100)),                "128",            "at most the 100"),
    (run(data=DataConfig(resolution=16), recipe=RecipeConfig(crop=9)), "9", "at most 8"),
    (run(data="cifar10"),                                 "'cifar10'",      "an object"),
    (run(recipe={"lr": -1}),                              "-1",             "lr must be above 0"),
    (run(model={"depth": 21}),                            "21",             "20 and 26"),
    (run(model={"block": {"shortcut": "highway"}}),       "'highway'",      "'identity'"),
    (run(epochs=3),                                       "'epochs'",       "recipe"),
]
# fmt: on


@pytest.mark.parametrize(("what", "named", "allowed"), REFUSED, ids=lambda value: "")
def test_what_cannot_be_is_refused_in_one_sentence_that_names_it_and_what_can(what, named, allowed):
    config, fields = what
    text = refusal(config, **fields)
    assert is_one_sentence(text), text
    assert named in text, text
    assert allowed in text, text


def test_what_just_fits_is_taken():
    DataConfig(name="sample", train_size=5_000, test_size=1_000)
    RecipeConfig(steps=401, warmup_steps=400)
    RunConfig(data=DataConfig(train_size=128))
    RunConfig(data=DataConfig(resolution=16), recipe=RecipeConfig(crop=8))
    RunConfig(recipe=RecipeConfig(crop=16, milestones=()), seed=2**31 - 1)


def test_every_schedule_that_may_be_named_is_there():
    assert set(get_args(Schedule)) == set(SCHEDULES)


def test_all_data_sets_may_be_named():
    assert set(get_args(DataConfig.model_fields["name"].annotation)) == set(DATASETS)


RUNS = [
    RunConfig(),
    preset("minute", depth=56, shortcut="exclusive_gating", shortcut_args={"gate_bias": 0}, seed=1),
    preset("quick", data="cifar100", projection="B", probe_every=0, evaluate_every=0.5),
    preset("paper", depth=110, pre="relu bn", milestones=(0.5,), train_size=1_000, precision="bf16"),
]


@pytest.mark.parametrize("config", RUNS, ids=lambda config: config.key)
def test_a_run_comes_back_from_json_and_from_pickle_as_it_was(config):
    for back in (RunConfig.from_json(config.to_json()), pickle.loads(pickle.dumps(config))):
        assert back == config
        assert (back.key, hash(back)) == (config.key, hash(config))
        assert back.recipe.milestones == config.recipe.milestones


def test_only_what_differs_from_the_defaults_is_written():
    assert RunConfig().to_json() == "{}"
    assert json.loads(RunConfig(seed=3, recipe=RecipeConfig(lr=0.2)).to_json()) == {"recipe": {"lr": 0.2}, "seed": 3}


def test_keys_are_what_they_always_were():
    """Runs are stored under their keys: these may never change."""
    assert RUNS[0].key == "f20ddc83f06081f9"
    assert RUNS[1].key == "b365fd7a7066767e"


def test_a_new_field_with_a_default_changes_no_key():
    new_recipe = create_model("RecipeConfig", __base__=RecipeConfig, ema=(float, 0.0))
    new_run = create_model("RunConfig", __base__=RunConfig, recipe=(new_recipe, new_recipe()), tag=(str, ""))
    for config in RUNS:
        fields = json.loads(config.to_json())
        assert new_run(**fields).key == config.key
        assert new_run(**fields | {"recipe": fields.get("recipe", {}) | {"ema": 0.5}}).key != config.key


def test_numbers_that_are_equal_have_one_key():
    whole, broken = preset("minute", lr=1, train_size=500), preset("minute", lr=1.0, train_size=500.0)
    assert whole == broken
    assert whole.key == broken.key


def test_every_field_counts():
    changed = [preset("minute", **{name: value}) for name, value in {"seed": 1, "lr": 0.06, "probe_every": 51}.items()]
    keys = {config.key for config in [preset("minute"), *changed]}
    assert len(keys) == 4


def test_epochs_are_passes_over_the_images_that_are_used():
    assert preset("minute").epochs == pytest.approx(400 * 128 / 10_000)
    assert preset("quick", data="sample").epochs == pytest.approx(5_860 * 128 / 5_000)


def test_a_run_is_called_by_its_net_and_its_block():
    assert preset("minute", depth=56).title == "ResNet-56, Original, identity"
    assert preset("minute", depth=20, shortcut="none").title == "Plain net-20, Original, plain"


# Fields by name.


def test_fields_that_belong_together_are_judged_together():
    """zero_gamma needs a branch that ends in BN: legal in the new block, though not in the old one."""
    preactivated = RunConfig().with_fields(placement="full_preact")
    config = preactivated.with_fields(placement="original", zero_gamma=True)
    assert config.model.zero_gamma
    assert config.model.block.placement == "original"


def test_other_fields_stay_as_they_were():
    config = preset("minute", lr=0.3, shortcut="dropout", shortcut_args={"p": 0.25}, seed=7)
    changed = config.with_fields(depth=20)
    assert changed.changed(model=config.model) == config
    assert changed.model.block == config.model.block


def test_another_data_set_brings_its_number_of_classes():
    config = preset("minute", data="cifar100")
    assert config.model.num_classes == 100
    assert config.with_fields(data="sample", train_size=None, test_size=None).model.num_classes == 10


def test_every_field_of_every_part_has_its_name():
    parts = {"model": ModelConfig, "data": DataConfig, "recipe": RecipeConfig, "watch": WatchConfig}
    expected = {name for part in parts.values() for name in part.model_fields} - {"name", "block"}
    assert expected | {"data", "seed", "placement", "shortcut", "shortcut_args"} <= set(flat_fields())


def test_all_images_are_the_same_data_however_they_are_counted():
    assert DataConfig(name="sample", train_size=5_000, test_size=1_000).key == DataConfig(name="sample").key
    assert DataConfig(name="sample", train_size=4_999).key != DataConfig(name="sample").key
