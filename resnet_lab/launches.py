"""Several runs started together: a small matrix of blocks, depths and seeds, by one recipe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, product
from typing import Any

from resnet_lab.block_config import BlockConfig
from resnet_lab.cards import PLACEMENT_CARDS, SHORTCUT_CARDS
from resnet_lab.model_config import ModelConfig
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run
from resnet_lab.store import Store

MAX_RUNS = 200
FIRST_BLOCKS = (SHORTCUT_CARDS["none"].block, SHORTCUT_CARDS["identity"].block, PLACEMENT_CARDS["full_preact"].block)


@dataclass(frozen=True)
class Launch:
    """Blocks x depths x seeds, each by a recipe or as another run; `model` None: with its own net."""

    recipe: str | RunConfig
    blocks: Sequence[BlockConfig]
    depths: Sequence[int]
    seeds: Sequence[int]
    model: ModelConfig | None = None
    fields: dict[str, Any] = field(default_factory=dict)  # of the recipe, the data and what is watched

    def configs(self) -> list[RunConfig]:
        """The blocks of one depth and seed side by side, so that the first to be trained can be compared."""
        num_runs = len(self.blocks) * len(self.depths) * len(self.seeds)
        if not num_runs:
            raise ValueError("Choose at least one block, one depth and one seed.")
        if num_runs > MAX_RUNS:
            raise ValueError(f"At most {MAX_RUNS} runs can be started together, but these are {num_runs}.")
        matrix = product(self.depths, self.seeds, self.blocks)
        configs = [self.config(block, depth, seed) for depth, seed, block in matrix]
        return list({config.key: config for config in configs}.values())  # two blocks may have been set alike

    def config(self, block: BlockConfig, depth: int, seed: int) -> RunConfig:
        given = self.fields | {"depth": depth, "seed": seed}
        config = preset(self.recipe, **given) if isinstance(self.recipe, str) else self.recipe.with_fields(**given)
        model = config.model
        if self.model is not None:
            model = self.model.changed(depth=depth, num_classes=model.num_classes)
        return config.changed(model=model.with_block(block))


@dataclass(frozen=True)
class Sorted:
    """What is new, and what the store has already, in the order of the configurations."""

    new: list[RunConfig]
    known: list[Run]


def sort_out(store: Store, configs: Sequence[RunConfig]) -> Sorted:
    found = [(config, store.same(config)) for config in configs]
    return Sorted([config for config, run in found if run is None], [run for _, run in found if run is not None])


def first_comparison(store: Store, data: str) -> Sorted:
    """Plain, identity and full pre-activation."""
    return first_incomplete(store, lambda seed: Launch("minute", FIRST_BLOCKS, [56], [seed], fields={"data": data}))


def first_incomplete(store: Store, launch: Callable[[int], Launch]) -> Sorted:
    """Of the first seed of which something is still to be trained."""
    return next(found for seed in count() if (found := sort_out(store, launch(seed).configs())).new)
