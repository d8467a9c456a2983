"""The one place through which charts are shown: a grid of Plotly figures that keeps zoom, pan and hidden traces.

A tick goes so: the browser asks for it and says which version it has; the fragment runs again; where the version is
still known, a patch travels, else everything. Where no tick asked, the patch is of what was sent a while ago; a browser
that has not got that asks. board.js is the browser's side.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from resnet_lab.files import StorageError, replacing
from resnet_lab.ui.page import current_theme
from resnet_lab.ui.patches import JSON, patch

STATIC = Path(__file__).parent.parent.parent / "static"  # what Streamlit serves as app/static
SCRIPT = Path(__file__).parent / "board.js"
DIGITS = 6
KNOWN = "board_known"
ARRIVAL_SECONDS = 0.5  # a run of the page that comes sooner after another may have kept its message from the browser
LOADER = """
const file = "%s";
export default async function (component) {
  try {
    return (await import(new URL(file, document.baseURI))).default(component);
  } catch {
    component.parentElement.textContent = `The charts cannot be shown: ${file} could not be loaded from the server.`;
  }
}
"""
PRELOADER = """
<script type="module">
  const link = { rel: "preload", as: "script", href: "%s", fetchPriority: "high" }; // before Streamlit's own parts
  document.head.append(Object.assign(document.createElement("link"), link));
  const { preload } = await import(new URL("%s", document.baseURI));
  preload(link.href);
</script>
"""


@dataclass(frozen=True)
class Chart:
    """A figure, what it shows in one sentence (`alt`), and words to stand below it."""

    figure: go.Figure
    alt: str
    wide: bool = False
    caption: str = ""

    @cached_property
    def described(self) -> JSON:
        """For the browser; once for all who are shown this chart."""
        return {"figure": drawn(self.figure), "alt": self.alt, "wide": self.wide, "caption": self.caption}


@dataclass(frozen=True)
class Sent:
    version: str
    state: JSON
    when: float  # seconds


@dataclass(frozen=True)
class Known:
    """Of the charts that were shown last: what the browser is known to have, and what was sent after that."""

    key: str
    base: Sent | None
    last: Sent


def show_charts(charts: Mapping[str, Chart], key: str, tick_seconds: float | None = None, min_width: int = 460) -> None:
    """A grid of charts, as many columns as fit; inside a fragment, `tick_seconds` has it run again that often."""
    try:
        component, plotly, _ = served(STATIC)
    except StorageError as problem:
        st.error(f"The charts cannot be shown: {problem}")
        return
    described = {name: chart.described for name, chart in charts.items()}
    state = {"plotly": plotly, "min_width": min_width, "order": list(charts), "charts": described}
    now, version = time.monotonic(), uuid4().hex
    base = base_of(key, now)
    message = {
        "version": version,
        "base": base.version if base else None,
        "patch": patch(base.state, state) if base else {"set": state},
        "tick": tick_seconds,
        "theme": current_theme(),
    }
    component(key=key, data=json.dumps(message, separators=(",", ":"), allow_nan=False).encode())
    st.session_state[KNOWN] = Known(key, base, Sent(version, state, now))


def preload() -> None:
    """Have the browser fetch and read Plotly while the page is still being made."""
    with suppress(StorageError):  # who shows charts will say so
        _, plotly, board = served(STATIC)
        with st.container(key="preload"):  # lab.css hides it
            st.html(PRELOADER % (plotly, board), unsafe_allow_javascript=True)


def base_of(key: str, now: float) -> Sent | None:
    """What the browser surely has: what it names in its question, else what was sent a while ago."""
    known: Known | None = st.session_state.get(KNOWN)
    if known is None or known.key != key:
        return None
    asked = (st.session_state.get(key) or {}).get("tick")  # not there yet when the first question comes
    if asked is None:
        return known.last if now > known.last.when + ARRIVAL_SECONDS else known.base
    return next((sent for sent in (known.last, known.base) if sent and sent.version == asked.get("version")), None)


@st.cache_resource(show_spinner=False)
def served(folder: Path) -> tuple[Any, str, str]:
    """The component, and the addresses of Plotly and of the board, both in the folder that Streamlit serves.

    The component's script is loaded from there too: Streamlit repeats a component's own script in every message.
    """
    plotly = f"plotly-{get_plotlyjs_version()}.min.js"
    script = SCRIPT.read_text()
    board = f"board-{sha256(script.encode()).hexdigest()[:12]}.js"
    for name, text in ((plotly, get_plotlyjs()), (board, script)):
        if not (folder / name).exists():
            with replacing(folder / name) as file:
                file.write(text.encode())
    component = st.components.v2.component("resnet_lab_board", js=LOADER % f"app/static/{board}", isolate_styles=False)
    return component, f"app/static/{plotly}", f"app/static/{board}"


def drawn(figure: go.Figure) -> JSON:
    """The figure as JSON; what the user did stays, but the zoom only as long as the axes mean the same."""
    traces = [trace.to_plotly_json() for trace in figure.data]
    seen = Counter[str]()
    for trace in traces:
        name = str(trace.get("uid", trace.get("name")))
        trace["uid"] = sha256(f"{name} {seen[name]}".encode()).hexdigest()[:12]  # Plotly makes a CSS class of it
        seen[name] += 1
    layout = {"uirevision": "the same", **figure.layout.to_plotly_json()}
    axes = [part for name, part in layout.items() if name.startswith(("xaxis", "yaxis"))]
    meaning = str([(axis.get("title", {}).get("text"), axis.get("type")) for axis in axes])
    for axis in axes:
        axis.setdefault("uirevision", meaning)
    return plain({"data": traces, "layout": layout})


def plain(value: Any) -> JSON:
    """Lists instead of arrays, short numbers, None for what is not finite."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        numbers = set(map(type, value)) <= {int, float, type(None)}
        return short(np.array(value, dtype=float)).tolist() if numbers else [plain(part) for part in value]
    if isinstance(value, (np.ndarray, np.generic, float)):
        return short(np.asarray(value)).tolist()
    return value


def short(values: np.ndarray) -> np.ndarray:
    """Numbers of at most six digits, but integers whole; None for what is not finite."""
    if values.dtype.kind != "f":
        return values
    values = values.astype(np.float64)
    with np.errstate(all="ignore"):
        scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(values))))
        rounded = np.round(values * scale) / scale
    rounded = np.where((values == np.round(values)) | ~np.isfinite(rounded), values, rounded)
    finite = np.isfinite(rounded)
    if finite.all():
        whole = (rounded == np.round(rounded)) & (np.abs(rounded) < 2**53)
        return rounded.astype(np.int64) if whole.all() else rounded
    numbers = rounded.astype(object)
    numbers[~finite] = None
    return numbers
