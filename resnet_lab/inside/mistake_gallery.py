"""The test images that a net gets wrong or is least sure of, each by the reference under which it can be looked at."""

from pathlib import Path

import numpy as np

from resnet_lab.data import load_images, stratified
from resnet_lab.inside.specimens import browsable, browse, data_of
from resnet_lab.predictions import Predictions
from resnet_lab.run_config import DataConfig

# fmt: off
ORDERS = {
    "wrong":     "Surest mistakes",
    "uncertain": "Least sure answers",
    "right":     "Surest right answers",
}
# fmt: on
LETTERS = {"cifar10": "t", "cifar100": "h", "synthetic": "y"}


def places(told: Predictions, order: str, truth: int | None = None, taken: int | None = None) -> np.ndarray:
    """The numbers of the test images in this order, of one cell of the confusion matrix or of more."""
    is_right = told.labels == told.predicted
    asked = {"wrong": ~is_right, "uncertain": np.full(len(told), True), "right": is_right}[order]
    if truth is not None and taken is not None:  # a cell says by itself whether its answers are right
        asked = np.full(len(told), True)
    for numbers, number in ((told.labels, truth), (told.predicted, taken)):
        if number is not None:
            asked = asked & (numbers == number)
    found = np.flatnonzero(asked)
    surest_last = order == "uncertain"
    return found[np.argsort(told.confidence[found] * (1 if surest_last else -1), kind="stable")]


def refs_of(data: DataConfig, folder: Path) -> tuple[list[str], set[str]]:
    """(the reference of each test image in the order of the predictions, those of them that are on this machine)"""
    splits = browsable(folder)
    there: set[str] = set()
    for name in ("sample", "cifar10") if data.name in ("sample", "cifar10") else (data.name,):
        if "test" in splits.get(name, ()):
            there |= set(browse(name, "test", None, 0, 10**6, folder))
    if data.name == "sample":
        whole = list(browse("sample", "test", None, 0, 10**6, folder))
    else:
        whole = [f"{LETTERS[data.name]}{number}" for number in range(DataConfig(name=data.name).num_test)]
    if data.num_test == len(whole):
        return whole, there
    labels = load_images(data.name, "test", data_of(folder)).labels
    return [whole[place] for place in stratified(labels, data.num_test)], there
