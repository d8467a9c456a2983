"""The charts of the tour: the X-ray of nets fresh from their initialisation, and runs, each with its setting."""

from collections.abc import Mapping, Sequence

from resnet_lab.histories import Histories
from resnet_lab.runs import Run
from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import number, xray_chart
from resnet_lab.ui.run_charts import curves_chart
from resnet_lab.ui.story_runs import end_words, measured, setting_words, story_styles
from resnet_lab.ui.strings import Say
from resnet_lab.ui.tour_steps import Step
from resnet_lab.ui.tour_xray import Xrayed

SMOOTHING = {"loss": 0.8, "test_error": 0.0}
UNITS = {"loss": "", "test_error": "%"}


def run_charts(
    histories: Histories, step: Step, shown: Mapping[str, Sequence[Run]], say: Say, theme: str
) -> dict[str, Chart]:
    """The shipped runs and one's own in charts of their own: they may be of different budgets."""
    return {
        f"{origin}_{measure}": run_chart(histories, origin, runs, measure, say, theme)
        for measure in step.measures
        for origin, runs in shown.items()
        if runs
    }


def run_chart(histories: Histories, origin: str, runs: Sequence[Run], measure: str, say: Say, theme: str) -> Chart:
    smoothing = SMOOTHING[measure]
    drawn = measured(histories, runs, measure, say, smoothing)
    name = say(f"measure.{measure}")
    words = say("chart.smoothed", measure=name, smoothing=f"{smoothing:g}") if smoothing else name
    title = say(f"chart.{origin}", measure=words)
    figure = curves_chart(title, say(f"unit.{measure}"), drawn, story_styles(runs), "step", theme)
    figure.update_xaxes(title_text=say("axis.step"), unifiedhovertitle={"text": f"{say('axis.step')} %{{x:,.0f}}"})
    ends = "; ".join(end_words(curve, UNITS[measure], say) for curve in drawn)
    has_band = any(curve.low is not None for curve in drawn)
    caption = f"{say('chart.band')} {setting_words(runs, say)}" if has_band else setting_words(runs, say)
    return Chart(figure, alt=f"{title}. {ends}.", caption=caption)


# ---- the X-ray


def xray_charts(step: Step, seen: Xrayed, theme: str, say: Say) -> dict[str, Chart]:
    return {f"xray_{name}": xray(name, seen, theme, say) for name in step.xray}


def xray(name: str, seen: Xrayed, theme: str, say: Say) -> Chart:
    """The chart of the Build page, in the words of the tour."""
    title = say(f"xray.{name}")
    figure = xray_chart(name, seen.current, seen.rival, theme)
    figure.update_layout(title_text=title)
    figure.update_xaxes(title_text=say("xray.axis"))
    figure.update_yaxes(title_text=say(f"xray.unit.{name}"))
    labels = {"this block": seen.label, "baseline": seen.rival_label, "calculated": say("xray.calculated")}
    labels |= {part: say(f"xray.{part}") for part in ("shortcut", "branch")}
    for trace in figure.data:
        label = labels[trace.name]
        trace.update(name=label, hovertemplate=f"{label} %{{y:.3g}}<extra></extra>")
    for mark in figure.layout.annotations:
        mark.text = f" {say('xray.stage', number=mark.text.split()[-1])}"
    told = ((seen.label, getattr(seen.current, name)), (seen.rival_label, getattr(seen.rival, name)))
    ends = "; ".join(
        say("xray.ends", label=label, first=number(values[0]), last=number(values[-1]), units=len(values))
        for label, values in told
    )
    return Chart(figure, alt=f"{title}. {ends}.", wide=True, caption=f"{ends}. {seen.about}")
