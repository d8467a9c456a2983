"""Published test errors, and which runs may be held against them: the same net, data and training, or none."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from resnet_lab.block_config import BlockConfig
from resnet_lab.model_config import ModelConfig
from resnet_lab.presets import preset
from resnet_lab.run_config import DataConfig, RecipeConfig, RunConfig

FAILED = 20  # percent: above it, He et al. 2016 report "fail"
# of the 2015 paper's single runs nothing is said; the 2016 paper reports "the median accuracy of 5 runs" throughout
ONE, MEDIAN = "one run", "median of 5 runs"


@dataclass(frozen=True)
class Reference:
    """A test error in percent of all 10,000 test images; None where the paper says that it failed."""

    source: str
    depth: int
    error: float | None
    runs: str
    block: BlockConfig = field(default_factory=BlockConfig)
    unit: str = "basic"
    projection: str = "A"
    data: str = "cifar10"

    @cached_property
    def model(self) -> ModelConfig:
        fields = {"depth": self.depth, "unit": self.unit, "projection": self.projection, "data": self.data}
        return preset("paper", **fields).model.with_block(self.block)

    @property
    def label(self) -> str:
        error = f"above {FAILED}%" if self.error is None else f"{self.error:.2f}%"
        return f"{self.source}: {error}, {self.runs}"

    @property
    def words(self) -> str:
        """The number with the setting that it is of, in a sentence."""
        recipe = paper_recipe(self.unit, self.depth)
        budget = f"{recipe.steps:,} steps of {recipe.batch_size} images, all of {self.data}"
        return f"{self.label}, {budget}; ResNet-{self.depth}, {self.block.title}."


def block(shortcut: str, **arguments: float) -> BlockConfig:
    return BlockConfig(shortcut=shortcut, shortcut_args=arguments)


def placed(placement: str) -> BlockConfig:
    return BlockConfig(placement=placement)


TABLE_6 = "He et al. 2015, Table 6"
TABLE_1, TABLE_2, TABLE_3 = (f"He et al. 2016, Table {number}" for number in (1, 2, 3))
BOTTLENECK = {"unit": "bottleneck", "projection": "B"}

# fmt: off
REFERENCES = (
    Reference(TABLE_6, 20, 8.75, ONE),
    Reference(TABLE_6, 32, 7.51, ONE),
    Reference(TABLE_6, 44, 7.17, ONE),
    Reference(TABLE_6, 56, 6.97, ONE),
    Reference(TABLE_6, 110, 6.61, "mean of 5 runs ± 0.16, the best 6.43"),
    Reference(TABLE_6, 1202, 7.93, ONE),

    Reference(TABLE_1, 110, 6.61, MEDIAN),
    Reference(TABLE_1, 110, None, MEDIAN, block("none")),
    Reference(TABLE_1, 110, None, MEDIAN, block("constant_scaling", scale=0.5, branch_scale=1)),
    Reference(TABLE_1, 110, 12.35, MEDIAN, block("constant_scaling", scale=0.5, branch_scale=0.5)),
    *(Reference(TABLE_1, 110, None, MEDIAN, block("exclusive_gating", gate_bias=bias)) for bias in range(0, -6, -1)),
    Reference(TABLE_1, 110, 8.70, MEDIAN, block("exclusive_gating", gate_bias=-6)),
    Reference(TABLE_1, 110, 9.81, MEDIAN, block("exclusive_gating", gate_bias=-7)),
    Reference(TABLE_1, 110, 12.86, MEDIAN, block("shortcut_only_gating", gate_bias=0)),
    Reference(TABLE_1, 110, 6.91, MEDIAN, block("shortcut_only_gating", gate_bias=-6)),
    Reference(TABLE_1, 110, 12.22, MEDIAN, block("conv")),
    Reference(TABLE_1, 110, None, MEDIAN, block("dropout", p=0.5)),

    Reference(TABLE_2, 110, 8.17, MEDIAN, placed("bn_after_addition")),
    Reference(TABLE_2, 110, 7.84, MEDIAN, placed("relu_before_addition")),
    Reference(TABLE_2, 110, 6.71, MEDIAN, placed("relu_only_preact")),
    Reference(TABLE_2, 110, 6.37, MEDIAN, placed("full_preact")),
    Reference(TABLE_2, 164, 5.93, MEDIAN, placed("original"), **BOTTLENECK),
    Reference(TABLE_2, 164, 6.50, MEDIAN, placed("bn_after_addition"), **BOTTLENECK),
    Reference(TABLE_2, 164, 6.14, MEDIAN, placed("relu_before_addition"), **BOTTLENECK),
    Reference(TABLE_2, 164, 5.91, MEDIAN, placed("relu_only_preact"), **BOTTLENECK),
    Reference(TABLE_2, 164, 5.46, MEDIAN, placed("full_preact"), **BOTTLENECK),

    Reference(TABLE_3, 1001, 7.61, MEDIAN, placed("original"), **BOTTLENECK),
    Reference(TABLE_3, 1001, 4.92, MEDIAN, placed("full_preact"), **BOTTLENECK),
    Reference(TABLE_3, 164, 25.16, MEDIAN, placed("original"), **BOTTLENECK, data="cifar100"),
    Reference(TABLE_3, 164, 24.33, MEDIAN, placed("full_preact"), **BOTTLENECK, data="cifar100"),
    Reference(TABLE_3, 1001, 27.82, MEDIAN, placed("original"), **BOTTLENECK, data="cifar100"),
    Reference(TABLE_3, 1001, 22.71, MEDIAN, placed("full_preact"), **BOTTLENECK, data="cifar100"),
)
# fmt: on


def references_for(config: RunConfig) -> list[Reference]:
    """Those of the same net on all of the same data by the papers' recipe; a run of any other kind has none."""
    model, data = config.model.changed(pad="both", init="he_fan_out"), config.data  # the papers leave these open
    if data != DataConfig(name=data.name) or comparable_recipe(config.recipe) != paper_recipe(model.unit, model.depth):
        return []
    return [each for each in REFERENCES if each.data == data.name and each.model == model]


@lru_cache(maxsize=100)
def paper_recipe(unit: str, depth: int) -> RecipeConfig:
    return preset("paper", unit=unit, depth=depth).recipe


def comparable_recipe(recipe: RecipeConfig) -> RecipeConfig:
    """Without what says only how it is computed, or what the papers leave open."""
    return recipe.changed(precision="auto", deterministic=False, crop_zeros="after")
