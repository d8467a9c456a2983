"""Claims judged by the results that there are: supported, contradicted, or undecided and what would decide it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from resnet_lab.papers.budgets import Budget, setting
from resnet_lab.papers.claims import CLAIMS, Claim, Pair
from resnet_lab.papers.measures import counted
from resnet_lab.papers.results import Result, by_setting
from resnet_lab.papers.statistics import (
    ALPHA,
    Differences,
    Evidence,
    evidence,
    has_spread,
    holm,
    interval,
    seeds_needed,
)
from resnet_lab.run_config import RunConfig

SUPPORTED, CONTRADICTED, UNDECIDED, UNTESTED = "supported", "contradicted", "undecided", "not tested"
FIRST_SEEDS = 3  # fewer do not show how far the seeds differ


@dataclass(frozen=True)
class Comparison:
    """A pair of a claim by one budget, and the results of the seeds that both of its nets have."""

    pair: Pair
    measure: str
    first: RunConfig
    second: RunConfig
    results: tuple[tuple[Result, Result], ...]
    values: tuple[tuple[float, float], ...]  # as they count, in the order of the results
    trained: tuple[frozenset[int], frozenset[int]]  # seeds of the first and of the second

    @property
    def differences(self) -> Differences:
        return tuple(first - second for first, second in self.values)

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        return float(np.mean(self.differences))

    @property
    def interval(self) -> tuple[float, float] | None:
        return interval(self.differences)

    @property
    def parts(self) -> list[Differences]:
        return self.pair.parts(self.measure, self.differences)

    @property
    def seeds(self) -> list[int]:
        return [first.run.seed for first, _ in self.results]

    def missing(self, number: int) -> list[RunConfig]:
        """What has to be trained for so many seeds in all; those that one of the two has are completed first."""
        first, second = self.trained
        halves = sorted(first ^ second)
        fresh = (seed for seed in range(number + len(first | second)) if seed not in first | second)
        seeds = [*halves, *fresh][: max(0, number - self.n)]
        arms = ((self.first, first), (self.second, second))
        return [config.changed(seed=seed) for seed in seeds for config, trained in arms if seed not in trained]


@dataclass(frozen=True)
class Verdict:
    """`adjusted`: p corrected for all claims of the budget; None where nothing could be tested."""

    claim: Claim
    comparisons: tuple[Comparison, ...]
    evidence: Evidence | None
    adjusted: float | None
    level: float  # that p would have to come below now, as the other claims stand

    @property
    def word(self) -> str:
        if not self.comparisons:
            return UNTESTED
        if self.evidence is None or self.adjusted is None or self.adjusted > ALPHA:
            return UNDECIDED
        return SUPPORTED if self.evidence.supports else CONTRADICTED

    @property
    def n(self) -> int:
        """Seeds that all nets of the claim have been compared by."""
        return min((one.n for one in self.comparisons), default=0)

    @cached_property
    def seeds_in_all(self) -> int | None:
        """How many would probably decide; None where that cannot be told or there is nothing to decide."""
        if self.word != UNDECIDED:
            return None
        if self.n < FIRST_SEEDS:
            return FIRST_SEEDS
        return seeds_needed(self.parts, self.level) if all(map(has_spread, self.parts)) else None

    @property
    def parts(self) -> list[Differences]:
        return parts_of(self.comparisons)

    @cached_property
    def missing(self) -> list[RunConfig]:
        """The runs that would probably decide, each once."""
        number = self.seeds_in_all or 0
        found = [config for one in self.comparisons for config in one.missing(number)]
        return sorted({config.key: config for config in found}.values(), key=lambda config: config.seed)


def verdicts(found: Sequence[Result], budget: Budget, claims: Iterable[Claim] = CLAIMS.values()) -> list[Verdict]:
    """Of each claim, in their order."""
    groups = by_setting(found)
    return judge([(claim, comparisons(claim, budget, groups)) for claim in claims])


def judge(made: Sequence[tuple[Claim, tuple[Comparison, ...]]]) -> list[Verdict]:
    """All that can be tested are one family, whether or not they have runs: those without have p = 1."""
    told = {claim.key: evidence(parts_of(among)) for claim, among in made if among}
    p_values = [known.p if known else 1.0 for known in told.values()]
    adjusted = dict(zip(told, holm(p_values), strict=True))
    num_open = sum(p > ALPHA for p in adjusted.values())
    return [
        Verdict(
            claim=claim,
            comparisons=among,
            evidence=told.get(claim.key),
            adjusted=adjusted[claim.key] if told.get(claim.key) else None,
            level=ALPHA / max(1, num_open),
        )
        for claim, among in made
    ]


def comparisons(claim: Claim, budget: Budget, groups: dict[str, list[Result]]) -> tuple[Comparison, ...]:
    """None at all where the budget cannot test the claim."""
    if not claim.is_tested(budget):
        return ()
    return tuple(compared(pair, budget, groups) for pair in claim.pairs)


def parts_of(among: Sequence[Comparison]) -> list[Differences]:
    """All that has to hold for the claim."""
    return [part for one in among for part in one.parts]


def compared(pair: Pair, budget: Budget, groups: dict[str, list[Result]]) -> Comparison:
    """By the seeds that both nets have a number for."""
    measure, first, second = pair.measures[budget.recipe], pair.first(budget), pair.second(budget)
    ours, theirs = ({result.run.seed: result for result in groups.get(setting(net), [])} for net in (first, second))
    results, values = [], []
    for seed in sorted(ours.keys() & theirs.keys()):
        value, other = counted(measure, ours[seed]), counted(measure, theirs[seed])
        if value is not None and other is not None:
            results.append((ours[seed], theirs[seed]))
            values.append((value, other))
    trained = frozenset(ours), frozenset(theirs)
    return Comparison(pair, measure, first, second, tuple(results), tuple(values), trained)
