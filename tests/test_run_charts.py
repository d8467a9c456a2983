"""The charts of runs: what is drawn is what was measured, and the sentence beside it says the same."""

import dataclasses
import json
import re

import numpy as np
import pytest
from plotly.colors import get_colorscale

from resnet_lab.curves import Curve
from resnet_lab.references import REFERENCES
from resnet_lab.ui import palette
from resnet_lab.ui.charts import HEIGHT, faded
from resnet_lab.ui.palette import HEAT, RUNS, Colour
from resnet_lab.ui.run_charts import (
    CostPoint,
    bounds_of,
    cost_chart,
    cost_sentence,
    curves_chart,
    curves_sentence,
    depth_chart,
    depth_sentence,
    gradient_map,
    gradient_sentence,
    responses_chart,
    responses_sentence,
)
from resnet_lab.ui.run_styles import style_of
from resnet_lab.ui.traces import BAND, LINE, LISTED

STYLES = {f"run{number}": style_of(number) for number in range(60)}
X = np.array([10.0, 20.0, 30.0, 40.0])
THEMES = ("light", "dark")


def curve(number=0, y=(4.0, 3.0, 2.0, 1.0), label=None, **columns):
    y = np.array(y, dtype=float)
    return Curve(label or f"net {number}", (f"run{number}",), X[: len(y)], y, **columns)


def banded(number=0, low=0.5):
    y = np.array([4.0, 3.0, 2.0, 1.0])
    n = np.array([3.0, 3.0, 2.0, 1.0])
    return curve(number, y, low=np.array([3.5, 2.5, low, np.nan]), high=np.where(n > 1, y + 0.5, np.nan), n=n)


def chart(curves, theme="light", **options):
    return curves_chart("Training loss", "cross-entropy", curves, STYLES, "step", theme, **options)


def by_uid(figure):
    return {trace.uid: trace for trace in figure.data}


EXPONENTS = np.array([[-3.0, 0.0], [-2.0, 1.0], [-1.0, 2.0]])


def every_chart(theme):
    """One of each, with everything in it."""
    many = [curve(number, raw=X) for number in range(12)]
    point = CostPoint("a", ("run0",), cost=1e6, error=8.0, low=7.0, high=9.0)
    table = 10**EXPONENTS
    return {
        "curves": chart([curve(0, raw=X), banded(1)], theme, log_y=True, references=REFERENCES[:2]),
        "many": chart(many, theme),
        "empty": chart([], theme),
        "depth": depth_chart("Gradients", "norm", [banded()], STYLES, theme, stages=[0, 0, 1, 2]),
        "map": gradient_map("Gradients", "norm", table, X[:3], "step", theme, stages=[0, 1]),
        "responses": responses_chart("Responses", [curve(names=tuple("abcd"))], STYLES, theme, by_size=True),
        "cost": cost_chart("Cost", "parameters", [point], STYLES, theme),
    }


# ---- curves


@pytest.mark.parametrize("theme", THEMES)
def test_a_curve_has_the_style_of_its_run_and_its_raw_values_faint_behind_it(theme):
    raw = np.array([5.0, 2.0, 3.0, 1.0])
    figure = chart([curve(9, raw=raw)], theme)
    behind, smooth = figure.data
    style = style_of(9)
    assert (smooth.line.color, smooth.line.dash) == (style.colour.of(theme), style.dash)
    assert (list(smooth.y), list(behind.y)) == ([4, 3, 2, 1], list(raw))
    assert behind.line.color == style.colour.of(theme)
    assert behind.opacity < 0.5
    assert behind.line.width < smooth.line.width
    assert (behind.showlegend, behind.hoverinfo) == (False, "skip")
    assert behind.legendgroup == smooth.legendgroup == "run9"


def test_traces_are_recognised_by_their_runs_whatever_comes_and_goes():
    figure = chart([banded(0), curve(1, raw=X)])
    assert set(by_uid(figure)) == {"run0", "run0 low", "run0 high", "run1", "run1 raw"}
    assert set(by_uid(chart([curve(1, raw=X)]))) == {"run1", "run1 raw"}


