"""What runs get wrong: the classes that they confuse, and the images that only one of two gets right."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
import torch

from resnet_lab.batches import pooled
from resnet_lab.data import DATASETS, data_is_here, home
from resnet_lab.files import StorageError
from resnet_lab.inside.looked import net_ids
from resnet_lab.inside.mistake_gallery import refs_of
from resnet_lab.inside.specimens import MOST, specimen
from resnet_lab.library import Library, Readable
from resnet_lab.mistakes import check_alike, only_right_in
from resnet_lab.predictions import Predictions, read_predictions
from resnet_lab.run_config import DataConfig
from resnet_lab.runs import Run
from resnet_lab.ui.board import Chart, show_charts
from resnet_lab.ui.compare_charts import Shown, first_read, read
from resnet_lab.ui.mistake_charts import class_error_chart, confusion_chart
from resnet_lab.ui.page import verbatim
from resnet_lab.ui.run_ids import join_ids

MOST_IMAGES, SIDE = 24, 88


def mistakes(library: Library, shown: Shown) -> None:
    """Of one run or two."""
    told, problems = predictions_of(library, shown.runs)
    for problem in problems:
        st.info(verbatim(problem))
    if told:
        show_charts(mistake_charts(shown, told), "compare_mistakes")
    if len(told) == 2:
        images(library, shown, told)


def predictions_of(store: Readable, runs: Sequence[Run]) -> tuple[dict[str, Predictions], list[str]]:
    """Of the runs that have them, and a sentence for whatever is missing; of none where the classes differ."""
    names = sorted({run.config.data.name for run in runs})
    if len(names) > 1:
        return {}, [f"Runs on different data, {' and '.join(names)}, make mistakes that do not compare."]
    found, problems = {}, []
    for run in runs:
        try:
            told = read_predictions(store.run_folder(run.id))
        except StorageError as problem:
            problems.append(str(problem))
            continue
        if told is not None:
            found[run.id] = told
        else:
            why = "it was trained by an older lab" if run.status == "done" else "they are kept when a run is done"
            problems.append(f"There are no answers of {run.label} to the test images: {why}.")
    return found, problems


def mistake_charts(shown: Shown, told: dict[str, Predictions]) -> dict[str, Chart]:
    """The error of each class for all, a confusion matrix for each."""
    labels, classes = shown.labels, DATASETS[shown.runs[0].config.data.name].classes
    errors = class_error_chart(labels, told, classes, shown.styles, shown.theme)
    confusions = {
        f"confusion_{run_id}": confusion_chart(labels[run_id], one, classes, shown.theme)
        for run_id, one in told.items()
    }
    return {"classes": read(errors, "classes")} | first_read(confusions, "confusion")


def images(library: Library, shown: Shown, told: dict[str, Predictions]) -> None:
    """What the first gets right and the second wrong, and the other way round."""
    labels, config = shown.labels, shown.runs[0].config.data
    first, second = (told[run_id] for run_id in shown.ids)
    try:
        check_alike(first, second)
        refs, there = test_refs(config.to_json(), data_is_here(config.name))
    except ValueError as problem:
        st.info(verbatim(str(problem)))
        return
    orders = ((shown.ids[0], shown.ids[1], first, second), (shown.ids[1], shown.ids[0], second, first))
    for right, wrong, knower, loser in orders:
        found, knows, fails = only_right_in(knower, loser), verbatim(labels[right]), verbatim(labels[wrong])
        st.subheader(f"{len(found):,} images that {knows} gets right and {fails} wrong")
        here = {refs[place]: place for place in found if refs[place] in there}
        if len(here) < len(found):
            st.caption(f"{len(found) - len(here):,} of them are not on this machine.")
        if here:
            show_images(config, dict([*here.items()][:MOST_IMAGES]), loser)
            offer_look_inside(net_ids(library, shown.runs), [*here][:MOST])
        if len(here) > MOST_IMAGES:
            st.caption(f"The {MOST_IMAGES} of which {fails} is surest.")


def show_images(config: DataConfig, places: Mapping[str, int], loser: Predictions) -> None:
    """`places`: by the reference of each image, its place among the test images."""
    classes = DATASETS[config.name].classes
    words = [
        f"{classes[loser.labels[place]]}, taken for {classes[loser.predicted[place]]} ({loser.confidence[place]:.0%})"
        for place in places.values()
    ]
    whole = torch.from_numpy(np.stack([specimen(ref).pixels for ref in places]))
    seen = pooled(whole, config.resolution).permute(0, 2, 3, 1).numpy()  # by the nets
    with st.container(key=f"compare_images_{next(iter(places))}"):
        st.image([*seen], words, width=SIDE, alt=words)


def offer_look_inside(nets: Sequence[str], tray: Sequence[str]) -> None:
    st.page_link(
        "screens/look.py",
        label=f"Look inside both, with {len(tray)} of these images" if len(tray) > 1 else "Look inside both at it",
        icon=":material/search:",
        query_params={"nets": join_ids(nets), "tray": join_ids(tray)},
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def test_refs(config_json: str, is_here: bool) -> tuple[list[str], set[str]]:
    """Of the test images in their order, and which of them are on this machine; anew once the data set is."""
    return refs_of(DataConfig.from_json(config_json), home())
