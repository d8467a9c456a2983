"""The tables of the store, and the steps from an older schema to the current one."""

from collections.abc import Callable

from sqlalchemy import (
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
    update,
)

METADATA = MetaData()

META = Table("meta", METADATA, Column("version", Integer, nullable=False))

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(8), primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", String(16), nullable=False, index=True),
    Column("seed", Integer, nullable=False),
    Column("config", Text, nullable=False),  # JSON
    Column("status", String(16), nullable=False, index=True),
    Column("request", String(16)),  # what a running one is asked for: pause, stop
    Column("position", Integer),  # in the queue
    Column("device", String(16), nullable=False),
    Column("threads", Integer),  # as first started: another number would not end bit for bit the same
    Column("host", Text),
    Column("pid", Integer),
    Column("pid_started", Double),
    Column("heartbeat", Double),
    Column("deaths", Integer, nullable=False),  # of its processes since the last progress
    Column("message", Text, nullable=False),
    Column("environment", Text, nullable=False),  # JSON
    Column("notes", Text, nullable=False),
    Column("tags", Text, nullable=False),  # JSON
    Column("created", Double, nullable=False),  # these four: seconds since 1970, UTC
    Column("started", Double),
    Column("finished", Double),
    Column("deleted", Double),
    Column("colour", Integer, nullable=False, server_default=text("0")),  # a number by which it is drawn
    Column("forecast", Text),  # JSON; said before the first step, or not at all
)

EVENTS = Table(
    "events",
    METADATA,
    Column("run_id", String(8), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Index("events_by_kind", "run_id", "kind", "number"),
)

Migration = Callable[[Connection], None]


def add_colours(connection: Connection) -> None:
    """Numbers, in the order in which the runs were made."""
    connection.execute(text("ALTER TABLE runs ADD COLUMN colour INTEGER DEFAULT 0 NOT NULL"))
    ids = connection.execute(text("SELECT id FROM runs ORDER BY created, id")).scalars().all()
    for colour, run_id in enumerate(ids):
        connection.execute(text("UPDATE runs SET colour = :colour WHERE id = :id"), {"colour": colour, "id": run_id})


def add_forecasts(connection: Connection) -> None:
    """What was trained before has none: a forecast that is made afterwards is none."""
    connection.execute(text("ALTER TABLE runs ADD COLUMN forecast TEXT"))


# the k-th takes a store from version k to version k + 1
MIGRATIONS: tuple[Migration, ...] = (add_colours, add_forecasts)
ONE_AT_A_TIME = 0x5E5  # the number of PostgreSQL's advisory lock, any constant


def is_current(connection: Connection, migrations: tuple[Migration, ...]) -> bool:
    return inspect(connection).has_table("meta") and version(connection) == len(migrations) + 1


def version(connection: Connection) -> int:
    return connection.execute(select(META.c.version)).scalar_one()


def migrate(connection: Connection, migrations: tuple[Migration, ...]) -> None:
    """Makes the tables, or brings them up to date, within the transaction of the connection."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})"))
    if not inspect(connection).has_table("meta"):
        METADATA.create_all(connection)
        connection.execute(insert(META).values(version=len(MIGRATIONS) + 1))  # which the tables above are
    found, newest = version(connection), len(migrations) + 1
    if found > newest:
        raise ValueError(f"The store has schema {found}, but this version of the lab knows only {newest}: update it.")
    for step in migrations[found - 1 :]:
        step(connection)
    connection.execute(update(META).values(version=newest))
