"""The charts of mistakes: confusions in percent of their class, the errors of all runs side by side."""

import numpy as np
import pytest

from resnet_lab.predictions import Predictions
from resnet_lab.ui.mistake_charts import class_error_chart, confusion_chart
from resnet_lab.ui.run_styles import style_of

CLASSES = ["bird", "cat", "dog"]
LABELS = np.array([0, 0, 0, 0, 1, 1])


def told(predicted):
    return Predictions(LABELS[: len(predicted)], np.array(predicted), np.full(len(predicted), 0.5))


def test_a_cell_is_the_share_of_its_class_and_knows_how_many_images_that_are():
    [cells] = confusion_chart("mine", told([0, 0, 0, 1, 1, 0]), CLASSES, "light").figure.data
    assert np.array(cells.z) == pytest.approx(np.array([[75, 25, 0], [50, 50, 0], [0, 0, 0]]))
    assert cells.customdata.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("predicted", "words"),
    [
        ([1, 1, 0, 2, 1, 0], "most often bird for cat (2), bird for dog (1), cat for bird (1)."),
        (LABELS, "no mistakes."),
    ],
)
def test_the_sentence_names_the_commonest_confusions(predicted, words):
    assert confusion_chart("mine", told(predicted), CLASSES, "light").alt == f"What mine takes the images for: {words}"


def test_each_run_has_a_bar_for_each_class_in_its_own_colour():
    answers = {"a": told([0, 0, 0, 1, 1, 0]), "b": told(LABELS)}
    styles = {"a": style_of(0), "b": style_of(1)}
    chart = class_error_chart({"a": "<b>plain</b>", "b": "identity"}, answers, CLASSES, styles, "dark")
    assert [bar.name for bar in chart.figure.data] == ["&lt;b&gt;plain&lt;/b&gt;", "identity"]
    assert [bar.marker.color for bar in chart.figure.data] == [styles[run_id].colour.dark for run_id in "ab"]
    assert chart.figure.data[0].y[:2] == pytest.approx([25, 50])
    assert np.isnan(chart.figure.data[0].y[2])


def test_the_title_says_on_how_many_images_even_where_the_runs_differ_in_that():
    answers = {"a": told(LABELS), "b": told([0, 0, 0])}
    chart = class_error_chart({"a": "a", "b": "b"}, answers, CLASSES, dict.fromkeys("ab", style_of(0)), "light")
    assert chart.figure.layout.title.text == "Test error of each class, 3 or 6 images"
