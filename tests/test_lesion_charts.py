"""The charts of lesions, shares and landscapes: nothing is left out, and what is compared has one scale."""

import numpy as np
import pytest

from resnet_lab.ui.landscape_charts import MEASURES, Landscape, curve_chart, map_charts, surface_charts
from resnet_lab.ui.lesion_charts import Damage, deletion_chart, random_chart
from resnet_lab.ui.path_charts import ByLength, accuracy_chart, gradient_chart
from resnet_lab.ui.path_charts import share_chart as path_share_chart
from resnet_lab.ui.run_styles import style_of
from resnet_lab.ui.share_charts import UNDRAWN, Shares, channel_chart, conductance_chart, nice_ticks, share_chart

WORDS = "1,000 test images of the bundled sample"
ALONE = [
    Damage("plain", 9.0, np.array([80.0, 70.0, 90.0])),
    Damage("<b>identity</b>", 8.0, np.array([30.0, 8.5, 9.0]), place=2),
]
TOGETHER = [Damage("identity", 8.0, np.array([[10.0, 20.0, 30.0], [40.0, 40.0, 70.0]]), place=1)]


def named(chart, start):
    return [trace for trace in chart.figure.data if trace.uid.startswith(start)]


def test_each_net_has_its_bars_and_the_line_of_its_intact_error_in_its_own_colour():
    chart = deletion_chart(ALONE, [0, 1, 2], "deleted", WORDS, "dark")
    for damage, bars, line in zip(ALONE, named(chart, "bars"), named(chart, "intact"), strict=True):
        colour = style_of(damage.place).colour.dark
        assert (bars.marker.color, line.line.color) == (colour, colour)
        assert bars.y == pytest.approx(damage.errors)
        assert bars.customdata == pytest.approx(damage.errors - damage.intact)
        assert set(line.y) == {damage.intact}


def test_the_sentence_tells_the_worst_and_the_mildest_unit_and_on_how_many_images():
    alt = deletion_chart(ALONE, [0, 1, 2], "deleted", WORDS, "light").alt
    assert WORDS in alt
    assert "plain has 9.00% as it is, 70.00% without unit 2 and 90.00% without unit 3" in alt


def test_a_name_is_shown_as_it_is_typed():
    assert named(deletion_chart(ALONE, [0], "deleted", WORDS, "light"), "bars")[1].name == "&lt;b&gt;identity&lt;/b&gt;"


def test_the_curve_of_random_deletions_starts_from_the_intact_net_and_stays_in_its_band():
    chart = random_chart(TOGETHER, WORDS, "light")
    [low], [high], [mean] = (named(chart, name) for name in ("low", "high", "mean"))
    assert mean.y == pytest.approx([8, 20, 50])
    assert low.y[0] == high.y[0] == 8
    assert all(below <= middle <= above for below, middle, above in zip(low.y, mean.y, high.y, strict=True))
    assert "3 draws" in chart.caption


SHARES = Shares("mine", np.array([2.0, 1.0, 0.0]), np.array([1.0, 3.0, 0.0]))


def test_the_shortcut_rises_and_the_branch_falls_from_the_same_line_on_the_given_scale():
    chart = share_chart(SHARES, [0, 0, 1], 4.0, "light")
    up, down = chart.figure.data
    assert (list(up.y), list(down.y)) == ([2, 1, 0], [-1, -3, 0])
    assert list(down.customdata) == [1, 3, 0]
    assert chart.figure.layout.yaxis.range == pytest.approx((-4.32, 4.32))
    assert "33% in unit 1 and 75% in unit 2" in chart.alt


