"""The block's diagram as SVG: the path on the left, the gate between, the branch on the right."""

from dataclasses import dataclass
from html import escape

from resnet_lab.pictures import Item, Picture
from resnet_lab.ui.canvas import Canvas, Scale
from resnet_lab.ui.palette import BRANCH, BRANCH_TINT, INK, PATH, PATH_TINT, SURFACE

LARGE = Scale(row=45, box_width=140, box_height=31, lane_gap=160, font=14, line=2.4, has_details=True)
EMBLEM = Scale(row=16, box_width=37, box_height=12.5, lane_gap=42, font=9, line=1.5, has_details=False)

TRUNK = (INK, SURFACE)
ON_PATH = (PATH, PATH_TINT)
ON_BRANCH = (BRANCH, BRANCH_TINT)


@dataclass(frozen=True)
class Layout:
    """Where the lanes stand and how many rows they need."""

    scale: Scale
    picture: Picture

    @property
    def has_path(self) -> bool:
        return self.picture.has_sum or self.picture.sum_mark == "gone"

    @property
    def margin(self) -> float:
        return self.scale.box_width / 2 + self.scale.row * 0.5

    @property
    def path_x(self) -> float:
        return self.margin

    @property
    def gate_x(self) -> float:
        return self.path_x + self.scale.lane_gap

    @property
    def branch_x(self) -> float:
        return self.path_x + self.scale.lane_gap * (2 if self.picture.gate else 1 if self.has_path else 0)

    @property
    def main_x(self) -> float:
        return self.path_x if self.has_path else self.branch_x

    @property
    def trunk(self) -> tuple[Item, ...]:
        return self.picture.pre if self.picture.starts_preactivated else ()

    @property
    def branch(self) -> tuple[Item, ...]:
        return self.picture.branch if self.picture.starts_preactivated else self.picture.pre + self.picture.branch

    @property
    def num_rows(self) -> int:
        """The last row is left to multiplications where there is a gate."""
        gate = len(self.picture.gate) + 1 if self.picture.gate else 0
        return max(len(self.branch), len(self.picture.match) + max(len(self.picture.path), gate))

    @property
    def fork_y(self) -> float:
        return self.scale.row * (0.85 + len(self.trunk))

    @property
    def sum_y(self) -> float:
        return self.row_y(self.num_rows) - self.scale.row * 0.1

    @property
    def gate_y(self) -> float:
        """The gate looks at the signal whose shape has been matched."""
        num_match = len(self.picture.match)
        return self.row_y(num_match - 1) + self.scale.row * 0.5 if num_match else self.fork_y

    @property
    def size(self) -> tuple[float, float]:
        after = len(self.picture.after) + (1.05 if self.has_path else 0.45)
        return self.branch_x + self.margin, self.sum_y + self.scale.row * after

    def row_y(self, row: int) -> float:
        return self.fork_y + self.scale.row * (row + 0.75)

    def rows(self, items: tuple[Item, ...], lane: str) -> list[float]:
        """Multiplications at the end stand in the last row; the shortcut's other boxes in the middle."""
        num_last = 1 if items and items[-1].is_factor else 0
        room, count = self.num_rows - num_last, len(items) - num_last
        middle = max(len(self.picture.match), (room - count) // 2)
        first = {"path": middle, "gate": room - count - 1}.get(lane, 0)
        rows = [*range(first, first + count), *[self.num_rows - 1] * num_last]
        return [self.row_y(row) for row in rows]


def draw(picture: Picture, title: str, scale: Scale = LARGE) -> str:
    """An SVG that follows the theme by itself."""
    layout, canvas = Layout(scale, picture), Canvas(scale)
    draw_trunk(layout, canvas)
    if layout.has_path:
        draw_path(layout, canvas)
    if picture.gate:
        draw_gate(layout, canvas)
    draw_branch(layout, canvas)
    draw_end(layout, canvas)
    width, height = layout.size
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(f"{title}. {picture.words}")}" class="block-diagram" '
        f'style="max-width:100%;height:auto;overflow:visible;font-family:inherit">{canvas.svg}</svg>'
    )


def draw_trunk(layout: Layout, canvas: Canvas) -> None:
    x, top = layout.main_x, layout.scale.row * 0.42
    canvas.text(x, top - layout.scale.row * 0.1, "x", INK, style="font-style:italic")
    canvas.line([(x, top), (x, layout.fork_y)], INK)
    for i, item in enumerate(layout.trunk):
        canvas.box(x, layout.scale.row * (i + 0.95), item, TRUNK)


def draw_path(layout: Layout, canvas: Canvas) -> None:
    x, end, mark = layout.path_x, layout.sum_y, layout.picture.sum_mark
    canvas.line([(x, layout.fork_y), (x, end)], PATH, mark)
    canvas.arrow(x, end - canvas.radius, PATH, mark=mark)
    for lane in ("match", "path"):
        items: tuple[Item, ...] = getattr(layout.picture, lane)
        for item, y in zip(items, layout.rows(items, lane), strict=True):
            canvas.item(x, y, item, ON_PATH, label_side=-1)


def draw_gate(layout: Layout, canvas: Canvas) -> None:
    """From x through the gate's boxes, then sideways to the multiplications."""
    x, last = layout.gate_x, layout.row_y(layout.num_rows - 1)
    mark = "new" if all(item.mark == "new" for item in layout.picture.gate) else ""
    mark = "gone" if all(item.mark == "gone" for item in layout.picture.gate) else mark
    canvas.line([(layout.path_x, layout.gate_y), (x, layout.gate_y), (x, last)], PATH, mark)
    for item, y in zip(layout.picture.gate, layout.rows(layout.picture.gate, "gate"), strict=True):
        canvas.box(x, y, item, ON_PATH)
    targets = ((layout.path_x, layout.picture.path, -1), (layout.branch_x, layout.branch, 1))
    for target, items, side in targets:
        if any(item.kind == "gate" for item in items):
            canvas.line([(x, last), (target, last)], PATH, mark)
            canvas.arrow(target - side * canvas.radius, last, PATH, (side, 0), mark)


def draw_branch(layout: Layout, canvas: Canvas) -> None:
    x, start, end = layout.branch_x, layout.fork_y, layout.sum_y
    if layout.picture.has_sum:
        canvas.line([(layout.path_x, start), (x, start), (x, end), (layout.path_x, end)], BRANCH)
        canvas.arrow(layout.path_x + canvas.radius, end, BRANCH, (-1, 0))
    elif layout.has_path:
        canvas.line([(layout.path_x, start), (x, start), (x, end), (layout.path_x, end)], BRANCH)
    else:
        canvas.line([(x, start), (x, end)], BRANCH)
    for item, y in zip(layout.branch, layout.rows(layout.branch, "branch"), strict=True):
        canvas.item(x, y, item, ON_BRANCH, label_side=1)


def draw_end(layout: Layout, canvas: Canvas) -> None:
    x, y, after = layout.main_x, layout.sum_y, layout.picture.after
    step, bottom = layout.scale.row, layout.size[1]
    canvas.line([(x, y), (x, bottom - step * 0.36)], INK)
    canvas.arrow(x, bottom - step * 0.32, INK)
    canvas.text(x, bottom - step * 0.04, "y", INK, style="font-style:italic")
    if layout.has_path:
        canvas.circle(x, y, "+", INK, layout.picture.sum_mark)
    first = y + step * (0.85 if layout.has_path else 0.2)
    for i, item in enumerate(after):
        canvas.box(x, first + i * step, item, TRUNK)
