"""Two runs side by side: their blocks, what differs between them, where they part."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from resnet_lab.cards import name_block
from resnet_lab.comparisons import flat
from resnet_lab.curves import curves, positions
from resnet_lab.differences import describe_difference
from resnet_lab.partings import RULE, parting
from resnet_lab.pictures import marked, picture
from resnet_lab.run_table import cost_of
from resnet_lab.runs import Run
from resnet_lab.ui.board import Chart
from resnet_lab.ui.compare_charts import Shown, first_read, over_axis, read, smoothed_words, test_title
from resnet_lab.ui.diagram import draw
from resnet_lab.ui.gradient_maps import gradient_maps
from resnet_lab.ui.page import verbatim
from resnet_lab.ui.palette import ACCENT


def blocks(shown: Shown, precisions: Mapping[str, str]) -> None:
    """Both blocks, in the second what differs marked, and the difference in words."""
    first, second = shown.runs
    labels = shown.labels
    with st.container(key="compare_blocks"):
        for place, run in enumerate(shown.runs):
            with st.container(key=f"compare_block_{place}"):
                drawing = picture(run.config.model)
                if place:
                    drawing = marked(drawing, picture(first.config.model))
                st.markdown(f"**{verbatim(labels[run.id])}**")
                st.caption(verbatim(name_block(run.config.model.block)))
                st.markdown(draw(drawing, labels[run.id]), unsafe_allow_html=True)
        with st.container(key="compare_words"):
            difference = describe_difference(first.config.model.block, second.config.model.block, second.config.model)
            lines = [
                *difference.changes,
                cost_words(first, second),
                *others(first, second, precisions),
                parting_words(shown),
            ]
            st.markdown("\n".join(f"- {verbatim(line)}" for line in lines))


def cost_words(first: Run, second: Run) -> str:
    costs = [cost_of(run.config) for run in (first, second)]
    parameters = dict.fromkeys(f"{each.parameters:,}" for each in costs)
    multiply_adds = dict.fromkeys(f"{each.multiply_adds / 1e6:,.1f} M" for each in costs)
    return f"They have {' and '.join(parameters)} parameters, and {' and '.join(multiply_adds)} multiply-adds an image."


def others(first: Run, second: Run, precisions: Mapping[str, str]) -> list[str]:
    """What differs beside the block."""
    before, after = flat(first.config) | {"seed": first.seed}, flat(second.config) | {"seed": second.seed}
    for run, fields in ((first, before), (second, after)):
        data = run.config.data
        fields |= {"arithmetic": precisions.get(run.id, ""), "train_size": data.num_train, "test_size": data.num_test}
    told = [f"{name} {before[name]} and {after[name]}" for name in before if before[name] != after[name]]
    return [f"They also differ in {', '.join(told)}."] if told else ["All else is the same."]


def parting_step(shown: Shown) -> int | None:
    first, second = (shown.histories.steps(shown.ids)[run_id] for run_id in shown.ids)
    return parting(first.step, first.loss, second.step, second.loss)


def parting_words(shown: Shown) -> str:
    step = parting_step(shown)
    return "Their training losses do not part." if step is None else f"Their training losses part at step {step:,}."


def pair_charts(shown: Shown) -> dict[str, Chart]:
    """Losses with the step at which they part, errors, and a map of the gradients of each on one scale."""
    view, steps = shown.view, shown.histories.steps(shown.ids)
    losses = curves(shown.series, steps, "loss", view.x, view.smooth)
    loss = over_axis(shown, f"Training loss{smoothed_words(view)}", "cross-entropy", losses)
    charts = {"loss": replace(loss, caption=RULE)}
    step = parting_step(shown)
    if step is not None:
        history = steps[shown.ids[0]]
        where = float(np.interp(step, history.step, positions(history, shown.runs[0].config, view.x)))
        mark_parting(charts["loss"].figure, where, shown.theme)
    epochs = shown.histories.epochs(shown.ids)
    errors = curves(shown.series, epochs, "test_error", view.x)
    charts["error"] = read(over_axis(shown, test_title(shown), "error, %", errors, shown.references), "test_error")
    maps = gradient_maps(shown.histories, shown.runs, shown.labels, view.x, shown.theme)
    return charts | first_read(maps, "map")


def mark_parting(figure: go.Figure, where: float, theme: str) -> None:
    """A line across; on a logarithmic axis Plotly places words by the exponent."""
    colour, is_log = ACCENT.of(theme), figure.layout.xaxis.type == "log"
    figure.add_vline(
        x=where,
        line={"color": colour, "dash": "dot", "width": 1.5},
        annotation={
            "text": " they part",
            "font": {"color": colour, "size": 11},
            "x": math.log10(where) if is_log else where,
        },
        annotation_position="top right",
    )
