"""All runs and what they said, kept in one database, and a folder of files for each run."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, case, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from resnet_lab.config import choices, short
from resnet_lab.data import home
from resnet_lab.database import check_database, connect, file_url, plain_errors
from resnet_lab.events import Event
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import DEVICES, Run, checked_labels, listed
from resnet_lab.tables import EVENTS, MIGRATIONS, RUNS, Migration, is_current, migrate

INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}  # these know ON CONFLICT


class Store:
    """`url` None: an SQLite file in `folder`, which holds the files of the runs in any case."""

    def __init__(
        self,
        url: str | None,
        folder: Path,
        timeout: float = 10,
        clock: Callable[[], float] = time.time,
        migrations: tuple[Migration, ...] = MIGRATIONS,
    ):
        self.folder, self.clock = folder, clock
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"The lab's home {folder} cannot be made: {error.strerror}.") from None
        self.engine = connect(url or file_url(folder / "lab.db"), timeout)
        with ExitStack() as failing:
            failing.callback(self.close)
            self.bring_up_to_date(migrations)
            failing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.engine.dispose()

    def bring_up_to_date(self, migrations: tuple[Migration, ...]) -> None:
        with self.reading() as connection:
            current = is_current(connection, migrations)
        if not current:
            with self.writing() as connection:
                migrate(connection, migrations)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with plain_errors(self.engine.url), self.engine.execution_options(reads=True).begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it or nothing."""
        with plain_errors(self.engine.url), self.engine.begin() as connection:
            yield connection

    def check(self) -> list[str]:
        return check_database(self.engine)

    def run_folder(self, run_id: str) -> Path:
        return self.folder / "runs" / run_id

    def add(self, config: RunConfig, **how: Any) -> Run:
        """Puts a new run at the end of the queue."""
        return self.add_many([config], **how)[0]

    def add_many(
        self,
        configs: Sequence[RunConfig],
        *,
        name: str = "",
        notes: str = "",
        tags: Sequence[str] = (),
        device: str = "auto",
    ) -> list[Run]:
        """Puts new runs at the end of the queue, one after the other: all of them at once, or none."""
        if device not in DEVICES:
            raise ValueError(f"device must be {choices(DEVICES)}, but is {short(device)}.")
        labels = checked_labels(name=name, notes=notes, tags=tags) | {"device": device}
        with self.writing() as connection:
            ids = [enqueue(connection, config, created=self.clock(), **labels) for config in configs]
        return [self.run(run_id) for run_id in ids]

    def run(self, run_id: str) -> Run:
        with self.reading() as connection:
            row = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).one_or_none()
        if row is None:
            raise ValueError(f"There is no run {short(run_id)}.")
        return Run.from_row(row)

    def find(self, text: str) -> Run:
        """The run with this id, the only one whose id starts so, or the only one of this name."""
        fits = or_(RUNS.c.id.startswith(text, autoescape=True), RUNS.c.name == text) if text else RUNS.c.id.is_(None)
        with self.reading() as connection:
            found = [Run.from_row(row) for row in connection.execute(select(RUNS).where(fits))]
        exact = [run for run in found if run.id == text]
        best = exact or [run for run in found if run.deleted is None] or found
        if len(best) == 1:
            return best[0]
        if best:
            labels = listed(sorted(run.label for run in best))
            raise ValueError(f"{short(text)} fits {len(best)} runs, {labels}: give more of the id.")
        there = [run.label for run in self.runs()]
        raise ValueError(f"There is no run {short(text)}; there {f'is {listed(there)}' if there else 'are none yet'}.")

    def runs(
        self, statuses: Sequence[str] | None = None, tags: Sequence[str] | None = None, deleted: bool = False
    ) -> list[Run]:
        """Newest first; `tags`: those that have all of them; `deleted`: the deleted ones instead of the others."""
        rows = select(RUNS).where(RUNS.c.deleted.is_not(None) if deleted else RUNS.c.deleted.is_(None))
        if statuses is not None:
            rows = rows.where(RUNS.c.status.in_(statuses))
        with self.reading() as connection:
            found = [Run.from_row(row) for row in connection.execute(rows.order_by(RUNS.c.created.desc(), RUNS.c.id))]
        return [run for run in found if set(tags or ()) <= set(run.tags)]

    def same(self, config: RunConfig) -> Run | None:
        """A run of exactly this configuration and seed: a finished one, else one that may still finish."""
        with self.reading() as connection:
            rows = select(RUNS).where(RUNS.c.key == config.key, RUNS.c.deleted.is_(None), RUNS.c.status != "failed")
            found = [Run.from_row(row) for row in connection.execute(rows.order_by(RUNS.c.created.desc()))]
        found.sort(key=lambda run: run.status not in ("done", "diverged"))
        return found[0] if found else None

    def edit(self, run_id: str, **labels: Any) -> Run:
        """Changes `name`, `notes` or `tags`."""
        self.change(run_id, **checked_labels(**labels))
        return self.run(run_id)

    def record_environment(self, run_id: str, environment: dict[str, Any]) -> None:
        self.change(run_id, environment=json.dumps(environment, sort_keys=True))

    def record_forecast(self, run_id: str, forecast: dict[str, Any]) -> None:
        """Once: what was said first stands."""
        with self.writing() as connection:
            those = (RUNS.c.id == run_id, RUNS.c.forecast.is_(None))
            told = json.dumps(forecast, sort_keys=True, allow_nan=False)
            connection.execute(update(RUNS).where(*those).values(forecast=told))

    def change(self, run_id: str, **fields: Any) -> None:
        with self.writing() as connection:
            changed = connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(**fields)).rowcount
        if not changed:
            raise ValueError(f"There is no run {short(run_id)}.")

    def delete(self, run_id: str) -> Run:
        """Out of sight, until it is undeleted or purged."""
        with self.writing() as connection:
            those = (RUNS.c.id == run_id, RUNS.c.status != "running")
            changed = connection.execute(update(RUNS).where(*those).values(deleted=self.clock())).rowcount
        run = self.run(run_id)
        if not changed:
            raise ValueError(f"Run {run.label} is running; stop it, then delete it.")
        return run

    def undelete(self, run_id: str) -> Run:
        self.change(run_id, deleted=None)
        return self.run(run_id)

    def purge(self, run_id: str) -> None:
        """Removes a deleted run, its events and its files for good."""
        with self.writing() as connection:
            those = (RUNS.c.id == run_id, RUNS.c.deleted.is_not(None))
            removed = connection.execute(delete(RUNS).where(*those)).rowcount
        if not removed:
            raise ValueError(f"Run {self.run(run_id).label} is not deleted; only a deleted run can be purged.")
        shutil.rmtree(self.run_folder(run_id), ignore_errors=True)

    def append(self, run_id: str, events: Sequence[tuple[int, Event]]) -> None:
        """All of them or none; a number that is there already stays as it is."""
        with self.writing() as connection:
            if connection.execute(select(RUNS.c.id).where(RUNS.c.id == run_id)).one_or_none() is None:
                raise ValueError(f"There is no run {short(run_id)}.")
            append_events(connection, run_id, events)

    def events(
        self, run_id: str, after: int = 0, kinds: Sequence[str] | None = None, limit: int | None = None
    ) -> list[tuple[int, Event]]:
        """Those with a number above `after`, in order."""
        rows = select(EVENTS.c.number, EVENTS.c.body).where(EVENTS.c.run_id == run_id, EVENTS.c.number > after)
        if kinds is not None:
            rows = rows.where(EVENTS.c.kind.in_(kinds))
        with self.reading() as connection:
            found = connection.execute(rows.order_by(EVENTS.c.number).limit(limit)).all()
        return [(number, Event.from_dict(json.loads(body))) for number, body in found]

    def bodies(self, kind: str, after: Mapping[str, int]) -> dict[str, list[tuple[int, str]]]:
        """Of each run that there is: its events of this kind above its number in `after`, in order, as JSON."""
        if not after:
            return {}
        is_new = EVENTS.c.number > case(dict(after), value=RUNS.c.id)
        its_own = (EVENTS.c.run_id == RUNS.c.id) & (EVENTS.c.kind == kind) & is_new
        rows = select(RUNS.c.id, EVENTS.c.number, EVENTS.c.body).outerjoin_from(RUNS, EVENTS, its_own)
        rows = rows.where(RUNS.c.id.in_(after)).order_by(RUNS.c.id, EVENTS.c.number)
        found: dict[str, list[tuple[int, str]]] = {}
        with self.reading() as connection:
            for run_id, number, body in connection.execute(rows):
                found.setdefault(run_id, []).extend([] if number is None else [(number, body)])
        return found

    def last(self, run_id: str, kind: str) -> Event | None:
        return self.last_many([run_id], kind).get(run_id)

    def last_many(self, run_ids: Sequence[str], kind: str) -> dict[str, Event]:
        """The last event of this kind of every run that has one."""
        which = (EVENTS.c.run_id.in_(run_ids), EVENTS.c.kind == kind)
        newest = select(EVENTS.c.run_id, func.max(EVENTS.c.number).label("number")).where(*which)
        ends = newest.group_by(EVENTS.c.run_id).subquery()
        both = (EVENTS.c.run_id == ends.c.run_id) & (EVENTS.c.number == ends.c.number)
        with self.reading() as connection:
            found = connection.execute(select(EVENTS.c.run_id, EVENTS.c.body).join(ends, both)).all()
        return {run_id: Event.from_dict(json.loads(body)) for run_id, body in found}


