"""The cells of a table: the run that each needs, what such runs have measured here, and those that are on their way."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from resnet_lab.bands import ci95
from resnet_lab.comparisons import Spread, spread
from resnet_lab.papers.budgets import setting
from resnet_lab.papers.measures import MEASURES, Measure
from resnet_lab.papers.paper_tables import Table
from resnet_lab.papers.results import Result, by_setting
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run

ON_THEIR_WAY = ("queued", "running", "paused")

Place = tuple[int, str]  # the number of the row, and the budget


@dataclass(frozen=True)
class Cell:
    """All results are of one setting: they differ in their seeds and in how they were computed."""

    config: RunConfig
    measured: str  # which field of a result is shown
    results: tuple[Result, ...] = ()
    waiting: tuple[Run, ...] = ()

    @property
    def measure(self) -> Measure:
        return MEASURES[self.measured]

    @property
    def spread(self) -> Spread | None:
        """Of the runs that came to their end: a run that diverged is counted, not averaged."""
        return spread(getattr(result, self.measured) for result in self.results if not result.has_diverged)

    @property
    def half(self) -> float | None:
        """Of the 95% interval of the mean over all seeds; None of a single run."""
        deviation = self.spread.deviation if self.spread else None
        if self.spread is None or deviation is None:
            return None
        return float(ci95(np.array([deviation]), np.array([len(self.spread.values)]))[0])

    @property
    def median(self) -> float:
        assert self.spread
        return statistics.median(self.spread.values)

    @property
    def num_diverged(self) -> int:
        return sum(result.has_diverged for result in self.results)

    @property
    def num_shipped(self) -> int:
        return sum(result.is_shipped for result in self.results)

    @property
    def is_empty(self) -> bool:
        return not self.results and not self.waiting

    def new(self, number: int) -> list[RunConfig]:
        """So many runs more, with the first seeds that it does not have."""
        taken = {result.run.seed for result in self.results} | {run.seed for run in self.waiting}
        free = [seed for seed in range(len(taken) + number) if seed not in taken]
        return [self.config.changed(seed=seed) for seed in free[:number]]


def cells_of(table: Table, found: Sequence[Result], waiting: Sequence[Run]) -> dict[Place, Cell]:
    """Of every row that can be trained here and every budget."""
    results, on_their_way = by_setting(found), waiting_by_setting(waiting)
    cells = {}
    for number, row in enumerate(table.rows):
        for budget in table.budgets:
            if config := table.config(row, budget):
                key = setting(config)
                known, coming = tuple(results.get(key, ())), tuple(on_their_way.get(key, ()))
                cells[number, budget] = Cell(config, table.measure_of(budget), known, coming)
    return cells


def waiting_by_setting(runs: Sequence[Run]) -> Mapping[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(setting(run.config), []).append(run)
    return groups
