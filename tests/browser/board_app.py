"""A page of charts for test_board.py: what it shows stands in a file that the test writes.

{"tick": seconds or null, "axis": what x is, "charts": {name: {"traces": {name: [y, ...]}, "alt": ..., "wide": ...}}}
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from resnet_lab.ui.board import Chart, show_charts
from resnet_lab.ui.palette import INK, SURFACE

FOLDER = Path(sys.argv[1])


def count(name: str) -> None:
    st.session_state[name] = st.session_state.get(name, 0) + 1
    st.text(f"{name} {st.session_state[name]}")


def asked() -> dict[str, Any]:
    return json.loads((FOLDER / st.query_params["file"]).read_text())


def figure(title: str, traces: dict[str, list[float]]) -> go.Figure:
    theme = st.context.theme.type or "light"
    made = go.Figure(layout={"title": {"text": title}, "height": 300, "plot_bgcolor": SURFACE.of(theme)})
    for name, values in traces.items():
        made.add_scatter(y=np.array(values, dtype=float), x=np.arange(len(values)), name=name)
    made.update_xaxes(title_text=asked()["axis"])
    return made.update_layout(font_color=INK.of(theme), paper_bgcolor="rgba(0,0,0,0)")


@st.fragment
def board() -> None:
    count("fragment")
    told = asked()
    charts = {
        name: Chart(figure(name, chart["traces"]), chart["alt"], chart["wide"])
        for name, chart in told["charts"].items()
    }
    show_charts(charts, key="charts", tick_seconds=told["tick"], min_width=400)


st.set_page_config(layout="wide")
st.button("Again")
if st.toggle("Charts", value=True):
    board()
count("page")
