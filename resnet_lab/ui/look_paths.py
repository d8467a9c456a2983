"""A trained net as the sum of its paths: which lengths the gradient comes through, and which the answers need."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from resnet_lab.inside.jobs import Findings
from resnet_lab.inside.paths import check_paths
from resnet_lab.inside.subjects import Subject
from resnet_lab.ui.board import Chart, show_charts
from resnet_lab.ui.look_state import Looked
from resnet_lab.ui.look_waiting import found
from resnet_lab.ui.page import verbatim
from resnet_lab.ui.path_charts import ByLength, accuracy_chart, gradient_chart, share_chart

GRADIENTS: Mapping[str, Any] = {"num_images": 32, "draws": 8, "seed": 0}
ANSWERS: Mapping[str, Any] = {"num_images": 256}

Told = Sequence[tuple[Subject, Findings]]


def paths(looked: Looked) -> None:
    """For nets whose shortcut is the identity; the others get a sentence."""
    able = [subject for subject in looked.subjects if has_paths(looked, subject)]
    if not able:
        return
    place = st.container()
    answers = told(looked, able, "path_accuracy", ANSWERS)
    gradients = told(looked, able, "path_gradients", GRADIENTS)
    charts: dict[str, Chart] = {}
    if gradients:
        words = f"{words_of(gradients)}, {sampled(gradients)}"
        charts["gradient"] = gradient_chart(by_length(looked, gradients, "mean"), words, looked.theme)
        charts["share"] = share_chart(by_length(looked, gradients, "total"), words, looked.theme)
    if answers:
        charts["accuracy"] = accuracy_chart(by_length(looked, answers, "errors"), words_of(answers), looked.theme)
    if charts:
        with place:
            show_charts(charts, key="path_board")


def has_paths(looked: Looked, subject: Subject) -> bool:
    try:
        check_paths(subject.model)
    except ValueError as problem:
        st.info(verbatim(f"{looked.titles[subject.id]}: {problem}"))
        return False
    return True


def told(looked: Looked, able: Sequence[Subject], job: str, how: Mapping[str, Any]) -> Told:
    """Of the nets that are ready."""
    asked = [(subject, found(looked, job, subject=subject.model_dump(mode="json"), **how)) for subject in able]
    return [(subject, findings) for subject, findings in asked if findings]


def by_length(looked: Looked, there: Told, name: str) -> list[ByLength]:
    places = looked.places
    return [
        ByLength(looked.titles[subject.id], findings.tensors[name].numpy(), places[subject.id])
        for subject, findings in there
    ]


def sampled(there: Told) -> str:
    """Short and very long paths are few, and none is drawn twice."""
    return f"at most {max(max(findings.record['drawn']) for _, findings in there)} paths of each length"


def words_of(there: Told) -> str:
    """On which images, as each net says it."""
    return " and ".join(dict.fromkeys(findings.record["words"] for _, findings in there))
