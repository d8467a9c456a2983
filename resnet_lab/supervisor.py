"""The process that has the runs of the queue trained, one for each home: python -m resnet_lab.supervisor"""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from resnet_lab.costs import cost
from resnet_lab.execution import find_device, usable_cores
from resnet_lab.files import StorageError
from resnet_lab.memory import PROCESS_BYTES, Memory, free_bytes, gpu_memory, needed_bytes, needed_gpu_bytes
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import short_net
from resnet_lab.ops import has_chance
from resnet_lab.patience import RETRY_SECONDS, complain, patiently
from resnet_lab.places import ON_CPU, chosen_places, places_on_gpu
from resnet_lab.queueing import Process, claim, release, requeue, waiting
from resnet_lab.runs import Run
from resnet_lab.spares import CrewProcess, Spare, Spares, start_detached
from resnet_lab.store import Store, open_store

POLL_SECONDS = 0.5
IDLE_SECONDS = 180.0  # without a run and without a visit, until the supervisor ends
LOST_SECONDS = 600.0  # without a heartbeat, until a run of another machine counts as lost
LOCK_SECONDS = 2.0  # a look at whether the lock is free holds it for a moment
PROBE_SECONDS = 0.1  # so do two such looks at once
LOAD_SECONDS = 0.3  # over which it is measured what else runs
MAX_THREADS = 8  # more only wait for each other on nets as small as these
LOG = "log.txt"  # in a run's folder: what its worker printed
OWN_LOG = "supervisor.log"  # in the home: what the supervisor printed, and workers that had no run yet
VISIT = "visited"  # in the home: an empty file as old as the last visit


def main() -> None:
    with patiently(open_store) as store:
        supervise(store, len(usable_cores()), IDLE_SECONDS)


def supervise(store: Store, cores: int, idle_seconds: float) -> None:
    """Until for a while there was neither work nor a visitor, unless another process sees to it already."""
    while True:
        try:
            supervisor = Supervisor(store, cores, busy_cores, free_bytes)
            with supervisor_lock(store.folder, LOCK_SECONDS), closing(supervisor):
                supervisor.watch(idle_seconds)
        except Timeout:
            return
        if not patiently(has_work, store):  # a run may come between the last look and the end
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
    """Where there is work and no supervisor, starts one that outlives this process."""
    return start_supervisor(store) if has_work(store) else None


def start_supervisor(store: Store) -> subprocess.Popen | None:
    """Unless there is one."""
    if is_supervised(store.folder):
        return None
    return start_detached("resnet_lab.supervisor", store.folder, store.folder / OWN_LOG)


def note_visit(home: Path) -> None:
    """Somebody looks at a page that can start runs: the supervisor keeps workers ready."""
    (home / VISIT).touch()


def is_visited(home: Path, seconds: float) -> bool:
    """Whether the last visit is no longer ago."""
    try:
        return time.time() < (home / VISIT).stat().st_mtime + seconds
    except FileNotFoundError:
        return False


@dataclass(frozen=True)
class Worker:
    """A process that was given a run, and may not have claimed it yet."""

    run: Run
    process: subprocess.Popen
    threads: int
    log: Path  # of what it prints until it has claimed it


