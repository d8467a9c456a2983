"""Which points of a long curve are drawn."""

import math

import numpy as np

from resnet_lab.histories import Array


def kept(values: Array, most: int) -> np.ndarray:
    """The first, the last, and of every block the largest and the smallest, or a gap in place of the smallest."""
    size = block_size(len(values), most)
    if size == 1:
        return np.arange(len(values))
    blocks = -(-len(values) // size)
    padded = np.pad(values, (0, blocks * size - len(values)), mode="edge").reshape(blocks, size)
    starts = np.arange(blocks) * size
    smallest = starts + padded.argmin(1)  # NaN is smaller than all
    largest = starts + np.where(np.isnan(padded), -np.inf, padded).argmax(1)
    last = len(values) - 1
    return np.unique(np.minimum(np.concatenate([[0, last], smallest, largest]), last))


def block_size(length: int, most: int) -> int:
    """A power of two, so that a curve that grows keeps its blocks until it has doubled."""
    assert most >= 6, most
    if length <= most:
        return 1
    return 1 << math.ceil(math.log2(length / (most // 2 - 2)))