def test_raw_values_and_bands_lie_behind_all_curves_and_many_curves_have_no_raw_values():
    figure = chart([curve(0, raw=X), banded(1)])
    assert [trace.uid for trace in figure.data] == ["run0 raw", "run1 low", "run1 high", "run0", "run1"]
    assert len(every_chart("light")["many"].data) == 12


def test_a_band_reaches_from_its_low_to_its_high_edge_where_there_are_several_runs():
    traces = by_uid(chart([banded()]))
    low, high = traces["run0 low"], traces["run0 high"]
    assert (list(low.x), list(low.y), list(high.y)) == ([10, 20, 30], [3.5, 2.5, 0.5], [4.5, 3.5, 2.5])
    assert (low.fill, high.fill, high.fillcolor) == (None, "tonexty", faded(RUNS[0].light, BAND))
    assert list(traces["run0"].customdata) == [3, 3, 2, 1]
    assert "n = %{customdata}" in traces["run0"].hovertemplate
    assert set(by_uid(chart([curve(low=X * np.nan, high=X * np.nan, n=X)]))) == {"run0"}


def test_on_a_logarithmic_axis_what_has_no_logarithm_is_a_gap_and_a_band_ends_at_the_smallest_mean():
    figure = chart([curve(1, [2.0, 0.0, -1.0, 1.0]), banded(0, low=-3.0)], log_x=True, log_y=True)
    traces = by_uid(figure)
    assert np.array_equal(traces["run1"].y, [2, np.nan, np.nan, 1], equal_nan=True)
    assert list(traces["run0 low"].y) == [3.5, 2.5, 1.0]
    assert list(by_uid(chart([banded(0, low=0.25)], log_y=True))["run0 low"].y) == [3.5, 2.5, 0.25]
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    linear = chart([curve(1, [2.0, 0.0, -1.0, np.inf])])
    assert np.array_equal(linear.data[0].y, [2, 0, -1, np.nan], equal_nan=True)
    assert linear.layout.yaxis.type is None


def test_a_mean_of_nothing_but_zeros_can_be_drawn_on_a_logarithmic_axis():
    nothing = X * 0
    zeros = curve(0, nothing, low=nothing, high=nothing, n=X)
    assert [trace.uid for trace in chart([zeros], log_y=True).data] == ["run0"]
    assert len(chart([zeros]).data) == 3


def test_the_first_point_of_a_curve_is_seen_before_there_is_a_line():
    assert chart([curve(0, [2.0])]).data[0].mode == "lines+markers"
    x = np.arange(1.0, 101)
    assert chart([Curve("long", ("run0",), x, x)]).data[0].mode == "lines"


def test_a_published_number_is_a_dashed_line_that_says_whose_it_is():
    """Two papers' numbers that are equal share a line; 'fail' is the 20% above which the paper says so."""
    equal = [each for each in REFERENCES if each.depth == 110 and each.error == 6.61]
    failed = next(each for each in REFERENCES if each.error is None)
    figure = chart([curve()], references=[*equal, failed])
    assert [(line.y0, line.line.dash) for line in figure.layout.shapes] == [(6.61, "dash"), (20, "dash")]
    first, second = (note.text for note in figure.layout.annotations)
    assert all(each.label in first for each in equal)
    assert len(equal) == 2
    assert second == failed.label
    on_log = chart([curve()], references=[failed], log_y=True)
    assert on_log.layout.annotations[0].y == pytest.approx(np.log10(20))


def test_of_few_curves_all_are_told_at_once_and_of_many_the_nearest_one_with_its_place():
    few, many = chart([curve(n) for n in range(3)]), chart([curve(n) for n in range(30)])
    assert (few.layout.hovermode, few.layout.xaxis.unifiedhovertitle.text) == ("x unified", "step %{x:,.0f}")
    assert many.layout.hovermode == "closest"
    assert "step %{x" in many.data[0].hovertemplate
    assert "step" not in few.data[0].hovertemplate


