"""Named recipes: a whole run in one word, every field of which can be changed."""

from dataclasses import dataclass
from typing import Any

from resnet_lab.config import check_choice
from resnet_lab.data import DATASETS
from resnet_lab.run_config import RunConfig

WARMUP_DEPTH, WARMUP_STEPS = 110, 400  # He et al. 2015, section 4.2


@dataclass(frozen=True)
class Preset:
    words: str
    fields: dict[str, Any]


# fmt: off
PRESETS = {
    "minute": Preset(
        "Half a minute to a minute on a CPU: a narrow net, 10,000 images of 16×16 pixels, 400 steps. "
        "It shows how well a block can be trained at the start, not how good it becomes.",
        {"depth": 56, "width": 0.5, "train_size": 10_000, "test_size": 2_000, "resolution": 16,
         "steps": 400, "schedule": "constant", "lr": 0.05, "crop": 2, "loss_every": 10, "probe_every": 50}),
    "quick": Preset(
        "The full net on all the data in minutes: 15 epochs, one cycle of the learning rate.",
        {"steps": 5_860, "schedule": "one_cycle", "lr": 0.2, "nesterov": True, "weight_decay": 5e-4}),
    "paper": Preset(
        "As in the papers: 64,000 steps of 128 images, lr 0.1 divided by 10 after a half and after three quarters, "
        "with a warm-up at 0.01 in nets of 110 and more layers.",
        {}),
}
# fmt: on


def preset(name: str, /, **fields: Any) -> RunConfig:
    """The run of that name, with some of its fields changed."""
    check_choice("recipe", name, PRESETS)
    config = RunConfig().with_fields(**fitting(PRESETS[name].fields, fields.get("data", "cifar10")) | fields)
    is_deep, is_long = config.model.depth >= WARMUP_DEPTH, config.recipe.steps > WARMUP_STEPS
    if name == "paper" and is_deep and is_long and "warmup_steps" not in fields:
        return config.with_fields(warmup_steps=WARMUP_STEPS)
    return config


def fitting(fields: dict[str, Any], data: str) -> dict[str, Any]:
    """Without the sizes that the data set does not have: then all of it is used."""
    check_choice("data", data, DATASETS)
    sizes = {f"{split}_size": size for split, size in DATASETS[data].sizes.items()}
    return {name: value for name, value in fields.items() if value <= sizes.get(name, value)}
