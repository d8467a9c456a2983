"""The store: what is written is read back, from SQLite and from PostgreSQL alike, and errors are one sentence."""

import json
import multiprocessing
import os
import subprocess
import sys

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from resnet_lab.database import connect, file_url
from resnet_lab.events import Step
from resnet_lab.library import all_events
from resnet_lab.queueing import Process, claim, release, waiting
from resnet_lab.store import Store, open_store
from resnet_lab.tables import METADATA, MIGRATIONS
from tests.sentences import is_one_sentence, refusal
from tests.stores import config, story

pytest_plugins = ["tests.postgres"]

JOIN = 60  # seconds
NOW = len(MIGRATIONS) + 1  # the version of the schema


def finish(store, run, status="done"):
    assert claim(store, run.id, Process.of())
    release(store, run.id, status)


# ---- runs


def test_a_run_comes_back_as_it_was_added(store):
    added = store.add(config(seed=3), name="first", notes="two\nlines, é, 语", tags=["b", "a", "b", " "], device="cpu")
    run = store.run(added.id)
    assert run == added
    assert run.config == config(seed=3)
    assert (run.key, run.seed) == (config(seed=3).key, 3)
    assert (run.name, run.notes, run.tags, run.device) == ("first", "two\nlines, é, 语", ("a", "b"), "cpu")
    assert (run.status, run.is_over, run.environment, run.threads, run.deleted) == ("queued", False, {}, None, None)


def test_runs_that_are_added_together_wait_one_after_the_other_and_each_has_its_colour(store):
    first = store.add(config(seed=7))
    added = store.add_many([config(seed=seed) for seed in range(3)], name="n", tags=["t"], notes="x", device="cpu")
    assert [run.seed for run in waiting(store)] == [7, 0, 1, 2]
    assert [store.run(run.id) for run in added] == added
    assert {(run.name, run.tags, run.notes, run.device) for run in added} == {("n", ("t",), "x", "cpu")}
    assert [run.colour for run in [first, *added]] == [0, 1, 2, 3]
    assert [run.seed for run in store.runs()] == [2, 1, 0, 7]
    assert store.add_many([]) == []


def test_a_colour_is_not_given_again_while_its_run_is_there(store):
    a, b, c = store.add_many([config(seed=seed) for seed in range(3)])
    for run in (a, c):
        store.delete(run.id)
    assert store.add(config()).colour == 3
    store.purge(a.id)
    assert store.add(config()).colour == 4
    assert store.run(b.id).colour == 1


def test_runs_that_are_added_together_come_all_or_none(store):
    def configs():
        yield config()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.add_many(configs())
    assert store.runs() == []
    assert is_one_sentence(refusal(store.add_many, [config()], name="two\nlines"))


def test_a_store_that_is_opened_again_has_all_of_it(address, tmp_path):
    with Store(address, tmp_path / "home") as store:
        run = store.add(config())
        store.append(run.id, story())
    with Store(address, tmp_path / "home") as store:
        assert store.run(run.id) == run
        assert len(store.events(run.id)) == 6


def test_runs_are_listed_newest_first_by_status_and_by_tags(store):
    a, b, c = (store.add(config(seed=seed), tags=tags) for seed, tags in enumerate([["x"], ["x", "y"], []]))
    finish(store, b)
    assert [run.id for run in store.runs()] == [c.id, b.id, a.id]
    assert [run.id for run in store.runs(["done", "failed"])] == [b.id]
    assert [run.id for run in store.runs(tags=["x"])] == [b.id, a.id]
    assert [run.id for run in store.runs(tags=["y", "x"])] == [b.id]
    assert store.runs([]) == []


def test_the_environment_is_kept(store):
    run = store.add(config())
    store.record_environment(run.id, {"torch": "2.15", "cores": 2})
    assert store.run(run.id).environment == {"torch": "2.15", "cores": 2}


def test_labels_are_edited_one_at_a_time_and_checked(store):
    run = store.add(config(), name="old", notes="n")
    assert store.edit(run.id, name="new").name == "new"
    edited = store.edit(run.id, tags=["t"])
    assert (edited.name, edited.notes, edited.tags) == ("new", "n", ("t",))
    for labels in ({"name": "two\nlines"}, {"tags": ["\x1b[31m"]}, {"notes": "nul \x00"}, {"name": "\udcff"}):
        assert is_one_sentence(refusal(store.edit, run.id, **labels))
    assert is_one_sentence(refusal(store.edit, "nothere1", name="x"))
    assert is_one_sentence(refusal(store.add, config(), device="tpu"))


