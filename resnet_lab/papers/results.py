"""What runs that are over have measured: the only evidence for tables and claims."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resnet_lab.comparisons import final_loss, last, late_mean
from resnet_lab.events import Probe
from resnet_lab.histories import Histories
from resnet_lab.library import Library
from resnet_lab.papers.budgets import setting
from resnet_lab.probes import RESPONSE
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run


@dataclass(frozen=True)
class Result:
    """A finished run, or one that diverged, which is a result too. A number is None where the run told none."""

    run: Run
    is_shipped: bool  # trained beforehand, comes with the lab
    test_error: float | None  # percent, at the last test
    loss: float | None  # of training, mean of the last steps
    train_error: float | None  # percent, as the images were augmented, mean of the last steps
    response: float | None  # standard deviation, mean over the layers of the branches, at the last probe

    @property
    def config(self) -> RunConfig:
        return self.run.config

    @property
    def has_diverged(self) -> bool:
        return self.run.status == "diverged"

    @property
    def hardware(self) -> str:
        return self.run.hardware

    @property
    def origin(self) -> str:
        return "comes with the lab" if self.is_shipped else "yours"


def results(library: Library, histories: Histories) -> list[Result]:
    runs = library.runs(["done", "diverged"])
    ids = [run.id for run in runs]
    steps, epochs, probes = histories.steps(ids), histories.epochs(ids), histories.last_probes(ids)
    return [
        Result(
            run=run,
            is_shipped=library.is_shipped(run.id),
            test_error=last(epochs[run.id].test_error),
            loss=final_loss(steps[run.id]),
            train_error=late_mean(steps[run.id], steps[run.id].train_error),
            response=mean_response(probes.get(run.id)),
        )
        for run in runs
    ]


def mean_response(probe: Probe | None) -> float | None:
    """Of the layers as Figure 7 of He et al. 2015 has them, but for the stem, which no branch has."""
    told = [layer.get(RESPONSE) for name, layer in (probe.layers if probe else {}).items() if ".branch." in name]
    known = [value for value in told if value is not None]
    return float(np.mean(known)) if known else None


def by_setting(found: Sequence[Result]) -> dict[str, list[Result]]:
    """Each seed once, the newest: seeds are what the numbers are spread over."""
    groups: dict[str, dict[int, Result]] = defaultdict(dict)
    for result in found:  # from the newest to the oldest
        groups[setting(result.config)].setdefault(result.run.seed, result)
    return {key: [seeds[seed] for seed in sorted(seeds)] for key, seeds in groups.items()}
