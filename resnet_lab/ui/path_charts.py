"""The charts of a net as the sum of its paths, by how many branches they pass (Veit et al. 2016)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import as_text
from resnet_lab.ui.run_styles import style_of
from resnet_lab.ui.traces import drawable, run_figure

Array = np.ndarray
LENGTH = "branches that the path passes"


@dataclass(frozen=True)
class ByLength:
    """Of one net, a value for each length of path from 0."""

    title: str
    values: Array
    place: int  # among the styles


def gradient_chart(nets: Sequence[ByLength], words: str, theme: str) -> Chart:
    """Of one path; logarithmic, as it falls with every branch."""
    title = f"Gradient along one path, {words}"
    figure = run_figure(title, "norm, mean of the sampled paths", LENGTH, len(nets), theme, log_y=True)
    for net in nets:
        add_line(figure, net, drawable(net.values, is_log=True), "%{y:.3~g}", theme)
    caption = (
        "How strongly the loss feels the pixels through a single path. In the nets of Veit et al. 2016, of 54 units, "
        "it falls with every branch."
    )
    ends = [
        f"{net.title} from {net.values[0]:.2g} at length 0 to {net.values[-1]:.2g} at {longest(net)}" for net in nets
    ]
    return finished(figure, nets, f"{title}: {'; '.join(ends)}.", caption)


def share_chart(nets: Sequence[ByLength], words: str, theme: str) -> Chart:
    """The mean of a length times how many such paths there are, as a share of all."""
    title = f"Share of all paths of a length in the gradient, {words}"
    figure = run_figure(title, "share, %", LENGTH, len(nets), theme)
    shares = [ByLength(net.title, percents(net.values), net.place) for net in nets]
    for net in shares:
        add_line(figure, net, net.values, "%{y:.1f}%", theme)
    caption = (
        "The gradient of one path times how many there are of its length. Where the curve is high, there are the paths "
        "that carry most of this trained net's gradient; in the nets of Veit et al. 2016 they pass 5 to 17 of 54 "
        "branches."
    )
    peaks = [f"{net.title} most at length {int(np.argmax(net.values))} of {longest(net)}" for net in shares]
    return finished(figure, nets, f"{title}: {'; '.join(peaks)}.", caption)


def accuracy_chart(nets: Sequence[ByLength], words: str, theme: str) -> Chart:
    title = f"Test error with only the paths up to a length, {words}"
    figure = run_figure(title, "test error, %", "longest path that is kept, in branches", len(nets), theme)
    for net in nets:
        add_line(figure, net, net.values, "%{y:.2f}%", theme)
    figure.update_yaxes(rangemode="tozero")
    caption = (
        "Around each picture, with the ReLUs as the whole net has them, the net is exactly the sum of its paths. On "
        "the right all are kept, and it is the net as it is."
    )
    ends = [f"{net.title} from {net.values[0]:.1f}% to {net.values[-1]:.2f}%" for net in nets]
    return finished(figure, nets, f"{title}: {'; '.join(ends)}.", caption)


def finished(figure: go.Figure, nets: Sequence[ByLength], alt: str, caption: str) -> Chart:
    figure.update_xaxes(dtick=1 if max(map(longest, nets)) <= 20 else None, unifiedhovertitle={"text": "length %{x}"})
    return Chart(figure, alt, caption=caption)


def add_line(figure: go.Figure, net: ByLength, values: Array, form: str, theme: str) -> None:
    style = style_of(net.place)
    figure.add_scatter(
        x=list(range(len(values))),
        y=values,
        name=as_text(net.title),
        uid=str(net.place),
        mode="lines+markers",
        line={"color": style.colour.of(theme), "dash": style.dash, "width": 2},
        marker={"size": 5},
        hovertemplate=f"%{{fullData.name}}: {form}<extra></extra>",
    )


def percents(values: Array) -> Array:
    whole = values.sum()
    return 100 * values / whole if whole > 0 else np.zeros_like(values)


def longest(net: ByLength) -> int:
    return len(net.values) - 1
