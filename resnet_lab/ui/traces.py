"""What the charts of runs are made of."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from resnet_lab.curves import Curve
from resnet_lab.histories import Array
from resnet_lab.references import FAILED, Reference
from resnet_lab.ui.charts import HEIGHT, Measure, as_text, faded, layout
from resnet_lab.ui.palette import FAINT, INK, SURFACE
from resnet_lab.ui.run_styles import Style

Styles = Mapping[str, Style]  # by run id

FEW, LISTED = 8, 12  # curves that one hover label tells, and that a legend shows, even if each needs a line
TITLE, LINE = 36, 20  # pixels of the title, and of a line of the legend
SPARSE = 24  # points that are marked; a single one has no line
RAW, BAND = 0.35, 0.16  # opacities


def run_figure(
    title: str, unit: str, x_title: str, num_curves: int, theme: str, log_x: bool = False, log_y: bool = False
) -> go.Figure:
    """The legend below the title, as high as it is; of very many curves it scrolls, of many the nearest one is told."""
    figure = go.Figure(layout=layout(Measure(title, unit, INK, is_log=log_y), theme))
    height = HEIGHT + LINE * (min(num_curves, LISTED) - 1)
    legend = {"yref": "container", "y": 1 - TITLE / height, "yanchor": "top", "tracegroupgap": 0}
    figure.update_layout(
        height=height,
        title={"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 12}},
        legend=legend | {"maxheight": LINE * LISTED},
        margin={"t": TITLE + 8},
        hovermode="closest" if num_curves > FEW else "x unified",
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(title_text=x_title, **({"type": "log"} if log_x else {}))
    return figure


def add_curves(
    figure: go.Figure, curves: Sequence[Curve], styles: Styles, where: str, theme: str, log_y: bool = False
) -> None:
    """`where`: how hovering says x, such as 'step %{x}'; above all values, or beside the only one that is told."""
    is_many = figure.layout.hovermode == "closest"
    behind, front = [], []
    for curve in curves:
        style, colour = styles[curve.runs[0]], styles[curve.runs[0]].colour.of(theme)
        behind += list(band(curve, colour, log_y))
        if curve.raw is not None and not is_many:
            thin = {"line": {"color": colour, "width": 1}, "opacity": RAW}
            behind.append(background(curve, "raw", curve.x, drawable(curve.raw, log_y), **thin))
        front.append(mean(curve, style, colour, f" at {where}" if is_many else "", log_y))
    figure.add_traces(behind + front)
    figure.update_xaxes(unifiedhovertitle={"text": where})


def mean(curve: Curve, style: Style, colour: str, place: str, log_y: bool) -> go.Scatter:
    """The curve itself; a click on its name in the legend hides what is behind it, too."""
    return go.Scatter(
        x=curve.x,
        y=drawable(curve.y, log_y),
        name=as_text(curve.label),
        uid=curve.runs[0],
        legendgroup=curve.runs[0],
        mode="lines+markers" if len(curve.x) <= SPARSE else "lines",
        line={"color": colour, "dash": style.dash, "width": 2},
        marker={"size": 5},
        **hover(curve, place),
    )


def background(curve: Curve, part: str, x: Array, y: Array, **look: Any) -> go.Scatter:
    names = {"uid": f"{curve.runs[0]} {part}", "legendgroup": curve.runs[0]}
    return go.Scatter(x=x, y=y, mode="lines", showlegend=False, hoverinfo="skip", **names, **look)


def band(curve: Curve, colour: str, log_y: bool) -> Iterator[go.Scatter]:
    """Where there is one; on a logarithmic axis what has no logarithm is drawn at the smallest number that has."""
    if curve.low is None or curve.high is None:
        return
    has_band = np.isfinite(curve.low) & np.isfinite(curve.high) & np.isfinite(drawable(curve.y, log_y))
    if not has_band.any():
        return
    x, edge = curve.x[has_band], {"width": 0, "color": colour}
    low = drawable(curve.low[has_band], log_y)
    floor = np.fmin(np.nanmin(drawable(curve.y, log_y)), np.fmin.reduce(low))
    yield background(curve, "low", x, np.where(np.isnan(low), floor, low), line=edge)
    fill = {"fill": "tonexty", "fillcolor": faded(colour, BAND)}
    yield background(curve, "high", x, curve.high[has_band], line=edge, **fill)


def hover(curve: Curve, place: str) -> dict[str, Any]:
    """The curve, its value, and how many runs that is the mean of, or which layer's."""
    about = curve.n if curve.n is not None else curve.names or None
    more = "" if about is None else ", n = %{customdata}" if curve.n is not None else ", %{customdata}"
    return {"customdata": about, "hovertemplate": f"%{{fullData.name}}: %{{y:.4~g}}{more}{place}<extra></extra>"}


def add_references(figure: go.Figure, references: Sequence[Reference], theme: str, log_y: bool) -> None:
    """A dashed line a number, and whose it is."""
    if references and not log_y:
        figure.update_yaxes(rangemode="tozero")  # else a line at the edge would be half cut
    labels: dict[float, list[str]] = {}
    for reference in references:
        labels.setdefault(FAILED if reference.error is None else reference.error, []).append(reference.label)
    for value, words in labels.items():
        figure.add_hline(
            y=value,
            line={"color": FAINT.of(theme), "dash": "dash", "width": 1.5},
            annotation={
                "text": "<br>".join(words),
                "align": "left",
                "font": {"color": FAINT.of(theme), "size": 11},
                "bgcolor": SURFACE.of(theme),
                "y": math.log10(value) if log_y else value,
            },
            annotation_position="top left",
        )


def empty_chart(title: str, words: str, theme: str) -> go.Figure:
    figure = go.Figure(layout=layout(Measure(title, "", INK), theme))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text=words,
        showarrow=False,
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        font={"color": FAINT.of(theme), "size": 14},
    )
    return figure


def colour_bar(title: str, theme: str) -> dict[str, Any]:
    faint = {"color": FAINT.of(theme)}
    return {
        "title": {"text": title, "side": "right", "font": faint},
        "tickfont": faint,
        "thickness": 12,
        "outlinewidth": 0,
    }


def drawable(values: Array, is_log: bool) -> Array:
    """A gap where a number is not finite, or has no logarithm."""
    return np.where(np.isfinite(values) & ((values > 0) | (not is_log)), values, np.nan)


def log10(values: Array) -> Array:
    """NaN where there is none."""
    above = drawable(values, is_log=True)
    return np.log10(above, out=np.full_like(above, np.nan), where=np.isfinite(above))


def powers_between(low: float, high: float) -> list[float]:
    """Whole exponents for a colour bar; where there are fewer than two, the ends of the range."""
    whole = list(range(math.ceil(low), math.floor(high) + 1))
    return [float(tick) for tick in whole[:: -(-len(whole) // 6)]] if len(whole) > 1 else [low, high]


def power(exponent: float) -> str:
    """10⁻³, or 0.0123 where the exponent is not whole"""
    return f"10<sup>{exponent:.0f}</sup>".replace("-", "−") if exponent == round(exponent) else f"{10**exponent:.2g}"
