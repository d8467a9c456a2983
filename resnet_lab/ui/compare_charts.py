"""The charts of each view of the Compare page: runs in, charts out; only what the view needs is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from resnet_lab.bands import BANDS
from resnet_lab.curves import Curve, curves
from resnet_lab.histories import Histories
from resnet_lab.probe_curves import of_responses, over_depth, over_time
from resnet_lab.references import Reference, references_for
from resnet_lab.run_table import cost_of
from resnet_lab.runs import Run
from resnet_lab.series import Series, each_run, seeds_together
from resnet_lab.ui.board import Chart
from resnet_lab.ui.compare_view import CompareView
from resnet_lab.ui.readings import READINGS
from resnet_lab.ui.run_charts import (
    CostPoint,
    Styles,
    cost_chart,
    cost_sentence,
    curves_chart,
    curves_sentence,
    depth_chart,
    depth_sentence,
    responses_chart,
    responses_sentence,
)
from resnet_lab.ui.run_styles import styles

FEW = 12  # curves that have their raw values behind them
MOST_OVER_TIME = 8  # runs whose probes are all read, which are large


@dataclass(frozen=True)
class Shown:
    """The runs that are compared, and how."""

    runs: tuple[Run, ...]
    histories: Histories
    view: CompareView
    theme: str
    among: tuple[Run, ...] = ()  # all that are chosen, where these are but two of them

    @property
    def ids(self) -> list[str]:
        return [run.id for run in self.runs]

    @cached_property
    def series(self) -> list[Series]:
        return each_run(self.runs) if self.view.seeds == "each" else seeds_together(self.runs)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Of each run, such that no two are alike."""
        return {one.runs[0].id: one.label for one in each_run(self.runs)}

    @property
    def band(self) -> str:
        return "std" if self.view.seeds == "each" else self.view.seeds

    @cached_property
    def styles(self) -> Styles:
        """As in the table."""
        return styles(self.among or self.runs, self.view.by)

    @property
    def references(self) -> list[Reference]:
        """Of all that are shown, each once."""
        return list(dict.fromkeys(each for run in self.runs for each in references_for(run.config)))

    @property
    def stages(self) -> list[int]:
        """Of each unit, where all runs have as many units."""
        counts = {run.config.model.units_per_stage for run in self.runs}
        return self.runs[0].config.model.stages if len(counts) == 1 else []


# ---- curves


def curve_charts(shown: Shown) -> dict[str, Chart]:
    steps, epochs = shown.histories.steps(shown.ids), shown.histories.epochs(shown.ids)
    view, references = shown.view, shown.references
    smooth = smoothed_words(view)
    lines = partial(lines_of, shown)
    told = {
        "loss": over_axis(shown, f"Training loss{smooth}", "cross-entropy", lines(steps, "loss", view.smooth)),
        "train_error": over_axis(
            shown, f"Training error{smooth}", "error, %", lines(steps, "train_error", view.smooth)
        ),
        "test_error": over_axis(shown, test_title(shown), "error, %", lines(epochs, "test_error", 0), references),
    }
    return {name: read(chart, name) for name, chart in told.items() if name != "train_error" or chart.figure.data}


def smoothed_words(view: CompareView) -> str:
    return f", smoothed by {view.smooth:g}" if view.smooth else ""


def lines_of(shown: Shown, columns: Any, measure: str, smoothing: float) -> list[Curve]:
    """Of many curves no raw values, so that 50 are as quick as 10."""
    drawn = curves(shown.series, columns, measure, shown.view.x, smoothing, shown.band)
    return drawn if len(drawn) <= FEW else [replace(curve, raw=None) for curve in drawn]


def over_axis(shown: Shown, title: str, unit: str, drawn: list[Curve], references: Sequence[Reference] = ()) -> Chart:
    view = shown.view
    log_x, log_y = view.log in ("x", "xy"), view.log in ("y", "xy")
    figure = curves_chart(title, unit, drawn, shown.styles, view.x, shown.theme, log_x, log_y, references)
    return Chart(figure, curves_sentence(title, drawn, view.x), caption=" ".join(each.words for each in references))


def read(chart: Chart, name: str) -> Chart:
    """With the sentence that says how to read it, before all other words."""
    return replace(chart, caption=f"{READINGS[name]} {chart.caption}".strip())


def first_read(charts: dict[str, Chart], name: str) -> dict[str, Chart]:
    """Of charts of one kind, the sentence below the first one."""
    return {key: read(chart, name) if number == 0 else chart for number, (key, chart) in enumerate(charts.items())}


def test_title(shown: Shown) -> str:
    sizes = sorted({run.config.data.num_test for run in shown.runs})
    return f"Test error on {' or '.join(f'{size:,}' for size in sizes[:3])} images"


# ---- inside


