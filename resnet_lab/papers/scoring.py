"""What forecasts were worth: told beforehand, held against what came of the runs."""

import contextlib
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resnet_lab.forecasts import OUTCOMES, VERSION, Forecast, Outcome, outcome, recipe_of
from resnet_lab.papers.results import Result
from resnet_lab.papers.statistics import share_interval

NUM_BINS = 5  # of the same width


@dataclass(frozen=True)
class Trial:
    """A run with what was said of it and what came of it."""

    result: Result
    recipe: str
    forecast: Forecast
    outcome: Outcome


@dataclass(frozen=True)
class Bin:
    """Of all probabilities in a range: their mean, and how often what they were given to came true."""

    predicted: float
    hits: int
    n: int

    @property
    def observed(self) -> float:
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        return share_interval(self.hits, self.n)


@dataclass(frozen=True)
class Score:
    """Brier scores, 0 is perfect and 2 the worst; what the forecasts are held against knows the outcomes already."""

    n: int
    right: int
    forecast: float
    most_frequent: float  # always saying the outcome that came most often
    shares: float  # always giving each outcome the share in which it came


def trials(found: Sequence[Result]) -> list[Trial]:
    """The runs that can be scored: foretold by the present rule, over, and by a recipe with limits."""
    scored = []
    for result in found:
        said, recipe = said_of(result), recipe_of(result.config)
        came = outcome(result.config, result.run.status, result.loss)
        if said and recipe and came and said.version == VERSION:
            scored.append(Trial(result, recipe, said, came))
    return scored


def said_of(result: Result) -> Forecast | None:
    """None also where another version of the rule said what this one cannot."""
    with contextlib.suppress(ValueError):
        return Forecast.from_dict(result.run.forecast) if result.run.forecast else None
    return None


def confusion(scored: Sequence[Trial]) -> dict[tuple[Outcome, Outcome], int]:
    """(what was said, what came) -> how many runs."""
    counts = Counter((trial.forecast.says, trial.outcome) for trial in scored)
    return {(said, came): counts[said, came] for said in OUTCOMES for came in OUTCOMES}


def calibration(scored: Sequence[Trial]) -> list[Bin]:
    """Each run gives three probabilities, one for each outcome; a range without any is left out."""
    pairs = [(trial.forecast.probabilities[name], trial.outcome == name) for trial in scored for name in OUTCOMES]
    places = [[pair for pair in pairs if min(int(pair[0] * NUM_BINS), NUM_BINS - 1) == k] for k in range(NUM_BINS)]
    return [
        Bin(statistics.fmean(said for said, _ in inside), sum(came for _, came in inside), len(inside))
        for inside in places
        if inside
    ]


def score(scored: Sequence[Trial]) -> Score:
    counts, n = Counter(trial.outcome for trial in scored), len(scored)
    often = max(OUTCOMES, key=counts.__getitem__)
    return Score(
        n=n,
        right=sum(trial.forecast.says == trial.outcome for trial in scored),
        forecast=statistics.fmean(brier(trial.forecast.probabilities, trial.outcome) for trial in scored),
        most_frequent=statistics.fmean(brier({often: 1.0}, trial.outcome) for trial in scored),
        shares=statistics.fmean(
            brier({name: counts[name] / n for name in OUTCOMES}, trial.outcome) for trial in scored
        ),
    )


def brier(probabilities: Mapping[Outcome, float], came: Outcome) -> float:
    return sum((probabilities.get(name, 0.0) - (name == came)) ** 2 for name in OUTCOMES)