def test_a_run_is_found_by_id_prefix_and_name(store):
    a, b = store.add(config(), name="plain net"), store.add(config())
    assert store.find(a.id) == a
    assert store.find("plain net") == a
    length = next(n for n in range(1, 9) if a.id[:n] != b.id[:n])
    assert store.find(b.id[:length]) == b


def test_what_is_not_found_names_what_is_there(store):
    assert "none yet" in refusal(store.find, "x")
    a, b = store.add(config(), name="same"), store.add(config(), name="same")
    several = refusal(store.find, "same")
    assert is_one_sentence(several)
    assert a.id in several
    assert b.id in several
    for nothing in ("", "%", "_", "nope", "x" * 500):
        nowhere = refusal(store.find, nothing)
        assert is_one_sentence(nowhere)
        assert nowhere.startswith("There is no run")
        assert a.id in nowhere
    for seed in range(20):
        store.add(config(seed=seed), name="a rather long name of a run " * 3)
    assert "and 14 more" in refusal(store.find, "nope")


def test_an_undeleted_run_is_found_before_a_deleted_one_of_that_name(store):
    a, b = store.add(config(), name="same"), store.add(config(), name="same")
    store.delete(a.id)
    assert store.find("same").id == b.id
    store.delete(b.id)
    assert store.find(a.id).deleted


def test_the_same_configuration_is_offered_finished_before_unfinished(store):
    assert store.same(config()) is None
    first, second, other = store.add(config()), store.add(config()), store.add(config(seed=1))
    assert store.same(config()).id == second.id
    finish(store, first, "diverged")
    assert store.same(config()).id == first.id
    store.delete(first.id)
    finish(store, second, "failed")
    assert store.same(config()) is None
    assert store.same(config(seed=1)).id == other.id


# ---- deleting


def test_delete_can_be_undone(store):
    run = store.add(config())
    store.append(run.id, story())
    assert store.delete(run.id).deleted
    assert store.runs() == waiting(store) == []
    assert [gone.id for gone in store.runs(deleted=True)] == [run.id]
    assert not claim(store, run.id, Process.of())
    store.undelete(run.id)
    assert store.runs() == [run]
    assert store.events(run.id) == story_as_read()


def test_purge_removes_only_what_is_deleted_with_its_events_and_files(store):
    run, other = store.add(config()), store.add(config())
    for one in (run, other):
        store.append(one.id, story())
        store.run_folder(one.id).mkdir(parents=True)
        (store.run_folder(one.id) / "weights.safetensors").write_bytes(b"x")
    assert is_one_sentence(refusal(store.purge, run.id))
    store.delete(run.id)
    store.purge(run.id)
    assert "There is no run" in refusal(store.run, run.id)
    assert store.events(run.id) == []
    assert not store.run_folder(run.id).exists()
    assert len(store.events(other.id)) == 6
    assert store.run_folder(other.id).is_dir()


def test_a_running_run_cannot_be_deleted(store):
    run = store.add(config())
    claim(store, run.id, Process.of())
    assert is_one_sentence(refusal(store.delete, run.id))
    assert store.run(run.id).deleted is None


@pytest.mark.parametrize("do", ["run", "delete", "undelete", "purge"])
def test_a_run_that_is_not_there_is_named(store, do):
    assert refusal(getattr(store, do), "nothere1") == "There is no run 'nothere1'."


# ---- events


def story_as_read():
    """JSON has no NaN."""
    return [(number, type(event).from_dict(event.to_dict())) for number, event in story()]


def test_events_come_back_in_order_with_none_for_what_is_not_finite(store):
    run = store.add(config())
    store.append(run.id, story())
    assert store.events(run.id) == story_as_read()
    assert store.events(run.id)[2][1].units == {"shortcut_share": [0.75, None, 0.5]}


