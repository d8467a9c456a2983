"""Confusions that can be counted by hand, and who knows what the other does not."""

import numpy as np
import pytest

from resnet_lab.mistakes import class_errors, confusion, error, only_right_in
from resnet_lab.predictions import Predictions
from tests.sentences import is_one_sentence, refusal

LABELS = [0, 0, 1, 1, 1, 2]
FIRST = [0, 1, 1, 1, 2, 2]
SECOND = [0, 0, 2, 0, 2, 2]


def told(predicted, confidence=0.5, labels=LABELS):
    shares = np.broadcast_to(np.asarray(confidence, dtype=float), len(labels))
    return Predictions(np.array(labels), np.array(predicted), shares)


def test_a_row_of_the_confusion_is_a_class_and_a_column_what_it_is_taken_for():
    assert confusion(told(FIRST), 4).tolist() == [[1, 1, 0, 0], [0, 2, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_the_error_of_a_class_is_in_percent_of_its_images_and_unknown_without_any():
    errors = class_errors(told(FIRST), 4)
    assert errors[:3] == pytest.approx([50, 100 / 3, 0])
    assert np.isnan(errors[3])
    assert error(told(FIRST)) == pytest.approx(100 / 3)


def test_labels_in_one_byte_do_not_overflow():
    many = Predictions(np.array([99], dtype=np.uint8), np.array([98], dtype=np.uint8), np.array([1.0]))
    counts = confusion(many, 100)
    assert counts[99, 98] == 1
    assert counts.sum() == 1


def test_images_that_one_gets_right_and_the_other_wrong_come_with_the_surest_mistake_first():
    first, second = told(FIRST), told(SECOND, [0.1, 0.2, 0.3, 0.9, 0.8, 1.0])
    assert only_right_in(first, second).tolist() == [3, 2]
    assert only_right_in(second, first).tolist() == [1]
    assert only_right_in(first, first).tolist() == []


@pytest.mark.parametrize("labels", [LABELS[::-1], LABELS[:5]])
def test_runs_that_were_tested_on_different_images_are_refused(labels):
    words = refusal(only_right_in, told(FIRST), told(FIRST[: len(labels)], labels=labels))
    assert is_one_sentence(words)