@pytest.mark.parametrize("highest", [0.0, 0.013, 0.99, 1.0, 4.0, 730.0])
def test_ticks_are_even_and_within_the_scale(highest):
    ticks = nice_ticks(highest)
    assert ticks[len(ticks) // 2] == 0
    assert max(ticks) <= highest
    assert ticks == sorted(-tick for tick in ticks)


def test_channels_stand_in_the_order_of_what_they_bring_and_keep_their_number():
    chart = channel_chart("mine", 4, np.array([1.0, 5.0, 2.0]), np.array([3.0, 0.0, 9.0]), 9.0, "light")
    [cells] = chart.figure.data
    assert cells.customdata.tolist() == [[2, 1, 0]] * 2
    assert cells.z.tolist() == [[9, 0, 3], [2, 5, 1]]
    assert "in 2 of 3 channels" in chart.alt


def test_the_conductance_of_all_nets_stands_side_by_side():
    chart = conductance_chart(["a", "b"], [np.array([0.2, -0.1]), np.array([0.1, 0.6])], "frog", "light")
    assert [list(bars.y) for bars in chart.figure.data] == [[0.2, -0.1], [0.1, 0.6]]
    assert "a most through unit 1; b most through unit 2" in chart.alt


AT = np.array([-1.0, 0.0, 1.0])
PLANE = np.array([[[9.0, 4.0, 9.0], [4.0, 0.1, 4.0], [9.0, np.nan, 9.0]], np.full((3, 3), 2.0)])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("draw", [map_charts, surface_charts])
def test_all_landscapes_of_a_page_share_one_scale(measure, draw):
    charts = draw(Landscape(["a", "b"], AT, PLANE, measure, WORDS), "light").values()
    traces = [chart.figure.data[0].to_plotly_json() for chart in charts]
    scales = {(trace.get("zmin", trace.get("cmin")), trace.get("zmax", trace.get("cmax"))) for trace in traces}
    [scale] = scales
    assert scale == pytest.approx((-1.0, np.log10(9)) if MEASURES[measure][2] else (0.1, 9.0))
    assert all(np.array(trace["customdata"]).shape == (3, 3) for trace in traces)


def test_the_sentence_of_a_landscape_compares_its_middle_with_its_edge():
    curves = Landscape(["a", "b"], AT, np.array([[3.0, 0.5, 5.0], [np.inf, 1.0, 2.0]]), "loss", WORDS)
    chart = curve_chart(curves, "light")
    assert "a has 0.5 in the middle and 4 on average at the edge" in chart.alt
    assert "b has 1 in the middle and 2 on average at the edge" in chart.alt
    assert np.isnan(chart.figure.data[1].y[0]), "what is not finite leaves a gap"
    plane = next(iter(map_charts(Landscape(["a", "b"], AT, PLANE, "loss", WORDS), "light").values()))
    assert "a has 0.1 in the middle and 6.86 on average at the edge" in plane.alt


def test_a_net_whose_answer_hardly_changes_has_no_bars_and_that_is_said():
    chart = conductance_chart(["a", "b"], [np.array([0.2, -0.1]), np.array([900.0, -899.0])], "frog", "light")
    assert np.isnan(chart.figure.data[1].y).all()
    assert "b is not drawn" in chart.alt
    assert chart.caption.endswith(UNDRAWN)


PATHS = [ByLength("a", np.array([1.0, 3.0, 0.0]), 0), ByLength("b", np.array([2.0, 0.0]), 3)]


@pytest.mark.parametrize("draw", [gradient_chart, path_share_chart, accuracy_chart])
def test_each_net_has_a_line_over_the_lengths_of_its_paths_in_its_own_colour(draw):
    chart = draw(PATHS, WORDS, "dark")
    assert [list(line.x) for line in chart.figure.data] == [[0, 1, 2], [0, 1]]
    assert [line.line.color for line in chart.figure.data] == [style_of(net.place).colour.dark for net in PATHS]
    assert WORDS in chart.alt


def test_the_shares_of_all_lengths_are_the_whole():
    lines = path_share_chart(PATHS, WORDS, "light").figure.data
    assert [list(line.y) for line in lines] == [[25, 75, 0], [100, 0]]
