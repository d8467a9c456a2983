"""The named recipes: what they are, and that every field of theirs can be changed."""

import pytest

from resnet_lab.config import Config
from resnet_lab.data import DATASETS
from resnet_lab.presets import PRESETS, preset
from resnet_lab.run_config import RunConfig, flat_fields
from tests.sentences import is_one_sentence, refusal


def test_the_contracts_example_is_the_run_that_it_says():
    run = preset("minute", depth=56, shortcut="exclusive_gating", shortcut_args={"gate_bias": 0}, seed=1)
    assert (run.model.depth, run.model.width, run.seed) == (56, 0.5, 1)
    assert run.model.block.shortcut == "exclusive_gating"
    assert run.model.block.arguments == {"gate_bias": 0.0}


def test_the_minute_is_the_setting_that_was_measured():
    """FACTS.md: depth 56, width 0.5, 16x16, 10,000 images, batch 128, lr 0.05, crop 2 and flip, 400 steps."""
    run = preset("minute")
    recipe = run.recipe
    assert (run.model.depth, run.model.width, run.data.resolution, run.data.num_train) == (56, 0.5, 16, 10_000)
    assert (recipe.batch_size, recipe.schedule, recipe.lr, recipe.steps) == (128, "constant", 0.05, 400)
    assert (recipe.optimizer, recipe.momentum, recipe.nesterov, recipe.weight_decay) == ("sgd", 0.9, False, 1e-4)
    assert (recipe.crop, recipe.flip, recipe.warmup_steps, recipe.label_smoothing) == (2, True, 0, 0)


def test_a_short_run_of_a_deep_net_has_no_warm_up_that_it_was_not_given():
    assert preset("paper", depth=110, steps=300).recipe.warmup_steps == 0


def test_the_papers_recipe_is_that_of_the_paper():
    run = preset("paper")
    recipe = run.recipe
    assert (recipe.batch_size, recipe.schedule, recipe.lr, recipe.steps) == (128, "steps", 0.1, 64_000)
    assert (recipe.optimizer, recipe.momentum, recipe.nesterov, recipe.weight_decay) == ("sgd", 0.9, False, 1e-4)
    assert (recipe.crop, recipe.flip, recipe.label_smoothing) == (4, True, 0)
    assert (run.data.name, run.data.num_train, run.data.resolution) == ("cifar10", 50_000, 32)


@pytest.mark.parametrize(("depth", "warmup"), [(20, 0), (56, 0), (104, 0), (110, 400), (164, 400)])
def test_nets_of_110_and_more_layers_warm_up(depth, warmup):
    recipe = preset("paper", depth=depth).recipe
    assert recipe.warmup_steps == warmup
    assert recipe.warmup_lr == 0.01


@pytest.mark.parametrize("steps", [0, 50])
def test_a_warm_up_that_is_given_is_taken(steps):
    assert preset("paper", depth=110, warmup_steps=steps).recipe.warmup_steps == steps


def test_quick_is_fifteen_epochs_of_all_the_data():
    run = preset("quick")
    assert 15 <= run.epochs < 15.01
    assert run.data.num_train == 50_000
    assert run.recipe.schedule == "one_cycle"


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("data", DATASETS)
def test_every_preset_fits_every_data_set(name, data):
    run = preset(name, data=data)
    assert run.data.name == data
    assert run.model.num_classes == DATASETS[data].num_classes
    assert run.data.num_train <= DATASETS[data].sizes["train"]
    assert run.data.num_test <= DATASETS[data].sizes["test"]


def test_sizes_that_the_data_does_not_have_become_all_of_it_and_others_stay():
    assert preset("minute", data="sample").data.train_size is None
    assert preset("minute", data="sample").data.test_size is None
    assert preset("minute", data="cifar100").data.train_size == 10_000


def test_a_size_that_is_given_is_not_quietly_changed():
    assert preset("minute", data="sample", train_size=500).data.num_train == 500
    text = refusal(preset, "minute", data="sample", train_size=10_000)
    assert is_one_sentence(text)
    assert "at most 5000" in text


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_what_it_is_in_sentences(name):
    assert PRESETS[name].words.endswith(".")
    assert PRESETS[name].fields.keys() <= flat_fields().keys()