@pytest.mark.parametrize("number", [1, 8, 9, LISTED, 60])
def test_the_legend_has_a_line_for_each_of_up_to_twelve_curves_and_the_plot_stays_as_high(number):
    layout = chart([curve(n) for n in range(number)]).layout
    lines = min(number, 12)
    assert layout.legend.maxheight >= LINE * lines
    assert layout.height - LINE * lines == HEIGHT - LINE


def test_a_name_is_shown_as_it_was_typed_and_is_no_template():
    figure = chart([curve(0, label="<b>%{y}</b> & co")])
    assert figure.data[0].name == "&lt;b&gt;%{y}&lt;/b&gt; &amp; co"
    assert "co" not in figure.data[0].hovertemplate


# ---- all charts


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", every_chart("light"))
def test_a_chart_has_only_colours_of_the_palette_and_is_json(name, theme):
    told = json.loads(every_chart(theme)[name].to_json(), parse_constant=pytest.fail)
    told["layout"].pop("template")  # Plotly's own, all of whose colours are overwritten
    fixed = [value for value in vars(palette).values() if isinstance(value, Colour)]
    allowed = {colour.of(theme) for colour in (*fixed, *RUNS)} | {colour for _, colour in get_colorscale(HEAT)}
    found = set(re.findall(r"#[0-9a-f]{6}", json.dumps(told)))
    assert found
    assert found <= allowed


@pytest.mark.parametrize("name", every_chart("light"))
def test_a_chart_says_what_it_shows_and_on_which_axes(name):
    layout = every_chart("light")[name].layout
    assert layout.title.text
    assert name == "empty" or (layout.xaxis.title.text and layout.yaxis.title.text)


def test_nothing_to_show_is_one_sentence_in_an_empty_chart():
    nothing = np.full((2, 3), np.nan)
    figures = [
        chart([]),
        depth_chart("Depth", "norm", [], STYLES, "light"),
        responses_chart("Responses", [], STYLES, "light", by_size=False),
        gradient_map("Map", "norm", nothing, X[:2], "step", "light"),
        cost_chart("Cost", "parameters", [], STYLES, "light"),
    ]
    for figure in figures:
        assert len(figure.data) == 0
        (note,) = figure.layout.annotations
        assert re.fullmatch(r"[A-Z][^.]*\.", note.text)
        assert not figure.layout.xaxis.visible


# ---- over depth


def test_stages_are_marked_where_they_change():
    assert [line.x0 for line in every_chart("light")["depth"].layout.shapes] == [2.5, 3.5]
    assert len(depth_chart("Depth", "norm", [curve()], STYLES, "light").layout.shapes) == 0


def test_a_map_has_a_row_a_unit_and_the_powers_of_ten_for_colours():
    figure = every_chart("light")["map"]
    (heat,) = figure.data
    np.testing.assert_allclose(heat.z, EXPONENTS.T)
    np.testing.assert_allclose(heat.customdata, 10**EXPONENTS.T)
    assert (list(heat.x), list(heat.y)) == ([10, 20, 30], [1, 2])
    assert (heat.zmin, heat.zmax) == pytest.approx((-3, 2))
    assert heat.colorbar.title.text == "norm"
    assert heat.colorbar.ticktext[0] == "10<sup>−3</sup>"
    assert [line.y0 for line in figure.layout.shapes] == [1.5]


def test_maps_that_are_compared_share_their_colours():
    tables = [np.array([[1e-4, 1.0]]), np.array([[1e2, 0.0]])]
    bounds = bounds_of(tables)
    assert bounds == (1e-4, 1e2)
    figures = [gradient_map("Map", "norm", table, X[:1], "step", "light", bounds=bounds) for table in tables]
    assert [(figure.data[0].zmin, figure.data[0].zmax) for figure in figures] == [(-4, 2)] * 2
    assert np.isnan(figures[1].data[0].z[1][0])


def test_a_map_of_one_single_value_can_be_drawn():
    figure = gradient_map("Map", "norm", np.array([[0.25]]), X[:1], "step", "light")
    assert set(figure.data[0].colorbar.ticktext) == {"0.25"}


