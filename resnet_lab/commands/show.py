"""`show RUN`: what it is, how it went, and where its files are."""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

from resnet_lab.commands.tables import error
from resnet_lab.events import Event, Start, Switch
from resnet_lab.files import size_words
from resnet_lab.library import all_events
from resnet_lab.store import open_store
from resnet_lab.summaries import Summary, duration, summarise

MADE_OF = ("python", "torch", "resnet_lab", "commit", "threads")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, the start of it, or its name")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, one object")
    form.add_argument("--events", action="store_true", help="print all that it said, as JSON lines")


def run(options: argparse.Namespace) -> int:
    with open_store() as store:
        found = store.find(options.run)
        if options.events:
            for number, event in all_events(store, found.id):
                print(json.dumps({"number": number} | event.to_dict()))
            return 0
        [summary] = summarise(store, [found])
        how = store.last(found.id, Switch.kind) or store.last(found.id, Start.kind)
        files = [path for path in sorted(store.run_folder(found.id).glob("[!.]*")) if path.is_file()]
        if options.json:
            print(json.dumps(summary.to_dict() | {"files": [str(path) for path in files]}, indent=1))
        else:
            print("\n".join(f"{name:<11} {text}" for name, text in lines(summary, how, files) if text))
    return 0


def lines(summary: Summary, how: Event | None, files: list[Path]) -> Iterator[tuple[str, str]]:
    """(what, text), an empty text where there is nothing to say"""
    run, recipe, data = summary.run, summary.run.config.recipe, summary.run.config.data
    yield "run", f"{run.label}{', deleted' if run.deleted else ''}"
    yield "what", run.config.title
    yield "data", f"{data.num_train:,} images of {data.name}, {data.resolution}×{data.resolution} pixels"
    yield "recipe", f"{recipe.steps:,} steps of {recipe.batch_size}, {run.config.epochs:.1f} epochs, lr {recipe.lr:g}"
    yield "seed", str(run.config.seed)
    yield "status", run.state
    yield "", summary.words
    yield "progress", f"step {summary.step:,} of {recipe.steps:,} ({summary.share:.0%})"
    yield "loss", "" if summary.loss is None else f"{summary.loss:.4f}"
    yield "test error", error(summary)
    yield "time", duration(summary.seconds) if summary.seconds_left is None else remaining(summary)
    yield "device", summary.device
    if isinstance(how, Start | Switch):
        threads = how.execution["threads"]
        layout = " with the channels first" if how.execution.get("layout") == "contiguous" else ""
        since = f", from step {how.step:,} on with compiled units" if isinstance(how, Switch) else ""
        on = f"on {threads} thread{'s' if threads > 1 else ''}"
        yield "computed", f"in {how.execution['precision']}{layout} {on}{since}"
    yield "created", moment(run.created)
    yield "finished", "" if run.finished is None else moment(run.finished)
    yield "tags", ", ".join(run.tags)
    yield "notes", run.notes
    yield "with", ", ".join(f"{name} {value}" for name, value in run.environment.items() if value and name in MADE_OF)
    for path in files:
        yield "file", f"{path} ({size_words(path.stat().st_size)})"


def remaining(summary: Summary) -> str:
    return f"{duration(summary.seconds)}, about {duration(summary.seconds_left or 0)} left"


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
