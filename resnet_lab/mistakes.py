"""What runs get wrong on the same test images: confusions, the error of each class, what only one of two knows."""

import numpy as np

from resnet_lab.predictions import Predictions


def confusion(predictions: Predictions, num_classes: int) -> np.ndarray:
    """How many images of each class (row) are taken for which (column)."""
    pairs = predictions.labels.astype(np.int64) * num_classes + predictions.predicted
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_errors(predictions: Predictions, num_classes: int) -> np.ndarray:
    """In percent of the images of each class; NaN where there is none."""
    counts = confusion(predictions, num_classes)
    sizes = counts.sum(axis=1)
    wrong = 100.0 * (sizes - counts.diagonal())
    return np.divide(wrong, sizes, out=np.full(num_classes, np.nan), where=sizes > 0)


def error(predictions: Predictions) -> float:
    """In percent of all images."""
    return 100 * float((predictions.labels != predictions.predicted).mean())


def only_right_in(first: Predictions, second: Predictions) -> np.ndarray:
    """The numbers of the images that the first gets right and the second wrong, its surest mistakes first."""
    check_alike(first, second)
    is_first, is_second = (each.labels == each.predicted for each in (first, second))
    found = np.flatnonzero(is_first & ~is_second)
    return found[np.argsort(-second.confidence[found], kind="stable")]


def check_alike(first: Predictions, second: Predictions) -> None:
    if not np.array_equal(first.labels, second.labels):
        sizes = f"{len(first.labels):,} and {len(second.labels):,}"
        raise ValueError(f"The runs were tested on different images, {sizes} of them: their mistakes do not compare.")