def test_events_are_read_by_cursor_kind_and_number(store):
    run = store.add(config())
    store.append(run.id, [(n, Step(n, n / 2, 1.0, 0.1, 1.0, 0.0)) for n in range(1, 8)])
    store.append(run.id, [(8, story()[3][1])])
    assert [n for n, _ in store.events(run.id, after=5)] == [6, 7, 8]
    assert [n for n, _ in store.events(run.id, after=2, limit=3)] == [3, 4, 5]
    assert [n for n, _ in store.events(run.id, kinds=["epoch"])] == [8]
    assert store.events(run.id, after=8) == []
    assert [n for n, _ in all_events(store, run.id, page=3)] == list(range(1, 9))


def test_nothing_is_recorded_twice(store):
    run = store.add(config())
    store.append(run.id, story(4))
    again = [(number, Step(99, 99.0, 99.0, 9.0, 9.0, 9.0)) for number in (3, 4, 5)]
    store.append(run.id, again)
    assert store.events(run.id)[:4] == story_as_read()[:4]
    assert store.events(run.id, after=4) == [again[2]]


def test_a_batch_of_events_is_recorded_whole_or_not_at_all(store):
    run = store.add(config())
    with pytest.raises(AttributeError):
        store.append(run.id, [*story(2), (3, "no event")])
    assert store.events(run.id) == []
    assert "There is no run" in refusal(store.append, "nothere1", story())
    store.append(run.id, [])


def test_the_last_event_of_a_kind_for_one_run_and_for_many(store):
    a, b, c = (store.add(config(seed=seed)) for seed in range(3))
    store.append(a.id, story())
    store.append(b.id, [(n, Step(n, 1.0, float(n), 0.1, 1.0, 0.0)) for n in (1, 2, 10, 11)])
    assert store.last(a.id, "epoch").test_error == 81.25
    assert store.last(c.id, "step") is None
    found = store.last_many([a.id, b.id, c.id], "step")
    assert {run_id: event.loss for run_id, event in found.items()} == {a.id: 2.25, b.id: 11.0}
    assert store.last_many([], "step") == {}


def test_an_event_of_no_run_is_refused_by_the_database_itself(store):
    values = "INSERT INTO events (run_id, number, kind, step, body) VALUES ('nothere1', 1, 'step', 1, '{}')"
    with pytest.raises(IntegrityError), store.engine.begin() as connection:
        connection.execute(text(values))


# ---- many at once


def open_and_append(address, folder, number, together):
    together.wait(JOIN)
    with Store(address, folder) as store:
        run = store.add(config(seed=number))
        together.wait(JOIN)
        for n in range(1, 41):
            store.append(run.id, [(n, Step(n, 1.0, 1.0, 0.1, 1.0, 0.0))])


