"""SQLite in a file or PostgreSQL at a URL, opened with what a store needs, and their errors in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from resnet_lab.files import StorageError

# fmt: off
SQLITE_ERRORS = {  # a part of SQLite's message -> what it means
    "is locked":                    "is locked by another process; try again when that one is done",
    "disk image is malformed":      "is damaged; move it away, or put a copy in its place",
    "is not a database":            "is damaged, or was never a database; move it away, or put a copy in its place",
    "database or disk is full":     "cannot grow, the disk is full; what was written before is still there",
    "disk i/o error":               "cannot be written or read, the disk is full or failing; "
                                    "what was written before is still there",
    "readonly database":            "may only be read, not written; check its permissions",
    "unable to open database file": "cannot be opened; check that its folder exists and may be written",
}
# fmt: on


def connect(address: str, timeout: float) -> Engine:
    """An engine whose transactions hold the write lock from their start, so that none fails half-way for want of it."""
    url = database_url(address)
    if url.get_backend_name() == "postgresql":
        return connect_postgresql(url, timeout)
    engine = create_engine(url, connect_args={"timeout": timeout})
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def connect_postgresql(url: URL, timeout: float) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": max(2, int(timeout))})
    except ModuleNotFoundError as error:
        raise StorageError(f"PostgreSQL needs the package {error.name!r}: pip install 'psycopg[binary]'.") from None

    @event.listens_for(engine, "connect")
    def wait_no_longer(connection: Any, record: object) -> None:
        connection.execute(f"SET lock_timeout = {int(timeout * 1000)}")  # milliseconds
        connection.commit()

    return engine


def database_url(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        raise ValueError(
            "The store's URL must look like 'postgresql://user:password@host/name', but does not."
        ) from None
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise ValueError(f"The store is an SQLite file or a PostgreSQL database, but its URL is {shown(url)!r}.")


def prepare(connection: Any, record: object) -> None:
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def plain_errors(url: URL) -> Iterator[None]:
    """What the database cannot do becomes one sentence; a password is never part of it."""
    try:
        yield
    except DBAPIError as error:
        raise StorageError(f"The store {shown(url)} {meaning(error, url)}.") from error


def meaning(error: DBAPIError, url: URL) -> str:
    message = str(error.orig)
    if url.get_backend_name() == "sqlite":
        known = [words for part, words in SQLITE_ERRORS.items() if part in message.lower()]
        return known[0] if known else f"failed: {message.rstrip('.')}"
    first = (message.strip() or type(error.orig).__name__).splitlines()[0].rstrip(".: ")
    if "lock timeout" in first:
        return SQLITE_ERRORS["is locked"]
    lost = error.connection_invalidated or "connection" in first
    return f"cannot be reached: {first}" if lost else f"failed: {first}"


def shown(url: URL) -> str:
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def check_database(engine: Engine) -> list[str]:
    """What is wrong with it, a sentence each."""
    try:
        with plain_errors(engine.url), engine.connect() as connection:
            if engine.dialect.name != "sqlite":
                connection.execute(text("SELECT count(*) FROM runs"))
                return []
            found = connection.execute(text("PRAGMA integrity_check")).scalars().all()
            orphans = connection.execute(text("PRAGMA foreign_key_check")).all()
    except StorageError as error:
        return [str(error)]
    wrong = [f"The store {shown(engine.url)} is damaged: {line}." for line in found if line != "ok"]
    return wrong + [f"The store {shown(engine.url)} has {len(orphans)} events of no run." for _ in orphans[:1]]


def file_url(path: Path) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string()
