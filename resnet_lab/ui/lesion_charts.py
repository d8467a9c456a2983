"""The charts of what units are worth: each one deleted alone, random ones deleted together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import as_text, faded, mark_stages
from resnet_lab.ui.run_styles import style_of
from resnet_lab.ui.traces import BAND, run_figure

Array = np.ndarray
PATTERNS = ("", "/", ".", "x", "-", "+")  # of bars of the same colour
SHARES = (10, 90)  # percentiles of the draws that a band reaches to


@dataclass(frozen=True)
class Damage:
    """Of one net: its test error as it is, in percent, and with the units that an array is over deleted."""

    title: str
    intact: float
    errors: Array  # (units,), or (1 to k units, draws)
    place: int = 0  # among the styles


def deletion_chart(damages: Sequence[Damage], stages: Sequence[int], verb: str, words: str, theme: str) -> Chart:
    """A bar for each net and unit, a dotted line for each net as it is; `stages` where all nets have the same."""
    title = f"Test error with one unit {verb}, {words}"
    figure = run_figure(title, "test error, %", "unit, from the input to the output", len(damages) + 1, theme)
    num_units = max(len(each.errors) for each in damages)
    for damage, marker in zip(damages, markers([each.place for each in damages], theme), strict=True):
        units = list(range(1, len(damage.errors) + 1))
        rises = damage.errors - damage.intact
        figure.add_bar(
            x=units,
            y=damage.errors,
            name=as_text(damage.title),
            legendgroup=str(damage.place),
            uid=f"bars {damage.place}",
            marker=marker,
            customdata=rises,
            hovertemplate="%{fullData.name}: %{y:.2f}%, %{customdata:+.2f} points<extra></extra>",
        )
        add_level(figure, damage, num_units, marker["color"])
    mark_stages(figure, list(stages), theme)
    figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.05)
    figure.update_xaxes(dtick=1 if num_units <= 30 else None, unifiedhovertitle={"text": f"unit %{{x}} {verb}"})
    figure.update_yaxes(rangemode="tozero")
    return Chart(figure, f"{title}: {'; '.join(worst_unit(damage) for damage in damages)}.", wide=True, caption=DOTTED)


DOTTED = "The dotted line of each colour is the error of that net as it is."


def markers(places: Sequence[int], theme: str) -> list[dict[str, Any]]:
    """How the bars of each net look: those that have the colour of others before them are hatched."""
    colours = [style_of(place).colour.of(theme) for place in places]
    return [
        {"color": colour, "pattern": {"shape": PATTERNS[colours[:k].count(colour)]}, "line": {"width": 0}}
        for k, colour in enumerate(colours)
    ]


def add_level(figure: go.Figure, damage: Damage, num_units: int, colour: str) -> None:
    figure.add_scatter(
        x=[0.5, num_units + 0.5],
        y=[damage.intact, damage.intact],
        mode="lines",
        line={"color": colour, "dash": "dot", "width": 1.5},
        name="as it is",
        legendgroup=str(damage.place),
        uid=f"intact {damage.place}",
        showlegend=False,
        hoverinfo="skip",
    )


def worst_unit(damage: Damage) -> str:
    worst, mildest = int(np.argmax(damage.errors)), int(np.argmin(damage.errors))
    return (
        f"{damage.title} has {damage.intact:.2f}% as it is, {damage.errors[mildest]:.2f}% without unit {mildest + 1} "
        f"and {damage.errors[worst]:.2f}% without unit {worst + 1}"
    )


def random_chart(damages: Sequence[Damage], words: str, theme: str) -> Chart:
    """Mean over the draws against how many units are deleted, from none on, with a band."""
    draws = damages[0].errors.shape[1]
    title = f"Test error with random units deleted, {words}"
    figure = run_figure(title, "test error, %", "units deleted", len(damages), theme)
    for damage in damages:
        add_random_curve(figure, damage, theme)
    figure.update_xaxes(dtick=1 if len(damages[0].errors) <= 20 else None)
    figure.update_xaxes(unifiedhovertitle={"text": "%{x} units deleted"})
    figure.update_yaxes(rangemode="tozero")
    caption = f"Mean of {draws} draws; the band holds the middle {SHARES[1] - SHARES[0]}% of them."
    ends = [
        f"{damage.title} goes from {damage.intact:.2f}% to {damage.errors[-1].mean():.2f}% with "
        f"{len(damage.errors)} deleted"
        for damage in damages
    ]
    return Chart(figure, f"{title}: {'; '.join(ends)}.", wide=True, caption=caption)


def add_random_curve(figure: go.Figure, damage: Damage, theme: str) -> None:
    place, style = damage.place, style_of(damage.place)
    colour, counts = style.colour.of(theme), list(range(len(damage.errors) + 1))
    low, high = np.percentile(damage.errors, SHARES, axis=1)
    edge = {"x": counts, "mode": "lines", "showlegend": False, "hoverinfo": "skip", "legendgroup": str(place)}
    thin = {"color": colour, "width": 0}
    figure.add_scatter(y=[damage.intact, *low], line=thin, uid=f"low {place}", **edge)
    fill = {"fill": "tonexty", "fillcolor": faded(colour, BAND)}
    figure.add_scatter(y=[damage.intact, *high], line=thin, uid=f"high {place}", **fill, **edge)
    figure.add_scatter(
        x=counts,
        y=[damage.intact, *damage.errors.mean(axis=1)],
        name=as_text(damage.title),
        legendgroup=str(place),
        uid=f"mean {place}",
        mode="lines+markers",
        line={"color": colour, "dash": style.dash, "width": 2},
        marker={"size": 5},
        hovertemplate="%{fullData.name}: %{y:.2f}%<extra></extra>",
    )
