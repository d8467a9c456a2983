"""The charts of runs: curves while they train, the inside over depth, error against cost. Each has its sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from resnet_lab.curves import AXES, Curve
from resnet_lab.histories import Array
from resnet_lab.references import Reference
from resnet_lab.ui.charts import Measure, as_text, layout, mark_stages, number
from resnet_lab.ui.palette import HEAT, INK, SURFACE
from resnet_lab.ui.traces import (
    Styles,
    add_curves,
    add_references,
    colour_bar,
    empty_chart,
    log10,
    power,
    powers_between,
    run_figure,
)

MOST_TOLD = 4  # curves that a sentence tells one by one
# fmt: off
HOVER = {
    "step":   "step %{x:,.0f}",
    "epoch":  "epoch %{x:,.2~f}",
    "images": "%{x:,.4~s} images",
    "time":   "%{x:,.1~f} seconds",
}
# fmt: on


def curves_chart(
    title: str,
    unit: str,
    curves: Sequence[Curve],
    styles: Styles,
    axis: str,
    theme: str,
    log_x: bool = False,
    log_y: bool = False,
    references: Sequence[Reference] = (),
) -> go.Figure:
    """Raw values faint behind the smoothed ones, bands around means, dashed what others published."""
    if not curves:
        return empty_chart(title, "Nothing has been measured yet.", theme)
    figure = run_figure(title, unit, AXES[axis], len(curves), theme, log_x, log_y)
    add_curves(figure, curves, styles, HOVER[axis], theme, log_y)
    add_references(figure, references, theme, log_y)
    return figure


def depth_chart(
    title: str,
    unit: str,
    curves: Sequence[Curve],
    styles: Styles,
    theme: str,
    log_y: bool = True,
    stages: Sequence[int] = (),
) -> go.Figure:
    """A value a unit; `stages`: of each unit, where the runs agree on it."""
    if not curves:
        return empty_chart(title, "Nothing has been probed yet.", theme)
    figure = run_figure(title, unit, "unit, from the input to the output", len(curves), theme, log_y=log_y)
    mark_stages(figure, list(stages), theme)
    add_curves(figure, curves, styles, "unit %{x}", theme, log_y)
    return figure


def responses_chart(title: str, curves: Sequence[Curve], styles: Styles, theme: str, by_size: bool) -> go.Figure:
    """The std of each layer's response, in order or the largest first: Figure 7 of He et al. 2015."""
    if not curves:
        return empty_chart(title, "Nothing has been probed yet.", theme)
    where = "layer, the largest response first" if by_size else "layer, from the input to the output"
    figure = run_figure(title, "standard deviation", where, len(curves), theme)
    add_curves(figure, curves, styles, "layer %{x}", theme)
    figure.update_yaxes(rangemode="tozero")
    return figure


def gradient_map(
    title: str,
    norm: str,
    table: Array,
    x: Array,
    axis: str,
    theme: str,
    stages: Sequence[int] = (),
    bounds: tuple[float, float] | None = None,
) -> go.Figure:
    """table: (probes, units) at x; `bounds`: of the colours, the same for all maps that are compared."""
    exponents = log10(table)
    if not np.isfinite(exponents).any():
        return empty_chart(title, "Nothing has been probed yet.", theme)
    low, high = log10(np.array(bounds or bounds_of([table])))
    figure = go.Figure(layout=layout(Measure(title, "unit", INK), theme))
    ticks = powers_between(low, high)
    figure.add_heatmap(
        x=x,
        y=np.arange(1, table.shape[1] + 1),
        z=exponents.T,
        customdata=np.where(np.isfinite(exponents), table, np.nan).T,
        zmin=low,
        zmax=high,
        colorscale=HEAT,
        hoverongaps=False,
        hovertemplate=f"unit %{{y}} at {HOVER[axis]}: %{{customdata:.3~g}}<extra></extra>",
        colorbar=colour_bar(norm, theme) | {"tickvals": ticks, "ticktext": [power(tick) for tick in ticks]},
    )
    for unit in range(1, len(stages)):
        if stages[unit] != stages[unit - 1]:
            figure.add_hline(y=unit + 0.5, line={"color": SURFACE.of(theme), "width": 1.5})
    figure.update_layout(hovermode="closest", showlegend=False, margin={"t": 44})
    figure.update_xaxes(title_text=AXES[axis])
    figure.update_yaxes(title_text="unit, from the input up", showgrid=False)
    return figure


@dataclass(frozen=True)
class CostPoint:
    """A run, or the mean of several with its band."""

    label: str
    runs: tuple[str, ...]
    cost: float
    error: float  # percent
    low: float | None = None
    high: float | None = None


SYMBOLS = {"solid": "circle", "dash": "square", "dot": "diamond", "dashdot": "triangle-up"}  # for points


