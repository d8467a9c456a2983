"""`doctor`: a healthy lab is called so, every kind of damage is found, and no damage hides another part."""

import contextlib
import json
import os
import sqlite3

import pytest

from resnet_lab.data import kept_file
from resnet_lab.diagnoses import PARTS, examine_packages, problem_of
from resnet_lab.queueing import Process, claim, release
from resnet_lab.store import open_store
from resnet_lab.supervisor import LOCK_SECONDS, supervisor_lock
from tests.command_line import lab
from tests.sentences import is_one_sentence
from tests.stores import config, story

__all__ = ["lab"]
pytestmark = pytest.mark.usefixtures("one_thread")
NOBODY = 65534


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("RESNET_LAB_HOME", str(home))
    monkeypatch.delenv("RESNET_LAB_STORE", raising=False)
    return home


@pytest.fixture
def wrong(lab):
    """What is wrong, a sentence for each part; the status says so too, and every part was looked at."""

    def examine():
        said = lab("doctor", "--json")
        findings = json.loads(said.out)
        assert [finding["part"] for finding in findings] == list(PARTS)
        assert all(is_one_sentence(finding["words"]) for finding in findings if not finding["is_well"])
        found = {finding["part"]: finding["words"] for finding in findings if not finding["is_well"]}
        assert (said.status, said.err) == (1 if found else 0, "")
        return found

    return examine


def filled(home):
    """A store with a run that is done."""
    with open_store() as store:
        run = store.add(config())
        claim(store, run.id, Process.of())
        store.append(run.id, story())
        release(store, run.id, "done")
    return home / "lab.db"


def test_a_healthy_lab_is_well_in_every_part(home, lab):
    filled(home)
    said = lab("doctor")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", part] for part in PARTS]
    assert f"{home} can be written" in lines[1]
    assert "sample, synthetic are whole and unchanged. Not here: cifar10, cifar100;" in lines[2]
    assert f"1 runs, 0 deleted, in {home / 'lab.db'}." in lines[3]
    assert "0 running, 0 waiting, at most " in lines[4]
    assert lines[5].endswith("trains: 2 steps done.")


def test_a_home_that_is_not_there_yet_is_well(home, wrong):
    assert wrong() == {}


def test_a_file_that_is_no_database(home, wrong, lab):
    home.mkdir()
    (home / "lab.db").write_text("This is not a database. " * 1000)
    found = wrong()
    assert found.keys() == {"store", "queue"}
    assert str(home / "lab.db") in found["store"]
    assert "damaged" in found["store"]
    lines = lab("doctor").out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "ok", "ok", "wrong", "wrong", "ok"]


def test_a_database_with_a_torn_page(home, wrong):
    path = filled(home)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size + size // 2)
        file.write(os.urandom(size // 2))
    assert "damaged" in wrong()["store"]


def test_events_of_no_run(home, wrong):
    path = filled(home)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM runs")  # SQLite looks at foreign keys only where it is told to
    connection.close()
    assert wrong() == {"store": f"The store {path} has 6 events of no run."}


def test_a_data_set_that_is_damaged(home, wrong):
    path = kept_file("cifar10")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK\x03\x04 and nothing more")
    found = wrong()
    assert found.keys() == {"data"}
    assert found["data"].startswith(f"{path} is damaged and is not used: get it again with ")


def test_a_file_in_the_place_of_the_home(home, wrong):
    home.write_text("")
    found = wrong()
    assert found.keys() == {"home", "store", "queue"}
    assert found["home"] == f"{home} cannot be written: File exists."


def test_a_home_whose_name_no_disk_bears(home, wrong, monkeypatch):
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("RESNET_LAB_HOME", "x" * 256)
    found = wrong()
    assert found.keys() == {"home", "data", "store", "queue"}
    assert "File name too long" in found["data"]


def test_a_run_that_waits_for_nobody(home, wrong):
    with open_store() as store:
        store.add(config())
    assert wrong() == {"queue": "1 runs wait, but nobody trains them: `worker` starts a supervisor."}
    with supervisor_lock(home, LOCK_SECONDS):
        assert wrong() == {}


def test_a_store_that_cannot_be_had(home, wrong, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_STORE", "mysql://lab:secret@nowhere/lab")
    found = wrong()
    assert found.keys() == {"store", "queue"}
    assert "secret" not in "".join(found.values())


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can become somebody else")
def test_a_home_of_somebody_else(home, wrong):
    assert wrong() == {}
    with somebody_else():
        assert wrong().keys() == {"home", "data", "store", "queue"}


@contextlib.contextmanager
def somebody_else():
    """Who may neither read nor write in the folders of a test."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_packages_are_compared_with_the_ranges():
    assert problem_of("torch>=1") == ""
    assert problem_of("no-such-package>=1") == "no-such-package is missing"
    assert problem_of("numpy>=99,<100").endswith(", but should be <100,>=99")
    assert examine_packages().startswith("Python 3.")
