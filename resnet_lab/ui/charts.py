"""The lab's charts: data in, figure out, all colours from the palette."""

import html
import math
from dataclasses import dataclass

import plotly.graph_objects as go

from resnet_lab.signals import Signal
from resnet_lab.ui.palette import BRANCH, FAINT, GRID, INK, PATH, SURFACE, Colour

HEIGHT = 330
FONT = '"Source Sans", sans-serif'


@dataclass(frozen=True)
class Measure:
    """One measure of the X-ray: what its chart is called and how it is drawn."""

    title: str
    unit: str
    colour: Colour
    is_log: bool = False
    meaning: str = ""
    absent: str = "There is nothing to draw: zero or not finite in every unit."


XRAY = {
    "mean_square": Measure(
        "Signal on the path, mean square at each unit's output",
        "mean square",
        PATH,
        is_log=True,
        meaning="A healthy net keeps it within a few powers of ten. With identity shortcuts each unit adds about as "
        "much as the one before, so it grows steadily. A factor below 1 on the shortcut holds it, since BN renews "
        "every branch: the third chart shows what is lost then.",
    ),
    "shortcut_share": Measure(
        "Share of shortcut and branch in each sum",
        "share of the mean square",
        PATH,
        meaning="What enters the addition, split into the part that came through the shortcut and the part that the "
        "branch computed. Where one of them has nearly everything, the other is not heard.",
    ),
    "shortcut_signal": Measure(
        "What the shortcuts alone hand on, amplitude after each unit",
        "times the first input",
        PATH,
        is_log=True,
        meaning="If all branches were silent, this much of the first unit's signal would arrive: λⁿ after n units with "
        "constant scaling, 1 with the identity. Changes of shape are left out.",
        absent="Nothing is handed on: this net has no shortcut, or its factor is 0.",
    ),
    "gradient_norm": Measure(
        "Gradient at each unit's output, mean norm of an image",
        "norm",
        INK,
        is_log=True,
        meaning="How strongly a change at this depth moves the output, for a random readout of the logits whose sign "
        "is drawn for each image. Where it differs by orders of magnitude between the first and the last unit, the "
        "early units hear little of the loss, or too much.",
    ),
    "gradient_correlation": Measure(
        "Do the gradients of different images agree? Mean cosine",
        "cosine",
        INK,
        meaning="Near 1, two images ask for the same change of the signal at this depth; near 0, their gradients look "
        "like noise to each other: they are shattered (Balduzzi et al. 2017).",
    ),
}


def xray_chart(name: str, current: Signal, baseline: Signal | None, theme: str) -> go.Figure:
    """One measure against depth: the block, dashed the baseline, dotted what was calculated."""
    measure, values = XRAY[name], getattr(current, name)
    units = list(range(1, len(values) + 1))
    figure = go.Figure(layout=layout(measure, theme))
    mark_stages(figure, current.stages, theme)
    if name == "shortcut_share":
        add_shares(figure, units, current, theme)
    else:
        add_curve(figure, units, values, measure, "this block", measure.colour, theme, width=2.5)
    if baseline is not None:
        add_curve(figure, units, getattr(baseline, name), measure, "baseline", FAINT, theme, dash="dash")
    expected = current.expected[name]
    if expected is not None:
        add_curve(figure, units, expected, measure, "calculated", INK, theme, dash="dot", width=1.5)
    if measure.is_log and not any(is_drawable(value, measure) for value in values):
        figure.add_annotation(
            text=measure.absent, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", bgcolor=SURFACE.of(theme)
        )
    return figure


def add_shares(figure: go.Figure, units: list[int], signal: Signal, theme: str) -> None:
    sides = (("shortcut", PATH, signal.shortcut_share), ("branch", BRANCH, signal.branch_share))
    for name, colour, values in sides:
        figure.add_scatter(
            x=units,
            y=values,
            name=name,
            stackgroup="shares",
            mode="lines",
            line={"color": colour.of(theme), "width": 1},
            fillcolor=faded(colour.of(theme)),
            hovertemplate=f"{name} %{{y:.3f}}<extra></extra>",
        )


