"""The living picture of the Home page: measured curves as a small SVG that grows once, in the theme's colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from resnet_lab.curves import Curve
from resnet_lab.ui.palette import FAINT, GRID, INK, Colour

WIDTH, HEIGHT = 620.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 606.0, 30.0, 262.0
TICKS = (2, 5, 6, 7, 8, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90)  # percent
ROOM = 22  # between two of them
FONT = 13


@dataclass(frozen=True)
class Scale:
    """Steps from left to right, errors on a logarithmic axis, so that the ends of the curves can be told apart."""

    last: float
    low: float
    high: float

    def x(self, step: float) -> float:
        return LEFT + (RIGHT - LEFT) * step / self.last

    def y(self, error: float) -> float:
        share = math.log(error / self.low) / math.log(self.high / self.low)
        return BOTTOM - (BOTTOM - TOP) * share


def living_picture(curves: Sequence[Curve], colours: Sequence[Colour], title: str, axis: str, alt: str) -> str:
    """`alt` says it all to those who do not see it."""
    scale = fitting(curves)
    drawn = "".join(line(curve, colour, scale) for curve, colour in zip(curves, colours, strict=True))
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(alt)}" class="living-picture" '
        f'style="width:100%;height:auto;font-family:inherit">{axes(scale, title, axis)}'
        f'<g class="living-curves">{drawn}</g></svg>'
    )


def fitting(curves: Sequence[Curve]) -> Scale:
    values = np.concatenate([above_zero(curve)[1] for curve in curves])
    last = max(float(curve.x[-1]) for curve in curves)
    return Scale(last, float(values.min()) * 0.9, float(values.max()) * 1.1)


def above_zero(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    is_drawable = np.isfinite(curve.y) & (curve.y > 0)
    return curve.x[is_drawable], curve.y[is_drawable]


def axes(scale: Scale, title: str, axis: str) -> str:
    grid = "".join(
        f'<path d="M{LEFT:g} {scale.y(tick):.1f} H{RIGHT:g}" style="stroke:{GRID.css};stroke-width:1"/>'
        f"{text(LEFT - 7, scale.y(tick) + 4, str(tick), FAINT, 'end')}"
        for tick in ticks(scale)
    )
    return (
        f"{grid}{text(0, 14, title, INK, weight=600)}"
        f"{text(LEFT, BOTTOM + 22, '0', FAINT)}"
        f"{text(RIGHT, BOTTOM + 22, f'{axis} {scale.last:,.0f}', FAINT, 'end')}"
    )


def ticks(scale: Scale) -> list[int]:
    """From the lowest up, none too near to the one before."""
    found: list[int] = []
    for tick in TICKS:
        if scale.low <= tick <= scale.high and (not found or scale.y(found[-1]) - scale.y(tick) >= ROOM):
            found.append(tick)
    return found


def line(curve: Curve, colour: Colour, scale: Scale) -> str:
    points = [(scale.x(x), scale.y(y)) for x, y in zip(*above_zero(curve), strict=True)]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<path d="{path}" style="fill:none;stroke:{colour.css};stroke-width:2.6;stroke-linejoin:round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" style="fill:{colour.css}"/>'
    )


def text(x: float, y: float, words: str, colour: Colour, anchor: str = "start", weight: int = 400) -> str:
    style = f"fill:{colour.css};font-size:{FONT}px;font-weight:{weight};font-variant-numeric:tabular-nums"
    return f'<text x="{x:g}" y="{y:.1f}" text-anchor="{anchor}" style="{style}">{escape(words)}</text>'
