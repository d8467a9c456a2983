"""Maps drawn over the picture that they explain: signed, on a scale that is the same on both sides of 0."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from textwrap import wrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import FONT, Measure, as_text, faded, layout, number
from resnet_lab.ui.palette import ACCENT, FAINT, INK, LOWERS, RAISES, SURFACE, Colour

SIDE = 32
COVERED = 0.99  # the share of the pixels whose values the colours tell apart; the rest is as strong as the strongest
DEPTHS = ((0.0, 0.0), (0.1, 0.2), (0.3, 0.55), (0.6, 0.8), (1.0, 0.95))  # (share of the scale, opacity)
GAP, HEAD = 4, 6  # pixels of a picture between two tiles, and above each for its words
UNDER = {"grey": "The picture in grey", "colour": "The picture in colour", "nothing": "Nothing"}
FADED = {"grey": 0.55, "colour": 0.0, "nothing": 1.0}  # how much of the page shines through the picture
GREY = np.array([0.299, 0.587, 0.114])


Span = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """Where the parts of a chart are, in shares of it."""

    height: int  # pixels
    line: int  # letters of the title
    map: tuple[Span, Span]
    colours: tuple[float, float]  # the middle, and the upper edge
    answers: tuple[Span, Span]


# fmt: off
PLACES = {
    "below":  Place(470, 42, map=((0.0, 1.0), (0.32, 1.0)), colours=(0.5, 0.29), answers=((0.3, 1.0), (0.0, 0.15))),
    "alone":  Place(380, 42, map=((0.0, 1.0), (0.12, 1.0)), colours=(0.5, 0.09), answers=((0.0, 0.0), (0.0, 0.0))),
    "beside": Place(400, 56, map=((0.0, 0.6), (0.12, 1.0)), colours=(0.3, 0.09), answers=((0.74, 1.0), (0.4, 0.75))),
    "wide":   Place(400, 90, map=((0.0, 0.36), (0.12, 1.0)), colours=(0.18, 0.09), answers=((0.5, 0.8), (0.4, 0.75))),
}
# fmt: on


@dataclass(frozen=True)
class Scale:
    """Colours from -limit to limit."""

    limit: float
    is_clipped: bool = False  # some values lie beyond it

    def words(self, unit: str) -> str:
        """Where colours are full."""
        return (
            f"full colour {'from' if self.is_clipped else 'at'} ±{number(self.limit)} {unit}{' on' * self.is_clipped}"
        )


@dataclass(frozen=True)
class Answer:
    """A class and the net's probability for it."""

    name: str
    probability: float
    is_true: bool = False


@dataclass(frozen=True)
class Look:
    """How maps are laid over their picture."""

    theme: str
    under: str = "grey"
    opacity: float = 1.0
    unit: str = "logits"


def scale_of(maps: np.ndarray) -> Scale:
    """One for all these maps: no single pixel pales the others."""
    sizes = np.abs(maps[np.isfinite(maps)])
    largest = float(sizes.max(initial=0.0))
    covered = float(np.quantile(sizes, COVERED)) if largest else 0.0
    return Scale(covered, is_clipped=covered < largest) if covered else Scale(largest or 1.0)


def film_scale(maps: np.ndarray) -> Scale:
    """The one in the middle of those of the frames: before it is trained a net may have maps many times as strong."""
    limit = float(np.median([scale_of(each).limit for each in maps]))
    return Scale(limit, is_clipped=bool(np.abs(maps).max() > limit))


def ranks(values: np.ndarray) -> np.ndarray:
    """1 for the value farthest from 0; equal ones share the smaller number."""
    sizes = np.abs(values)
    return values.size + 1 - np.searchsorted(np.sort(sizes, axis=None), sizes, side="right")


def signed(theme: str) -> list[tuple[float, str]]:
    """Against, transparent at 0, for."""
    sides: list[tuple[int, Colour]] = [(-1, LOWERS), (1, RAISES)]
    stops = {0.5 + sign * at / 2: faded(colour.of(theme), depth) for sign, colour in sides for at, depth in DEPTHS}
    return sorted(stops.items())


