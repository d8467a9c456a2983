"""A net as a row of its units, each of which can be clicked: the shortcut above, the branch below it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from resnet_lab.blocks import UnitShape
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import unit_shapes
from resnet_lab.ui.clickable import show_clickable
from resnet_lab.ui.look_edits import DONE, Edits
from resnet_lab.ui.palette import ACCENT, ACCENT_TINT, BRANCH, BRANCH_TINT, FAINT, GRID, INK, PATH, SURFACE

WIDTH, HEIGHT = 44, 60  # of a unit, in pixels
PATH_Y, BRANCH_Y = 15, 43
VERBS = {"delete": "delete", "bypass": "bypass", "scale": "scale", "swap": "swap", "shuffle": "shuffle its stage"}
STYLE = f"""
.net-drawings {{ display: grid; gap: 1.1rem 2rem; }}
.net-drawings {{ grid-template-columns: repeat(auto-fit, minmax(min(540px, 100%), 1fr)); }}
.net-drawing h4 {{ margin: 0 0 0.3rem; padding: 0; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }}
.net-drawing p {{ margin: 0.25rem 0 0; min-height: 1.6em; font-variant-numeric: tabular-nums; }}
.button-row {{ display: flex; flex-wrap: wrap; row-gap: 0.4rem; align-items: flex-end; }}
.net-stage {{ position: relative; display: flex; flex-wrap: wrap; padding-top: 1.15rem; }}
.net-stage > span {{ position: absolute; top: 0; left: 4px; font-size: 0.75rem; white-space: nowrap; }}
.net-stage > span {{ color: {FAINT.css}; }}
.net-stage > span.changed {{ color: {ACCENT.css}; font-weight: 600; }}
.net-stage + .net-stage {{ box-shadow: -1px 0 {GRID.css}; }}
.net-drawing svg {{ display: block; }}
.net-drawing svg text {{ font-family: inherit; font-variant-numeric: tabular-nums; }}
.net-drawing button {{
  margin: 0; padding: 0; border: none; border-radius: 0.35rem; background: none; color: inherit; font: inherit;
  cursor: pointer;
}}
.net-drawing button:hover {{ background: {ACCENT_TINT.css}; }}
.net-drawing button:focus-visible {{ outline: 2px solid {ACCENT.css}; outline-offset: -2px; }}
.net-drawing button.picked {{ background: {ACCENT_TINT.css}; box-shadow: inset 0 0 0 1.5px {ACCENT.css}; }}
"""


@dataclass(frozen=True)
class Net:
    """What is drawn of it."""

    id: str
    title: str
    shapes: tuple[UnitShape, ...]
    has_path: bool

    @property
    def stages(self) -> list[int]:
        """Of each unit, from 0."""
        return [shape.stage for shape in self.shapes]


@dataclass(frozen=True)
class Click:
    """What the next click does; `picked` is the first unit of a swap."""

    does: str
    picked: int | None = None
    percent: int = 100


def net_of(net_id: str, title: str, model: ModelConfig) -> Net:
    return Net(net_id, title, tuple(unit_shapes(model)), not model.block.is_plain)


def drawings(nets: Sequence[Net], edits: Edits, click: Click, notes: Sequence[str]) -> str:
    """All nets below each other, below each its note."""
    parts = [
        f'<section class="net-drawing" aria-label="{escape(net.title)}"><h4>{escape(net.title)}</h4>'
        f'{row(net, edits.within(net.shapes), click)}<p aria-live="polite">{escape(note)}</p></section>'
        for net, note in zip(nets, notes, strict=True)
    ]
    return f'<div class="net-drawings">{"".join(parts)}</div>'


def row(net: Net, edits: Edits, click: Click) -> str:
    groups = []
    for stage, channels in {shape.stage: shape.channels for shape in net.shapes}.items():
        units = [unit for unit, its_stage in enumerate(net.stages, start=1) if its_stage == stage]
        is_shuffled = stage + 1 in edits.shuffled
        words = f"stage {stage + 1}, shuffled" if is_shuffled else f"stage {stage + 1}, {channels} channels"
        words = words if len(units) > 2 or is_shuffled else f"stage {stage + 1}"
        changed = ' class="changed"' if is_shuffled else ""
        buttons = "".join(unit_button(net, unit, edits, click) for unit in units)
        groups.append(f'<div class="net-stage"><span{changed}>{words}</span>{buttons}</div>')
    return f'<div class="button-row">{end("stem", "x")}{"".join(groups)}{end("head", "y")}</div>'


def unit_button(net: Net, unit: int, edits: Edits, click: Click) -> str:
    does, percent = edits.units.get(unit, ("", 0))
    name = f"Unit {unit}, stage {net.stages[unit - 1] + 1}: {action(net, unit, edits, click)}"
    state = condition(unit, edits)
    classes = ' class="picked"' if click.does == "swap" and click.picked == unit else ""
    return (
        f'<button type="button" data-net="{escape(net.id)}" data-unit="{unit}"{classes} '
        f'aria-pressed="{str(bool(state)).lower()}" aria-label="{name}" title="{escape(state or name)}">'
        f"{unit_svg(unit, net.has_path, does, percent, edits.partner(unit))}</button>"
    )


def action(net: Net, unit: int, edits: Edits, click: Click) -> str:
    """What a click on the unit does."""
    if click.does == "swap":
        if edits.partner(unit) is not None and click.picked is None:
            return "swap back"
        return "swap" if click.picked is None else f"swap with unit {click.picked}"
    if click.does == "shuffle":
        return "restore the order of its stage" if net.stages[unit - 1] + 1 in edits.shuffled else VERBS["shuffle"]
    wanted = (click.does, click.percent if click.does == "scale" else 0)
    if edits.units.get(unit) == wanted:
        return "restore"
    return f"scale by {click.percent / 100:g}" if click.does == "scale" else VERBS[click.does]


def condition(unit: int, edits: Edits) -> str:
    """What has been done to the unit; empty where nothing has."""
    does, percent = edits.units.get(unit, ("", 0))
    parts = [DONE[does].format(factor=percent / 100)] if does else []
    partner = edits.partner(unit)
    parts += [f"swapped with unit {partner}"] if partner else []
    return f"Unit {unit} is {' and '.join(parts)}" if parts else ""


# ---- one unit


def unit_svg(unit: int, has_path: bool, does: str, percent: int, partner: int | None) -> str:
    draw = with_path if has_path else without_path
    label = f"{unit} ⇄ {partner}" if partner else str(unit)
    colour = ACCENT if does or partner else FAINT
    number = text(WIDTH / 2, HEIGHT - 1, label, colour.css, size=9.5)
    return svg(WIDTH, HEIGHT, draw(does, percent) + number)


def with_path(does: str, percent: int) -> str:
    """The path straight on, the branch below it, the addition at its end."""
    left, right, top, low = 5, WIDTH - 6, PATH_Y, BRANCH_Y - 8
    faded = ' opacity="0.3" stroke-dasharray="2 2.5"' if does in ("delete", "bypass") else ""
    branch = (
        f'<g{faded}><path d="M{left} {top}V{low}H{right}V{top}" fill="none" stroke="{BRANCH.css}" stroke-width="1.6"/>'
        f"{box(WIDTH / 2, low, BRANCH.css, BRANCH_TINT.css)}</g>"
    )
    path = f'<path d="M0 {top}H{WIDTH}" stroke="{PATH.css}" stroke-width="2.2"/>'
    plus = (
        f'<circle cx="{right}" cy="{top}" r="4.5" fill="{SURFACE.css}" stroke="{INK.css}" stroke-width="1.2"/>'
        f'<path d="M{right - 2.5} {top}h5M{right} {top - 2.5}v5" stroke="{INK.css}" stroke-width="1.2"/>'
    )
    return path + branch + ("" if faded else plus) + mark(does, percent, WIDTH / 2, low)


def without_path(does: str, percent: int) -> str:
    """A plain net has nothing but its branches; what is taken out leaves a dashed line."""
    is_out = does in ("delete", "bypass")
    faded = ' opacity="0.3" stroke-dasharray="2 2.5"' if is_out else ""
    line = f'<path d="M0 {PATH_Y}H{WIDTH}" stroke="{BRANCH.css}" stroke-width="2.2"{faded}/>'
    whole = f"<g{faded}>{box(WIDTH / 2, PATH_Y, BRANCH.css, BRANCH_TINT.css)}</g>"
    return line + whole + mark(does, percent, WIDTH / 2, PATH_Y)


def mark(does: str, percent: int, x: float, y: float) -> str:
    """On the branch's box: a cross, an arc past it, a factor."""
    if does == "scale":
        return text(x, y + 3.4, f"×{percent / 100:g}", ACCENT.css, size=9.5, weight=700)
    shapes = {"delete": f"M{x - 6} {y - 6}l12 12m0-12l-12 12", "bypass": f"M{x - 13} {y}q13 -17 26 0"}
    if does not in shapes:
        return ""
    return f'<path d="{shapes[does]}" fill="none" stroke="{ACCENT.css}" stroke-width="2.2" stroke-linecap="round"/>'