def test_processes_that_make_and_write_a_store_at_once_lose_nothing(address, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(3)
    arguments = [(address, tmp_path / "home", number, together) for number in range(3)]
    processes = [spawn.Process(target=open_and_append, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(JOIN)
    assert [process.exitcode for process in processes] == [0] * 3
    with Store(address, tmp_path / "home") as store:
        assert sorted(run.seed for run in store.runs()) == [0, 1, 2]
        assert [len(store.events(run.id)) for run in store.runs()] == [40] * 3


def test_a_reader_waits_for_no_writer(store, tmp_path):
    run = store.add(config())
    with store.writing() as connection, Store(str(store.engine.url), tmp_path, timeout=0.1) as other:
        connection.execute(text("UPDATE runs SET notes = 'half-way'"))
        assert other.run(run.id).notes == ""
    assert store.run(run.id).notes == "half-way"


def test_a_writer_waits_for_no_reader(store, tmp_path):
    run = store.add(config())
    with store.reading() as connection, Store(str(store.engine.url), tmp_path, timeout=0.1) as other:
        assert connection.execute(text("SELECT notes FROM runs")).scalar_one() == ""
        assert other.edit(run.id, notes="written").notes == "written"


# ---- the schema


def add_stars(connection):
    connection.execute(text("ALTER TABLE runs ADD COLUMN stars INTEGER DEFAULT 3"))


def add_moons(connection):
    connection.execute(text("ALTER TABLE runs ADD COLUMN moons INTEGER DEFAULT 4"))


# As version 1 made its tables.
VERSION_1 = """
CREATE TABLE meta (version INTEGER NOT NULL);
INSERT INTO meta VALUES (1);
CREATE TABLE runs (
    id VARCHAR(8) NOT NULL PRIMARY KEY, name TEXT NOT NULL, key VARCHAR(16) NOT NULL, seed INTEGER NOT NULL,
    config TEXT NOT NULL, status VARCHAR(16) NOT NULL, request VARCHAR(16), position INTEGER,
    device VARCHAR(16) NOT NULL, threads INTEGER, host TEXT, pid INTEGER, pid_started DOUBLE,
    heartbeat DOUBLE, deaths INTEGER NOT NULL, message TEXT NOT NULL, environment TEXT NOT NULL,
    notes TEXT NOT NULL, tags TEXT NOT NULL, created DOUBLE NOT NULL, started DOUBLE,
    finished DOUBLE, deleted DOUBLE
);
CREATE INDEX ix_runs_status ON runs (status);
CREATE INDEX ix_runs_key ON runs (key);
CREATE TABLE events (
    run_id VARCHAR(8) NOT NULL REFERENCES runs (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    kind VARCHAR(16) NOT NULL, step INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run_id, number)
);
CREATE INDEX events_by_kind ON events (run_id, kind, number)
"""


def make_version_1(address, folder, created):
    """A store of that version with a run of each of these times, its seed the place in the list."""
    folder.mkdir()
    engine = connect(address or file_url(folder / "lab.db"), 10)
    with engine.begin() as connection:
        double = {"sqlite": "DOUBLE", "postgresql": "DOUBLE PRECISION"}[engine.dialect.name]
        for statement in VERSION_1.replace("DOUBLE", double).split(";"):
            connection.execute(text(statement))
        for seed, when in enumerate(created):
            row = {"id": f"{seed:08x}", "key": config(seed=seed).key, "seed": seed, "when": when}
            row["config"] = config(seed=seed).to_json()
            connection.execute(
                text(
                    "INSERT INTO runs (id, name, key, seed, config, status, device, deaths, message, environment, "
                    "notes, tags, created) VALUES (:id, '', :key, :seed, :config, 'done', 'cpu', 0, '', '{}', '', "
                    "'[]', :when)"
                ),
                row,
            )
            story_row = {"id": row["id"], "body": json.dumps(story()[1][1].to_dict())}
            connection.execute(text("INSERT INTO events VALUES (:id, 2, 'step', 10, :body)"), story_row)
    engine.dispose()


def test_the_runs_of_a_store_of_version_1_are_coloured_by_their_creation(address, tmp_path):
    make_version_1(address, tmp_path / "home", created=[5.0, 3.0, 9.0, 3.0])
    for _ in range(2):
        with Store(address, tmp_path / "home") as store:
            assert {run.seed: run.colour for run in store.runs()} == {1: 0, 3: 1, 0: 2, 2: 3}
            assert all(store.events(run.id) == [story()[1]] for run in store.runs())
    with Store(address, tmp_path / "home") as store:
        assert store.add(config(seed=9)).colour == 4


def test_runs_of_an_older_store_have_no_forecast_and_what_was_said_first_stands(address, tmp_path):
    make_version_1(address, tmp_path / "home", created=[5.0])
    with Store(address, tmp_path / "home") as store:
        [run] = store.runs()
        assert run.forecast is None
        store.record_forecast(run.id, {"says": "well"})
        store.record_forecast(run.id, {"says": "slowly"})
        assert store.run(run.id).forecast == {"says": "well"}


def test_a_store_of_version_1_and_a_new_one_have_the_same_tables(address, tmp_path, request):
    make_version_1(address, tmp_path / "home", created=[1.0])
    other = None if address is None else request.getfixturevalue("postgres").new_database()
    with Store(address, tmp_path / "home") as old, Store(other, tmp_path / "other") as new:
        assert described(old) == described(new)


def described(store):
    known, schema = inspect(store.engine), {}
    for table in known.get_table_names():
        columns = [(each["name"], str(each["type"]), each["nullable"]) for each in known.get_columns(table)]
        schema[table] = (columns, sorted(each["name"] for each in known.get_indexes(table)))
    return schema


def break_down(connection):
    connection.execute(text("CREATE TABLE half (x INTEGER)"))
    raise ZeroDivisionError


def test_an_older_store_is_brought_up_to_date_once(address, tmp_path):
    with Store(address, tmp_path / "home") as store:
        run = store.add(config())
    for _ in range(2):
        starry = Store(address, tmp_path / "home", migrations=(*MIGRATIONS, add_stars))
        with starry as store, store.reading() as connection:
            assert connection.execute(text("SELECT stars FROM runs")).scalar_one() == 3
            assert connection.execute(text("SELECT version FROM meta")).scalars().all() == [NOW + 1]
            assert connection.execute(text("SELECT id FROM runs")).scalar_one() == run.id
    moonlit = Store(address, tmp_path / "home", migrations=(*MIGRATIONS, add_stars, add_moons))
    with moonlit as store, store.reading() as connection:
        assert connection.execute(text("SELECT stars + moons FROM runs")).scalar_one() == 7


def test_a_migration_that_fails_changes_nothing(address, tmp_path):
    with Store(address, tmp_path / "home") as store:
        run = store.add(config())
    with pytest.raises(ZeroDivisionError):
        Store(address, tmp_path / "home", migrations=(*MIGRATIONS, add_stars, break_down))
    with Store(address, tmp_path / "home") as store:
        assert store.run(run.id) == run
        assert set(inspect(store.engine).get_table_names()) == {"meta", "runs", "events"}


def test_a_newer_store_is_refused(address, tmp_path):
    Store(address, tmp_path / "home", migrations=(*MIGRATIONS, add_stars)).close()
    said = refusal(Store, address, tmp_path / "home")
    assert is_one_sentence(said)
    assert f"schema {NOW + 1}" in said


RUN_COLUMNS = """id name key seed config status request position device threads host pid pid_started heartbeat deaths
    message environment notes tags created started finished deleted colour forecast"""


def test_the_schema_of_version_3_is_as_released(store):
    """A change of a table needs a migration, and then a new picture of the schema here."""
    assert NOW == 3
    columns = {table.name: [column.name for column in table.columns] for table in METADATA.sorted_tables}
    assert columns == {
        "meta": ["version"],
        "runs": RUN_COLUMNS.split(),
        "events": ["run_id", "number", "kind", "step", "body"],
    }
    for table, names in columns.items():
        assert [column["name"] for column in inspect(store.engine).get_columns(table)] == names


# ---- what a database cannot do


def sqlite_store(tmp_path, **options):
    return Store(None, tmp_path / "home", **options)


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN EXCLUSIVE")
print(flush=True)
input()
connection.close()
"""


def test_a_locked_database_is_said(tmp_path):
    with sqlite_store(tmp_path, timeout=0.2) as store:
        run = store.add(config())
        command = [sys.executable, "-c", HOLD, str(tmp_path / "home" / "lab.db")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            other.stdout.readline()
            said = refusal(store.append, run.id, story())
            other.communicate(b"\n")
        assert is_one_sentence(said)
        assert "locked by another process" in said
        store.append(run.id, story())
        assert len(store.events(run.id)) == 6


def test_a_locked_row_of_postgresql_is_said(postgres, tmp_path):
    with Store(postgres.new_database(), tmp_path, timeout=0.2) as store:
        run = store.add(config())
        with store.writing() as connection:
            connection.execute(text("UPDATE runs SET notes = 'mine'"))
            assert "locked by another process" in refusal(store.edit, run.id, name="x")


@pytest.mark.parametrize("damage", ["all", "middle"])
def test_a_damaged_database_is_said_and_found_by_the_check(tmp_path, damage):
    with sqlite_store(tmp_path) as store:
        run = store.add(config())
        store.append(run.id, [(n, story()[2][1]) for n in range(1, 400)])
    path = tmp_path / "home" / "lab.db"
    content = bytearray(path.read_bytes())
    start = 0 if damage == "all" else len(content) // 4
    content[start : 3 * len(content) // 4] = os.urandom(3 * len(content) // 4 - start)
    path.write_bytes(content)
    if damage == "all":
        said = [refusal(sqlite_store, tmp_path)]
    else:
        with sqlite_store(tmp_path) as store:
            said = [refusal(store.events, run.id), store.check()[0]]
    for sentence in said:
        assert is_one_sentence(sentence)
        assert "damaged" in sentence
        assert str(path) in sentence


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path):
    path = tmp_path / "home" / "lab.db"
    path.parent.mkdir()
    path.write_text("My thesis. " * 100)
    assert "never a database" in refusal(sqlite_store, tmp_path)
    assert path.read_text() == "My thesis. " * 100


def test_a_full_disk_is_said_and_what_was_written_is_still_there(tmp_path):
    code = """
import resource, signal, sys
from pathlib import Path
from resnet_lab.store import Store
from tests.stores import config, story
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store(None, Path(sys.argv[1])) as store:
    run = store.add(config())
    store.append(run.id, story())
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        store.append(run.id, [(n, story()[2][1]) for n in range(7, 9000)])
    except ValueError as error:
        print(error)
    print(len(store.events(run.id)))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "home")]
    said, before = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert is_one_sentence(said)
    assert "the disk is full" in said
    assert before == "6"
    with sqlite_store(tmp_path) as store:
        assert store.check() == []
        assert store.events(store.runs()[0].id) == story_as_read()


def test_a_store_that_has_reached_its_size_says_so(tmp_path):
    with sqlite_store(tmp_path) as store:
        run = store.add(config())
        store.append(run.id, story())
        with store.reading() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 20")
        said = refusal(store.append, run.id, [(n, story()[2][1]) for n in range(7, 2000)])
        assert is_one_sentence(said)
        assert "disk is full" in said
        assert len(store.events(run.id)) == 6


def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "home").write_text("")
    assert is_one_sentence(refusal(sqlite_store, tmp_path))
    said = refusal(Store, f"sqlite:///{tmp_path}/nowhere/lab.db", tmp_path)
    assert "cannot be opened" in said
    assert is_one_sentence(said)