def cost_chart(title: str, cost: str, points: Sequence[CostPoint], styles: Styles, theme: str) -> go.Figure:
    """Test error against what it costs, on a logarithmic axis."""
    if not points:
        return empty_chart(title, "No run has been tested yet.", theme)
    figure = run_figure(title, "test error, %", cost, len(points), theme, log_x=True)
    for point in points:
        style = styles[point.runs[0]]
        colour = style.colour.of(theme)
        ends = {}
        if point.low is not None and point.high is not None:
            reach = {"array": [point.high - point.error], "arrayminus": [point.error - point.low]}
            ends = {"error_y": reach | {"type": "data", "thickness": 1.5, "width": 4, "color": colour}}
        figure.add_scatter(
            x=[point.cost],
            y=[point.error],
            name=as_text(point.label),
            uid=point.runs[0],
            mode="markers",
            marker={
                "color": colour,
                "symbol": SYMBOLS[style.dash],
                "size": 11,
                "line": {"color": SURFACE.of(theme), "width": 1},
            },
            hovertemplate="%{fullData.name}: %{y:.2f}% at %{x:,.3~s}<extra></extra>",
            **ends,
        )
    figure.update_layout(hovermode="closest")
    return figure


# ---- the same in a sentence


def curves_sentence(title: str, curves: Sequence[Curve], axis: str) -> str:
    """Where the curves start and end."""
    return sentence(title, curves, lambda x: f"at {axis_words(axis, x)}", "nothing has been measured yet")


def depth_sentence(title: str, curves: Sequence[Curve]) -> str:
    return sentence(title, curves, lambda x: f"in unit {x:.0f}", "nothing has been probed yet")


def responses_sentence(title: str, curves: Sequence[Curve], by_size: bool) -> str:
    place = "place {:.0f} by size" if by_size else "layer {:.0f}"
    return sentence(title, curves, lambda x: f"in {place.format(x)}", "nothing has been probed yet")


def sentence(title: str, curves: Sequence[Curve], where: Callable[[float], str], nothing: str) -> str:
    """A few curves one by one, of many the ends of the range."""
    told = [(curve.label, *ends(curve)) for curve in curves if np.isfinite(curve.y).any()]
    if not told:
        return f"{title}: {nothing}."
    if len(told) <= MOST_TOLD:
        each = [f"{label} from {number(y0)} {where(x0)} to {number(y1)} {where(x1)}" for label, x0, y0, x1, y1 in told]
        return f"{title}: {'; '.join(each)}."
    told.sort(key=lambda curve: curve[-1])
    (best, *_, x0, low), (worst, *_, x1, high) = told[0], told[-1]
    return (
        f"{title} of {len(told)} curves, which end between {number(low)} {where(x0)} ({best}) "
        f"and {number(high)} {where(x1)} ({worst})."
    )


def ends(curve: Curve) -> tuple[float, float, float, float]:
    """x and y of the first and of the last point that is there."""
    first, last = np.flatnonzero(np.isfinite(curve.y))[[0, -1]]
    return float(curve.x[first]), float(curve.y[first]), float(curve.x[last]), float(curve.y[last])


def axis_words(axis: str, x: float) -> str:
    words = {"step": "step {:,.0f}", "epoch": "epoch {:,.3g}", "images": "{:,.0f} images", "time": "{:,.4g} seconds"}
    return words[axis].format(x)


def gradient_sentence(title: str, table: Array, x: Array, axis: str) -> str:
    """The first and the last unit, from the first probe to the last."""
    if not np.isfinite(log10(table)).any():
        return f"{title}: nothing has been probed yet."
    first, last = (f"from {number(unit[0])} to {number(unit[-1])}" for unit in (table[:, 0], table[:, -1]))
    when = f"from {axis_words(axis, x[0])} to {axis_words(axis, x[-1])}"
    return f"{title} of {table.shape[1]} units, {when}: {first} in the first unit, {last} in the last."


def cost_sentence(title: str, points: Sequence[CostPoint]) -> str:
    if not points:
        return f"{title}: no run has been tested yet."
    by_error = sorted(points, key=lambda point: point.error)
    told = by_error if len(points) <= MOST_TOLD else [by_error[0], by_error[-1]]
    each = [f"{point.label} {point.error:.2f}% at {number(point.cost)}" for point in told]
    many = f" of {len(points)} runs, the best and the worst" if len(points) > MOST_TOLD else ""
    return f"{title}{many}: {'; '.join(each)}."


def bounds_of(tables: Sequence[Array]) -> tuple[float, float]:
    """The smallest and the largest number above zero of all, for the colours of maps that are compared."""
    values = np.concatenate([table[np.isfinite(log10(table))] for table in tables])
    assert len(values), "nothing above zero"
    return float(values.min()), float(values.max())
