"""The charts of the Train page: runs in, charts out."""

from collections.abc import Sequence
from dataclasses import dataclass

from resnet_lab.curves import curves
from resnet_lab.histories import Histories
from resnet_lab.probe_curves import of_responses
from resnet_lab.runs import Run
from resnet_lab.series import Series, each_run
from resnet_lab.ui.board import Chart
from resnet_lab.ui.look import Look
from resnet_lab.ui.run_charts import curves_chart, curves_sentence, responses_chart, responses_sentence
from resnet_lab.ui.run_styles import Style, styles


@dataclass(frozen=True)
class Told:
    """A number of the runs that has a chart of its own."""

    title: str
    unit: str
    kind: str  # of the events that tell it
    is_smoothed: bool = False
    begins_at_zero: bool = False


# fmt: off
TOLD = {
    "loss":              Told("Training loss", "cross entropy", "steps", is_smoothed=True),
    "test_error":        Told("Test error", "percent of the test images", "epochs"),
    "train_error":       Told("Training error, on augmented images", "percent", "steps", is_smoothed=True),
    "lr":                Told("Learning rate", "learning rate", "steps", begins_at_zero=True),
    "images_per_second": Told("Speed", "images a second", "steps", begins_at_zero=True),
}
# fmt: on


def charts_of(histories: Histories, runs: Sequence[Run], look: Look, theme: str) -> dict[str, Chart]:
    series, drawn = each_run(runs), styles(runs, by="run")
    charts = {name: chart_of(histories, name, series, drawn, look, theme) for name in TOLD}
    return charts | {"responses": chart_of_responses(histories, series, drawn, theme)}


def chart_of(
    histories: Histories, name: str, series: Sequence[Series], drawn: dict[str, Style], look: Look, theme: str
) -> Chart:
    told = TOLD[name]
    ids = [run.id for one in series for run in one.runs]
    columns = histories.steps(ids) if told.kind == "steps" else histories.epochs(ids)
    found = curves(series, columns, name, look.axis, look.smoothing if told.is_smoothed else 0)
    figure = curves_chart(told.title, told.unit, found, drawn, look.axis, theme, look.log_x, look.log_y)
    if told.begins_at_zero:
        figure.update_yaxes(rangemode="tozero")
    return Chart(figure, curves_sentence(told.title, found, look.axis))


def chart_of_responses(histories: Histories, series: Sequence[Series], drawn: dict[str, Style], theme: str) -> Chart:
    title = "Response of each layer, standard deviation at the last probe"
    probes = histories.last_probes([run.id for one in series for run in one.runs])
    found = of_responses(series, probes, by_size=False)
    figure = responses_chart(title, found, drawn, theme, by_size=False)
    return Chart(figure, responses_sentence(title, found, by_size=False))
