"""The queue: which run is next, who trains it, and what is asked of it. Of two processes that try, one wins."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import psutil
from sqlalchemy import case, func, null, select, update

from resnet_lab.config import check_choice
from resnet_lab.store import Run, Store, end_of_queue
from resnet_lab.tables import RUNS

MAX_DEATHS = 3
SAME_START = 2.0  # seconds: a corrected clock shifts what the system says about when a process started
WANTED = {"pause": "paused", "stop": "stopped"}  # request -> what the run then is
ENDS = ("paused", "done", "diverged", "stopped", "failed")
# fmt: off
POSSIBLE = {
    "queued":   "it can be moved, paused or stopped",
    "running":  "it can be paused or stopped",
    "paused":   "it can be resumed or stopped",
    "stopped":  "it can be resumed",
    "failed":   "it can be resumed",
    "done":     "its result stands",
    "diverged": "its result stands",
}
# fmt: on
NOBODY: dict[str, Any] = {"host": None, "pid": None, "pid_started": None, "request": None}


class TakenAwayError(ValueError):
    """The run that this process trained is no longer its own."""


@dataclass(frozen=True)
class Process:
    """A process, told from a later one that has its number."""

    host: str
    pid: int
    started: float

    @classmethod
    def of(cls, pid: int | None = None) -> Self:
        """A process of this machine; this one, if no number is given."""
        process = psutil.Process(pid)
        return cls(socket.gethostname(), process.pid, process.create_time())

    @classmethod
    def training(cls, run: Run) -> Self | None:
        if run.host is None or run.pid is None or run.pid_started is None:
            return None
        return cls(run.host, run.pid, run.pid_started)

    @property
    def is_alive(self) -> bool:
        """Only the machine that it runs on can tell."""
        assert self.host == socket.gethostname(), self.host
        try:
            process = psutil.Process(self.pid)
            started = abs(process.create_time() - self.started) < SAME_START
            return started and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def waiting(store: Store) -> list[Run]:
    """The queue, in its order."""
    return sorted(store.runs(["queued"]), key=lambda run: (run.position or 0, run.created, run.id))


def claim(store: Store, run_id: str, process: Process, threads: int | None = None) -> bool:
    """queued -> running, for whoever comes first; a run that is resumed keeps the threads of its first start."""
    now = store.clock()
    owner = {"host": process.host, "pid": process.pid, "pid_started": process.started}
    fields = {
        "status": "running",
        "position": None,
        "request": None,
        "message": "",
        "heartbeat": now,
        "started": func.coalesce(RUNS.c.started, now),
        "threads": func.coalesce(RUNS.c.threads, threads),
    }
    return moved_on(store, run_id, ["queued"], **owner, **fields)


def beat(store: Store, run_id: str) -> str | None:
    """The process that trains it is alive, and learns whether it is asked to 'pause' or to 'stop'."""
    those = (RUNS.c.id == run_id, RUNS.c.status == "running", *claimed_here())
    beaten = update(RUNS).where(*those).values(heartbeat=store.clock()).returning(RUNS.c.request)
    with store.writing() as connection:
        row = connection.execute(beaten).one_or_none()
    if row is None:
        raise taken_away(store, run_id)
    return row.request


def progressed(store: Store, run_id: str) -> None:
    """A checkpoint further on was written: earlier deaths no longer count."""
    if not moved_on(store, run_id, ["running"], *claimed_here(), deaths=0, heartbeat=store.clock()):
        raise taken_away(store, run_id)


def release(store: Store, run_id: str, status: str, message: str = "") -> None:
    """running -> how it ended, said by the process that trained it."""
    assert status in ENDS, status
    finished = None if status == "paused" else store.clock()
    fields = {"status": status, "message": message, "finished": finished} | NOBODY
    if not moved_on(store, run_id, ["running"], *claimed_here(), **fields):
        raise taken_away(store, run_id)


def taken_away(store: Store, run_id: str) -> TakenAwayError:
    run = store.run(run_id)
    return TakenAwayError(f"Run {run.label} is {run.status}, but this process does not train it any more.")


def claimed_here() -> tuple[Any, ...]:
    """Conditions: by this process. One that was taken for dead, and is not, may change nothing any more."""
    return RUNS.c.host == socket.gethostname(), RUNS.c.pid == os.getpid()


def requeue(store: Store, run: Run) -> str:
    """The process that `run` names has died: what was asked of it is done, or the run goes to the head of the queue."""
    # and no other one has claimed it since
    gone = (RUNS.c.host == run.host, RUNS.c.pid == run.pid, RUNS.c.pid_started == run.pid_started)
    now, words = store.clock(), f"Its process died {MAX_DEATHS} times without coming further."
    outcomes: tuple[tuple[Any, dict[str, Any]], ...] = (
        (RUNS.c.request == "stop", {"status": "stopped", "finished": now}),
        (RUNS.c.request == "pause", {"status": "paused"}),
        (RUNS.c.deaths >= MAX_DEATHS - 1, {"status": "failed", "finished": now, "message": words}),
        (RUNS.c.request.is_(None), {"status": "queued", "position": head_of_queue(), "deaths": RUNS.c.deaths + 1}),
    )
    for condition, fields in outcomes:
        if moved_on(store, run.id, ["running"], *gone, condition, **fields, **NOBODY):
            break
    return store.run(run.id).status


def request(store: Store, run_id: str, wanted: str) -> Run:
    """'pause' or 'stop': what waits obeys at once, what runs is asked to."""
    check_choice("request", wanted, WANTED)
    runs = RUNS.c.status == "running"
    fields = {
        "status": case((runs, "running"), else_=WANTED[wanted]),
        "request": case((runs, wanted), else_=null()),
        "position": None,
    }
    open_ones = ["queued", "running"]
    if wanted == "stop":
        open_ones.append("paused")
        fields["finished"] = case((runs, RUNS.c.finished), else_=store.clock())
    if not moved_on(store, run_id, open_ones, **fields):
        refuse(store, run_id, f"be {WANTED[wanted]}")
    return store.run(run_id)


def resume(store: Store, run_id: str) -> Run:
    """paused, stopped or failed -> the end of the queue; it goes on from its checkpoint."""
    fields = {"status": "queued", "position": end_of_queue(), "deaths": 0, "message": "", "finished": None}
    if not moved_on(store, run_id, ["paused", "stopped", "failed"], **fields):
        refuse(store, run_id, "be resumed")
    return store.run(run_id)


def move(store: Store, run_id: str, before: str | None = None) -> None:
    """To the place just before another waiting run, or to the end."""
    order = [run.id for run in waiting(store)]
    for one in [run_id] if before is None else [run_id, before]:
        if one not in order:
            refuse(store, one, "have a place in the queue")
    if run_id == before:
        return
    order.remove(run_id)
    order.insert(len(order) if before is None else order.index(before), run_id)
    with store.writing() as connection:
        for position, one in enumerate(order, start=1):
            place = update(RUNS).where(RUNS.c.id == one, RUNS.c.status == "queued").values(position=position)
            connection.execute(place)


def moved_on(store: Store, run_id: str, statuses: Sequence[str], *conditions: Any, **fields: Any) -> bool:
    """Changes the run if it is in one of these states and not deleted, and says whether it was."""
    those = (RUNS.c.id == run_id, RUNS.c.status.in_(statuses), RUNS.c.deleted.is_(None), *conditions)
    with store.writing() as connection:
        return connection.execute(update(RUNS).where(*those).values(**fields)).rowcount == 1


def refuse(store: Store, run_id: str, what: str) -> NoReturn:
    run = store.run(run_id)
    if run.deleted is not None:
        raise ValueError(f"Run {run.label} is deleted, so it cannot {what}; undelete it first.")
    raise ValueError(f"Run {run.label} is {run.status}, so it cannot {what}; {POSSIBLE[run.status]}.")


def head_of_queue() -> Any:
    return select(func.coalesce(func.min(RUNS.c.position), 0) - 1).scalar_subquery()
