"""The learning rate at each step, a function of the recipe alone."""

import math
from collections.abc import Callable

from resnet_lab.run_config import RecipeConfig


def learning_rate(recipe: RecipeConfig, step: int) -> float:
    """Of the step with this number, the first being 0."""
    if step < recipe.warmup_steps:
        return recipe.warmup_lr
    return recipe.lr * SCHEDULES[recipe.schedule](recipe, step / recipe.steps)


def constant(recipe: RecipeConfig, done: float) -> float:
    return 1.0


def steps(recipe: RecipeConfig, done: float) -> float:
    """A tenth after each milestone."""
    return 0.1 ** sum(done >= share for share in recipe.milestones)


def cosine(recipe: RecipeConfig, done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2


def one_cycle(recipe: RecipeConfig, done: float) -> float:
    """Up to the peak in a straight line, and down to zero in another; the first step is not quite still."""
    rising = (done + 1 / recipe.steps) / recipe.peak
    return min(1.0, rising, (1 - done) / (1 - recipe.peak))


SCHEDULES: dict[str, Callable[[RecipeConfig, float], float]] = {
    "constant": constant,
    "steps": steps,
    "cosine": cosine,
    "one_cycle": one_cycle,
}
