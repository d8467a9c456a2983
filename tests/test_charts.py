"""What all charts have in common: the lab's own look, and titles that are text."""

import streamlit.elements.plotly_chart  # noqa: F401  (makes Streamlit's template Plotly's default)
from plotly.graph_objects import Figure

from resnet_lab.ui.board import drawn
from resnet_lab.ui.charts import Measure, layout
from resnet_lab.ui.palette import INK


def test_no_other_look_travels_with_a_chart():
    figure = drawn(Figure(layout=layout(Measure("Loss", "nats", INK), "light")))
    assert "colorway" in str(Figure().layout.template)  # of Streamlit, else this test says nothing
    assert "colorway" not in str(figure["layout"])


def test_a_title_is_text_and_no_markup():
    assert layout(Measure("Loss of <b>mine</b>", "nats", INK), "light").title.text == "Loss of &lt;b&gt;mine&lt;/b&gt;"
