"""The process that gives each run of the queue a worker, one for each home: python -m resnet_lab.supervisor"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil
from filelock import FileLock, Timeout

from resnet_lab.costs import cost
from resnet_lab.execution import find_device, usable_cores
from resnet_lab.files import CHECKOUT, StorageError
from resnet_lab.patience import RETRY_SECONDS, complain, patiently
from resnet_lab.queueing import Process, claim, release, requeue, waiting
from resnet_lab.runs import Run
from resnet_lab.store import Store, open_store

POLL_SECONDS = 0.5
IDLE_SECONDS = 60.0  # without a run, until the supervisor ends
LOST_SECONDS = 600.0  # without a heartbeat, until a run of another machine counts as lost
LOCK_SECONDS = 2.0  # a look at whether the lock is free holds it for a moment
PROBE_SECONDS = 0.1  # so do two such looks at once
LOAD_SECONDS = 0.3  # over which it is measured what else runs
PROCESS_BYTES = 10**9  # torch, the data, the weights and what the optimiser keeps
MAX_THREADS = 8  # more only wait for each other on nets as small as these
GPU_RUNS = 2  # side by side on one GPU
LOG = "log.txt"  # in a run's folder: what its worker printed


def main() -> None:
    with patiently(open_store) as store:
        supervise(store, len(usable_cores()), IDLE_SECONDS)


def supervise(store: Store, cores: int, idle_seconds: float) -> None:
    """Until the work is done, unless another process sees to it already."""
    while patiently(has_work, store):  # a run may come between the last look and the end
        try:
            with supervisor_lock(store.folder, LOCK_SECONDS):
                Supervisor(store, cores, busy_cores, free_bytes).watch(idle_seconds)
        except Timeout:
            return


def has_work(store: Store) -> bool:
    return bool(store.runs(["queued", "running"]))


def supervisor_lock(home: Path, timeout: float) -> FileLock:
    return FileLock(home / "supervisor.lock", timeout=timeout)


def is_supervised(home: Path) -> bool:
    try:
        with supervisor_lock(home, PROBE_SECONDS):
            return False
    except Timeout:
        return True


def ensure_supervisor(store: Store) -> subprocess.Popen | None:
    """Where there is work and no supervisor, starts one that outlives this process and ends when the work does."""
    if not has_work(store) or is_supervised(store.folder):
        return None
    with (store.folder / "supervisor.log").open("ab") as log:
        return start_detached(["resnet_lab.supervisor"], store.folder, log)


def start_detached(arguments: list[str], home: Path, log: BinaryIO) -> subprocess.Popen:
    """A process of its own session: it survives whoever started it."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=CHECKOUT,
        env=os.environ | {"RESNET_LAB_HOME": str(home.resolve())},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


@dataclass(frozen=True)
class Worker:
    """A process that was started for a run, and may not have claimed it yet."""

    run: Run
    process: subprocess.Popen
    threads: int


class Supervisor:
    """Starts workers, and takes up the runs of dead ones. Workers outlive it, and the next one finds them."""

    def __init__(self, store: Store, cores: int, busy_cores: Callable[[], int], free_bytes: Callable[[], int]):
        self.store, self.cores, self.busy_cores, self.free_bytes = store, cores, busy_cores, free_bytes
        self.workers: dict[str, Worker] = {}

    def watch(self, idle_seconds: float) -> None:
        """Until there has been nothing to do for so long."""
        busy = time.monotonic()
        while time.monotonic() < busy + idle_seconds:
            try:
                if self.look():
                    busy = time.monotonic()
                time.sleep(POLL_SECONDS)
            except (StorageError, OSError) as error:  # the disk is full, or no process can be started now
                complain(str(error))
                time.sleep(RETRY_SECONDS)

    def look(self) -> bool:
        """Whether there is anything to do."""
        self.reap()
        for run in self.store.runs(["running"]):
            if run.id not in self.workers and self.is_lost(run):
                requeue(self.store, run)
        running, queue = self.store.runs(["running"]), waiting(self.store)
        self.start([run for run in queue if run.id not in self.workers], running)
        return bool(running or queue)

    def reap(self) -> None:
        """A worker that ended before it could claim its run would only be started again and again."""
        for run_id, worker in list(self.workers.items()):
            code = worker.process.poll()
            if code is None:
                continue
            if code != 0 and claim(self.store, run_id, Process.of()):
                self.give_up(run_id, code)
            del self.workers[run_id]

    def give_up(self, run_id: str, code: int) -> None:
        """Who was killed may be lucky another time."""
        if code < 0:
            requeue(self.store, self.store.run(run_id))
        else:
            words = f"Its process could not start; {self.store.run_folder(run_id) / LOG} says why."
            release(self.store, run_id, "failed", words)

    def is_lost(self, run: Run) -> bool:
        process = Process.training(run)
        if process is None or process.host != socket.gethostname():
            return self.store.clock() > (run.heartbeat or 0) + LOST_SECONDS
        return process.pid == os.getpid() or not process.is_alive  # of this one: the store failed while it gave up

    def start(self, queue: list[Run], running: list[Run]) -> None:
        """In the order of the queue, as many as the device bears, the cores shared out among them."""
        here = {run.id: run for run in running if run.host == socket.gethostname()}
        here |= {run_id: worker.run for run_id, worker in self.workers.items()}
        used = {run_id: run.threads or 1 for run_id, run in here.items()}
        used |= {run_id: worker.threads for run_id, worker in self.workers.items()}
        gpu_runs = sum(map(on_gpu, here.values()))
        others = max(0, self.busy_cores() - sum(used.values())) if queue else 0
        for index, run in enumerate(queue):
            free = self.cores - others - sum(used.values())
            threads = run.threads or (1 if on_gpu(run) else fair_share(free, len(queue) - index))
            if used and (threads > free or (on_gpu(run) and gpu_runs >= GPU_RUNS) or not self.fits(run, running)):
                return
            self.workers[run.id] = self.start_worker(run, threads)
            used[run.id] = threads
            gpu_runs += on_gpu(run)

    def fits(self, run: Run, running: list[Run]) -> bool:
        """In the memory that is free, once those that have just been started have taken theirs."""
        settled = {other.id for other in running}
        coming = [worker.run for run_id, worker in self.workers.items() if run_id not in settled]
        return sum(map(needed_bytes, [*coming, run])) <= self.free_bytes()

    def start_worker(self, run: Run, threads: int) -> Worker:
        folder = self.store.run_folder(run.id)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG).open("ab") as log:
            process = start_detached(["resnet_lab.worker", run.id, str(threads)], self.store.folder, log)
        return Worker(run, process, threads)


def busy_cores() -> int:
    """By whatever process. A thread that shares its core with another program makes all the others wait for it."""
    shares = psutil.cpu_percent(LOAD_SECONDS, percpu=True)
    return round(sum(shares[core] for core in usable_cores()) / 100)


def free_bytes() -> int:
    return psutil.virtual_memory().available


def needed_bytes(run: Run) -> int:
    """Of a process that trains it on a CPU, roughly."""
    model, recipe, data = run.config.model, run.config.recipe, run.config.data
    return PROCESS_BYTES + cost(model, recipe.batch_size, data.resolution).activation_bytes


def on_gpu(run: Run) -> bool:
    return run.device != "cpu" and find_device().type == "cuda"


def fair_share(free: int, num_runs: int) -> int:
    return max(1, min(MAX_THREADS, free // num_runs))


if __name__ == "__main__":
    main()
