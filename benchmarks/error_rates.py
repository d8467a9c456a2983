"""How often verdicts are wrong: python -m benchmarks.error_rates [--studies 1000] [--save]

Simulated studies whose truth is known: every net gets a number for each seed about the same mean, so that nothing
differs, and all claims of the `quick` budget are judged after each seed from 3 to 10, as one who waits for a verdict
does. A study is wrong if any claim is ever supported or contradicted; a claim that two nets are the same, or that one
is not higher, may be supported. Then: how often the bootstrap interval of n differences holds their true mean, and how
often a claim of one comparison is decided by n seeds where its mean difference is some standard deviations of the
differences.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.parts.options import add_save, positive
from benchmarks.parts.results import RESULTS, Results, body, markdown, where_and_when
from resnet_lab.papers.budgets import BUDGETS, Budget
from resnet_lab.papers.statistics import interval, smallest_effect
from resnet_lab.papers.verdicts import CONTRADICTED, SUPPORTED, Comparison, Verdict, judge, verdicts

Random = np.random.Generator
Draw = Callable[[Random, int], np.ndarray]
SPREAD = 0.05  # of a net's numbers; small against every margin
LOOKS = range(3, 11)
NUMBERS = (5, 6, 8, 10, 20)  # of seeds
EFFECTS = (1.0, 2.0, 4.0, 8.0)  # mean differences, in standard deviations of the differences


def normal(random: Random, number: int) -> np.ndarray:
    return random.normal(0, SPREAD, number)


def skewed(random: Random, number: int) -> np.ndarray:
    """Many good seeds and a few bad ones; the mean is 0."""
    return SPREAD * (random.exponential(1, number) - 1)


NOISES: dict[str, tuple[Draw, float]] = {  # by name: a net's numbers, and how much of it the second net of a pair has
    "normal": (normal, 1.0),
    "skewed, both nets alike": (skewed, 1.0),
    "skewed, the second net a fifth as much": (skewed, 0.2),
}


class Simulation:
    """All claims of a budget, judged by made-up numbers."""

    def __init__(self, budget: Budget):
        self.claims = [(each.claim, each.comparisons) for each in verdicts([], budget)]
        pairs = [one for _, among in self.claims for one in among]
        self.firsts = {one.first.key for one in pairs}
        self.nets = sorted(self.firsts | {one.second.key for one in pairs})

    def study(
        self,
        random: Random,
        num_seeds: int,
        draw: Draw = normal,
        quiet: float = 1.0,
        means: Mapping[str, float] | None = None,
    ) -> dict[str, np.ndarray]:
        """A number for each net and seed, about the net's mean; those of nets that stand second only are quieter."""
        sizes = {key: 1.0 if key in self.firsts else quiet for key in self.nets}
        return {key: (means or {}).get(key, 0.0) + sizes[key] * draw(random, num_seeds) for key in self.nets}

    def judged_after(self, study: Mapping[str, np.ndarray], number: int) -> list[Verdict]:
        def seen(one: Comparison) -> Comparison:
            columns = (study[net.key][:number].tolist() for net in (one.first, one.second))
            return replace(one, values=tuple(zip(*columns, strict=True)))

        return judge([(claim, tuple(map(seen, among))) for claim, among in self.claims])

    def wrong(self, num_studies: int, looks: Iterable[int] = LOOKS, draw: Draw = normal, quiet: float = 1.0) -> float:
        """The share of studies in which nothing differs and yet a verdict is wrong, at any of these looks."""
        random, numbers = np.random.default_rng(3), list(looks)
        studies = (self.study(random, max(numbers), draw, quiet) for _ in range(num_studies))
        return float(np.mean([any(map(is_wrong, self.all_looks(study, numbers))) for study in studies]))

    def all_looks(self, study: Mapping[str, np.ndarray], numbers: Iterable[int]) -> Iterable[Verdict]:
        return (verdict for number in numbers for verdict in self.judged_after(study, number))


def is_wrong(verdict: Verdict) -> bool:
    """Where all nets are the same, there is no direction, and what is the same, or not higher, is so."""
    is_about_sameness = any(one.pair.expects in ("the same", "not higher") for one in verdict.comparisons)
    return verdict.word in ((CONTRADICTED,) if is_about_sameness else (SUPPORTED, CONTRADICTED))


def coverage(number: int, num_studies: int) -> float:
    """The share of intervals that hold the true mean of normal differences."""
    random = np.random.default_rng(number)
    found = [interval(tuple(random.normal(0, 1, number))) for _ in range(num_studies)]
    return float(np.mean([low <= 0 <= high for low, high in filter(None, found)]))


def decided(number: int, effect: float, level: float, num_studies: int) -> float:
    """The share of studies of one comparison in which so many normal differences come to a right verdict."""
    random = np.random.default_rng(number)
    data = random.normal(effect, 1, (num_studies, number))
    ratios = data.mean(1) / data.std(1, ddof=1)
    return float(np.mean(ratios >= smallest_effect(number, level)))


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=positive, default=1000, help="of each kind (default: 1000)")
    add_save(parser)
    options = parser.parse_args(arguments)
    measured(options.studies).tell(folder, "error_rates", options.save)


def measured(num_studies: int) -> Results:
    simulation = Simulation(BUDGETS["quick"])
    level = min(verdict.level for verdict in verdicts([], BUDGETS["quick"]))
    where = where_and_when(("numpy", "scipy"))
    wrong = {name: simulation.wrong(num_studies, draw=draw, quiet=quiet) for name, (draw, quiet) in NOISES.items()}
    covered = {number: coverage(number, num_studies) for number in NUMBERS}
    right = {n: [decided(n, effect, level, num_studies) for effect in EFFECTS] for n in NUMBERS}
    share = partial("{:.1%}".format)
    tables = [
        markdown(["a net's numbers", "wrong studies"], ([name, share(rate)] for name, rate in wrong.items())),
        markdown(["n", "intervals that hold the mean"], ([str(n), share(rate)] for n, rate in covered.items())),
        markdown(
            ["n", *(f"{effect:g} SD, decided" for effect in EFFECTS)],
            ([str(n), *map(share, rates)] for n, rates in right.items()),
        ),
    ]
    numbers = {"studies": num_studies, "wrong": wrong, "covered": covered, "decided": right, "effects": list(EFFECTS)}
    how = f"{body(__doc__)}\n\n{num_studies:,} studies of each kind."
    return Results("How often verdicts are wrong", where, how, "\n\n".join(tables), numbers)


if __name__ == "__main__":
    main()
