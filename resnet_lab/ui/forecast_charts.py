"""The charts of forecasts: how often what was given a probability came true, and what came of what was said."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from resnet_lab.forecasts import OUTCOMES, Outcome
from resnet_lab.papers.scoring import Bin
from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import Measure, faded, layout
from resnet_lab.ui.palette import ACCENT, FAINT, INK, PATH, SURFACE

CALIBRATION = (
    "Each run gives three probabilities, one for each outcome. On the dashed line, what was given 30% came true in 30% "
    "of the cases. The bars are 95% intervals (Wilson), as if the n probabilities were independent; the three of a run "
    "and the seeds of a block are not, so less is certain than the bars say."
)


def calibration_chart(bins: Sequence[Bin], theme: str) -> Chart:
    figure = go.Figure(
        layout=layout(Measure("Predicted probability against what came", "share that came true", INK), theme)
    )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="perfectly calibrated", hoverinfo="skip",
        line={"color": FAINT.of(theme), "dash": "dash", "width": 1.5},
    )  # fmt: skip
    figure.add_scatter(
        x=[each.predicted for each in bins],
        y=[each.observed for each in bins],
        error_y={
            "symmetric": False,
            "array": [each.interval[1] - each.observed for each in bins],
            "arrayminus": [each.observed - each.interval[0] for each in bins],
            "color": PATH.of(theme),
            "thickness": 1.5,
        },
        mode="markers+text",
        text=[f"n = {each.n}" for each in bins],
        textposition=[beside(each) for each in bins],
        textfont={"color": FAINT.of(theme), "size": 12},
        marker={"color": PATH.of(theme), "size": 9},
        name="forecasts",
        customdata=[[each.hits, each.n] for each in bins],
        hovertemplate="predicted %{x:.0%}, came true %{y:.0%} (%{customdata[0]} of %{customdata[1]})<extra></extra>",
    )
    axis = {"range": [-0.03, 1.03], "tickformat": ".0%", "dtick": 0.2}
    figure.update_xaxes(title_text="mean predicted probability", **axis)
    figure.update_yaxes(**axis)
    figure.update_layout(hovermode="closest")
    told = [f"predicted {each.predicted:.0%}, observed {each.observed:.0%} (n = {each.n})" for each in bins]
    return Chart(figure, f"Calibration: {'; '.join(told)}.", caption=CALIBRATION)


def beside(point: Bin) -> str:
    """Where its n stands: inside the chart, and off the dashed line where there is room."""
    return f"{'bottom' if point.observed > 0.1 else 'top'} {'right' if point.predicted < 0.8 else 'left'}"


def confusion_chart(counts: Mapping[tuple[Outcome, Outcome], int], theme: str) -> Chart:
    """A row for what was said, a column for what came."""
    n = sum(counts.values())
    rows = [[counts[said, came] for came in OUTCOMES] for said in OUTCOMES]
    figure = go.Figure(layout=layout(Measure(f"What was said, and what came (n = {n})", "said beforehand", INK), theme))
    figure.add_heatmap(
        x=list(OUTCOMES),
        y=list(OUTCOMES),
        z=rows,
        text=[[str(count) for count in row] for row in rows],
        texttemplate="%{text}",
        textfont={"size": 18, "color": INK.of(theme)},
        colorscale=[[0, SURFACE.of(theme)], [1, faded(ACCENT.of(theme), 0.45)]],
        zmin=0,
        showscale=False,
        xgap=3,
        ygap=3,
        hovertemplate="said %{y}, came %{x}: %{z}<extra></extra>",
    )
    figure.update_layout(hovermode="closest", showlegend=False, margin={"l": 92})
    figure.update_xaxes(title_text="what came")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    told = [f"said {said}, came {came}: {count}" for (said, came), count in counts.items() if count]
    return Chart(
        figure, f"Forecasts against outcomes: {'; '.join(told)}.", caption="Runs on the diagonal were foretold rightly."
    )
