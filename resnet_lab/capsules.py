"""Capsules: runs with all that belongs to them in one zip file, to go on with in another lab."""

import hashlib
import json
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import insert, select

from resnet_lab.config import Config, short
from resnet_lab.events import EVENTS, Event
from resnet_lab.files import StorageError, reason, replacing
from resnet_lab.films import frames
from resnet_lab.forecasts import Forecast
from resnet_lab.library import Readable, all_events
from resnet_lab.predictions import PREDICTIONS, read_predictions
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run, checked_labels
from resnet_lab.store import Store, append_events, new_id, new_row
from resnet_lab.tables import RUNS
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_tensors

FORMAT: Literal["resnet-lab capsule"] = "resnet-lab capsule"
VERSION = 4  # 2: with predictions; 3: with films; 4: with forecasts
MANIFEST = "manifest.json"
TEXTS = ("config.json", "environment.json", "run.json", "events.jsonl")  # every run has them
FILES = (WEIGHTS, PREDICTIONS, CHECKPOINT)  # where there are any, and the frames of a film
MEMBER = re.compile(rf"([0-9a-f]{{8}})/({'|'.join(map(re.escape, (*TEXTS, *FILES)))}|film-\d{{8}}\.safetensors)")
MAX_BYTES, MAX_MANIFEST = 8 << 30, 1 << 20  # unpacked
CHUNK = 1 << 20
FORMS: dict[str, TypeAdapter[Event]] = {name: TypeAdapter(kind) for name, kind in EVENTS.items()}


class Manifest(Config):
    """What a capsule is, and the SHA-256 of each of its members."""

    format: Literal["resnet-lab capsule"]
    version: int
    members: dict[str, str]


class Portrait(Config):
    """What is told of a run, beside its configuration, its environment and its events."""

    id: str
    name: str
    status: Literal["queued", "running", "paused", "done", "diverged", "stopped", "failed"]
    device: Literal["auto", "cpu", "cuda"]
    threads: int | None
    message: str
    notes: str
    tags: list[str]
    created: float
    started: float | None
    finished: float | None
    forecast: dict[str, Any] | None = None


@dataclass(frozen=True)
class Arrival:
    """A run as a capsule brought it, its files unpacked in a folder."""

    portrait: Portrait
    config: RunConfig
    environment: dict[str, Any]
    events: list[tuple[int, Event]]
    folder: Path


def write_capsule(store: Readable, runs: Sequence[Run], path: Path) -> None:
    sums: dict[str, str] = {}
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for run in runs:
            for name, chunks in members(store, run):
                sums[f"{run.id}/{name}"] = add_member(archive, f"{run.id}/{name}", chunks)
        manifest = Manifest(format=FORMAT, version=VERSION, members=sums)
        archive.writestr(MANIFEST, json.dumps(manifest.model_dump(), indent=1))