def test_a_database_that_may_only_be_read_is_said(tmp_path):
    with sqlite_store(tmp_path) as store:
        run = store.add(config())
    with Store(f"sqlite:///file:{tmp_path}/home/lab.db?mode=ro&uri=true", tmp_path) as store:
        assert store.run(run.id) == run
        said = refusal(store.edit, run.id, name="x")
        assert is_one_sentence(said)
        assert "may only be read" in said


def test_a_postgresql_that_is_not_there_is_said_without_the_password(tmp_path):
    said = refusal(Store, "postgresql://lab:secret@127.0.0.1:1/lab", tmp_path)
    assert is_one_sentence(said)
    assert "cannot be reached" in said
    assert "secret" not in said


def test_a_postgresql_that_stops_is_said_and_used_again_when_it_is_back(postgres, tmp_path):
    with Store(postgres.new_database(), tmp_path) as store:
        run = store.add(config())
        store.append(run.id, story())
        postgres.stop()
        try:
            said = refusal(store.append, run.id, story())
        finally:
            postgres.start()
        assert is_one_sentence(said)
        assert "cannot be reached" in said
        assert len(store.events(run.id)) == 6
        postgres.stop()
        postgres.start()
        assert len(store.events(run.id)) == 6  # what nobody noticed harms nobody


