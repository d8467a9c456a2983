"""A run: a net, the data it sees, the recipe it is trained by, what is watched, and a seed."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from resnet_lab.block_config import BlockConfig
from resnet_lab.config import Config, check_choice, short
from resnet_lab.data import DATASETS
from resnet_lab.model_config import ModelConfig

Schedule = Literal["constant", "steps", "cosine", "one_cycle"]


class DataConfig(Config):
    """Which images, and how many of them."""

    name: Literal["sample", "cifar10", "cifar100", "synthetic"] = "cifar10"
    train_size: Annotated[int, Field(ge=1)] | None = None  # stratified; None: all
    test_size: Annotated[int, Field(ge=1)] | None = None
    resolution: Literal[16, 32] = 32  # 16: average-pooled

    @model_validator(mode="before")
    @classmethod
    def bring_to_normal_form(cls, fields: Any) -> Any:
        """All images are None, whatever their number, so that the same data have the same key."""
        data = fields.get("name", "cifar10") if isinstance(fields, dict) else None
        if not isinstance(data, str) or data not in DATASETS:
            return fields
        all_of_it = {f"{split}_size": size for split, size in DATASETS[data].sizes.items()}
        return {name: None if value == all_of_it.get(name, object) else value for name, value in fields.items()}

    @model_validator(mode="after")
    def check_sizes(self) -> Self:
        for split, size in (("train", self.train_size), ("test", self.test_size)):
            most = DATASETS[self.name].sizes[split]
            if size is not None and size > most:
                raise ValueError(f"{split}_size must be at most {most}, all of {self.name!r}, but is {size}")
        return self

    @property
    def num_train(self) -> int:
        return self.train_size or DATASETS[self.name].sizes["train"]

    @property
    def num_test(self) -> int:
        return self.test_size or DATASETS[self.name].sizes["test"]


class RecipeConfig(Config):
    """How a net is trained. The defaults are the papers'."""

    steps: Annotated[int, Field(ge=1, le=10_000_000)] = 64_000
    batch_size: Annotated[int, Field(ge=2, le=8192)] = 128
    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: Annotated[float, Field(gt=0, le=100)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-4
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0
    schedule: Schedule = "steps"
    milestones: tuple[float, ...] = (0.5, 0.75)  # of 'steps': the shares of the budget after which lr falls to a tenth
    peak: Annotated[float, Field(gt=0, lt=1)] = 0.25  # of 'one_cycle': the share of the budget in which lr rises
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    warmup_lr: Annotated[float, Field(gt=0, le=100)] = 0.01  # constant during the warm-up
    crop: Annotated[int, Field(ge=0, le=16)] = 4  # pixels of padding on every side, cropped back at random
    crop_zeros: Literal["before", "after"] = "after"  # the padding is zero before or after normalisation
    flip: bool = True
    precision: Literal["auto", "fp32", "tf32", "bf16"] = "auto"  # auto: bf16 where it is clearly faster
    deterministic: bool = False  # on a GPU; a CPU always is

    @model_validator(mode="after")
    def check_the_whole(self) -> Self:
        if self.warmup_steps and self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps must be below the {self.steps} steps, but is {self.warmup_steps}")
        if list(self.milestones) != sorted(set(self.milestones)) or any(not 0 < share < 1 for share in self.milestones):
            raise ValueError(f"milestones must be rising shares between 0 and 1, but are {short(self.milestones)}")
        if self.nesterov and not (self.momentum and self.optimizer == "sgd"):
            raise ValueError("nesterov needs optimizer 'sgd' with a momentum above 0")
        return self


class WatchConfig(Config):
    """What is recorded while a net trains, and how often. It changes nothing in the training."""

    loss_every: Annotated[int, Field(ge=1)] = 50  # steps, which is also how many the loss is averaged over
    probe_every: Annotated[int, Field(ge=0)] = 200  # steps; 0: never
    evaluate_every: Annotated[float, Field(gt=0)] = 1  # epochs


class RunConfig(Config):
    """All that determines a run."""

    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    recipe: RecipeConfig = RecipeConfig()
    watch: WatchConfig = WatchConfig()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    @model_validator(mode="after")
    def check_the_whole(self) -> Self:
        classes = DATASETS[self.data.name].num_classes
        if self.model.num_classes != classes:
            raise ValueError(f"num_classes must be {classes} for {self.data.name!r}, but is {self.model.num_classes}")
        if self.recipe.batch_size > self.data.num_train:
            raise ValueError(
                f"batch_size must be at most the {self.data.num_train} training images, but is {self.recipe.batch_size}"
            )
        if self.recipe.crop * 2 > self.data.resolution:
            raise ValueError(f"crop must be at most {self.data.resolution // 2} pixels, but is {self.recipe.crop}")
        return self

    @property
    def title(self) -> str:
        block = self.model.block
        return f"{self.model.title}, {block.title}{f' ({block.numbers})' if block.numbers else ''}"

    @property
    def epochs(self) -> float:
        return self.recipe.steps * self.recipe.batch_size / self.data.num_train

    def with_block(self, block: BlockConfig) -> Self:
        """The same run of another unit."""
        return self.changed(model=self.model.with_block(block))

    def with_fields(self, **fields: Any) -> Self:
        """The same run with some fields of its parts replaced, each by its own name; `data` is the data's name."""
        unknown = fields.keys() - set(flat_fields())
        if unknown:
            raise ValueError(f"A run has no field {short(min(unknown))}; it has {', '.join(flat_fields())}.")
        if "data" in fields:
            fields = {"num_classes": num_classes(fields["data"])} | fields
            fields["name"] = fields.pop("data")
        given = {name: only(part, fields) for name, part in PARTS.items()}
        given["model"]["block"] = self.model.block.changed(**only(BlockConfig, fields))
        parts = {name: getattr(self, name).changed(**given[name]) for name in PARTS}
        return self.changed(**parts, seed=fields.get("seed", self.seed))


PARTS: dict[str, type[Config]] = {
    "model": ModelConfig,
    "data": DataConfig,
    "recipe": RecipeConfig,
    "watch": WatchConfig,
}


def flat_fields() -> dict[str, type[Config]]:
    """Every field that a run can be given by, and the part that it belongs to."""
    parts: list[type[Config]] = [BlockConfig, *PARTS.values()]
    fields = {("data" if name == "name" else name): part for part in parts for name in part.model_fields}
    return {name: part for name, part in fields.items() if name != "block"} | {"seed": RunConfig}


def only(part: type[Config], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in part.model_fields and name != "block"}


def num_classes(data: object) -> int:
    check_choice("data", data, DATASETS)
    return DATASETS[str(data)].num_classes
