"""The charts of the page Look inside: how nets keep their styles, and what flows through branches."""

import numpy as np
import pytest

from resnet_lab.ui.landscape_charts import Landscape, curve_chart
from resnet_lab.ui.lesion_charts import Damage, deletion_chart
from resnet_lab.ui.run_styles import style_of
from resnet_lab.ui.share_charts import CONDUCTANCE, TWICE, channel_flow_chart, conductance_chart

NAMES, SHARES, STAGES = ["a", "b"], [np.array([0.2, -0.1, 0.4]), np.array([0.1, 0.6])], [[0, 0, 1], [0, 1]]
SAME = [1, 9]  # styles of one colour


def test_the_conductance_of_a_stage_is_that_of_its_units_together():
    chart = conductance_chart(NAMES, SHARES, "frog", "light", SAME, STAGES)
    assert [list(bars.y) for bars in chart.figure.data] == [pytest.approx([0.1, 0.4]), [0.1, 0.6]]
    assert "a most through stage 2; b most through stage 2" in chart.alt
    assert chart.caption == f"{CONDUCTANCE} {TWICE}"


def test_many_units_of_a_stage_may_have_more_than_the_whole_change():
    chart = conductance_chart(["plain"], [np.ones(18)], "frog", "light", [0], [[0] * 18])
    assert list(chart.figure.data[0].y) == [18]


def test_bars_of_one_colour_are_told_apart():
    deleted = deletion_chart([Damage("a", 9.0, SHARES[0], place) for place in SAME], [0], "cut", "images", "light")
    for chart in (deleted, conductance_chart(NAMES, SHARES, "frog", "light", SAME)):
        first, second = (trace.marker for trace in chart.figure.data if trace.type == "bar")
        assert first.color == second.color == style_of(SAME[0]).colour.light
        assert (first.pattern.shape, second.pattern.shape) == ("", "/")


def test_curves_of_landscapes_have_the_styles_of_their_nets():
    chart = curve_chart(Landscape(NAMES, np.array([-1, 0, 1]), np.ones((2, 3)), "loss", "images", SAME), "dark")
    styles = [style_of(place) for place in SAME]
    assert [line.line.color for line in chart.figure.data] == [style.colour.dark for style in styles]
    assert [line.line.dash for line in chart.figure.data] == [style.dash for style in styles]


def test_what_flows_through_channels_stands_in_order_and_keeps_its_number():
    chart = channel_flow_chart("mine", 4, np.array([0.1, 0.4, -0.2]), 0.5, "light")
    [bars] = chart.figure.data
    assert (list(bars.customdata), list(bars.y)) == ([1, 0, 2], [0.4, 0.1, -0.2])
    assert chart.figure.layout.yaxis.range == pytest.approx((-0.54, 0.54))
    assert "30.0% of the change comes through, and 1 of 3 channels speak against it" in chart.alt
