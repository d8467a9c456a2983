"""A comparison as one HTML file that needs no network: its charts, its table, and what it was measured with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from plotly.offline import get_plotlyjs

from resnet_lab.ui.board import Chart, drawn
from resnet_lab.ui.palette import ACCENT, FAINT, GRID, INK, SURFACE, Colour

ARRAYS = ("x", "y", "z", "customdata", "text")  # the numbers of a trace, the same in both themes


@dataclass(frozen=True)
class Section:
    """The same charts for both themes, by name, and words to stand above them."""

    title: str
    light: Mapping[str, Chart]
    dark: Mapping[str, Chart]
    words: str = ""


@dataclass(frozen=True)
class Drawing:
    """An SVG that follows the theme by itself, and words to stand below it."""

    title: str
    svg: str
    words: str


@dataclass(frozen=True)
class Table:
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


def report(
    title: str, made: str, tables: Sequence[Table], drawings: Sequence[Drawing], sections: Sequence[Section]
) -> str:
    """`made`: when and by what, in a sentence."""
    first, *others = map(table_html, tables)
    body = "\n".join([first, drawings_html(drawings), *map(section_html, sections), *others])
    return PAGE.format(
        title=escape(title), made=escape(made), style=style(), body=body, plotly=get_plotlyjs(), script=SCRIPT
    )


def drawings_html(drawings: Sequence[Drawing]) -> str:
    figures = "\n".join(
        f"<figure><h3>{escape(each.title)}</h3>{each.svg}<figcaption>{escape(each.words)}</figcaption></figure>"
        for each in drawings
    )
    return f"{headed('Blocks', '')}\n<div class='drawings'>{figures}</div>"


def section_html(section: Section) -> str:
    charts = "\n".join(chart_html(chart, section.dark[name]) for name, chart in section.light.items())
    return f"{headed(section.title, section.words)}\n<div class='charts'>{charts}</div>"


def headed(title: str, words: str) -> str:
    return f"<h2>{escape(title)}</h2>{f'<p>{escape(words)}</p>' if words else ''}"


def chart_html(light: Chart, dark: Chart) -> str:
    figures = {"light": drawn(light.figure), "dark": without_arrays(drawn(dark.figure))}
    wide = " wide" if light.wide else ""
    caption = f"<figcaption>{escape(light.caption)}</figcaption>" if light.caption else ""
    return (
        f'<figure class="chart{wide}"><div role="img" aria-label="{escape(light.alt)}"></div>'
        f'<script type="application/json">{embedded(figures)}</script>{caption}</figure>'
    )


def without_arrays(figure: Any) -> Any:
    """The numbers are in the light figure already."""
    traces = [{name: value for name, value in trace.items() if name not in ARRAYS} for trace in figure["data"]]
    return {"data": traces, "layout": figure["layout"]}


def embedded(value: Any) -> str:
    """JSON that cannot end the script that it stands in."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def table_html(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.header)
    rows = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return (
        f"{headed(table.title, table.caption)}<div class='table'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def style() -> str:
    names: dict[str, Colour] = {"ink": INK, "faint": FAINT, "grid": GRID, "surface": SURFACE, "accent": ACCENT}
    return STYLE + f":root{{{''.join(f'--{name}:{colour.css};' for name, colour in names.items())}}}"


STYLE = """
:root { color-scheme: light dark; }
body { margin: 2.5rem auto; padding: 0 2rem; max-width: 1500px; color: var(--ink); background: var(--surface);
  font: 15px/1.5 "Source Sans", "Helvetica Neue", Arial, sans-serif; }
h1, h2, h3 { font-family: Georgia, serif; font-weight: 600; line-height: 1.2; }
h2 { margin-top: 2.2rem; }
h3 { margin: 0 0 0.6rem; font-size: 1rem; }
p, figcaption { color: var(--faint); }
figcaption { font-size: 0.85rem; }
.charts { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); }
.chart { margin: 0; min-width: 0; }
.drawings { display: flex; flex-wrap: wrap; gap: 1.5rem 3rem; overflow-x: auto; }
.drawings figure { width: min-content; min-width: 13rem; margin: 0; }
.drawings svg { max-width: none !important; zoom: 0.75; } /* all on one scale */
.wide { grid-column: 1 / -1; }
.table { overflow-x: auto; }
table { width: max-content; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { max-width: 24rem; padding: 0.35rem 0.8rem 0.35rem 0; text-align: left; vertical-align: top; }
tr { border-bottom: 1px solid var(--grid); }
th { color: var(--faint); font-weight: 400; }
"""

SCRIPT = """
const dark = matchMedia("(prefers-color-scheme: dark)");
function draw() {
  for (const chart of document.querySelectorAll(".chart")) {
    const both = JSON.parse(chart.querySelector("script").textContent);
    const traces = both.light.data.map((trace, i) => (dark.matches ? { ...trace, ...both.dark.data[i] } : trace));
    const layout = dark.matches ? both.dark.layout : both.light.layout;
    Plotly.react(chart.firstElementChild, traces, layout, { responsive: true, displaylogo: false });
  }
}
dark.addEventListener("change", draw);
draw();
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<p>{made}</p>
{body}
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""
