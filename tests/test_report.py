"""The report of a comparison is one file that needs nothing else, in both themes."""

import json
import re

import numpy as np
import plotly.graph_objects as go

from resnet_lab.ui.board import Chart
from resnet_lab.ui.report import Drawing, Section, Table, report

SVG = '<svg viewBox="0 0 2 2"><path stroke="light-dark(#111111, #eeeeee)"/></svg>'
NASTY = "</script><script>alert('x')</script> & <b>"


def chart(colour, title="Loss"):
    figure = go.Figure(layout={"title": {"text": title}, "paper_bgcolor": colour})
    figure.add_scatter(x=np.arange(3.0), y=np.array([1.0, np.nan, 3.0]), name=NASTY, line={"color": colour})
    return Chart(figure, f"A loss, {NASTY}", caption="Theirs.")


def made():
    sections = [Section("Curves", {"loss": chart("#111111")}, {"loss": chart("#eeeeee")})]
    tables = [Table("Results", ["Run"], [[NASTY]], "All: seed 0."), Table("Origin", ["Run"], [["mine"]])]
    drawings = [Drawing(f"4(a) {NASTY}", SVG, "mine")]
    return report("My runs", "Made today.", tables, drawings, sections)


def figures(html):
    return [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)]


def test_nothing_is_fetched_and_plotly_is_inside_once():
    html = made()
    outside = html.replace(plotly_of(html), "")
    assert not re.findall(r"(?:src|href)\s*=", outside)
    assert "http" not in outside
    assert len(html) > 1_000_000
    assert html.count("* plotly.js v") == 1


def plotly_of(html):
    return max(re.findall(r"<script>(.*?)</script>", html, re.S), key=len)


def test_the_numbers_are_there_once_and_the_colours_of_both_themes():
    [both] = figures(made())
    [light], [dark] = both["light"]["data"], both["dark"]["data"]
    assert (light["x"], light["y"]) == ([0, 1, 2], [1, None, 3])
    assert light["line"]["color"] == "#111111"
    assert dark["line"]["color"] == "#eeeeee"
    assert not {"x", "y"} & dark.keys()
    assert both["dark"]["layout"]["paper_bgcolor"] == "#eeeeee"


def test_names_are_text_and_never_markup():
    html = made()
    assert NASTY not in html
    assert "&lt;/script&gt;&lt;script&gt;alert" in html
    assert figures(html)[0]["light"]["data"][0]["name"] == NASTY


def test_tables_sections_and_captions_are_in_it():
    html = made()
    order = [html.index(f"<h2>{title}</h2>") for title in ("Results", "Blocks", "Curves", "Origin")]
    assert order == sorted(order)
    assert "All: seed 0." in html
    assert "<figcaption>Theirs.</figcaption>" in html
    assert "prefers-color-scheme: dark" in html


def test_a_drawing_is_in_it_as_it_is_and_follows_the_theme_by_itself():
    html = made()
    blocks = html[html.index("<h2>Blocks</h2>") : html.index("<h2>Curves</h2>")]
    assert f"{SVG}<figcaption>mine</figcaption>" in blocks
    assert "color-scheme: light dark" in html
