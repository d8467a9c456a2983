"""Where two runs part: the first step from which their losses stay further apart than their own noise explains."""

import numpy as np

from resnet_lab.curves import smoothed
from resnet_lab.histories import Array

NUM_NOISES = 2
LASTING = 5  # records at the end that must bear it out: fewer may be chance
SMOOTHING = 0.8
NORMAL_MEDIAN = 0.6745  # of |z| for a standard normal z
RULE = (
    f"Two runs part at the first recorded step from which their smoothed training losses (EMA {SMOOTHING:g}) stay "
    f"apart by more than {NUM_NOISES} times the usual jump of a loss from one record to the next."
)


def parting(steps: Array, losses: Array, other_steps: Array, other_losses: Array) -> int | None:
    """The step, among those that both recorded; None if they never part."""
    common, here, there = np.intersect1d(steps, other_steps, return_indices=True)
    if len(common) < LASTING:
        return None
    first, second = losses[here], other_losses[there]
    limit = NUM_NOISES * np.sqrt((noise(first) ** 2 + noise(second) ** 2) / 2)
    is_apart = np.abs(smoothed(first, SMOOTHING) - smoothed(second, SMOOTHING)) > limit
    is_apart |= np.isnan(first) != np.isnan(second)  # one is not a number any more
    stays = np.flatnonzero(np.logical_and.accumulate(is_apart[::-1])[::-1])
    return int(common[stays[0]]) if len(stays) >= LASTING else None


def noise(losses: Array) -> float:
    """Standard deviation of one record, from the median jump: neither the trend nor a few spikes raise it."""
    jumps = np.abs(np.diff(losses[np.isfinite(losses)]))
    return float(np.median(jumps)) / NORMAL_MEDIAN / np.sqrt(2) if len(jumps) else 0.0
