"""What a block does in a trained net: units are deleted, bypassed, scaled, swapped or shuffled by a click."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from resnet_lab.data import DATASETS, data_is_here
from resnet_lab.inside.examples import SAMPLE_OF
from resnet_lab.inside.jobs import Findings
from resnet_lab.run_config import DataConfig
from resnet_lab.ui.board import Chart, show_charts
from resnet_lab.ui.lesion_charts import Damage, deletion_chart, random_chart
from resnet_lab.ui.look_edits import (
    CLICKS,
    DONE,
    FACTORS,
    PARAMS,
    USUAL_FACTOR,
    Edits,
    comparison,
    missing,
    outcome,
    read_edits,
)
from resnet_lab.ui.look_state import Looked, recall, remember
from resnet_lab.ui.look_waiting import found, inspector
from resnet_lab.ui.net_drawing import Click, Net, drawings, net_of, show_drawings
from resnet_lab.ui.page import verbatim

DRAWING = "lesion_drawing"
PICKED = "lesion_picked"  # the first unit of a swap, until the second is clicked
PENDING = "lesion_pending"  # what has been asked for and is not there yet
FIRST = 1_000  # images
MOST, DRAWS, FEW = 5, 10, 500  # random deletions: units, draws, images
FACTOR_WORDS = {str(percent): f"× {percent / 100:g}" for percent in FACTORS}


def lesions(looked: Looked) -> None:
    """Each net as it is, and what is left of it; below, what each of its units is worth."""
    st.session_state[PENDING] = []
    nets = [net_of(subject.id, looked.titles[subject.id], subject.model) for subject in looked.subjects]
    edits = current_edits(nets)
    with st.container(key="lesion_controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        click = choose_click(looked)
        reestimate = choose_statistics(looked)
        st.button("Restore all", disabled=not edits, on_click=keep, args=(Edits(),))
    place = st.container()
    told = measured(looked, nets, edits, reestimate)
    notes = [
        outcome(edits.within(net.shapes), each.record) if each else "" for net, each in zip(nets, told, strict=True)
    ]
    with place:
        show_drawings(drawings(nets, edits, click, notes), DRAWING, partial(clicked, nets, edits, click))
        say_which(looked, edits, told)
    charts(looked, nets, click, reestimate)  # asked for after what was clicked, so computed after it


def choose_statistics(looked: Looked) -> bool:
    words = {"trained": "As trained", "anew": "Measured anew"}
    meaning = (
        "Without a unit the signal has another size, and BN still expects the old one. With its means and variances "
        "measured again on training images, what is left of the damage is not explained by BN's statistics."
    )
    control = st.segmented_control
    return (
        looked.choose("bn", "BN's statistics", words, "trained", control=control, required=True, help=meaning) == "anew"
    )


MEANINGS = (
    "Delete: the branch falls silent, and only the shortcut is left; a plain unit has none, so its input goes on as it "
    "is. Bypass: the whole unit is left out, with its projection and its ReLU. Scale: the branch is multiplied by a "
    "factor. Swap two: units of the same shape trade places. Shuffle a stage: all its units of the same shape do. The "
    "same is done to all nets, and a second click takes it back."
)


# ---- what is edited


def current_edits(nets: Sequence[Net]) -> Edits:
    """From the address; what it says and no net has is told."""
    edits, problems = read_edits({name: recall(name) for name in PARAMS})
    for problem in [*problems, *missing(edits, [net.shapes for net in nets])]:
        st.warning(verbatim(problem))
    return edits


def choose_click(looked: Looked) -> Click:
    does = looked.choose(
        "click", "A click on a unit", CLICKS, "delete", control=st.segmented_control, required=True, help=MEANINGS
    )
    if does != "swap":
        st.session_state.pop(PICKED, None)
    percent = USUAL_FACTOR
    if does == "scale":
        percent = int(looked.choose("factor", "The branch is taken", FACTOR_WORDS, str(USUAL_FACTOR), width=150))
    return Click(does, st.session_state.get(PICKED), percent)


def clicked(nets: Sequence[Net], edits: Edits, click: Click, net_id: str, unit: int) -> None:
    """In the callback: the same is done to all nets, and what is still computed for the old state is given up."""
    net = next((net for net in nets if net.id == net_id and 0 < unit <= len(net.stages)), None)
    if net is None:
        return
    for job, arguments in st.session_state.get(PENDING, []):
        inspector().cancel(job, arguments)
    if click.does == "swap":
        keep(swapped(edits, unit))
    elif click.does == "shuffle":
        keep(edits.shuffle_toggled(net.stages[unit - 1] + 1))
    else:
        keep(edits.toggled(unit, click.does, click.percent))


def swapped(edits: Edits, unit: int) -> Edits:
    """The first click picks, or takes a swap back; the second swaps."""
    first = st.session_state.pop(PICKED, None)
    if first is not None:
        return edits.swap_toggled(first, unit)
    if edits.partner(unit) is None:
        st.session_state[PICKED] = unit
    return edits.unswapped(unit)


def keep(edits: Edits) -> None:
    for name, text in edits.to_params().items():
        remember(name, text)


# ---- what comes of it


def measured(looked: Looked, nets: Sequence[Net], edits: Edits, reestimate: bool) -> list[Findings | None]:
    """Of each net on 1,000 images; once all are there, on all."""
    wanted = [edits.within(net.shapes).for_job() for net in nets]

    def on(num_images: int) -> list[Findings | None]:
        return [
            beside_intact(looked, {"subject": subject, "num_images": num_images}, each, reestimate)
            for subject, each in zip(looked.asked, wanted, strict=True)
        ]

    first, most = on(FIRST), max(num_here(subject.data) for subject in looked.subjects)
    if not all(first) or most <= FIRST:
        return first
    return [whole or part for whole, part in zip(on(most), first, strict=True)]


def beside_intact(looked: Looked, whom: dict[str, Any], edits: list[Any], reestimate: bool) -> Findings | None:
    """The net as it is does not change with the edits: it is measured once."""
    intact = ask(looked, "lesion", edits=[], reestimate=False, **whom)
    cut = ask(looked, "lesion", edits=edits, reestimate=reestimate, **whom) if edits or reestimate else intact
    if intact is None or cut is None:
        return None
    return Findings(cut.tensors, cut.record | {"intact_error": intact.record["error"]})


def num_here(data: DataConfig) -> int:
    """Test images on this machine."""
    name = data.name if data_is_here(data.name) else SAMPLE_OF.get(data.name, data.name)
    return DATASETS[name].sizes["test"]


def ask(looked: Looked, job: str, **arguments: Any) -> Findings | None:
    """Remembers what is not there yet, so that a click can go before it."""
    told = found(looked, job, **arguments)
    if told is None:
        st.session_state[PENDING].append((job, arguments))
    return told


def say_which(looked: Looked, edits: Edits, told: Sequence[Findings | None]) -> None:
    records = {
        looked.titles[subject.id]: each.record for subject, each in zip(looked.subjects, told, strict=True) if each
    }
    if edits and len(records) == len(told) > 1 and (said := comparison(records)):
        st.markdown(verbatim(said))


# ---- charts


def charts(looked: Looked, nets: Sequence[Net], click: Click, reestimate: bool) -> None:
    words = {name: title for name, (title, _) in CHARTS.items()}
    chosen = looked.choose("chart", "Below", words, "single", control=st.segmented_control, required=True)
    place = st.container()
    chart = CHARTS[chosen][1](looked, nets, click, reestimate)
    if chart:
        with place:
            show_charts({chosen: chart}, key="lesion_board")


def single(looked: Looked, nets: Sequence[Net], click: Click, reestimate: bool) -> Chart | None:
    do = "bypass" if click.does == "bypass" else "delete"
    more = {"num_images": FIRST, "do": do, "reestimate": reestimate}
    told = [ask(looked, "single_deletions", subject=subject, **more) for subject in looked.asked]
    stages = nets[0].stages if all(net.stages == nets[0].stages for net in nets) else []
    there = damages(looked, nets, told)
    return deletion_chart(there, stages, DONE[do], words_of(told), looked.theme) if there else None


def random(looked: Looked, nets: Sequence[Net], click: Click, reestimate: bool) -> Chart | None:
    most = min(MOST, *(len(net.stages) for net in nets))
    more = {"most": most, "draws": DRAWS, "seed": 0, "num_images": FEW, "reestimate": reestimate}
    told = [ask(looked, "random_deletions", subject=subject, **more) for subject in looked.asked]
    there = damages(looked, nets, told)
    return random_chart(there, words_of(told), looked.theme) if there else None


def damages(looked: Looked, nets: Sequence[Net], told: Sequence[Findings | None]) -> list[Damage]:
    """Of the nets that have been measured."""
    places = looked.places
    return [
        Damage(net.title, each.record["intact_error"], each.tensors["errors"].numpy(), places[net.id])
        for net, each in zip(nets, told, strict=True)
        if each
    ]


def words_of(told: Sequence[Findings | None]) -> str:
    """On which images, as each net says it."""
    return " and ".join(dict.fromkeys(each.record["words"] for each in told if each))


CHARTS = {
    "single": ("Each unit alone", single),
    "random": ("Random units together", random),
    "none": ("No chart", lambda *_: None),
}