# fmt: off
OTHER = {
    "depth": 26, "width": 2, "unit": "bottleneck", "num_classes": 100, "projection": "B", "pad": "end",
    "stem": "large", "groups": 2, "group_width": 4, "stochastic_depth": 0.5, "init": "he_fan_in", "zero_gamma": True,
    "skipinit": True, "placement": "full_preact", "shortcut": "conv", "shortcut_args": {"p": 0.25}, "pre": "relu",
    "post": "gn", "after": "silu", "branch_dropout": 0.1, "family": "imagenet",
    "data": "sample", "train_size": 300, "test_size": 200, "resolution": 16,
    "steps": 7, "batch_size": 32, "optimizer": "adamw", "lr": 0.5, "momentum": 0.5, "nesterov": True,
    "weight_decay": 0.25, "label_smoothing": 0.125, "schedule": "cosine", "milestones": (0.5,), "peak": 0.5,
    "warmup_steps": 3, "warmup_lr": 0.5, "crop": 1, "crop_zeros": "before", "flip": False, "precision": "fp32",
    "deterministic": True, "loss_every": 3, "probe_every": 7, "evaluate_every": 2.5, "seed": 5,
}
NEEDS = {
    "unit": {"depth": 29}, "groups": {"unit": "bottleneck", "depth": 29}, "depth": {"unit": "basic"},
    "group_width": {"unit": "bottleneck", "depth": 29}, "num_classes": {"data": "cifar100"},
    "shortcut_args": {"shortcut": "dropout"}, "family": {"depth": 34}, "nesterov": {"momentum": 0.75},
}
# fmt: on


def value_of(run, name):
    owner = {"BlockConfig": run.model.block, "ModelConfig": run.model, "DataConfig": run.data}
    owner |= {"RecipeConfig": run.recipe, "WatchConfig": run.watch, "RunConfig": run}
    return getattr(owner[flat_fields()[name].__name__], "name" if name == "data" else name)


@pytest.mark.parametrize("name", flat_fields())
def test_every_field_of_a_run_can_be_changed_by_its_name(name):
    run = RunConfig().with_fields(**NEEDS.get(name, {}) | {name: OTHER[name]})
    assert value_of(run, name) == OTHER[name] != value_of(RunConfig(), name)
    assert RunConfig.from_json(run.to_json()) == run


def test_no_field_stands_in_two_parts_so_that_its_name_says_which_is_meant():
    parts = [part for part in Config.__subclasses__() if part.__name__ in {"BlockConfig", "ModelConfig", "WatchConfig"}]
    parts += [part for part in Config.__subclasses__() if part.__name__ in {"DataConfig", "RecipeConfig"}]
    names = [name for part in parts for name in part.model_fields]
    assert len(parts) == 5
    assert len(names) == len(set(names))


# fmt: off
CANNOT_BE = [
    ("hour",   {},                            ("'hour'", "'minute'")),
    (None,     {},                            ("None", "'paper'")),
    ("minute", {"data": "mnist"},             ("'mnist'", "'cifar10'")),
    ("minute", {"data": ["cifar10"]},         ("['cifar10']", "'cifar10'")),
    ("minute", {"depth": 57},                 ("57", "56")),
    ("minute", {"crop": 9},                   ("9", "at most 8")),
    ("minute", {"num_classes": 100},          ("100", "must be 10")),
    ("minute",  {"batch_size": 128, "train_size": 100}, ("128", "at most the 100")),
    ("minute", {"seed": -1},                  ("-1", "at least 0")),
]
# fmt: on


@pytest.mark.parametrize(("name", "fields", "words"), CANNOT_BE)
def test_a_preset_that_cannot_be_says_so_in_one_sentence(name, fields, words):
    text = refusal(preset, name, **fields)
    assert is_one_sentence(text), text
    assert all(word in text for word in words), text


@pytest.mark.parametrize("unknown", ["colour", "block", "model", "key", "Depth"])
def test_an_unknown_field_is_answered_with_those_that_there_are(unknown):
    text = refusal(preset, "minute", **{unknown: 1})
    assert text.startswith(f"A run has no field {unknown!r}; it has ")
    assert all(name in text for name in ("depth", "shortcut", "data", "lr", "seed"))
    assert text.count(".") == 1


def test_a_field_of_the_parts_own_naming_is_refused_in_the_labs_words():
    assert "no field 'name'" in refusal(preset, "minute", name="sample")
