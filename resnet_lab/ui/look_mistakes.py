"""The gallery of a net's mistakes: by how sure it was, and by the cells of its confusion matrix."""

from pathlib import Path

import numpy as np
import streamlit as st

from resnet_lab.data import home
from resnet_lab.files import StorageError
from resnet_lab.inside.mistake_gallery import ORDERS, places, refs_of
from resnet_lab.inside.specimens import specimen
from resnet_lab.inside.subjects import Subject
from resnet_lab.mistakes import error
from resnet_lab.predictions import Predictions, read_predictions
from resnet_lab.run_config import DataConfig
from resnet_lab.ui.board import show_charts
from resnet_lab.ui.look_state import Looked
from resnet_lab.ui.look_tiles import plain, tiles
from resnet_lab.ui.look_waiting import found
from resnet_lab.ui.mistake_charts import confusion_chart
from resnet_lab.ui.page import verbatim

MOST = 36  # pictures at once
ANY = "any"


def mistakes(looked: Looked) -> None:
    """Of one of the chosen nets."""
    if not looked.subjects:
        st.info("Choose a net above to see its mistakes.")
        return
    titles = looked.titles
    with st.container(key="look_mistakes", horizontal=True, vertical_alignment="bottom"):
        net = looked.choose("of", "Net", titles, looked.subjects[0].id, width=270)
        subject = next(each for each in looked.subjects if each.id == net)
        order = looked.choose("order", "Pictures", ORDERS, "wrong", width=180)
        classes = {ANY: "any"} | {str(place): plain(name) for place, name in enumerate(subject.classes)}
        truth = looked.choose("true", "Of the class", classes, ANY, width=150)
        taken = looked.choose("taken", "Taken for", classes, ANY, width=150)
    try:
        told, refs, there = answered(looked, subject)
    except (ValueError, StorageError) as problem:
        st.info(verbatim(str(problem)))
        return
    if told is None:
        return
    cell = (None if truth == ANY else int(truth), None if taken == ANY else int(taken))
    show_places(looked, subject, told, places(told, order, *cell), refs, there)
    show_charts({"confusion": confusion_chart(titles[net], told, subject.classes, looked.theme)}, "look_confusion")


def show_places(
    looked: Looked, subject: Subject, told: Predictions, chosen: np.ndarray, refs: list[str], there: set[str]
) -> None:
    here = [place for place in chosen if refs[place] in there]
    names = [plain(name) for name in subject.classes]
    said = {
        refs[place]: f"{names[told.labels[place]]}, taken for {names[told.predicted[place]]} "
        f"({told.confidence[place]:.0%})"
        for place in here[:MOST]
    }
    count = f"{len(chosen):,} of {len(told):,} test images, error {error(told):.2f}%"
    shown = f"; you see the first {MOST}" if len(here) > MOST else ""
    missing = f"; {len(chosen) - len(here):,} are not on this machine" if len(here) < len(chosen) else ""
    st.caption(f"{count}{missing}{shown}. Click a picture to put it into the tray.")
    if not said:
        st.info("There is no such picture: choose other classes.")
    tiles(looked, said, "mistakes")


def answered(looked: Looked, subject: Subject) -> tuple[Predictions | None, list[str], set[str]]:
    """The answers kept with the weights, else those to the bundled test images as soon as they are computed."""
    folder = home()
    if kept := read_predictions(Path(subject.weights).parent):
        return kept, *refs_of(subject.data, folder)
    data = DataConfig(name="sample" if subject.data.name == "cifar10" else subject.data.name)
    refs, there = refs_of(data, folder)
    refs = [ref for ref in refs if ref in there]
    st.caption(f"No answers are kept of this net: it is asked the {len(refs):,} test images that are here.")
    findings = found(looked, "answers", subjects=[subject.model_dump(mode="json")], pictures=refs)
    if findings is None:
        return None, refs, there
    confidence, predicted = findings.tensors["probabilities_0"].max(1)
    labels = np.array([specimen(ref).label for ref in refs])
    return Predictions(labels, predicted.numpy(), confidence.numpy()), refs, there