def gradient_charts(shown: Shown) -> dict[str, Chart]:
    probes = shown.histories.last_probes(shown.ids)
    title = "Gradient norm of each unit's weights at the last probe"
    norms = over_depth(shown.series, probes, "gradient_norm", shown.band)
    charts = {"over_depth": read(at_depth(shown, title, "norm", norms), "over_depth")}
    if shown.series:
        charts["over_time"] = read(gradients_over_time(shown), "over_time")
    for name, by_size in (("in_order", False), ("by_size", True)):
        responses = of_responses(shown.series, probes, by_size, shown.band)
        title = (
            "Response of each layer, the largest first (Figure 7)" if by_size else "Response of each layer, in order"
        )
        figure = responses_chart(title, responses, shown.styles, shown.theme, by_size)
        charts[name] = read(Chart(figure, responses_sentence(title, responses, by_size)), name)
    return charts


def gradients_over_time(shown: Shown) -> Chart:
    title = "Gradient norm, mean of the units; the band from the lowest to the highest"
    known, axis = shown.histories.last_probes(shown.ids), shown.view.x
    probed = [run for run in shown.runs if run.id in known]
    few = probed[:MOST_OVER_TIME]
    drawn = over_time(each_run(few), shown.histories.probes([run.id for run in few]), "gradient_norm", axis)
    log_x = shown.view.log in ("x", "xy")
    figure = curves_chart(title, "norm", drawn, shown.styles, axis, shown.theme, log_x, log_y=True)
    caption = f"Of the first {len(few)} runs of {len(probed)}." if len(probed) > len(few) else ""
    if len(probed) < len(shown.runs):
        caption += f" {len(shown.runs) - len(probed)} have not come to their first probe."
    return Chart(figure, curves_sentence(title, drawn, axis), caption=caption.strip())


def at_depth(shown: Shown, title: str, unit: str, drawn: list[Curve], log_y: bool = True) -> Chart:
    figure = depth_chart(title, unit, drawn, shown.styles, shown.theme, log_y, shown.stages)
    return Chart(figure, depth_sentence(title, drawn))


# fmt: off
INSIDE = {  # measure -> title, unit, whether its axis is logarithmic
    "shortcut_share": ("Share of the shortcut in each sum", "share of the mean square", False),
    "update_ratio":   ("Size of an update over size of the weights", "ratio of norms", True),
    "dead_relus":     ("Dead ReLUs: channels that are zero for all probed images", "share of the channels", False),
    "gate_openness":  ("Openness of the gates, mean of g", "g", False),
}
# fmt: on


def inside_charts(shown: Shown) -> dict[str, Chart]:
    """At the last probe, over depth; a measure that no run has is left out."""
    probes = shown.histories.last_probes(shown.ids)
    drawn = {measure: over_depth(shown.series, probes, measure, shown.band) for measure in INSIDE}
    known = [measure for measure in INSIDE if drawn[measure]] or list(INSIDE)[:1]
    return {
        measure: read(at_depth(shown, f"{title}, last probe", unit, drawn[measure], is_log), measure)
        for measure, (title, unit, is_log) in INSIDE.items()
        if measure in known
    }


# ---- cost


def cost_charts(shown: Shown) -> dict[str, Chart]:
    epochs, steps = shown.histories.epochs(shown.ids), shown.histories.steps(shown.ids)
    errors = {run.id: float(epochs[run.id].test_error[-1]) for run in shown.runs if len(epochs[run.id].test_error)}
    seconds = {run_id: float(history.seconds[-1]) for run_id, history in steps.items() if len(history.seconds)}
    costs = {run.id: cost_of(run.config) for run in shown.runs}
    # fmt: off
    prices: dict[str, tuple[str, Callable[[Run], float]]] = {
        "training time, seconds": ("training time", lambda run: seconds.get(run.id, 0.0)),
        "multiply-adds of one image": ("multiply-adds", lambda run: costs[run.id].multiply_adds),
        "parameters": ("parameters", lambda run: costs[run.id].parameters),
    }
    # fmt: on
    charts = {}
    for axis, (words, price) in prices.items():
        points = [point for one in shown.series if (point := cost_point(one, errors, price, shown.band))]
        title = f"Final test error against {words}"
        charts[words] = Chart(cost_chart(title, axis, points, shown.styles, shown.theme), cost_sentence(title, points))
    return first_read(charts, "cost")


def cost_point(
    series: Series, errors: Mapping[str, float], price: Callable[[Run], float], band: str
) -> CostPoint | None:
    """The mean of the runs that were tested, with its band where there are several."""
    runs = [run for run in series.runs if run.id in errors and price(run) > 0]
    if not runs:
        return None
    values = np.array([errors[run.id] for run in runs])
    mean, n = float(values.mean()), np.array([len(values)])
    ends: tuple[float | None, float | None] = (None, None)
    if len(runs) > 1:
        half = float(BANDS[band](np.array([values.std(ddof=1)]), n)[0])
        ends = (mean - half, mean + half)
    price_of_all = float(np.mean([price(run) for run in runs]))
    return CostPoint(series.label, tuple(run.id for run in runs), price_of_all, mean, *ends)


CHARTS: dict[str, Callable[[Shown], dict[str, Chart]]] = {
    "curves": curve_charts,
    "gradients": gradient_charts,
    "inside": inside_charts,
    "cost": cost_charts,
}
