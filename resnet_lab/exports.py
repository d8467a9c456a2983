"""Runs as files for other programs: CSV and Parquet of the numbers, JSON of everything, a capsule for another lab."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from resnet_lab.capsules import write_capsule
from resnet_lab.config import choices
from resnet_lab.events import Event, Probe
from resnet_lab.files import replacing
from resnet_lab.library import Readable, all_events
from resnet_lab.runs import Run

MEASURES = {  # of these kinds of events; a probe names its own
    "step": ("loss", "train_error", "lr", "images_per_second"),
    "epoch": ("epoch", "test_error", "test_loss", "num_test"),
}
# fmt: off
COLUMNS = pa.schema([
    ("run", pa.string()), ("name", pa.string()),
    ("placement", pa.string()), ("shortcut", pa.string()), ("depth", pa.int32()), ("seed", pa.int32()),
    ("kind", pa.string()), ("step", pa.int32()), ("seconds", pa.float64()),
    ("measure", pa.string()), ("layer", pa.string()), ("unit", pa.int32()), ("value", pa.float64()),
])
# fmt: on
BATCH = 20_000  # rows in memory at a time


def export_runs(store: Readable, runs: Sequence[Run], path: Path) -> None:
    """In the format that the file's ending names."""
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"The file must end in {choices(FORMATS)}, but is {path.name!r}.")
    FORMATS[path.suffix.lower()](store, runs, path)


def rows(store: Readable, runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """One number a row, with what a comparison groups by; a number that was not finite has no value."""
    for run in runs:
        model = run.config.model
        who = {"run": run.id, "name": run.name, "depth": model.depth, "seed": run.seed}
        who |= {"placement": model.block.placement, "shortcut": model.block.shortcut}
        for _, event in all_events(store, run.id, [*MEASURES, Probe.kind]):
            when = {"kind": event.kind, "step": event.step, "seconds": event.seconds}
            for measure, layer, unit, value in numbers(event):
                number = None if value is None else float(value)
                yield who | when | {"measure": measure, "layer": layer, "unit": unit, "value": number}


def numbers(event: Event) -> Iterator[tuple[str, str | None, int | None, float | None]]:
    """(measure, layer, unit, value)"""
    if isinstance(event, Probe):
        for layer, measures in event.layers.items():
            yield from ((measure, layer, None, value) for measure, value in measures.items())
        for measure, values in event.units.items():
            yield from ((measure, None, unit, value) for unit, value in enumerate(values))
    else:
        yield from ((measure, None, None, getattr(event, measure)) for measure in MEASURES[event.kind])


def write_csv(store: Readable, runs: Sequence[Run], path: Path) -> None:
    with replacing(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.DictWriter(text, COLUMNS.names)
        writer.writeheader()
        writer.writerows(rows(store, runs))
        text.detach()


def write_parquet(store: Readable, runs: Sequence[Run], path: Path) -> None:
    everything = rows(store, runs)
    with replacing(path) as file, parquet.ParquetWriter(file, COLUMNS) as writer:
        while batch := list(islice(everything, BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, COLUMNS))


def write_json(store: Readable, runs: Sequence[Run], path: Path) -> None:
    """Configuration, environment and events of every run."""
    with replacing(path) as file:
        file.write(b'{"format": "resnet-lab runs", "version": 1, "runs": [')
        for place, run in enumerate(runs):
            events = [{"number": number} | event.to_dict() for number, event in all_events(store, run.id)]
            whole = run.to_dict() | {"key": run.key, "events": events}
            file.write((b",\n" if place else b"\n") + json.dumps(whole, allow_nan=False).encode())
        file.write(b"\n]}\n")


FORMATS: dict[str, Callable[[Readable, Sequence[Run], Path], None]] = {
    ".csv": write_csv,
    ".parquet": write_parquet,
    ".json": write_json,
    ".zip": write_capsule,
}
