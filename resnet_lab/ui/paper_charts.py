"""The figures of the papers again: errors and losses over depth, and responses by layer, each budget in its own."""

from collections.abc import Mapping

import plotly.graph_objects as go

from resnet_lab.histories import Histories
from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.cells import Cell, Place
from resnet_lab.papers.measures import MEASURES
from resnet_lab.papers.paper_tables import PAPER, Table
from resnet_lab.probe_curves import of_responses
from resnet_lab.series import seeds_together
from resnet_lab.ui.board import Chart
from resnet_lab.ui.palette import ACCENT, BRANCH, PATH, SURFACE, Colour
from resnet_lab.ui.run_charts import responses_chart, responses_sentence
from resnet_lab.ui.run_styles import styles
from resnet_lab.ui.traces import run_figure

COLOURS = {"Plain": BRANCH, "Residual": PATH, "Original": PATH, "Full pre-activation": ACCENT}
PUBLISHED = "published"
Points = dict[int, float]  # by depth


def depth_charts(table: Table, cells: Mapping[Place, Cell], theme: str) -> dict[str, Chart]:
    """One a budget: that of the paper always, with the paper's points; the others where there is a number."""
    charts = {}
    for budget in reversed(table.budgets):
        ours = points(table, cells, budget)
        if is_papers(budget) or ours:
            charts[budget] = depth_chart(table, budget, ours, theme)
    return charts


def is_papers(budget: str) -> bool:
    return BUDGETS[budget].recipe == PAPER


def points(table: Table, cells: Mapping[Place, Cell], budget: str) -> dict[str, dict[int, Cell]]:
    """By group and depth."""
    found: dict[str, dict[int, Cell]] = {}
    for (number, its_budget), cell in cells.items():
        if its_budget == budget and cell.spread:
            found.setdefault(table.rows[number].group, {})[cell.config.model.depth] = cell
    return found


def depth_chart(table: Table, budget: str, ours: Mapping[str, Mapping[int, Cell]], theme: str) -> Chart:
    measure = MEASURES[table.measure_of(budget)]
    setting = f"{BUDGETS[budget].recipe} setting" if is_papers(budget) else BUDGETS[budget].recipe
    title = f"{measure.words.capitalize()} by depth, {setting}"
    theirs = published(table) if is_papers(budget) else {}
    figure = run_figure(title, measure.axis, "depth", len(theirs) + len(ours), theme, log_x=True)
    for group, values in theirs.items():
        add_published(figure, f"{group}, {PUBLISHED}", values, COLOURS[group], theme)
    for group, of_depth in ours.items():
        add_measured(figure, f"{group}, trained by this lab", of_depth, COLOURS[group], theme)
    depths = sorted({depth for values in [*theirs.values(), *ours.values()] for depth in values})
    figure.update_xaxes(tickvals=depths, ticktext=[str(depth) for depth in depths])
    figure.update_yaxes(rangemode="tozero")
    words = [told(f"{group}, {PUBLISHED}", values) for group, values in theirs.items()]
    words += [told(group, {depth: mean(cell) for depth, cell in of_depth.items()}) for group, of_depth in ours.items()]
    caption = f"Hollow: {table.source}. Filled: measured by this lab." if theirs else f"{BUDGETS[budget].words}."
    return Chart(figure, f"{title}: {'; '.join(words)}.", caption=caption)


def published(table: Table) -> dict[str, Points]:
    """Those of nets that this lab has; a depth with units of one layer would stand at the same place as with two."""
    found: dict[str, Points] = {}
    for row in table.rows:
        if row.model and row.value is not None:
            found.setdefault(row.group, {})[row.model.depth] = row.value
    return found


def mean(cell: Cell) -> float:
    assert cell.spread
    return cell.spread.mean


def num_values(cell: Cell) -> int:
    assert cell.spread
    return len(cell.spread.values)


def told(label: str, values: Mapping[int, float]) -> str:
    return f"{label}: " + ", ".join(f"{value:.2f} at {depth} layers" for depth, value in sorted(values.items()))


def add_published(figure: go.Figure, name: str, values: Points, colour: Colour, theme: str) -> None:
    """Hollow and dashed: theirs."""
    depths = sorted(values)
    figure.add_scatter(
        x=depths,
        y=[values[depth] for depth in depths],
        name=name,
        mode="lines+markers",
        line={"color": colour.of(theme), "dash": "dot", "width": 1.5},
        marker={"color": SURFACE.of(theme), "size": 9, "line": {"color": colour.of(theme), "width": 1.5}},
        hovertemplate="%{fullData.name}: %{y:.2f}<extra></extra>",
    )


def add_measured(figure: go.Figure, name: str, cells: Mapping[int, Cell], colour: Colour, theme: str) -> None:
    """With the interval of each mean, where there are several seeds."""
    depths = sorted(cells)
    halves = [cells[depth].half for depth in depths]
    figure.add_scatter(
        x=depths,
        y=[mean(cells[depth]) for depth in depths],
        name=name,
        mode="lines+markers",
        line={"color": colour.of(theme), "width": 2},
        marker={"color": colour.of(theme), "size": 9},
        error_y={"type": "data", "array": halves, "thickness": 1.5, "width": 4, "color": colour.of(theme)},
        customdata=[num_values(cells[depth]) for depth in depths],
        hovertemplate="%{fullData.name}: %{y:.3~f}, n = %{customdata}<extra></extra>",
    )


def response_charts(table: Table, cells: Mapping[Place, Cell], histories: Histories, theme: str) -> dict[str, Chart]:
    """Of each budget that has runs, in the order of the layers and by size, as Figure 7 has both."""
    charts = {}
    for budget in reversed(table.budgets):
        runs = [result.run for (_, its), cell in cells.items() if its == budget for result in cell.results]
        if not runs:
            continue
        series, probes = seeds_together(runs), histories.last_probes([run.id for run in runs])
        for by_size in (False, True):
            order = "the largest first" if by_size else "in order"
            title = f"Response of each layer, {order}, {BUDGETS[budget].recipe}"
            found = of_responses(series, probes, by_size)
            figure = responses_chart(title, found, styles(runs, "run"), theme, by_size)
            caption = f"{BUDGETS[budget].words}."
            charts[f"{budget}_{order}"] = Chart(figure, responses_sentence(title, found, by_size), caption=caption)
    return charts
