"""What is measured for a claim, and how a difference should come out: both are fixed before anything is trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from resnet_lab.comparisons import LAST_STEPS
from resnet_lab.papers.results import Result


def error_of_guessing(num_classes: int) -> float:
    return 100 * (1 - 1 / num_classes)


@dataclass(frozen=True)
class Measure:
    """A number of a result; `margin`: up to which a difference counts as none; `worst`: what guessing gives."""

    words: str
    how: str  # it is measured
    axis: str
    unit: str  # of a difference
    digits: int
    margin: float
    worst: Callable[[int], float] = lambda num_classes: math.inf

    @property
    def margin_words(self) -> str:
        return f"{self.margin:g} {self.unit}".strip()

    @property
    def heading(self) -> str:
        """'training loss, mean of the last 50 steps'"""
        return f"{self.words}, {self.how}"

    def shown(self, value: float) -> str:
        return f"{value:.{self.digits}f}"

    def signed(self, difference: float) -> str:
        """'+0.560'"""
        return f"{difference:+.{self.digits}f}".replace("-", "−")


AT_THE_END, OF_THE_LAYERS = f"mean of the last {LAST_STEPS} steps", "standard deviation, mean of the layers"
# fmt: off
MEASURES = {  # by the field of a result that has it
    "loss":        Measure("training loss", AT_THE_END, "cross-entropy", "", 3, 0.1, math.log),
    "train_error": Measure("training error", f"%, {AT_THE_END}", "error, %", "points", 2, 0.5, error_of_guessing),
    "test_error":  Measure("test error", "%", "error, %", "points", 2, 0.5, error_of_guessing),
    "response":    Measure("response of a layer", OF_THE_LAYERS, "standard deviation", "", 3, 0.05),
}
# fmt: on


def counted(measure: str, result: Result) -> float | None:
    """Nothing is worse than guessing, and what diverged is that. None where it was not measured."""
    worst, value = MEASURES[measure].worst(result.config.model.num_classes), getattr(result, measure)
    if result.has_diverged:
        return worst if math.isfinite(worst) else None
    return None if value is None else min(value, worst)


@dataclass(frozen=True)
class Expectation:
    """What a claim says of the difference d, first minus second: every part has a mean above 0."""

    words: str
    parts: tuple[Callable[[float, float], float], ...]  # of d and the margin


# fmt: off
EXPECTATIONS = {
    "higher":     Expectation("higher", (lambda d, margin: d,)),
    "lower":      Expectation("lower", (lambda d, margin: -d,)),
    "not higher": Expectation("not higher by more than {margin}", (lambda d, margin: margin - d,)),
    "the same":   Expectation("the same to within {margin}",
        (lambda d, margin: margin - d, lambda d, margin: margin + d)),
}
# fmt: on
