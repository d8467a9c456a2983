"""Runs in a table: what each is, what came out, and how far that is from a baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from resnet_lab.block_config import BlockConfig, named_numbers
from resnet_lab.comparisons import LAST_STEPS, final_loss
from resnet_lab.costs import PartCost, cost
from resnet_lab.curves import LAST_TESTS, errors_of
from resnet_lab.differences import shortcut_words
from resnet_lab.histories import Epochs, Histories, Steps
from resnet_lab.presets import PRESETS, preset
from resnet_lab.run_config import RecipeConfig, RunConfig
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.summaries import Summary

Row = dict[str, Any]
PINNED = "pinned"  # a tag: such runs stand first
DELTA = "Δ"  # before the name of a column: less that of the baseline


@dataclass(frozen=True)
class Told:
    """One run and the numbers that it told."""

    summary: Summary
    steps: Steps
    epochs: Epochs
    cost: PartCost | None = None  # None: not worked out yet

    @property
    def config(self) -> RunConfig:
        return self.summary.run.config


@dataclass(frozen=True)
class Column:
    """`said`: how a value reads where all rows share it; `is_compared`: it has a difference from the baseline."""

    title: str
    read: Callable[[Told], Any]
    form: str = "{}"
    said: str = ""
    help: str = ""
    is_compared: bool = False


def recipe_name(config: RunConfig) -> str:
    """The preset that it is trained by, whatever the number of steps; 'own' where it is none."""
    model, steps = config.model, config.recipe.steps
    known = recipes(model.family, model.unit, model.depth, steps)
    return next((name for name, recipe in known.items() if recipe == config.recipe), "own")


@lru_cache(maxsize=1000)
def recipes(family: str, unit: str, depth: int, steps: int) -> dict[str, RecipeConfig]:
    return {name: preset(name, family=family, unit=unit, depth=depth, steps=steps).recipe for name in PRESETS}


def data_words(config: RunConfig) -> str:
    side = config.data.resolution
    return f"{config.data.num_train:,} images of {config.data.name} at {side}×{side}"


def placement_name(block: BlockConfig) -> str:
    """4(a) Original; of a custom one its three slots."""
    return block.ops.name if block.placement != "custom" else " | ".join(ops or "nothing" for ops in block.ops.slots)


def shortcut_name(config: RunConfig) -> str:
    block = config.model.block
    numbers = named_numbers(block.arguments)
    return f"{SHORTCUTS[block.shortcut].name}{f', {numbers}' if numbers else ''}"


def error(name: str) -> Callable[[Told], float | None]:
    return lambda told: getattr(errors_of(told.epochs), name, None)


def pace(told: Told) -> float | None:
    summary = told.summary
    return summary.step * told.config.recipe.batch_size / summary.seconds if summary.seconds else None


# fmt: off
COLUMNS: dict[str, Column] = {
    "run":       Column("Run", lambda told: told.summary.run.title),
    "status":    Column("Status", lambda told: told.summary.run.state, said="{}"),
    "tags":      Column("Tags", lambda told: ", ".join(told.summary.run.tags)),
    "seed":      Column("Seed", lambda told: told.summary.run.seed, said="seed {}"),
    "final":     Column("Final test error, %", error("final"), "{:.2f}", is_compared=True,
                        help="At the last test. This is the number to report."),
    "best":      Column("Best test error, %", error("best"), "{:.2f}", is_compared=True,
                        help="The lowest of all tests. It is chosen on the test images, so it flatters the run."),
    "median":    Column(f"Median of last {LAST_TESTS}, %", error("median"), "{:.2f}", is_compared=True,
                        help=f"Median test error of the last {LAST_TESTS} tests, or of all where there were fewer."),
    "loss":      Column("Training loss", lambda told: final_loss(told.steps), "{:.3f}", is_compared=True,
                        help=f"The mean over the last {LAST_STEPS} steps."),
    "seconds":   Column("Training time, s", lambda told: told.summary.seconds, "{:,.1f}", is_compared=True,
                        help="With tests and probes; pauses are not counted."),
    "pace":      Column("Images/s", pace, "{:,.0f}", is_compared=True,
                        help="Training images over training time, with tests and probes."),
    "parameters": Column("Parameters", lambda told: told.cost and told.cost.parameters, "{:,}", said="{:,} parameters",
                         is_compared=True),
    "multiply_adds": Column("Multiply-adds, M", lambda told: told.cost and told.cost.multiply_adds / 1e6, "{:,.1f}",
                            said="{:,.1f} M multiply-adds", is_compared=True, help="Of one image, forwards."),
    "depth":     Column("Depth", lambda told: told.config.model.depth, said="depth {}"),
    "width":     Column("Width", lambda told: told.config.model.width, "{:g}", said="width {:g}"),
    "placement": Column("Placement", lambda told: placement_name(told.config.model.block), said="{}"),
    "shortcut":  Column("Shortcut", lambda told: shortcut_name(told.config), said="{}",
                        help=f"What passes by the branch. The identity: {shortcut_words(RunConfig().model.block)}."),
    "data":      Column("Data", lambda told: data_words(told.config), said="{}"),
    "recipe":    Column("Recipe", lambda told: recipe_name(told.config), said="recipe {}",
                        help="The preset that it was trained by, whatever the number of steps."),
    "steps":     Column("Steps", lambda told: told.config.recipe.steps, "{:,}", said="{:,} steps"),
    "num_test":  Column("Test images", lambda told: told.config.data.num_test, "{:,}", said="{:,} test images"),
    "device":    Column("Device", lambda told: told.summary.device, said="on {}"),
    "notes":     Column("Note", lambda told: told.summary.run.notes),
    "ended":     Column("How it ended", lambda told: told.summary.words),
    "id":        Column("Id", lambda told: told.summary.run.id),
}
# fmt: on


def cost_of(config: RunConfig) -> PartCost:
    """Of one image of the size that the run is trained on; takes a moment for each new net."""
    return cost(config.model, resolution=config.data.resolution).total


def told_of(
    histories: Histories, summaries: Sequence[Summary], price: Callable[[RunConfig], PartCost | None]
) -> list[Told]:
    """Each with its numbers; `price`: what its net costs, where that is known."""
    ids = [summary.run.id for summary in summaries]
    steps, epochs = histories.steps(ids), histories.epochs(ids)
    return [Told(each, steps[each.run.id], epochs[each.run.id], price(each.run.config)) for each in summaries]


def rows(runs: Sequence[Told]) -> list[Row]:
    return [{key: column.read(told) for key, column in COLUMNS.items()} for told in runs]


def fold(rows: Sequence[Row]) -> tuple[list[str], str]:
    """The columns that tell the rows apart, and one sentence with what all share; empty columns are left out."""
    filled = [key for key in COLUMNS if any(row[key] not in (None, "") for row in rows)]
    shared = [key for key in filled if COLUMNS[key].said and len(rows) > 1 and is_shared(rows, key)]
    words = [COLUMNS[key].said.format(rows[0][key]) for key in shared]
    return [key for key in filled if key not in shared], f"All: {', '.join(words)}." if words else ""


def is_shared(rows: Sequence[Row], key: str) -> bool:
    return all(row[key] == rows[0][key] for row in rows)


def differences(rows: Sequence[Row], baseline: Row) -> list[dict[str, float | None]]:
    """Each row less the baseline, in the columns where that is a number worth knowing."""
    compared = [key for key, column in COLUMNS.items() if column.is_compared]
    return [{key: difference(row[key], baseline[key]) for key in compared} for row in rows]


def framed(told: Sequence[Row], shown: Sequence[str], baseline: Row | None) -> dict[str, list[Any]]:
    """A column for what tells the runs apart, and beside each number its difference from the baseline."""
    apart = differences(told, baseline) if baseline else []
    columns: dict[str, list[Any]] = {}
    for key in shown:
        columns[key] = [row[key] for row in told]
        if baseline and COLUMNS[key].is_compared:
            columns[DELTA + key] = [row[key] for row in apart]
    return columns


def titled(name: str) -> str:
    """What a column is called, also that of the differences."""
    title = COLUMNS[name.removeprefix(DELTA)].title
    return f"{DELTA} {title}" if name.startswith(DELTA) else title


def difference(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def matching(
    summaries: Sequence[Summary], text: str = "", tags: Sequence[str] = (), statuses: Sequence[str] = ()
) -> list[Summary]:
    """Those with every word of the text somewhere, all of the tags, and one of the statuses where any is given."""
    words = text.casefold().split()
    return [
        summary
        for summary in summaries
        if all(word in haystack(summary) for word in words)
        and set(tags) <= set(summary.run.tags)
        and (not statuses or summary.run.status in statuses)
    ]


def pinned_first(summaries: Sequence[Summary]) -> list[Summary]:
    return sorted(summaries, key=lambda summary: PINNED not in summary.run.tags)


def haystack(summary: Summary) -> str:
    run = summary.run
    parts = [run.id, run.name, run.config.title, run.status, run.notes, *run.tags, run.config.data.name]
    return " ".join([*parts, recipe_name(run.config)]).casefold()


def in_words(name: str, values: Sequence[Any]) -> list[str]:
    """The cells of a column as text, a difference with its sign."""
    column = COLUMNS[name.removeprefix(DELTA)]
    form = column.form.replace("{:", "{:+") if name.startswith(DELTA) else column.form
    return ["" if value is None else form.format(value) for value in values]