class Supervisor:
    """Starts workers, and takes up the runs of dead ones. Workers outlive it, and the next one finds them."""

    def __init__(
        self,
        store: Store,
        cores: int,
        busy_cores: Callable[[], int],
        free_bytes: Callable[[], int],
        gpu_memory: Callable[[], Memory] = gpu_memory,
    ):
        self.store, self.cores, self.busy_cores = store, cores, busy_cores
        self.free_bytes, self.gpu_memory = free_bytes, gpu_memory
        self.workers: dict[str, Worker] = {}
        self.spares = Spares(store.folder, store.folder / OWN_LOG)
        self.crew = CrewProcess(store.folder, store.folder / OWN_LOG)

    def close(self) -> None:
        self.spares.keep(0)
        self.crew.release()

    def watch(self, idle_seconds: float) -> None:
        """Until it has seen for so long that there is nothing to do and no visitor: not while it sleeps."""
        busy = time.monotonic()
        while True:
            try:
                has_visitor = is_visited(self.store.folder, idle_seconds)
                if self.look():
                    busy = time.monotonic()
                elif time.monotonic() > busy + idle_seconds and not has_visitor:
                    return
                self.prepare(has_visitor)
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
        return bool(running or queue or self.workers)

    def reap(self) -> None:
        """A worker that ended before it could claim its run would only be started again and again."""
        for run_id, worker in list(self.workers.items()):
            code = worker.process.poll()
            if code is None:
                if self.has_taken_over(worker):
                    del self.workers[run_id]
                continue
            if code != 0 and claim(self.store, run_id, Process.of()):
                self.give_up(worker, code)
            del self.workers[run_id]

    def has_taken_over(self, worker: Worker) -> bool:
        """The crew does not end with a run, and is told of it again where it is resumed or was missed."""
        if not (self.crew.spare and worker.process is self.crew.spare.process):
            return False
        if not self.crew.has_just_heard_of(worker.run.id):
            return True
        return (worker.run.id, worker.run.heartbeat) not in {(run.id, run.heartbeat) for run in waiting(self.store)}

    def give_up(self, worker: Worker, code: int) -> None:
        """Who was killed may be lucky another time."""
        if code < 0:
            requeue(self.store, self.store.run(worker.run.id))
        else:
            release(self.store, worker.run.id, "failed", f"Its process could not start; {worker.log} says why.")

    def is_lost(self, run: Run) -> bool:
        process = Process.training(run)
        if process is None or process.host != socket.gethostname():
            return self.store.clock() > (run.heartbeat or 0) + LOST_SECONDS
        return process.pid == os.getpid() or not process.is_alive  # of this one: the store failed while it gave up

    def start(self, queue: list[Run], running: list[Run]) -> None:
        """In the order of the queue, as many as the device bears or the user says, the cores shared out among them."""
        here = {run.id: run for run in running if run.host == socket.gethostname()}
        here |= {run_id: worker.run for run_id, worker in self.workers.items()}
        used = {run_id: run.threads or 1 for run_id, run in here.items()}
        used |= {run_id: worker.threads for run_id, worker in self.workers.items()}
        others, most = self.others(queue, used), chosen_places(self.store.folder)
        for index, run in enumerate(queue):
            free, coming = self.cores - others - sum(used.values()), len(queue) - index
            sharing = coming if most is None else max(1, most - len(used))  # what comes later has its place then
            threads = run.threads or (1 if on_gpu(run) else fair_share(free, sharing))
            if most is not None:
                has_place = len(used) < most
            elif on_gpu(run):
                has_place = sum(map(on_gpu, here.values())) < places_on_gpu(self.store.folder)
            else:
                has_place = threads <= free or (len(used) < ON_CPU and {threads, *used.values()} == {1})
            if used and not (has_place and self.fits(run, here, running)):
                return
            self.workers[run.id] = self.start_worker(run, threads)
            here[run.id], used[run.id] = run, threads

    def others(self, queue: list[Run], used: dict[str, int]) -> int:
        """The cores that other programs keep busy, measured only where a run could get or miss a place by it."""
        are_narrow = {*used.values(), *(run.threads or 1 for run in queue)} == {1}
        is_settled = len(used) + len(queue) <= ON_CPU and self.cores - sum(used.values()) <= len(queue)
        is_decided = chosen_places(self.store.folder) is not None or all(map(on_gpu, queue))
        if not queue or is_decided or (are_narrow and is_settled):
            return 0
        return max(0, self.busy_cores() - sum(used.values()))

    def fits(self, run: Run, here: dict[str, Run], running: list[Run]) -> bool:
        """In the memory that is free, once those that have just been started have taken theirs."""
        settled = {other.id for other in running}
        if on_gpu(run):
            memory, ours = self.gpu_memory(), [other for other in here.values() if on_gpu(other)]
            coming = [other for other in ours if other.id not in settled or self.crew.has_just_heard_of(other.id)]
            need, all_need = (sum(needed_gpu_bytes(each.config) for each in [*runs, run]) for runs in (coming, ours))
            return need <= memory.free and all_need <= memory.total
        coming = [worker.run for run_id, worker in self.workers.items() if run_id not in settled]
        return sum(needed_bytes(each.config) for each in [*coming, run]) <= self.free_bytes()

    def start_worker(self, run: Run, threads: int) -> Worker:
        if on_gpu(run) and not has_chance(short_net(run.config.model)):  # random numbers are there once a process
            crew = self.crew.tell(run.id)
            return Worker(run, crew.process, threads, crew.log)
        spare = self.spares.take() or Spare.start(self.store.folder, self.store.run_folder(run.id) / LOG)
        spare.give(run.id, threads)
        return Worker(run, spare.process, threads, spare.log)

    def prepare(self, has_visitor: bool) -> None:
        """What runs that come soon would have to wait for."""
        has_gpu = find_device().type == "cuda"
        self.spares.keep(self.num_spares() if has_visitor and not has_gpu else 0)
        if has_visitor and has_gpu and self.crew.spare is None:
            self.crew.start()
        if has_visitor:
            cost(ModelConfig())  # the first one that a process counts takes a second longer

    def num_spares(self) -> int:
        """One for each run that could be trained beside those that are there; new ones where memory is plenty."""
        places = min(ON_CPU, chosen_places(self.store.folder) or ON_CPU)
        places = max(0, places - len(self.store.runs(["queued", "running"])))
        has_room = self.free_bytes() > ON_CPU * PROCESS_BYTES
        return places if has_room else min(places, len(self.spares.waiting))


def busy_cores() -> int:
    """By whatever process. A thread that shares its core with another program makes all the others wait for it."""
    shares = psutil.cpu_percent(LOAD_SECONDS, percpu=True)
    return round(sum(shares[core] for core in usable_cores()) / 100)


def on_gpu(run: Run) -> bool:
    """What a CPU began goes on there."""
    return "cpu" not in (run.device, run.environment.get("device")) and find_device().type == "cuda"


def fair_share(free: int, num_runs: int) -> int:
    return max(1, min(MAX_THREADS, free // num_runs))


if __name__ == "__main__":
    main()
