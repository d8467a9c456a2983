"""What a few paired differences say, and how many more would be needed. All of scipy that the lab uses is here.

A claim consists of parts, each a difference for each seed, turned so that the claim says: its mean is above 0. The
claim holds where all parts do (intersection-union) and fails where one of them fails (Bonferroni among the parts).
"No difference" has two parts, one for each end of its margin: that is the equivalence test by two one-sided tests.

Seeds are added until there is a verdict. So that one may look at any number n of them, each p is multiplied by
n (n - 1): the sum of 1 / (n (n - 1)) over n = 2, 3, ... is 1, and all looks together keep to the level.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special, stats

ALPHA = 0.05  # of at least one wrong verdict among all claims
POWER = 0.8
MOST_SEEDS = 100
MOST_EFFECT = 20.0  # standard deviations; above it, two or three seeds decide anyway, and nct is not exact
FEWEST_FOR_INTERVAL = 5  # there are only 10 different resamples of three values
NUM_RESAMPLES = 2_000

Differences = tuple[float, ...]


@dataclass(frozen=True)
class Test:
    """Of one part, one-sided p values: that its mean is not above 0, and that it is not below. Without spread: 1."""

    above: float = 1.0
    below: float = 1.0
    looks: int = 1  # that both are multiplied by


@dataclass(frozen=True)
class Evidence:
    tests: tuple[Test, ...]

    @property
    def against_failing(self) -> float:
        """p of the data where the claim does not hold."""
        return max(min(1.0, test.looks * test.above) for test in self.tests)

    @property
    def against_holding(self) -> float:
        """p of the data where it does."""
        return min(1.0, len(self.tests) * min(test.looks * test.below for test in self.tests))

    @property
    def p(self) -> float:
        """Two-sided: it was open which of the two would be found."""
        return min(1.0, 2 * min(self.against_failing, self.against_holding))

    @property
    def p_of_one_look(self) -> float:
        return Evidence(tuple(replace(test, looks=1) for test in self.tests)).p

    @property
    def supports(self) -> bool:
        """Which of the two a small p speaks for."""
        return self.against_failing < self.against_holding


def evidence(parts: Sequence[Differences]) -> Evidence | None:
    """None where no part can be tested; a part that cannot be tested supports nothing."""
    if not any(map(has_spread, parts)):
        return None
    return Evidence(tuple(t_test(part) if has_spread(part) else Test() for part in parts))


def t_test(part: Differences) -> Test:
    """As scipy.stats.ttest_1samp, which is much slower."""
    values, number = np.array(part), len(part)
    t = values.mean() / values.std(ddof=1) * np.sqrt(number)
    return Test(float(special.stdtr(number - 1, -t)), float(special.stdtr(number - 1, t)), looks(number))


def looks(number: Any) -> Any:
    return number * (number - 1)


def has_spread(part: Differences) -> bool:
    """Whether there are two values that differ by more than rounding: without spread there is no test."""
    return len(part) > 1 and max(part) - min(part) > 1e-9 * max(map(abs, part))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted such that those of at most ALPHA hold together, each with all others (Holm 1979)."""
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    rising = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(rising, 1)
    return [float(value) for value in adjusted]


@lru_cache(maxsize=1000)
def interval(differences: Differences) -> tuple[float, float] | None:
    """95% of the mean, bootstrapped (BCa); None of too few differences or of equal ones."""
    if len(differences) < FEWEST_FOR_INTERVAL or not has_spread(differences):
        return None
    found = stats.bootstrap(
        (differences,), np.mean, n_resamples=NUM_RESAMPLES, method="BCa", rng=np.random.default_rng(0)
    )
    low, high = found.confidence_interval
    return float(low), float(high)


def share_interval(hits: int, number: int) -> tuple[float, float]:
    """95%, by Wilson."""
    low, high = stats.binomtest(hits, number).proportion_ci(method="wilson")
    return float(low), float(high)


def seeds_needed(parts: Sequence[Differences], level: float) -> int | None:
    """So many would probably decide, if the truth is as estimated; None: more than MOST_SEEDS. Each part has spread.

    `level` is that of the two-sided p.
    """
    effects = [float(np.mean(part) / np.std(part, ddof=1)) for part in parts]
    if min(effects) > 0:
        return needed(min(effects), level / 2)
    return needed(-min(effects), level / 2 / len(parts))


def smallest_effect(number: int, level: float) -> float:
    """In standard deviations: what so many differences must come to for a verdict at this level."""
    return float(stats.t.isf(level / 2 / looks(number), number - 1) / np.sqrt(number))


@lru_cache(maxsize=1000)
def needed(effect: float, level: float) -> int | None:
    """The smallest number whose one-sided t-test finds the effect, in standard deviations, with probability POWER."""
    numbers = np.arange(2, MOST_SEEDS + 1)
    noncentrality = np.sqrt(numbers) * min(effect, MOST_EFFECT)
    power = stats.nct.sf(stats.t.isf(level / looks(numbers), numbers - 1), numbers - 1, noncentrality)
    enough = numbers[power >= POWER]
    return int(enough[0]) if len(enough) else None
