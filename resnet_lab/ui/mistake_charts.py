"""The charts of what runs get wrong: a confusion matrix for each, the error of each class for all."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from resnet_lab.mistakes import class_errors, confusion, error
from resnet_lab.predictions import Predictions
from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import Measure, as_text, layout
from resnet_lab.ui.palette import ACCENT, FAINT, INK, SURFACE
from resnet_lab.ui.traces import Styles, colour_bar, run_figure

FEW = 12  # classes whose numbers are written into the cells
HEIGHT = 480


def confusion_chart(label: str, predictions: Predictions, classes: Sequence[str], theme: str) -> Chart:
    """In percent of the images of each class, so that classes of different sizes compare."""
    counts = confusion(predictions, len(classes))
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    title = f"What {label} takes the images for"
    figure = go.Figure(layout=layout(Measure(title, "class", INK), theme))
    figure.add_heatmap(
        x=list(classes),
        y=list(classes),
        z=shares,
        customdata=counts,
        text=[[f"{share:.0f}" if share >= 1 else "" for share in row] for row in shares],
        texttemplate="%{text}" if len(classes) <= FEW else None,
        zmin=0,
        zmax=100,
        colorscale=[[0, SURFACE.of(theme)], [1, ACCENT.of(theme)]],
        hovertemplate="%{y} taken for %{x}: %{customdata} images, %{z:.1f}%<extra></extra>",
        colorbar=colour_bar("% of the class", theme),
    )
    figure.update_layout(height=HEIGHT, hovermode="closest", showlegend=False, margin={"t": 44, "l": 84, "b": 84})
    figure.update_xaxes(title_text="taken for", showgrid=False, tickangle=-45)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return Chart(figure, f"{title}: {worst_confusions(counts, classes)}")


def worst_confusions(counts: np.ndarray, classes: Sequence[str], most: int = 3) -> str:
    """The commonest mistakes in words."""
    wrong = counts - np.diag(counts.diagonal())
    pairs = [divmod(int(place), len(classes)) for place in np.argsort(-wrong, axis=None, kind="stable")[:most]]
    pairs = [(row, column) for row, column in pairs if wrong[row, column]]
    told = [f"{classes[row]} for {classes[column]} ({wrong[row, column]:,})" for row, column in pairs]
    return f"most often {', '.join(told)}." if told else "no mistakes."


def class_error_chart(
    labels: Mapping[str, str],
    predictions: Mapping[str, Predictions],
    classes: Sequence[str],
    styles: Styles,
    theme: str,
) -> Chart:
    """A bar for each run and class; by run id."""
    sizes = sorted({len(told) for told in predictions.values()})
    title = f"Test error of each class, {' or '.join(f'{size:,}' for size in sizes)} images"
    figure = run_figure(title, "error, %", "", len(predictions), theme)
    for run_id, told in predictions.items():
        figure.add_bar(
            x=list(classes),
            y=class_errors(told, len(classes)),
            name=as_text(labels[run_id]),
            uid=run_id,
            marker={"color": styles[run_id].colour.of(theme), "line": {"width": 0}},
            hovertemplate="%{y:.1f}%",
        )
    figure.update_layout(barmode="group", margin={"b": 84})
    figure.update_xaxes(tickangle=-45, showgrid=False, color=FAINT.of(theme))
    errors = ", ".join(f"{labels[run_id]} {error(told):.2f}% of all" for run_id, told in predictions.items())
    return Chart(figure, f"{title}: {errors}.", wide=True)
