"""The mean of several seeds, and how far they spread around it."""

from collections.abc import Callable

import numpy as np

from resnet_lab.histories import Array


def mean_of(table: Array) -> Array:
    """Down the columns, over what is finite."""
    n = np.isfinite(table).sum(0)
    total = np.where(np.isfinite(table), table, 0.0).sum(0)
    return np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)


def deviation(table: Array, mean: Array, n: np.ndarray) -> Array:
    """Of a sample; NaN of a single value."""
    squares = np.where(np.isfinite(table), (table - mean) ** 2, 0.0).sum(0)
    return np.sqrt(np.divide(squares, n - 1, out=np.full(len(n), np.nan), where=n > 1))


# of Student's t with 1, 2, ... degrees of freedom, 97.5% of which lie below
T_975 = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281)
Z_975 = 1.959964


def t_975(freedom: int) -> float:
    """The table, then Cornish and Fisher's expansion in 1/freedom, right to 4 digits there."""
    if freedom <= len(T_975):
        return T_975[freedom - 1]
    z = Z_975
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def sem(deviations: Array, n: np.ndarray) -> Array:
    return deviations / np.sqrt(np.maximum(n, 1))


def ci95(deviations: Array, n: np.ndarray) -> Array:
    """Half of the interval in which the mean of all seeds lies with a probability of 95%, were they normal"""
    return sem(deviations, n) * np.array([t_975(max(int(count) - 1, 1)) for count in n])


BANDS: dict[str, Callable[[Array, np.ndarray], Array]] = {
    "std": lambda deviations, n: deviations,
    "sem": sem,
    "ci95": ci95,
}