def underlay(pixels: np.ndarray, look: Look) -> np.ndarray:
    """(3, H, W) -> (H, W, 3), so pale that colours can be seen on it."""
    image = pixels.transpose(1, 2, 0).astype(float)
    if look.under == "grey":
        image = np.repeat((image @ GREY)[..., None], 3, axis=2)
    page, share = rgb(SURFACE.of(look.theme)), FADED[look.under]
    return ((1 - share) * image + share * page).round().astype(np.uint8)


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])


# ---- one map


def map_chart(
    title: str,
    values: np.ndarray,
    pixels: np.ndarray,
    scale: Scale,
    look: Look,
    answers: Sequence[Answer] = (),
    place: str = "below",
    caption: str = "",
) -> Chart:
    """A map (32, 32) over its picture (3, 32, 32), and what the net answers."""
    spot = PLACES[place]
    figure = go.Figure(layout=bare(title, spot.height, look.theme, spot.line))
    add_picture(figure, underlay(pixels, look))
    add_map(figure, values, scale, look, customdata=ranks(values), hovertemplate=hover(look.unit, values.size))
    figure.data[-1].update(showscale=True, colorbar=colours(scale, spot.colours, look.theme))
    square(figure, *spot.map)
    if answers:
        add_answers(figure, answers, spot.answers, look.theme)
    return Chart(figure, f"{title}: {described(values, look.unit)}{told(answers)}.", caption=caption)


