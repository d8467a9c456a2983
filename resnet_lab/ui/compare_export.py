"""What is shown, as files: the numbers of the runs, and a report that needs no network."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import streamlit as st

from resnet_lab.cards import name_block
from resnet_lab.events import Start
from resnet_lab.exports import export_runs
from resnet_lab.library import Readable
from resnet_lab.pictures import Picture, picture
from resnet_lab.run_table import cost_of, data_words, fold, framed, in_words, rows, titled, told_of
from resnet_lab.runs import Run
from resnet_lab.summaries import summarise
from resnet_lab.ui.compare_charts import CHARTS, Shown
from resnet_lab.ui.compare_mistakes import mistake_charts, predictions_of
from resnet_lab.ui.compare_pair import pair_charts
from resnet_lab.ui.compare_table import baseline_of, explained
from resnet_lab.ui.compare_view import VIEWS, CompareView
from resnet_lab.ui.diagram import draw
from resnet_lab.ui.report import Drawing, Section, Table, report
from resnet_lab.ui.shared import Shared

# fmt: off
FILES = {
    ".csv":     ("CSV", "text/csv", "One number a row"),
    ".parquet": ("Parquet", "application/vnd.apache.parquet", "The same rows, smaller and faster to read"),
    ".json":    ("JSON", "application/json", "Configuration, environment and every event"),
}
# fmt: on
MOST_MISTAKEN = 12  # runs whose mistakes are in a report
PROVENANCE = ("Run", "Id", "Trained on", "Tested on", "Budget", "Seed", "Hardware", "Computed in", "Versions")


def export(lab: Shared, runs: Sequence[Run], view: CompareView) -> None:
    """Files are made when they are asked for."""
    with st.popover("Export", icon=":material/download:"):
        st.caption(f"Of the {len(runs)} shown. Each chart saves itself as PNG or SVG: point at it.")
        for ending, (label, kind, words) in FILES.items():
            st.download_button(
                label,
                partial(exported, lab.library, runs, ending),
                f"runs{ending}",
                kind,
                on_click="ignore",
                help=words,
                key=f"export_{ending[1:]}",
                width="stretch",
            )
        st.download_button(
            "Report, HTML",
            lambda: report_of(lab, runs, view, time.time()),
            "comparison.html",
            "text/html",
            on_click="ignore",
            help="All charts and tables in one file that works without a network",
            key="export_report",
            width="stretch",
        )


def exported(store: Readable, runs: Sequence[Run], ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"runs{ending}"
        export_runs(store, runs, path)
        return path.read_bytes()


def report_of(lab: Shared, runs: Sequence[Run], view: CompareView, now: float) -> str:
    light, dark = (Shown(tuple(runs), lab.histories, view, theme) for theme in ("light", "dark"))
    sections = [Section(VIEWS[name], charts(light), charts(dark)) for name, charts in CHARTS.items()]
    light, dark = (replace(shown, view=view.changed(seeds="each")) for shown in (light, dark))
    if len(runs) == 2:
        sections.insert(0, Section(VIEWS["two"], pair_charts(light), pair_charts(dark)))
    sections.append(mistake_section(lab.library, light, dark))
    when = datetime.fromtimestamp(now, UTC).strftime("%d %B %Y, %H:%M UTC")
    made = f"Made on {when}. Every number was measured in the runs below."
    listed = with_baseline(lab.library, runs, view)
    tables = [results(lab, listed, view), provenance(lab.library, listed)]
    return report("Runs of the ResNet Lab", made, tables, drawings(light), sections)


def mistake_section(store: Readable, light: Shown, dark: Shown) -> Section:
    told, problems = predictions_of(store, light.runs)
    if len(told) > MOST_MISTAKEN:
        problems.append(f"These are the mistakes of the first {MOST_MISTAKEN} of {len(told)} runs.")
    told = dict(islice(told.items(), MOST_MISTAKEN))
    both = [mistake_charts(shown, told) if told else {} for shown in (light, dark)]
    return Section(VIEWS["mistakes"], both[0], both[1], " ".join(problems))


def drawings(shown: Shown) -> list[Drawing]:
    """Each block once, with the runs that are made of it."""
    made_of: dict[Picture, list[Run]] = {}
    for run in shown.runs:
        made_of.setdefault(picture(run.config.model), []).append(run)
    return [
        Drawing(title := name_block(runs[0].config.model.block), draw(drawing, title), named(shown, runs))
        for drawing, runs in made_of.items()
    ]


def named(shown: Shown, runs: Sequence[Run]) -> str:
    return "; ".join(shown.labels[run.id] for run in runs)


def with_baseline(store: Readable, runs: Sequence[Run], view: CompareView) -> list[Run]:
    """From which the differences are, even where it is not among the shown ones."""
    ids = [run.id for run in runs]
    return [*runs, *(run for run in store.runs() if run.id == view.baseline and run.id not in ids)]


def results(lab: Shared, runs: Sequence[Run], view: CompareView) -> Table:
    """As the page has them, with the differences from the baseline."""
    told = rows(told_of(lab.histories, summarise(lab.library, runs), cost_of))
    shown, sentence = fold(told)
    columns = framed(told, shown, baseline_of(told, view.baseline))
    cells = zip(*(in_words(name, values) for name, values in columns.items()), strict=True)
    return Table("Results", list(map(titled, columns)), list(cells), f"{sentence} {explained(view, told)}".strip())


def provenance(store: Readable, runs: Sequence[Run]) -> Table:
    """With how many images, what budget, which machine and which versions each number was measured."""
    starts = store.last_many([run.id for run in runs], Start.kind)
    return Table("How they were trained", PROVENANCE, [origin(run, starts.get(run.id)) for run in runs])


def origin(run: Run, start: object) -> list[str]:
    here, config = run.environment, run.config
    how = start.execution if isinstance(start, Start) else {}
    precision = f"{how['precision']}, {how.get('threads', '?')} threads" if "precision" in how else ""
    versions = [f"{name} {here[name]}" for name in ("torch", "python", "resnet_lab", "commit") if here.get(name)]
    return [
        run.title,
        run.id,
        data_words(config),
        f"{config.data.num_test:,} images",
        f"{config.recipe.steps:,} steps of {config.recipe.batch_size}, {config.epochs:.3g} epochs",
        str(run.seed),
        run.hardware,
        precision,
        ", ".join(versions),
    ]
