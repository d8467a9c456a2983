"""Lines, boxes and circles of a diagram, in the colours of the palette."""

from dataclasses import dataclass, field
from html import escape

from resnet_lab.pictures import Item
from resnet_lab.ui.palette import ACCENT, ACCENT_TINT, FAINT, INK, SURFACE, Colour


@dataclass(frozen=True)
class Scale:
    """Sizes of a drawing: large on Build, an emblem on cards and in tables."""

    row: float
    box_width: float
    box_height: float
    lane_gap: float
    font: float
    line: float
    has_details: bool


@dataclass
class Canvas:
    """Collects shapes; boxes lie over lines."""

    scale: Scale
    lines: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)

    @property
    def svg(self) -> str:
        return "".join([*self.lines, *self.boxes])

    @property
    def radius(self) -> float:
        return self.scale.box_height * 0.42

    def item(self, x: float, y: float, item: Item, colours: tuple[Colour, Colour], label_side: int) -> None:
        if item.is_factor:
            self.times(x, y, item, colours[0], label_side)
        else:
            self.box(x, y, item, colours)

    def line(self, points: list[tuple[float, float]], colour: Colour, mark: str = "") -> None:
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        style = f"fill:none;stroke-width:{self.scale.line};{self.stroke(colour, mark)}"
        self.lines.append(f'<path d="{path}" style="{style}"/>')

    def arrow(self, x: float, y: float, colour: Colour, direction: tuple[int, int] = (0, 1), mark: str = "") -> None:
        """A head whose tip is at x, y."""
        size, (dx, dy) = self.scale.line * 3.2, direction
        back_x, back_y, side = x - size * dx, y - size * dy, size * 0.5
        corners = [(x, y), (back_x - side * dy, back_y - side * dx), (back_x + side * dy, back_y + side * dx)]
        points = " ".join(f"{a:g},{b:g}" for a, b in corners)
        self.boxes.append(f'<polygon points="{points}" style="fill:{(ACCENT if mark else colour).css}"/>')

    def box(self, x: float, y: float, item: Item, colours: tuple[Colour, Colour]) -> None:
        width, height = self.scale.box_width, self.scale.box_height
        fill = ACCENT_TINT if item.mark == "new" else colours[1] if item.kind == "conv" else SURFACE
        style = f"fill:{fill.css};stroke-width:{self.scale.line * 0.7:g};{self.stroke(colours[0], item.mark)}"
        self.boxes.append(
            f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}" '
            f'rx="{height * 0.22:g}" style="{style}"/>'
        )
        self.label(x, y, self.words(item), item.mark)

    def words(self, item: Item) -> str:
        if self.scale.has_details or item.is_factor:
            return item.text if self.scale.has_details else item.label
        return item.label.split()[0]

    def times(self, x: float, y: float, item: Item, colour: Colour, side: int) -> None:
        """A circle, and beside it the factor."""
        self.circle(x, y, "×", colour, item.mark)
        anchor = "end" if side < 0 else "start"
        self.label(x + side * self.radius * 1.5, y, self.words(item).removeprefix("× "), item.mark, anchor)

    def circle(self, x: float, y: float, sign: str, colour: Colour, mark: str = "") -> None:
        fill = ACCENT_TINT if mark == "new" else SURFACE
        style = f"fill:{fill.css};stroke-width:{self.scale.line * 0.8:g};{self.stroke(colour, mark)}"
        self.boxes.append(f'<circle cx="{x:g}" cy="{y:g}" r="{self.radius:g}" style="{style}"/>')
        self.text(x, y + self.scale.font * 0.36, sign, FAINT if mark == "gone" else INK, "font-weight:600")

    def label(self, x: float, y: float, words: str, mark: str, anchor: str = "middle") -> None:
        style = "text-decoration:line-through" if mark == "gone" else ""
        self.text(x, y + self.scale.font * 0.35, words, FAINT if mark == "gone" else INK, style, anchor)

    def text(self, x: float, y: float, words: str, colour: Colour, style: str = "", anchor: str = "middle") -> None:
        full = f"fill:{colour.css};font-size:{self.scale.font:g}px;{style}"
        self.boxes.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" style="{full}">{escape(words)}</text>')

    def stroke(self, colour: Colour, mark: str) -> str:
        if mark == "new":
            return f"stroke:{ACCENT.css}"
        if mark == "gone":
            return f"stroke:{ACCENT.css};stroke-dasharray:{self.scale.line * 2:g} {self.scale.line * 1.6:g}"
        return f"stroke:{colour.css}"