def bare(title: str, height: int, theme: str, line: int = 90) -> go.Layout:
    """Without axes; a long title takes more than one line."""
    made, lines = layout(Measure("", "", INK), theme), wrap(title, line)
    more = 18 * (len(lines) - 1)
    made.update(height=height + more, hovermode="closest", showlegend=False)
    made.update(margin={"l": 8, "r": 8, "t": 36 + more, "b": 8})
    made.update(hoverlabel={"font": {"color": INK.of(theme)}})  # else it has the colour of the label's border
    text = "<br>".join(map(as_text, lines))
    made.update(title={"text": text, "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 10}})
    return made


def add_picture(figure: go.Figure, image: np.ndarray) -> None:
    """As a file in the address: as numbers it would be many times as long."""
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    source = f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"
    figure.add_image(source=source, hoverinfo="skip", name="picture")


def add_map(figure: go.Figure, values: np.ndarray, scale: Scale, look: Look, **told: Any) -> None:
    figure.add_heatmap(
        z=values,
        zmin=-scale.limit,
        zmax=scale.limit,
        colorscale=signed(look.theme),
        opacity=look.opacity,
        showscale=False,
        hoverongaps=False,
        name="map",
        **told,
    )


def hover(unit: str, num_pixels: int) -> str:
    return (
        f"column %{{x}}, row %{{y}}<br><b>%{{z:+.3~g}}</b> {unit}<br>rank %{{customdata:,}} of {num_pixels:,} by size"
        "<extra></extra>"
    )


def square(figure: go.Figure, across: Span, up: Span) -> None:
    figure.update_xaxes(visible=False, showspikes=False, domain=across, constrain="domain")
    figure.update_yaxes(visible=False, domain=up, constrain="domain", constraintoward="top")
    figure.update_yaxes(autorange="reversed", scaleanchor="x")


def colours(scale: Scale, centre: Span, theme: str) -> dict[str, Any]:
    """A strip below the map."""
    end, edge = number(scale.limit), ("≤ −", "≥ +") if scale.is_clipped else ("−", "+")
    return {
        "orientation": "h",
        "x": centre[0],
        "y": centre[1],
        "yanchor": "top",
        "ypad": 0,
        "lenmode": "pixels",
        "len": 220,
        "thickness": 8,
        "outlinewidth": 0,
        "tickvals": [-0.97 * scale.limit, 0, 0.97 * scale.limit],
        "ticktext": [edge[0] + end, "0", edge[1] + end],
        "tickfont": {"color": FAINT.of(theme), "size": 11},
        "ticklabeloverflow": "allow",
    }


def add_answers(figure: go.Figure, answers: Sequence[Answer], place: tuple[Span, Span], theme: str) -> None:
    figure.add_bar(
        x=[answer.probability for answer in answers],
        y=[as_text(answer.name) for answer in answers],
        text=[f"{answer.probability:.1%}" for answer in answers],
        name="answers",
        orientation="h",
        textposition="outside",
        cliponaxis=False,
        marker={"color": [(ACCENT if answer.is_true else FAINT).of(theme) for answer in answers]},
        hovertemplate="%{y} %{text}<extra></extra>",
        xaxis="x2",
        yaxis="y2",
    )
    quiet = {"showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_layout(
        xaxis2={"domain": place[0], "range": [0, 1.3], "visible": False, "anchor": "y2", **quiet},
        yaxis2={"domain": place[1], "autorange": "reversed", "anchor": "x2", "showline": False, **quiet},
        bargap=0.35,
    )
    figure.update_layout(yaxis2={"tickfont": {"color": INK.of(theme), "size": 12, "family": FONT}})


def described(values: np.ndarray, unit: str) -> str:
    """Where the strongest pixel is, and how much speaks for and against."""
    row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
    up, down = number(float(values.clip(min=0).sum())), number(float(values.clip(max=0).sum()))
    return f"the strongest pixel is in row {row}, column {column}; +{up} and {down} {unit} in all"


def told(answers: Sequence[Answer]) -> str:
    listed = ", ".join(f"{answer.name} {answer.probability:.1%}" for answer in answers)
    return f". The net says {listed}" if listed else ""


# ---- many small ones


def tiles_chart(
    title: str,
    words: Sequence[str],
    maps: np.ndarray,
    pixels: np.ndarray,
    scale: Scale | None,
    look: Look,
    columns: int = 8,
    alt: str = "",
    caption: str = "",
) -> Chart:
    """Maps (N, 32, 32) of one picture in rows, each below its words; without a scale, each on its own."""
    columns = min(columns, len(maps))
    num_rows = -(-len(maps) // columns)
    figure = go.Figure(layout=bare(title, 44 + 160 * num_rows, look.theme))
    page = rgb(SURFACE.of(look.theme))
    add_picture(figure, tiled([underlay(pixels, look)] * len(maps), columns, page).astype(np.uint8))
    limits = [scale.limit if scale else scale_of(each).limit for each in maps]
    shown = tiled([(each / limit).round(3) for each, limit in zip(maps, limits, strict=True)], columns, np.nan)
    add_map(figure, shown, Scale(1.0), look, hovertemplate="%{z:+.2f} of the colours' end<extra></extra>")
    square(figure, (0, 1), (0, 1))
    for place, text in enumerate(words):
        top, left = corner(place, columns)
        font = {"size": 11, "color": FAINT.of(look.theme)}
        above = {"xanchor": "left", "yanchor": "bottom", "borderpad": 0, "font": font}
        figure.add_annotation(text=as_text(text), showarrow=False, x=left - 0.5, y=top - 0.5, **above)
    return Chart(figure, alt or f"{title}: {', '.join(words)}.", wide=True, caption=caption)


def corner(place: int, columns: int) -> tuple[int, int]:
    """(top, left) of a tile"""
    row, column = divmod(place, columns)
    return row * (SIDE + HEAD) + HEAD, column * (SIDE + GAP)


def tiled(tiles: Sequence[np.ndarray], columns: int, fill: Any) -> np.ndarray:
    """(32, 32, ...) each -> one array with a head above each tile and a gap beside it."""
    num_rows = -(-len(tiles) // columns)
    whole = np.empty((num_rows * (SIDE + HEAD), columns * (SIDE + GAP) - GAP, *tiles[0].shape[2:]))
    whole[...] = fill
    for place, tile in enumerate(tiles):
        top, left = corner(place, columns)
        whole[top : top + SIDE, left : left + SIDE] = tile
    return whole
