"""The loss around trained nets (Li et al. 2018): a curve along one direction, a map and a surface over two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import Measure, as_text, layout
from resnet_lab.ui.palette import FAINT, GRID, HEAT, INK, RUNS, SURFACE
from resnet_lab.ui.run_styles import style_of
from resnet_lab.ui.traces import colour_bar, drawable, log10, power, powers_between, run_figure

Array = np.ndarray
MEASURES = {"loss": ("Loss", "loss", True), "error": ("Error", "error, %", False)}  # title, unit, whether logarithmic
MAP_HEIGHT, SURFACE_HEIGHT = 400, 460
STEP = "step along {} direction, in lengths of the weights"


@dataclass(frozen=True)
class Landscape:
    """Values around each net, (nets, side) or (nets, side, side), at these distances from its weights."""

    titles: Sequence[str]
    at: Array
    values: Array
    measure: str
    words: str  # on which images
    places: Sequence[int] = range(len(RUNS))  # among the styles

    @property
    def title(self) -> str:
        return (
            f"{MEASURES[self.measure][0]} around {'each net' if len(self.titles) > 1 else self.titles[0]}, {self.words}"
        )

    @property
    def about(self) -> str:
        """Below a chart that has no room to say it above."""
        return f"{MEASURES[self.measure][0]} on {self.words}; all nets on one scale."

    @property
    def is_log(self) -> bool:
        return MEASURES[self.measure][2]

    @property
    def shades(self) -> tuple[float, float]:
        """The same for all nets: the lowest and the highest of them all, as it is drawn."""
        seen = self.drawn(self.values)
        seen = seen[np.isfinite(seen)]
        return (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)

    def drawn(self, values: Array) -> Array:
        return log10(values) if self.is_log else drawable(values, is_log=False)


def curve_chart(found: Landscape, theme: str) -> Chart:
    """All nets in one chart."""
    figure = run_figure(
        found.title, MEASURES[found.measure][1], STEP.format("one random"), len(found.titles), theme, log_y=found.is_log
    )
    for title, place, values in zip(found.titles, found.places, found.values, strict=False):
        style = style_of(place)
        figure.add_scatter(
            x=found.at,
            y=drawable(values, found.is_log),
            name=as_text(title),
            uid=str(place),
            mode="lines+markers",
            line={"color": style.colour.of(theme), "dash": style.dash, "width": 2},
            marker={"size": 5},
            hovertemplate="%{fullData.name}: %{y:.4~g}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": GRID.of(theme), "width": 1.5}, layer="below")
    figure.update_xaxes(unifiedhovertitle={"text": "step %{x:.2f}"})
    return Chart(figure, f"{found.title}: {'; '.join(rises(found))}.", wide=True, caption=NORMALISED)


NORMALISED = (
    "0 is the trained net. Each filter of a random direction has the length of the filter that it moves, so that nets "
    "with small and with large weights compare (Li et al. 2018)."
)


def rises(found: Landscape) -> list[str]:
    """For each net, how much higher the edge lies than the middle."""
    middle = len(found.at) // 2
    centre = found.values[:, middle] if found.values.ndim == 2 else found.values[:, middle, middle]
    edge = [np.nanmean(edges(values)) if np.isfinite(edges(values)).any() else np.nan for values in found.values]
    return [
        f"{title} has {number(low)} in the middle and {number(high)} on average at the edge"
        for title, low, high in zip(found.titles, centre, edge, strict=True)
    ]


def edges(values: Array) -> Array:
    if values.ndim == 1:
        return np.where(np.isfinite(values[[0, -1]]), values[[0, -1]], np.nan)
    rim = np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])
    return np.where(np.isfinite(rim), rim, np.nan)


def number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "no finite number"


def map_charts(found: Landscape, theme: str) -> dict[str, Chart]:
    """A contour map for each net, all on one scale."""
    return {f"map {place}": map_chart(found, place, theme) for place in range(len(found.titles))}


def map_chart(found: Landscape, place: int, theme: str) -> Chart:
    low, high = found.shades
    title = as_text(found.titles[place])
    figure = go.Figure(layout=layout(Measure(found.titles[place], STEP.format("a second"), INK), theme))
    figure.add_contour(
        x=found.at,
        y=found.at,
        z=found.drawn(found.values[place]),
        customdata=found.values[place],
        zmin=low,
        zmax=high,
        contours={"start": low, "end": high, "size": (high - low) / 14 or 1},
        line={"color": SURFACE.of(theme), "width": 0.7},
        colorscale=HEAT,
        colorbar=scale_bar(found, theme),
        hovertemplate=f"{title}: %{{customdata:.4~g}} at %{{x:.2f}}, %{{y:.2f}}<extra></extra>",
    )
    middle = {"color": SURFACE.of(theme), "size": 9, "symbol": "cross", "line": {"color": INK.of(theme), "width": 1}}
    figure.add_scatter(x=[0], y=[0], mode="markers", marker=middle, hoverinfo="skip")
    figure.update_layout(height=MAP_HEIGHT, hovermode="closest", showlegend=False, margin={"t": 44})
    figure.update_xaxes(title_text=STEP.format("one"), constrain="domain")
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    return Chart(
        figure, f"Contour map, {found.title}: {rises(found)[place]}. All maps share one scale.", caption=found.about
    )


def surface_charts(found: Landscape, theme: str) -> dict[str, Chart]:
    """A surface for each net, all on one scale."""
    return {f"surface {place}": surface_chart(found, place, theme) for place in range(len(found.titles))}


def surface_chart(found: Landscape, place: int, theme: str) -> Chart:
    low, high = found.shades
    figure = go.Figure(layout=layout(Measure(found.titles[place], "", INK), theme))
    figure.add_surface(
        x=found.at,
        y=found.at,
        z=found.drawn(found.values[place]),
        customdata=found.values[place],
        cmin=low,
        cmax=high,
        colorscale=HEAT,
        colorbar=scale_bar(found, theme),
        hovertemplate="%{customdata:.4~g} at %{x:.2f}, %{y:.2f}<extra></extra>",
    )
    axis = {"gridcolor": GRID.of(theme), "color": FAINT.of(theme), "backgroundcolor": SURFACE.of(theme)}
    up = scale_ticks(found) | {"range": [low, high], "title": {"text": MEASURES[found.measure][1]}}
    scene = {
        "xaxis": axis | {"title": {"text": "one direction"}},
        "yaxis": axis | {"title": {"text": "a second"}},
        "zaxis": axis | up,
        "camera": {"eye": {"x": 1.65, "y": -1.65, "z": 0.9}},
        "aspectmode": "cube",
    }
    figure.update_layout(
        height=SURFACE_HEIGHT, hovermode="closest", showlegend=False, margin={"t": 44, "l": 0, "b": 0}, scene=scene
    )
    return Chart(
        figure, f"Surface, {found.title}: {rises(found)[place]}. All surfaces share one scale.", caption=found.about
    )


def scale_bar(found: Landscape, theme: str) -> Mapping[str, object]:
    return colour_bar(MEASURES[found.measure][1], theme) | scale_ticks(found)


def scale_ticks(found: Landscape) -> dict[str, object]:
    if not found.is_log:
        return {}
    ticks = powers_between(*found.shades)
    return {"tickvals": ticks, "ticktext": [power(tick) for tick in ticks]}
