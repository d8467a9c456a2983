"""The chart of what the claims' comparisons have found: each seed, the mean, the interval."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from resnet_lab.papers.measures import MEASURES
from resnet_lab.papers.statistics import FEWEST_FOR_INTERVAL
from resnet_lab.papers.verdicts import Comparison, Verdict
from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import Measure, as_text, layout
from resnet_lab.ui.claim_words import found_words, names
from resnet_lab.ui.palette import ACCENT, FAINT, INK

ROW, AROUND = 30, 130  # pixels
CAPTION = (
    "Right of 0, the first net of a pair has the higher value. Small: the difference of each seed. Large: their mean, "
    f"from {FEWEST_FOR_INTERVAL} seeds on with its bootstrap interval, nominally 95%. Verdicts are made by the t-test "
    "below."
)


@dataclass(frozen=True)
class Row:
    label: str
    comparison: Comparison


def claim_charts(verdicts: Iterable[Verdict], theme: str) -> dict[str, Chart]:
    """One for each measure that has a difference: they have different units."""
    found: dict[str, dict[str, Row]] = {}
    for one in (one for verdict in verdicts for one in verdict.comparisons if one.n):
        row = Row(label(one), one)
        found.setdefault(one.measure, {})[row.label] = row  # two claims may compare the same
    charts = {measure: differences_chart(measure, list(rows.values()), theme) for measure, rows in found.items()}
    return {key: replace(chart, caption=CAPTION if key == [*charts][-1] else "") for key, chart in charts.items()}


def label(one: Comparison) -> str:
    first, second = names(one)
    is_bottleneck = one.first.model.unit == "bottleneck"  # the same units stand in other nets too
    return f"{first} − {second}{', bottlenecks' if is_bottleneck else ''}"


def differences_chart(measure: str, rows: Sequence[Row], theme: str) -> Chart:
    told = MEASURES[measure]
    title = f"Difference in {told.words}"
    figure = go.Figure(layout=layout(Measure(title, "", INK), theme))
    places = list(range(len(rows)))
    add_seeds(figure, rows, theme)
    add_means(figure, rows, theme)
    figure.update_layout(height=AROUND + ROW * len(rows), hovermode="closest", margin={"l": 10})
    figure.update_xaxes(title_text=f"{told.words}{f', {told.unit}' if told.unit else ''}", showgrid=True)
    labels = [as_text(row.label) for row in rows]
    figure.update_yaxes(
        tickvals=places, ticktext=labels, range=[len(rows) - 0.4, -0.6], showgrid=False, automargin=True
    )
    figure.add_vline(x=0, line={"color": FAINT.of(theme), "width": 1})
    words = "; ".join(f"{row.label} {found_words(row.comparison)}" for row in rows)
    return Chart(figure, f"{title}: {words}.", wide=True)


def add_seeds(figure: go.Figure, rows: Sequence[Row], theme: str) -> None:
    points = [(value, place, seed) for place, row in enumerate(rows) for value, seed in told_of(row)]
    values, places, seeds = zip(*points, strict=True)
    figure.add_scatter(
        x=values,
        y=places,
        customdata=seeds,
        name="each seed",
        mode="markers",
        marker={"color": FAINT.of(theme), "size": 6, "opacity": 0.6},
        hovertemplate="seed %{customdata}: %{x:.3g}<extra></extra>",
    )


def told_of(row: Row) -> list[tuple[float, int]]:
    return list(zip(row.comparison.differences, row.comparison.seeds, strict=True))


def add_means(figure: go.Figure, rows: Sequence[Row], theme: str) -> None:
    means = [row.comparison.mean for row in rows]
    bounds = [row.comparison.interval or (mean, mean) for row, mean in zip(rows, means, strict=True)]
    figure.add_scatter(
        x=means,
        y=list(range(len(rows))),
        name="mean and its interval",
        mode="markers",
        marker={"color": ACCENT.of(theme), "size": 10, "symbol": "diamond"},
        error_x={
            "type": "data",
            "array": [high - mean for (_, high), mean in zip(bounds, means, strict=True)],
            "arrayminus": [mean - low for (low, _), mean in zip(bounds, means, strict=True)],
            "color": ACCENT.of(theme),
            "thickness": 1.5,
            "width": 4,
        },
        customdata=[found_words(row.comparison) for row in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )
