"""Predict, then train: what the X-ray of an untrained net says about its training, and what came of it."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, TypeAdapter, ValidationError

from resnet_lab.augmentation import mixed
from resnet_lab.batches import Split
from resnet_lab.blocks import UnitShape
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import ResNet, build_model, unit_shapes
from resnet_lab.presets import preset
from resnet_lab.references import comparable_recipe
from resnet_lab.run_config import DataConfig, RecipeConfig, RunConfig
from resnet_lab.signals import mean_cosine, recorded, signal
from resnet_lab.threads import random_numbers

Outcome = Literal["well", "slowly", "not at all"]
Probability = Annotated[float, Field(ge=0, le=1)]
Decades = Annotated[float, Field(ge=0, le=100)]

OUTCOMES: tuple[Outcome, ...] = ("well", "slowly", "not at all")
VERSION = 1  # of the rule: what another one said is not scored as if this one had said it
NUM_IMAGES = 16
LARGEST = 1_200_000_000  # multiply-adds an image, roughly: ResNet-164 has an X-ray, ResNet-1001 and 1202 have none
BORDERS = (2.45, 3.55)  # powers of ten: between well and slowly, between slowly and not at all
BLUR = 0.25  # powers of ten beside a border in which the forecast is unsure
MOST = 6.0  # powers of ten that a zero counts as, and what is not finite
# fmt: off
FACTORS = {
    "gradient": "by how much the gradient differs between the first and the last unit",
    "signal":   "by how much the amplitude of the signal differs between them",
    "sameness": "how small a part of the last unit's response is the image's own, neither common to all nor chance",
}
LIMITS = {  # by recipe, shares of the first loss that are gone in the end: not at all below one, well from the other
    "minute": (0.06, 0.24),
    "quick":  (0.20, 0.75),
    "paper":  (0.25, 0.90),
}
# fmt: on
DATA = ("cifar10", "sample")  # of the same ten classes; elsewhere the same share means something else


@dataclass(frozen=True)
class Forecast:
    """How a net will train, said before its first step."""

    says: Outcome
    probabilities: dict[Outcome, Probability]
    factors: dict[str, Decades]  # powers of ten
    version: int = VERSION

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Any) -> "Forecast":
        try:
            return FORM.validate_json(json.dumps(fields), strict=True)
        except ValidationError:
            raise ValueError("its forecast is none of this lab") from None


FORM = TypeAdapter(Forecast)


def first_images(split: Split) -> torch.Tensor:
    return split.normalised(split.pixels[:NUM_IMAGES]).cpu()


def forecast_run(config: RunConfig, images: torch.Tensor) -> Forecast:
    """Of the very weights that the run begins with; `images` are normalised and of its size."""
    return forecast(config.model, images, mixed(config.seed, "weights"))


def forecast(model: ModelConfig, images: torch.Tensor, seed: int = 0) -> Forecast:
    """From three numbers of the untrained net, and nothing that it is called."""
    check_size(model, images.shape[-1])
    xray = signal(model, images[:NUM_IMAGES], seed)
    return judged(
        gradient=difference(xray.gradient_norm),
        signal=difference(xray.mean_square) / 2,
        sameness=decades(own_share(model, images[:NUM_IMAGES], seed)),
    )


def check_size(model: ModelConfig, side: int) -> None:
    pixels = side // 4 if model.has_large_stem else side
    work = sum(num_weights(model, each) * max(1, pixels >> each.stage) ** 2 for each in unit_shapes(model))
    if work > LARGEST:
        raise ValueError(f"The net is too large for an X-ray before its training: about {work / 1e9:.1f} G an image.")


def num_weights(model: ModelConfig, shape: UnitShape) -> int:
    """Of the convolutions of a branch."""
    if model.unit == "basic":
        return 18 * shape.inner**2
    return 9 * shape.inner**2 + 2 * shape.inner * shape.channels


def difference(values: Sequence[float]) -> float:
    """Between the first and the last, either way."""
    ends = values[0], values[-1]
    return abs(decades(ends[0]) - decades(ends[1])) if all(map(math.isfinite, ends)) else MOST


def decades(value: float) -> float:
    """How many powers of ten below 1."""
    return -math.log10(min(max(value, 10**-MOST), 10**MOST))


def own_share(model: ModelConfig, images: torch.Tensor, seed: int) -> float:
    """How much more alike the last responses to one image are, seen twice, than those to two images; from 0 to 1.

    Twice, as dropout answers differently each time: what is chance is not the image's own.
    """
    with random_numbers(seed, torch.device("cpu")), torch.no_grad():
        net = build_model(model).train()
        first, again = (last_response(net, images) for _ in range(2))
    same = torch.nn.functional.cosine_similarity(first, again).mean().item()
    share = same - mean_cosine(first)
    is_told = math.isfinite(share)  # where the signal overflows, no two images are told apart
    return min(max(share, 0.0), 1.0) if is_told else 0.0


def last_response(net: ResNet, images: torch.Tensor) -> torch.Tensor:
    with recorded(net) as record:
        net(images)
    return record.outputs[-1].flatten(1)


def judged(**factors: float) -> Forecast:
    """Their sum against the two borders, each of them blurred."""
    total = sum(factors.values())
    is_worse = [1 / (1 + math.exp((border - total) / BLUR)) for border in BORDERS]
    shares = (1 - is_worse[0], is_worse[0] - is_worse[1], is_worse[1])
    probabilities = dict(zip(OUTCOMES, shares, strict=True))
    return Forecast(max(OUTCOMES, key=probabilities.__getitem__), probabilities, factors)


def outcome(config: RunConfig, status: str, loss: float | None) -> Outcome | None:
    """What came of a finished run, from its training loss in the end; None where no limits were fixed beforehand."""
    limits = limits_of(config)
    if limits is None or status not in ("done", "diverged"):
        return None
    if status == "diverged" or loss is None:  # not finite
        return "not at all"
    gone = 1 - loss / math.log(config.model.num_classes)
    return "not at all" if gone < limits[0] else "slowly" if gone < limits[1] else "well"


def limits_of(config: RunConfig) -> tuple[float, float] | None:
    name = recipe_of(config)
    return LIMITS[name] if name else None


def recipe_of(config: RunConfig) -> str | None:
    """The recipe that this run follows in all that matters, if it was one of those with limits."""
    if config.data.name not in DATA:
        return None
    net = (config.data.name, config.model.family, config.model.unit, config.model.depth)
    recipe, data = comparable_recipe(config.recipe), config.data.changed(test_size=None)
    return next((name for name in LIMITS if training_by(name, *net) == (recipe, data)), None)


@lru_cache(maxsize=500)
def training_by(name: str, data: str, family: str, unit: str, depth: int) -> tuple[RecipeConfig, DataConfig]:
    config = preset(name, data=data, family=family, unit=unit, depth=depth)
    return config.recipe, config.data.changed(test_size=None)