def end(name: str, letter: str) -> str:
    """Where the signal comes from, and where it goes."""
    inner = (
        f'<path d="M0 {PATH_Y}H{WIDTH}" stroke="{INK.css}" stroke-width="1.6"/>'
        f"{box(WIDTH / 2, PATH_Y, INK.css, SURFACE.css, half_width=18)}"
        f"{text(WIDTH / 2, PATH_Y + 3.6, name, INK.css, size=10.5)}"
    )
    place = "input" if letter == "x" else "output"
    return f'<div class="net-end" title="{place}" aria-hidden="true">{svg(WIDTH, HEIGHT, inner)}</div>'


def box(x: float, y: float, line: str, fill: str, half_width: float = 12) -> str:
    return (
        f'<rect x="{x - half_width:g}" y="{y - 8:g}" width="{2 * half_width:g}" height="16" rx="3" fill="{fill}" '
        f'stroke="{line}" stroke-width="1.6"/>'
    )


def text(x: float, y: float, words: str, colour: str, size: float, weight: int = 400) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" text-anchor="middle" '
        f'fill="{colour}">{escape(words)}</text>'
    )


def svg(width: float, height: float, inner: str) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return f'<svg {size} aria-hidden="true">{inner}</svg>'


# ---- on the page


def show_drawings(html: str, key: str, on_click: Callable[[str, int], Any]) -> None:
    """`on_click` is told the net and the number of the unit."""

    def clicked(told: Mapping[str, str]) -> None:
        if told.get("unit", "").isdecimal():
            on_click(told.get("net", ""), int(told["unit"]))

    show_clickable("net_drawing", html, key, clicked, STYLE)
