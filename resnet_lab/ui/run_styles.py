"""How a run is drawn: in one colour on all pages, told apart by colour-blind people too, then by dashes."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from resnet_lab.config import check_choice
from resnet_lab.runs import Run
from resnet_lab.ui.palette import RUNS, Colour

DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Style:
    colour: Colour
    dash: str


def style_of(number: int) -> Style:
    """All colours with a solid line come first; -1 is the last style, -2 the one before."""
    return Style(RUNS[number % len(RUNS)], DASHES[number // len(RUNS) % len(DASHES)])


# fmt: off
SHARED: dict[str, Callable[[Run], Hashable]] = {
    "variant": lambda run: run.config.model.block,
    "depth":   lambda run: run.config.model.depth,
    "recipe":  lambda run: run.config.recipe,
}
# fmt: on


def styles(runs: Sequence[Run], by: str) -> dict[str, Style]:
    """By run id: each run its own, or one for all of a variant, a depth or a recipe, numbered from the oldest run."""
    check_choice("by", by, ["run", *SHARED])
    if by == "run":
        return {run.id: style_of(run.colour) for run in runs}
    shared = {run.id: SHARED[by](run) for run in sorted(runs, key=lambda run: (run.created, run.id))}
    numbers = {what: number for number, what in enumerate(dict.fromkeys(shared.values()))}
    return {run.id: style_of(numbers[shared[run.id]]) for run in runs}