def open_store() -> Store:
    """The store in the lab's home, or where RESNET_LAB_STORE says."""
    return Store(os.environ.get("RESNET_LAB_STORE"), home())


def new_id() -> str:
    return secrets.token_hex(4)


def enqueue(connection: Connection, config: RunConfig, **fields: Any) -> str:
    """The id of a new run, which waits at the end of the queue."""
    run_id = new_id()
    row = new_row(config) | {"id": run_id, "status": "queued", "position": end_of_queue()} | fields
    connection.execute(insert(RUNS).values(**row))
    return run_id


def new_row(config: RunConfig) -> dict[str, Any]:
    known = {"key": config.key, "seed": config.seed, "config": full_json(config), "colour": next_colour()}
    return known | {"deaths": 0, "message": "", "environment": "{}"}


def full_json(config: RunConfig) -> str:
    """With every default written out, so that a later default changes no run of the past."""
    return json.dumps(config.model_dump(mode="json"), sort_keys=True)


def end_of_queue() -> Any:
    return select(func.coalesce(func.max(RUNS.c.position), 0) + 1).scalar_subquery()


def next_colour() -> Any:
    """Neighbours differ; a run that was purged may be forgotten."""
    return select(func.coalesce(func.max(RUNS.c.colour), -1) + 1).scalar_subquery()


def append_events(connection: Connection, run_id: str, events: Sequence[tuple[int, Event]]) -> None:
    rows = [
        {"run_id": run_id, "number": number, "kind": event.kind, "step": event.step, "body": body(event)}
        for number, event in events
    ]
    if rows:
        insertion = INSERTS[connection.dialect.name](EVENTS).on_conflict_do_nothing()
        connection.execute(insertion, rows)


def body(event: Event) -> str:
    return json.dumps(event.to_dict(), allow_nan=False, separators=(",", ":"))
