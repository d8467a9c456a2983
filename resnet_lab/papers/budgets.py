"""How much training a result has had. Results of different budgets are never put together."""

from dataclasses import dataclass
from typing import Any

from resnet_lab.model_config import ModelConfig
from resnet_lab.presets import preset
from resnet_lab.references import comparable_recipe
from resnet_lab.run_config import RunConfig


@dataclass(frozen=True)
class Budget:
    """A recipe with its data. `depths`: by kind of unit, where a table of the papers is about one deep net."""

    recipe: str
    data: str
    depths: dict[str, int]

    @property
    def words(self) -> str:
        """'quick: 5,860 steps of 128, 50,000 images of cifar10 at 32×32'"""
        return f"{self.recipe}: {self.size}"

    @property
    def size(self) -> str:
        """The same without its name."""
        config = preset(self.recipe, data=self.data)
        recipe, data = config.recipe, config.data
        images = f"{data.num_train:,} images of {data.name} at {data.resolution}×{data.resolution}"
        return f"{recipe.steps:,} steps of {recipe.batch_size}, {images}"

    def config(self, **fields: Any) -> RunConfig:
        """The run of this budget; `depth` and whatever else is named are as given."""
        return preset(self.recipe, **{"data": self.data} | fields)

    def small(self, model: ModelConfig, **fields: Any) -> RunConfig:
        """The same unit in a net as deep as this budget bears."""
        depth = self.depths.get(model.unit, model.depth)
        named = {"unit": model.unit, "projection": model.projection, "depth": depth}
        return self.config(**named | fields).with_block(model.block)


# fmt: off
BUDGETS = {
    "sample": Budget("minute", "sample",   {"basic": 56, "bottleneck": 56}),
    "minute": Budget("minute", "cifar10",  {"basic": 56, "bottleneck": 56}),
    "quick":  Budget("quick",  "cifar10",  {"basic": 20, "bottleneck": 29}),
    "paper":  Budget("paper",  "cifar10",  {}),
    "paper_cifar100": Budget("paper", "cifar100", {}),
}
# fmt: on
OF_CIFAR_10 = ("sample", "minute", "quick", "paper")


def setting(config: RunConfig) -> str:
    """Equal for runs whose results may be put together: only their seeds, and how they are computed, may differ."""
    return RunConfig(model=config.model, data=config.data, recipe=comparable_recipe(config.recipe)).key
