"""The runs that Home and the tour show: of one budget, seeds together, with what was measured in which setting."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from resnet_lab.block_config import BlockConfig
from resnet_lab.curves import Curve, curves
from resnet_lab.histories import Histories
from resnet_lab.library import Library
from resnet_lab.presets import preset
from resnet_lab.references import comparable_recipe
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run
from resnet_lab.series import Series
from resnet_lab.ui.run_styles import Style
from resnet_lab.ui.strings import Say
from resnet_lab.ui.tour_steps import CONTENDERS

KINDS = {"loss": "steps", "test_error": "epochs"}  # of the events that tell it
FEW_EPOCHS = 12  # with fewer, nobody knows yet what a net becomes
NAMES = {contender.block: name for name, contender in CONTENDERS.items()}


def shipped_runs(library: Library) -> list[Run]:
    return [run for run in library.runs(["done"]) if library.is_shipped(run.id)]


def comparable(runs: Sequence[Run], nets: Sequence[str], depths: Sequence[int]) -> list[Run]:
    """Of these nets, those of the one budget that has most of them: budgets are never mixed. Of several such budgets
    the one of the depth that is asked for, else the longest.

    Where several depths are asked for, depth is what is compared; else all that is shown is of one depth.
    """
    same = {"depth": depths[0]} if len(depths) > 1 else {}
    budgets: dict[object, list[Run]] = defaultdict(list)
    for run in runs:
        model = run.config.model
        if NAMES.get(model.block) in nets:
            size = model.changed(block=BlockConfig(), **same)
            budgets[run.config.data, comparable_recipe(run.config.recipe), size].append(run)
    best = max(budgets.values(), key=partial(weight, depths), default=[])
    return sorted(best, key=lambda run: (nets.index(NAMES[run.config.model.block]), run.config.model.depth, run.seed))


def weight(depths: Sequence[int], runs: Sequence[Run]) -> tuple[int, bool, int, int]:
    config = runs[0].config
    num_images = config.recipe.steps * config.recipe.batch_size
    return len({run.config.model for run in runs}), config.model.depth in depths, num_images, len(runs)


def series_of(runs: Sequence[Run], say: Say) -> list[Series]:
    """A curve for all seeds of a net, called by its name and by how many they are."""
    groups: dict[tuple[str, int], list[Run]] = defaultdict(list)
    for run in runs:
        groups[NAMES[run.config.model.block], run.config.model.depth].append(run)
    return [
        Series(say("runs", label=say(f"net.{name}", depth=depth), n=len(members)), tuple(members))
        for (name, depth), members in groups.items()
    ]


def story_styles(runs: Sequence[Run]) -> dict[str, Style]:
    """By run id: the colour of its block; the deepest nets are drawn solid."""
    deepest = max((run.config.model.depth for run in runs), default=0)
    found = {run.id: CONTENDERS[NAMES[run.config.model.block]].style for run in runs}
    is_deepest = {run.id: run.config.model.depth == deepest for run in runs}
    return {run_id: style if is_deepest[run_id] else replace(style, dash="dash") for run_id, style in found.items()}


def measured(histories: Histories, runs: Sequence[Run], measure: str, say: Say, smoothing: float = 0) -> list[Curve]:
    ids = [run.id for run in runs]
    columns = histories.steps(ids) if KINDS[measure] == "steps" else histories.epochs(ids)
    return curves(series_of(runs, say), columns, measure, smoothing=smoothing)


def setting_words(runs: Sequence[Run], say: Say) -> str:
    """Budget, data and hardware: what a number of these runs holds for."""
    config = runs[0].config
    data, recipe = config.data, config.recipe
    words = say(
        "about",
        steps=f"{recipe.steps:,}",
        batch=recipe.batch_size,
        epochs=f"{config.epochs:.3g}",
        images=f"{data.num_train:,}",
        data=say(f"data.{data.name}"),
        side=data.resolution,
        tests=f"{data.num_test:,}",
        hardware=", ".join(dict.fromkeys(run.hardware for run in runs if run.hardware)) or say("hardware.unknown"),
    )
    scope = say("chart.early") if config.epochs < FEW_EPOCHS else "" if is_papers(config) else say("chart.short")
    return f"{words} {scope}".strip()


def is_papers(config: RunConfig) -> bool:
    """Trained as long as in the papers."""
    return config.recipe.steps >= preset("paper").recipe.steps


def end_words(curve: Curve, unit: str, say: Say) -> str:
    """Where the curve ends."""
    there = np.flatnonzero(np.isfinite(curve.y))
    value, step = curve.y[there[-1]], curve.x[there[-1]]
    return say("ends", label=curve.label, value=f"{value:.2f}{unit}", step=f"{step:,.0f}")
