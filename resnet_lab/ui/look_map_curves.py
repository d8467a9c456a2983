"""The charts of what speaks for a map and against it: pixels taken away, weights drawn anew, other nets asked."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import Measure, as_text, faded, layout
from resnet_lab.ui.palette import ACCENT, FAINT, INK, SURFACE
from resnet_lab.ui.traces import colour_bar, run_figure

ORDERS = {"deletion": "solid", "insertion": "dash"}
REMOVED = "The target's probability while patches are blurred (deletion), or made sharp (insertion)"
READ = {
    "removal": "Solid: the patches of 4×4 pixels that the map puts first are blurred first; dashed: they are made "
    "sharp in the blurred picture first. The chosen baseline plays no part here. Grey are random orders: a map that "
    "knows what matters falls below them, and rises above them.",
    "randomised": "The weights are drawn anew from the head down, one part more each time. Compared are the "
    "ranks of the absolute values, without their signs. A map of what the net has learned should fall towards 0; one "
    "that stays high shows the picture more than the net.",
    "agreement": "Rank correlation of the signed maps, mean over the pictures: 1 is the same order of all pixels, 0 is "
    "chance.",
}


def removal_chart(title: str, curves: Mapping[str, np.ndarray], theme: str) -> Chart:
    """`curves` over "at": in the map's order, and as "..._random" in random ones (orders, points)."""
    figure = run_figure(title, "probability", "share of the pixels, %", 2, theme)
    at = 100 * curves["at"]
    for name, dash in ORDERS.items():
        add_controls(figure, name, at, curves[f"{name}_random"], dash, theme)
    for name, dash in ORDERS.items():
        line = {"color": ACCENT.of(theme), "width": 2, "dash": dash}
        how = {"mode": "lines", "line": line, "legendrank": 1, "hovertemplate": f"{name} %{{y:.1%}}"}
        figure.add_scatter(x=at, y=curves[name], name=name, **how)
    figure.update_layout(hovermode="x unified")
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_xaxes(unifiedhovertitle={"text": "%{x:.0f}% of the pixels"})
    halves = ", ".join(f"{name} ends the first quarter at {curves[name][len(at) // 4]:.0%}" for name in ORDERS)
    return Chart(figure, f"{title}. {REMOVED}: {halves}.")


def add_controls(figure: go.Figure, name: str, at: np.ndarray, controls: np.ndarray, dash: str, theme: str) -> None:
    """The mean of random orders, and how far they spread."""
    faint, group = FAINT.of(theme), f"{name}, at random"
    edge = {"x": at, "mode": "lines", "line": {"width": 0, "color": faint}, "legendgroup": group, "showlegend": False}
    figure.add_scatter(y=controls.min(0), hoverinfo="skip", name=f"{group} low", **edge)
    fill = {"fill": "tonexty", "fillcolor": faded(faint, 0.18)}
    figure.add_scatter(y=controls.max(0), hoverinfo="skip", name=f"{group} high", **edge, **fill)
    line = {"color": faint, "width": 1.5, "dash": dash}
    middle = {"x": at, "y": controls.mean(0), "mode": "lines", "line": line, "legendgroup": group}
    figure.add_scatter(**middle, name=group, hovertemplate=f"{group} %{{y:.1%}}")


def randomised_chart(title: str, layers: Sequence[str], similarity: np.ndarray, theme: str) -> Chart:
    """How much of the map is left after each part."""
    figure = go.Figure(layout=layout(Measure(title, "rank correlation", INK), theme))
    figure.add_scatter(
        x=list(layers),
        y=similarity,
        name="similarity",
        mode="lines+markers",
        line={"color": ACCENT.of(theme), "width": 2},
        hovertemplate="%{y:.2f}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": FAINT.of(theme), "dash": "dot", "width": 1})
    figure.update_layout(showlegend=False, margin={"t": 44, "b": 84})
    figure.update_xaxes(title_text="drawn anew down to here", tickangle=-45)
    figure.update_yaxes(range=[min(-0.1, float(similarity.min()) - 0.05), 1.05])
    words = f"{similarity[0]:.2f} with a new {layers[0]}, {similarity[-1]:.2f} with all weights new"
    return Chart(figure, f"{title}: {words}.", wide=True, caption=READ["randomised"])


def agreement_chart(title: str, names: Sequence[str], similarity: np.ndarray, theme: str) -> Chart:
    """(S, S), each number in its cell."""
    figure = go.Figure(layout=layout(Measure(title, "", INK), theme))
    numbers, labels = list(range(len(names))), [as_text(name) for name in names]
    colours = [[0, FAINT.of(theme)], [0.5, SURFACE.of(theme)], [1, ACCENT.of(theme)]]
    figure.add_heatmap(
        z=similarity,
        zmin=-1,
        zmax=1,
        colorscale=colours,
        name="agreement",
        text=[[f"{value:.2f}".replace("-", "−") for value in row] for row in similarity],
        texttemplate="%{text}",
        customdata=[[f"{one} and {other}" for other in labels] for one in labels],
        hovertemplate="%{customdata}: %{text}<extra></extra>",
        colorbar=colour_bar("rank correlation", theme),
    )
    side = 44 * len(names)
    figure.update_layout(hoverlabel={"font": {"color": INK.of(theme)}})
    figure.update_layout(height=160 + side, hovermode="closest", showlegend=False, margin={"t": 44, "b": 24})
    ticks = {"tickvals": numbers, "showgrid": False, "showline": False}
    figure.update_xaxes(title_text="", ticktext=[str(number + 1) for number in numbers], **ticks)
    figure.update_yaxes(
        autorange="reversed", ticktext=[f"{label}  {n + 1}" for n, label in enumerate(labels)], automargin=True, **ticks
    )
    return Chart(figure, f"{title}: {closest(names, similarity)}", wide=True, caption=READ["agreement"])


def closest(names: Sequence[str], similarity: np.ndarray) -> str:
    """The two that agree most, in words."""
    others = np.where(np.eye(len(names), dtype=bool), -np.inf, similarity)
    one, other = sorted(divmod(int(others.argmax()), len(names)))
    return f"{names[one]} and {names[other]} agree most, {similarity[one, other]:.2f}."