def members(store: Readable, run: Run) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The files first: of a run that goes on, the events then reach at least as far as its checkpoint."""
    is_finished = run.status in ("done", "diverged")
    for path in files_of(store.run_folder(run.id)):
        if not (is_finished and path.name == CHECKPOINT):
            yield path.name, chunks_of(path)
    told = run.to_dict()
    yield "config.json", [json.dumps(told.pop("config"), indent=1).encode()]
    yield "environment.json", [json.dumps(told.pop("environment"), indent=1).encode()]
    yield "run.json", [json.dumps(told, indent=1).encode()]
    yield "events.jsonl", (line(number, event) for number, event in all_events(store, run.id))


def files_of(folder: Path) -> list[Path]:
    return [path for name in FILES if (path := folder / name).is_file()] + [*frames(folder).values()]


def line(number: int, event: Event) -> bytes:
    return json.dumps({"number": number} | event.to_dict(), allow_nan=False).encode() + b"\n"


def chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def add_member(archive: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> str:
    checksum = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as member:
        for chunk in chunks:
            checksum.update(chunk)
            member.write(chunk)
    return checksum.hexdigest()


def read_capsule(store: Store, path: Path, max_bytes: int = MAX_BYTES) -> tuple[list[Run], list[Run]]:
    """(the runs that came into the store, those that were there already); all of a capsule comes in, or nothing."""
    with tempfile.TemporaryDirectory(dir=store.folder, prefix="import-") as folder:
        with plain_errors(path), zipfile.ZipFile(path) as archive:
            sums = checked_manifest(archive, max_bytes).members
            for name, checksum in sums.items():
                unpack(archive, name, checksum, Path(folder))
        names = sorted({name.split("/")[0] for name in sums})
        with said_of(path):
            arrivals = [read_arrival(Path(folder) / name) for name in names]
        return take_in(store, arrivals)


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Whatever a zip file can be damaged by, in one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError(f"{path} is not there: give the path of a capsule.") from None
    except OSError as error:
        raise StorageError(f"{path} could not be read: {reason(error)}.") from None
    except KeyError as error:
        raise ValueError(f"{path} is no capsule or is damaged: {error.args[0]}.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise ValueError(f"{path} is no capsule or is damaged: {str(error).rstrip('.')}.") from None


@contextmanager
def said_of(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path} cannot be imported: {str(error).rstrip('.')}.") from None


def checked_manifest(archive: zipfile.ZipFile, max_bytes: int) -> Manifest:
    """Only members that a capsule of ours has, whole, and together no larger than allowed."""
    if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST:
        raise ValueError(f"its {MANIFEST} is too large")
    manifest = Manifest.from_json(archive.read(MANIFEST).decode())
    if manifest.version > VERSION:
        raise ValueError(f"its version is {manifest.version}, but this lab knows only {VERSION}")
    for name in manifest.members:
        if not MEMBER.fullmatch(name):
            raise ValueError(f"a capsule has no member {short(name)}")
    for run_id in {name.split("/")[0] for name in manifest.members}:
        for text in TEXTS:
            if f"{run_id}/{text}" not in manifest.members:
                raise ValueError(f"{run_id}/{text} is missing in it")
    size = sum(archive.getinfo(name).file_size for name in manifest.members)
    if size > max_bytes:
        raise ValueError(f"unpacked it takes {size:,} bytes, more than the {max_bytes:,} allowed")
    return manifest


def unpack(archive: zipfile.ZipFile, name: str, checksum: str, folder: Path) -> None:
    found = hashlib.sha256()
    (folder / name).parent.mkdir(exist_ok=True)
    with archive.open(name) as member, (folder / name).open("xb") as file:
        for chunk in iter(lambda: member.read(CHUNK), b""):
            found.update(chunk)
            file.write(chunk)
    if found.hexdigest() != checksum:
        raise ValueError(f"{name} differs from its checksum")


def read_arrival(folder: Path) -> Arrival:
    portrait = Portrait.from_json((folder / "run.json").read_text())
    checked_labels(name=portrait.name, notes=portrait.notes, tags=portrait.tags)
    for path in files_of(folder):
        read_tensors(path)
    if portrait.forecast is not None:
        Forecast.from_dict(portrait.forecast)
    config = RunConfig.from_json((folder / "config.json").read_text())
    predictions = read_predictions(folder)
    if predictions is not None and not predictions.fit(config):
        raise ValueError("its predictions are not of its test images")
    return Arrival(
        portrait=portrait,
        config=config,
        environment=read_environment(folder / "environment.json"),
        events=read_events(folder / "events.jsonl"),
        folder=folder,
    )


def read_environment(path: Path) -> dict[str, Any]:
    environment = json.loads(path.read_text())
    if not isinstance(environment, dict):
        raise ValueError("its environment is no object of fields")
    return environment


def read_events(path: Path) -> list[tuple[int, Event]]:
    """Numbered upwards, every field of the kind that it must be."""
    events: list[tuple[int, Event]] = []
    with path.open("rb") as file:
        for place, text in enumerate(file, start=1):
            try:
                fields = json.loads(text)
                number, form = fields.pop("number"), FORMS[fields.pop("kind")]
                event = form.validate_python(fields)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ValueError(f"line {place} of its events is no event of this lab") from None
            if not isinstance(number, int) or number <= (events[-1][0] if events else 0):
                raise ValueError(f"line {place} of its events has the number {short(number)}, which does not rise")
            events.append((number, event))
    return events


def take_in(store: Store, arrivals: Sequence[Arrival]) -> tuple[list[Run], list[Run]]:
    with ExitStack() as undo, store.writing() as connection:
        new, known = [], []
        for arrival in arrivals:
            portrait, key = arrival.portrait, arrival.config.key
            same = select(RUNS.c.id).where(RUNS.c.key == key, RUNS.c.created == portrait.created)
            if here := connection.execute(same).scalars().first():
                known.append(here)
                continue
            taken = connection.execute(select(RUNS.c.id).where(RUNS.c.id == portrait.id)).first()
            run_id = new_id() if taken or store.run_folder(portrait.id).exists() else portrait.id
            connection.execute(insert(RUNS).values(**row(arrival, run_id)))
            append_events(connection, run_id, arrival.events)
            undo.callback(shutil.rmtree, store.run_folder(run_id), ignore_errors=True)
            move_in(arrival.folder, store.run_folder(run_id))
            new.append(run_id)
        connection.commit()
        undo.pop_all()
    return [store.run(run_id) for run_id in new], [store.run(run_id) for run_id in known]


def row(arrival: Arrival, run_id: str) -> dict[str, Any]:
    """What was under way elsewhere is stopped here, and can be resumed, on as many threads as there are here."""
    told = arrival.portrait.model_dump()
    status = "stopped" if told["status"] in ("queued", "running") else told["status"]
    told |= {"id": run_id, "status": status, "threads": None, "environment": json.dumps(arrival.environment)}
    forecast = json.dumps(told["forecast"], sort_keys=True) if told["forecast"] else None
    return new_row(arrival.config) | told | {"tags": json.dumps(told["tags"]), "forecast": forecast}


def move_in(folder: Path, home: Path) -> None:
    home.mkdir(parents=True)
    for path in files_of(folder):
        path.replace(home / path.name)