def add_curve(
    figure: go.Figure,
    units: list[int],
    values: list[float],
    measure: Measure,
    name: str,
    colour: Colour,
    theme: str,
    dash: str = "solid",
    width: float = 2,
) -> None:
    figure.add_scatter(
        x=units,
        y=[value if is_drawable(value, measure) else None for value in values],
        name=name,
        mode="lines",
        line={"color": colour.of(theme), "dash": dash, "width": width},
        hovertemplate=f"{name} %{{y:.3g}}<extra></extra>",
    )


def is_drawable(value: float, measure: Measure) -> bool:
    return math.isfinite(value) and (value > 0 or not measure.is_log)


def mark_stages(figure: go.Figure, stages: list[int], theme: str) -> None:
    """A thin line where a stage begins and the shape changes."""
    for i in range(1, len(stages)):
        if stages[i] != stages[i - 1]:
            line = {"color": GRID.of(theme), "width": 1.5}
            label = {
                "text": f" stage {stages[i] + 1}",
                "font": {"color": FAINT.of(theme), "size": 11},
                "bgcolor": SURFACE.of(theme),
            }
            figure.add_vline(x=i + 0.5, line=line, layer="below", annotation=label, annotation_position="top right")


def layout(measure: Measure, theme: str) -> go.Layout:
    axis = {"gridcolor": GRID.of(theme), "linecolor": GRID.of(theme), "zeroline": False, "color": FAINT.of(theme)}
    pointed = {"spikethickness": 1, "spikedash": "dot", "spikecolor": FAINT.of(theme)}
    buttons = {"orientation": "v", "bgcolor": "rgba(0,0,0,0)", "color": FAINT.of(theme), "activecolor": INK.of(theme)}
    # with more ticks, Plotly labels 1 to 9 of a range of little more than a decade
    scale = {"type": "log", "exponentformat": "power", "nticks": 4} if measure.is_log else {}
    return go.Layout(
        template="none",  # else Streamlit's own would travel with each chart
        title={
            "text": as_text(measure.title),
            "font": {"size": 15, "color": INK.of(theme), "weight": 600},
            "x": 0,
            "xanchor": "left",
        },
        xaxis={"title": {"text": "unit, from the input to the output"}, **axis, **pointed, "showgrid": False},
        yaxis={"title": {"text": measure.unit}, **axis, **scale},
        height=HEIGHT,
        margin={"l": 62, "r": 12, "t": 66, "b": 48},
        hovermode="x unified",
        showlegend=True,
        modebar=buttons,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": INK.of(theme)}},
        hoverlabel={"bgcolor": SURFACE.of(theme), "bordercolor": GRID.of(theme)},
        paper_bgcolor=SURFACE.of(theme),
        plot_bgcolor=SURFACE.of(theme),  # also what surrounds the line below the pointer
        font={"color": INK.of(theme), "family": FONT},
    )


def as_text(label: str) -> str:
    """Plotly takes tags in a name for formatting, and a user may call a run whatever they like."""
    return html.escape(label, quote=False)


def faded(colour: str, opacity: float = 0.28) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def reading(name: str, current: Signal, baseline: Signal | None) -> str:
    """The chart in a sentence: where the curves start and end."""
    values = getattr(current, name)
    words = f"From {number(values[0])} after the first unit to {number(values[-1])} after unit {len(values)}"
    if baseline is not None:
        others = getattr(baseline, name)
        words += f"; the baseline goes from {number(others[0])} to {number(others[-1])}"
    expected = current.expected[name]
    return f"{words}; calculated for the last unit: {number(expected[-1])}." if expected else f"{words}."


def number(value: float) -> str:
    """0.125, 1,480 or 5.55 × 10⁻¹⁷"""
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else "overflow"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return (f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}").replace("-", "−")
    mantissa, exponent = f"{value:.2e}".split("e")
    return (
        f"{mantissa.replace('-', '−')} × 10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
    )
