"""What shortcut and branch add to one picture, unit by unit and channel by channel, and what flows through them."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from resnet_lab.inside.jobs import Findings
from resnet_lab.nets import unit_shapes
from resnet_lab.ui.board import Chart, show_charts
from resnet_lab.ui.look_state import Looked
from resnet_lab.ui.look_waiting import found
from resnet_lab.ui.share_charts import (
    Shares,
    channel_chart,
    channel_flow_chart,
    conductance_chart,
    is_shared,
    share_chart,
)

TARGET = {"kind": "predicted"}
PARTS = {"unit": "Units", "stage": "Stages"}


def shares(looked: Looked) -> None:
    """Raw signals first, then conductance, which takes longer."""
    if looked.picture is None:
        st.info("Put a picture into the tray to see what each unit adds to it.")
        return
    with st.container(key="share_controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        unit = choose_unit(looked)
        control = st.segmented_control
        part = looked.choose("part", "Conductance of", PARTS, "unit", control=control, required=True)
    place = st.container()
    ref = looked.picture.ref
    told = [found(looked, "shares", subject=subject, picture=ref) for subject in looked.asked]
    flow = found(looked, "conductance", subjects=looked.asked, picture=ref, target=TARGET) if all(told) else None
    charts = share_charts(looked, told) | channel_charts(looked, told, unit)
    if flow:
        charts |= flow_charts(looked, flow, part, unit)
    if charts:
        with place:
            show_charts(charts, key="share_board")


def choose_unit(looked: Looked) -> int:
    most = max(len(unit_shapes(subject.model)) for subject in looked.subjects)
    units = {str(unit): f"Unit {unit}" for unit in range(1, most + 1)}
    return int(looked.choose("unit", "Channels of", units, "1", width=160))


def share_charts(looked: Looked, told: Sequence[Findings | None]) -> dict[str, Chart]:
    """One for each net, all on one scale."""
    seen = {
        subject: Shares(looked.titles[subject.id], *(each.tensors[name].numpy() for name in ("shortcut", "branch")))
        for subject, each in zip(looked.subjects, told, strict=True)
        if each
    }
    captions = {subject: each.record["words"] for subject, each in zip(looked.subjects, told, strict=True) if each}
    highest = max((each.highest for each in seen.values()), default=0) or 1.0
    return {
        f"shares {subject.id}": share_chart(
            each, [shape.stage for shape in unit_shapes(subject.model)], highest, looked.theme, captions[subject]
        )
        for subject, each in seen.items()
    }


def channel_charts(looked: Looked, told: Sequence[Findings | None], unit: int) -> dict[str, Chart]:
    """Of the nets that have this unit, on one scale."""
    names = [f"{side}_channels_{unit - 1}" for side in ("shortcut", "branch")]
    seen = {
        subject: (each.tensors[names[0]].numpy(), each.tensors[names[1]].numpy())
        for subject, each in zip(looked.subjects, told, strict=True)
        if each and names[0] in each.tensors
    }
    highest = max((float(np.max(values)) for sides in seen.values() for values in sides), default=1.0)
    return {
        f"channels {subject.id}": channel_chart(looked.titles[subject.id], unit, *sides, highest, looked.theme)
        for subject, sides in seen.items()
    }


def flow_charts(looked: Looked, flow: Findings, part: str, unit: int) -> dict[str, Chart]:
    """All nets in one chart, and the channels of the unit for each net that has it, on one scale."""
    titles = [looked.titles[subject.id] for subject in looked.subjects]
    shares = [flow.tensors[f"share_{index}"].numpy() for index in range(len(titles))]
    stages = [[shape.stage for shape in unit_shapes(subject.model)] for subject in looked.subjects]
    channels = {
        index: flow.tensors[f"channels_{index}_{unit - 1}"].numpy()
        for index, values in enumerate(shares)
        if is_shared(values) and unit <= len(values)
    }
    highest = max((float(np.abs(values).max()) for values in channels.values()), default=0) or 1.0
    target, places = "the class that each net answers", list(looked.places.values())
    whole = conductance_chart(titles, shares, target, looked.theme, places, stages if part == "stage" else None)
    return {"conductance": whole} | {
        f"flow {looked.subjects[index].id}": channel_flow_chart(titles[index], unit, values, highest, looked.theme)
        for index, values in channels.items()
    }