def test_a_missing_driver_is_named(tmp_path):
    code = """
import sys
sys.modules["psycopg"] = None
from pathlib import Path
from resnet_lab.store import Store
Store("postgresql://lab@/lab", Path(sys.argv[1]))
"""
    answer = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert "StorageError: PostgreSQL needs the package 'psycopg': pip install 'psycopg[binary]'." in answer.stderr


@pytest.mark.parametrize(
    "url", ["mysql://root:secret@host/lab", "sqlite://", "sqlite:///:memory:", "lab.db", "oracle://x"]
)
def test_another_database_is_refused(tmp_path, url):
    said = refusal(Store, url, tmp_path)
    assert is_one_sentence(said)
    assert "secret" not in said


def test_a_sound_store_has_nothing_to_say(store):
    run = store.add(config())
    store.append(run.id, story())
    assert store.check() == []


def test_the_store_is_in_the_home_or_where_the_environment_says(tmp_path, monkeypatch, postgres):
    monkeypatch.setenv("RESNET_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESNET_LAB_STORE", raising=False)
    with open_store() as store:
        run = store.add(config())
    assert (tmp_path / "home" / "lab.db").is_file()
    monkeypatch.setenv("RESNET_LAB_STORE", postgres.new_database())
    with open_store() as store:
        assert store.runs() == []
        assert store.run_folder(run.id) == tmp_path / "home" / "runs" / run.id