def test_responses_say_their_order_and_hovering_names_the_layer():
    by_size = every_chart("light")["responses"]
    in_order = responses_chart("Responses", [curve()], STYLES, "light", by_size=False)
    assert "largest" in by_size.layout.xaxis.title.text
    assert "input" in in_order.layout.xaxis.title.text
    assert list(by_size.data[0].customdata) == list("abcd")
    assert "%{customdata}" in by_size.data[0].hovertemplate


def test_error_against_cost_has_a_point_a_run_with_its_band():
    points = [CostPoint("a", ("run0",), 1e6, 8.0, 7.5, 9.0), CostPoint("b", ("run1",), 2e6, 7.0)]
    figure = cost_chart("Cost", "parameters", points, STYLES, "light")
    a, b = figure.data
    assert [(list(point.x), list(point.y)) for point in (a, b)] == [([1e6], [8.0]), ([2e6], [7.0])]
    assert (list(a.error_y.array), list(a.error_y.arrayminus)) == ([1.0], [0.5])
    assert b.error_y.array is None
    assert a.marker.color == RUNS[0].light
    assert figure.layout.xaxis.type == "log"


def test_points_of_one_colour_are_told_apart_by_their_form():
    points = [CostPoint(f"net {n}", (f"run{n}",), 1e6, 8.0) for n in range(4 * len(RUNS))]
    drawn = [
        (point.marker.color, point.marker.symbol) for point in cost_chart("Cost", "s", points, STYLES, "dark").data
    ]
    assert len(set(drawn)) == len(points)


# ---- sentences


def test_the_sentence_says_where_the_curves_start_and_end():
    gap = curve(1, [np.nan, 8.0, 1e-5, np.nan])
    said = curves_sentence("Training loss", [curve(), gap], "step")
    assert said == (
        "Training loss: net 0 from 4 at step 10 to 1 at step 40; net 1 from 8 at step 20 to 1 × 10⁻⁵ at step 30."
    ).replace("1 × 10⁻⁵", "1.00 × 10⁻⁵")
    assert "to 1 at 40 seconds" in curves_sentence("Loss", [curve()], "time")
    assert "in unit 10 to 1 in unit 40" in depth_sentence("Depth", [curve()])
    assert "from 4 in layer 10" in responses_sentence("Responses", [curve()], by_size=False)
    assert "place 40 by size" in responses_sentence("Responses", [curve()], by_size=True)


def test_of_many_curves_the_sentence_says_between_which_they_end():
    many = [curve(number, [9.0, number]) for number in range(3, 9)]
    said = curves_sentence("Test error", many, "epoch")
    assert said == "Test error of 6 curves, which end between 3 at epoch 20 (net 3) and 8 at epoch 20 (net 8)."


def test_the_sentence_of_a_map_tells_the_first_and_the_last_unit():
    table = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert gradient_sentence("Norm", table, X[:2], "step") == (
        "Norm of 3 units, from step 10 to step 20: from 1 to 4 in the first unit, from 3 to 6 in the last."
    )


def test_the_sentence_of_costs_begins_with_the_best():
    points = [CostPoint(f"net {n}", (f"run{n}",), 1e4 * (n + 1), 10.0 - n) for n in range(6)]
    assert cost_sentence("Cost", points[:2]) == "Cost: net 1 9.00% at 20,000; net 0 10.00% at 10,000."
    assert cost_sentence("Cost", points) == (
        "Cost of 6 runs, the best and the worst: net 5 5.00% at 60,000; net 0 10.00% at 10,000."
    )


def test_without_data_a_sentence_says_so():
    empty = dataclasses.replace(curve(), y=X * np.nan)
    said = [
        curves_sentence("A", [], "step"),
        curves_sentence("A", [empty], "step"),
        depth_sentence("A", []),
        responses_sentence("A", [], by_size=True),
        gradient_sentence("A", np.zeros((2, 2)), X[:2], "step"),
        cost_sentence("A", []),
    ]
    assert all(re.fullmatch(r"A: (nothing|no run) has been \w+ yet\.", words) for words in said)
