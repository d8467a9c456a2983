"""The supervisor: each run of the queue gets one worker, whatever dies, in whatever order it is asked."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from resnet_lab import supervisor as module
from resnet_lab.machine import FILE, read
from resnet_lab.memory import needed_bytes
from resnet_lab.places import choose_places
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, move, request, resume
from resnet_lab.spares import Spare
from resnet_lab.supervisor import (
    LOG,
    OWN_LOG,
    VISIT,
    Supervisor,
    busy_cores,
    ensure_supervisor,
    is_supervised,
    is_visited,
    note_visit,
    start_supervisor,
    supervise,
    supervisor_lock,
)
from tests.processes import (
    assert_undisturbed,
    kill,
    log_of,
    processes_of,
    queued,
    short,
    small,
    start,
    store,
    until,
    until_events,
    until_status,
)
from tests.sentences import is_one_sentence

__all__ = ["store"]

SERVER = """
import time
from resnet_lab.store import open_store
from resnet_lab.supervisor import ensure_supervisor

with open_store() as store:
    started = ensure_supervisor(store)
    time.sleep(1000)
"""


@contextlib.contextmanager
def supervisor_of(store, cores=1, busy_cores=lambda: 0, free_bytes=lambda: 10**12):
    """One in this process, which looks when it is told to."""
    with contextlib.closing(Supervisor(store, cores, busy_cores, free_bytes)) as supervisor:
        yield supervisor
    for worker in supervisor.workers.values():
        kill(worker.process)


class Seen:
    """The workers that each run was ever seen to have."""

    def __init__(self, store):
        self.store, self.pids = store, {}

    def look(self):
        for run in self.store.runs(["running"]):
            self.pids.setdefault(run.id, set()).add(run.pid)


def test_the_death_of_the_server_and_of_the_supervisor_disturb_no_run(store, tmp_path):
    seen = Seen(store)
    first, second = queued(store, small()), queued(store, short())
    server = start(["-c", SERVER], tmp_path / "server.log")
    until(lambda: is_supervised(store.folder), "there is a supervisor")
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    until_events(store, first.id, 2, seen.look)
    (supervisor,) = processes_of(store.folder, "resnet_lab.supervisor")
    worker = psutil.Process(store.run(first.id).pid)
    assert len({os.getsid(pid) for pid in (os.getpid(), supervisor.pid, worker.pid)}) == 3
    supervisor.kill()
    before = len(store.events(first.id))
    third = queued(store, short(seed=1))
    until_events(store, first.id, before + 1, seen.look)
    next_one = ensure_supervisor(store)
    for run in (first, second, third):
        until_status(store, run.id, "done", look=seen.look)
        assert_undisturbed(store, run.id)
    assert seen.pids[first.id] == {worker.pid}
    kill(next_one)


def test_after_a_restart_of_the_machine_a_run_goes_on_although_its_number_is_now_another_process(store):
    run = queued(store, small())
    supervisor = ensure_supervisor(store)
    until_events(store, run.id, 2)
    kill(supervisor)
    for process in processes_of(store.folder):
        process.kill()
        process.wait(10)
    assert store.run(run.id).status == "running"
    store.change(run.id, pid=os.getpid(), pid_started=Process.of().started - 100)
    with supervisor_of(store) as supervisor:
        until_status(store, run.id, "done", look=supervisor.look)
        until(lambda: not supervisor.look() and not supervisor.workers, "the supervisor has nothing to do")
    assert_undisturbed(store, run.id)


def test_of_many_supervisors_started_at_once_one_remains_and_each_run_is_trained_once(store):
    seen = Seen(store)
    runs = [queued(store, short(seed=seed)) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        started = [*pool.map(ensure_supervisor, [store] * 3)]
    log = store.folder / "supervisor.log"
    started = [each for each in started if each] + [start(["-m", "resnet_lab.supervisor"], log)]
    for run in runs:
        until_status(store, run.id, "done", look=seen.look)
        assert_undisturbed(store, run.id)
    assert all(len(pids) == 1 for pids in seen.pids.values()), seen.pids
    alive = until(lambda: one_alive(started), "only one is left")
    assert ensure_supervisor(store) is None
    assert is_supervised(store.folder)
    assert {each.returncode for each in started if each is not alive} == {0}
    assert log.read_text() == ""
    kill(alive)


def one_alive(processes):
    alive = [process for process in processes if process.poll() is None]
    assert alive, "none is left"
    return alive[0] if len(alive) == 1 else None


def test_pause_stop_resume_and_the_order_of_the_queue(store):
    first, cancelled, later, sooner = (queued(store, config) for config in (small(), short(), small(), short()))
    move(store, sooner.id, before=later.id)
    request(store, cancelled.id, "stop")
    with supervisor_of(store, free_bytes=lambda: 0) as supervisor:  # so that only one is trained at a time
        until_events(store, first.id, 2, supervisor.look)
        assert [store.run(run.id).status for run in (sooner, later)] == ["queued", "queued"]
        request(store, first.id, "pause")
        until_status(store, first.id, "paused", look=supervisor.look)
        until_status(store, sooner.id, "done", look=supervisor.look)
        assert store.events(later.id) == []
        until_events(store, later.id, 2, supervisor.look)
        request(store, later.id, "stop")
        stopped = until_status(store, later.id, "stopped", look=supervisor.look)
        until(lambda: not supervisor.look() and not supervisor.workers, "the supervisor has nothing to do")
    assert (store.run(first.id).finished, store.run(first.id).pid) == (None, None)
    assert (stopped.finished is None, stopped.pid, stopped.request) == (False, None, None)
    resume(store, first.id)
    resume(store, later.id)
    with supervisor_of(store, cores=2) as supervisor:
        for run in (first, later, sooner):
            until_status(store, run.id, "done", look=supervisor.look)
            assert_undisturbed(store, run.id)
    assert store.run(cancelled.id).status == "stopped"
    assert not store.run_folder(cancelled.id).exists()


def test_cores_are_shared_out_and_a_resumed_run_keeps_its_threads(store):
    alone = store.add(small(), device="cpu")
    with supervisor_of(store, cores=2) as supervisor:

        def look():
            supervisor.look()
            assert sum(worker.threads for worker in supervisor.workers.values()) <= 2

        until_events(store, alone.id, 1, look)
        request(store, alone.id, "pause")
        until_status(store, alone.id, "paused", look=look)
        pair = [store.add(config, device="cpu") for config in (short(), small(steps=400))]
        resume(store, alone.id)
        until_status(store, alone.id, "running", look=look)
        assert supervisor.workers[alone.id].threads == 2, "it began before both cores were free"
        assert [store.run(run.id).status for run in pair] == ["done", "done"]
    assert [store.run(run.id).threads for run in (alone, *pair)] == [2, 1, 1]
    start, *_ = store.events(alone.id)
    assert start[1].execution["threads"] == 2


def threads_of(supervisor):
    return {run_id: worker.threads for run_id, worker in supervisor.workers.items()}


@pytest.mark.parametrize(("cores", "busy"), [(1, 0), (2, 0), (2, 2), (3, 0), (4, 3)])
def test_three_runs_are_trained_side_by_side_however_few_the_cores_and_the_others_wait(store, cores, busy):
    runs = store.add_many([small(seed=seed) for seed in range(5)], device="cpu")
    with supervisor_of(store, cores=cores, busy_cores=lambda: busy + len(supervisor.workers)) as supervisor:
        for _ in range(2):
            supervisor.look()
            assert threads_of(supervisor) == {run.id: 1 for run in runs[:3]}
        until_events(store, runs[0].id, 1)
        request(store, runs[0].id, "stop")
        until(lambda: supervisor.look() and runs[0].id not in supervisor.workers, "the first has stopped")
        until(lambda: supervisor.look() and len(supervisor.workers) == 3, "another one has its place")
        assert threads_of(supervisor) == {run.id: 1 for run in runs[1:4]}


def test_beside_a_run_of_several_threads_nothing_is_squeezed_in(store):
    wide, *others = store.add_many([small(seed=seed) for seed in range(3)], device="cpu")
    store.change(wide.id, threads=2)
    with supervisor_of(store, cores=2) as supervisor:
        supervisor.look()
        assert threads_of(supervisor) == {wide.id: 2}
    for run in others:
        move(store, run.id, before=wide.id)
    with supervisor_of(store, cores=2) as supervisor:
        supervisor.look()
        assert threads_of(supervisor) == {run.id: 1 for run in others}


def test_cores_that_other_programs_keep_busy_are_left_to_them(store):
    runs = store.add_many([small(seed=seed) for seed in range(5)], device="cpu")
    with supervisor_of(store, cores=8, busy_cores=lambda: 4) as supervisor:
        supervisor.look()
        assert threads_of(supervisor) == {run.id: 1 for run in runs[:4]}


def test_where_the_user_says_how_many_a_lone_run_leaves_the_others_their_cores(store):
    choose_places(store.folder, 2)
    first = store.add(small(), device="cpu")
    with supervisor_of(store, cores=4) as supervisor:
        supervisor.look()
        second = store.add(small(), device="cpu")
        supervisor.look()
        assert threads_of(supervisor) == {first.id: 2, second.id: 2}


def test_what_the_runs_themselves_keep_busy_is_not_counted_twice(store):
    runs = [store.add(small(), device="cpu")]
    busy = 0
    with supervisor_of(store, cores=4, busy_cores=lambda: busy) as supervisor:
        supervisor.look()
        assert supervisor.workers[runs[0].id].threads == 4
        busy = 4
        runs.append(store.add(small(), device="cpu"))
        supervisor.look()
        assert list(supervisor.workers) == [runs[0].id], "all cores are taken"
    with supervisor_of(store, cores=2, busy_cores=lambda: 9) as crowded:
        crowded.look()
        assert [worker.threads for worker in crowded.workers.values()] == [1, 1], "three runs are always trained"


def test_a_run_waits_until_there_is_memory_for_it_beside_the_others(store):
    runs = [store.add(small(), device="cpu") for _ in range(2)]
    need = needed_bytes(runs[0].config)
    free = 2 * need - 1
    with supervisor_of(store, cores=4, free_bytes=lambda: free) as supervisor:
        supervisor.look()
        assert list(supervisor.workers) == [runs[0].id], "the first has not taken its memory yet"
        free = 2 * need
        supervisor.look()
        assert list(supervisor.workers) == [run.id for run in runs]


def test_a_run_that_never_fits_is_trained_alone(store):
    run = store.add(small(), device="cpu")
    with supervisor_of(store, free_bytes=lambda: 0) as supervisor:
        supervisor.look()
        assert list(supervisor.workers) == [run.id]


def test_a_deep_net_needs_more_memory(store):
    deep, shallow = (needed_bytes(preset("paper", depth=depth)) for depth in (1202, 20))
    assert deep > 5 * shallow


def test_the_cores_that_are_busy_are_counted():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spinning:
        until(lambda: busy_cores() >= 1, "a busy core is seen")
        spinning.kill()


def test_a_run_whose_process_dies_again_and_again_has_failed_and_can_be_resumed(store):
    run = queued(store, small())
    with supervisor_of(store) as supervisor:
        for deaths in range(3):
            assert store.run(run.id).deaths == deaths
            pid = until_status(store, run.id, "running", look=supervisor.look).pid
            until_events(store, run.id, 1)
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: supervisor.look() is False or store.run(run.id).pid != pid, "the death is noticed")
        failed = store.run(run.id)
        assert (failed.status, failed.pid) == ("failed", None)
        assert failed.message == "Its process died 3 times without coming further."
        resume(store, run.id)
        until_status(store, run.id, "done", look=supervisor.look)
    assert_undisturbed(store, run.id)


# fmt: off
BROKEN = {  # what happens where a worker imports torch -> what is said, and how often it is tried
    "raise ImportError('no torch today')": ("Its process could not start; {log} says why.", 1),
    "import os; os.kill(os.getpid(), 9)":  ("Its process died 3 times without coming further.", 3),
}
# fmt: on


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Makes every worker fail where it imports torch."""

    def make(code):
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "torch.py").write_text(f"print('starting', flush=True)\n{code}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))

    return make


@pytest.mark.parametrize("code", BROKEN)
def test_a_worker_that_cannot_start_is_not_started_for_ever(store, broken, code):
    broken(code)
    words, tries = BROKEN[code]
    run = store.add(short(), device="cpu")
    with supervisor_of(store) as supervisor:
        failed = until_status(store, run.id, "failed", look=supervisor.look)
        assert not supervisor.look()
    assert failed.message == words.format(log=store.run_folder(run.id) / LOG)
    assert is_one_sentence(failed.message)
    assert log_of(store, run.id).count("starting") == tries
    assert (failed.pid, failed.position) == (None, None)


def test_a_run_queued_while_the_supervisor_ends_is_not_left_waiting(store, broken, monkeypatch):
    broken("raise ImportError('no torch today')")
    monkeypatch.setattr(module, "POLL_SECONDS", 0.2)
    moments, threads = random.Random(0), []
    for seed in range(15):
        run = store.add(short(seed=seed), device="cpu")
        if not is_supervised(store.folder):
            threads.append(threading.Thread(target=supervise, args=(store, 1, 0.25)))
            threads[-1].start()
        until_status(store, run.id, "failed")
        time.sleep(moments.uniform(0, 0.3))
    for thread in threads:
        thread.join(180)
    assert not any(thread.is_alive() for thread in threads)
    assert len(threads) > 1, "it never ended between two runs"


def test_a_supervisor_that_slept_for_long_does_not_end_before_it_has_looked(store, broken, monkeypatch):
    """A machine that was suspended, or so busy that a short sleep became a long one."""
    broken("import time; time.sleep(1000)")
    monkeypatch.setattr(module, "POLL_SECONDS", 0.3)
    run = store.add(short(), device="cpu")
    watching = threading.Thread(target=supervise, args=(store, 1, 0.1))
    watching.start()
    until(lambda: processes_of(store.folder, "resnet_lab.worker"), "there is a worker")
    time.sleep(1)
    assert len(processes_of(store.folder, "resnet_lab.worker")) == 1, "a second one was started"
    assert watching.is_alive()
    request(store, run.id, "stop")
    time.sleep(0.7)
    assert watching.is_alive(), "it left a child"
    (worker,) = processes_of(store.folder, "resnet_lab.worker")
    worker.kill()
    watching.join(180)
    assert not watching.is_alive()


def test_a_supervisor_that_was_started_before_the_work_waits_for_it_and_ends_without(store):
    assert ensure_supervisor(store) is None
    early = start_supervisor(store)
    until(lambda: is_supervised(store.folder), "there is a supervisor")
    assert start_supervisor(store) is None
    run = store.add(short(), device="cpu")
    assert ensure_supervisor(store) is None
    until_status(store, run.id, "done")
    kill(early)
    supervise(store, 1, 0.1)
    assert not is_supervised(store.folder)


def test_who_only_looks_whether_there_is_a_supervisor_is_not_taken_for_one(store, monkeypatch):
    monkeypatch.setattr(module, "PROBE_SECONDS", 30)
    with ThreadPoolExecutor(1) as pool:
        with supervisor_lock(store.folder, timeout=0):
            answer = pool.submit(is_supervised, store.folder)
            time.sleep(0.1)
        assert not answer.result(30)


def test_a_run_of_another_machine_is_lost_only_after_a_long_silence(store):
    run = queued(store, short())
    row = {"status": "running", "host": "elsewhere", "pid": os.getpid(), "pid_started": 1.0}
    with supervisor_of(store) as supervisor:
        store.change(run.id, heartbeat=time.time() - 100, **row)
        supervisor.look()
        assert store.run(run.id).status == "running"
        store.change(run.id, heartbeat=time.time() - 1000)
        supervisor.look()
        assert (store.run(run.id).status, [*supervisor.workers]) == ("queued", [run.id])


def test_a_run_that_is_purged_while_its_worker_starts_stops_nothing(store):
    gone, other = store.add(short(), device="cpu"), store.add(short(seed=1), device="cpu")
    with supervisor_of(store, cores=2) as supervisor:
        supervisor.look()
        store.delete(gone.id)
        store.purge(gone.id)
        until_status(store, other.id, "done", look=supervisor.look)
        until(lambda: not supervisor.look() and not supervisor.workers, "both processes have ended")


def with_spares(supervisor, number, *others):
    """Once there are so many; none is among those that were there before."""
    supervisor.spares.keep(number)
    pids = {spare.process.pid for spare in supervisor.spares.waiting}
    return pids if len(pids) == number and not pids & {*others} else None


def test_a_spare_takes_the_next_run_and_prints_into_its_log(store):
    run, queue = store.add(short(), device="cpu"), []
    with supervisor_of(store) as supervisor:
        spare, *queue = until(lambda: with_spares(supervisor, 2) and [*supervisor.spares.waiting], "there are two")
        until_status(store, run.id, "running", look=supervisor.look)
        assert (store.run(run.id).pid, store.run(run.id).threads) == (spare.process.pid, 1)
        assert supervisor.spares.waiting == queue
        until_status(store, run.id, "done", look=supervisor.look)
        until(lambda: not supervisor.look(), "the process has ended")
    assert_undisturbed(store, run.id)
    assert (log_of(store, run.id), (store.folder / OWN_LOG).read_text()) == ("", "")
    assert processes_of(store.folder) == [], "a spare outlives its supervisor"


def test_what_a_spare_prints_goes_to_the_log_of_its_run_once_it_has_one(store):
    run = store.add(short(data="cifar10"), device="cpu")  # which is not here
    with supervisor_of(store) as supervisor:
        supervisor.spares.keep(1)
        until_status(store, run.id, "failed", look=supervisor.look)
    assert "cifar10" in log_of(store, run.id)
    assert "cifar10" not in (store.folder / OWN_LOG).read_text()


def test_what_is_fastest_here_is_known_before_there_is_a_run(store):
    (store.folder / FILE).unlink()
    with supervisor_of(store) as supervisor:
        supervisor.spares.keep(2)
        known = until(lambda: read(store.folder / FILE), "it is known")
    assert len(known) == 1


def test_a_killed_spare_is_replaced_and_never_given_a_run(store):
    with supervisor_of(store) as supervisor:
        (old,) = until(lambda: with_spares(supervisor, 1), "there is a spare")
        os.kill(old, signal.SIGKILL)
        (new,) = until(lambda: with_spares(supervisor, 1, old), "there is another one")
        os.kill(new, signal.SIGKILL)
        (dead,) = supervisor.spares.waiting
        dead.process.wait()
        run = store.add(short(), device="cpu")
        supervisor.look()
        assert supervisor.workers[run.id].process.poll() is None


def test_who_gives_a_run_to_a_spare_that_has_just_died_does_not_die_of_it(store):
    spare = Spare.start(store.folder, store.folder / OWN_LOG)
    kill(spare.process)
    spare.give("run", 1)


def test_a_spare_that_dies_with_its_first_run_in_its_hands_costs_one_death(store, broken):
    broken("import time; time.sleep(1000)")
    run = store.add(short(), device="cpu")
    with supervisor_of(store) as supervisor:
        supervisor.spares.keep(1)
        (spare,) = supervisor.spares.waiting
        supervisor.look()
        assert supervisor.workers[run.id].process is spare.process
        kill(spare.process)
        supervisor.look()
        assert (store.run(run.id).status, store.run(run.id).deaths) == ("queued", 1)
        assert supervisor.workers[run.id].process is not spare.process


def test_spares_that_cannot_start_are_not_started_for_ever_and_their_log_is_named(store, broken):
    may_fail = store.folder / "may fail"
    waits = f"import os, time\nwhile not os.path.exists({str(may_fail)!r}): time.sleep(0.02)"
    broken(f"{waits}\nraise ImportError('no torch today')")
    run = store.add(short(), device="cpu")
    with supervisor_of(store) as supervisor:
        supervisor.spares.keep(1)
        supervisor.look()
        supervisor.spares.keep(1)
        may_fail.touch()
        failed = until_status(store, run.id, "failed", look=supervisor.look)
        assert failed.message == f"Its process could not start; {store.folder / OWN_LOG} says why."
        until(lambda: supervisor.spares.keep(1) or not supervisor.spares.waiting, "the other one is given up")
        supervisor.spares.keep(1)
        assert supervisor.spares.waiting == []
    assert (store.folder / OWN_LOG).read_text().count("starting\n") == 2


def test_there_are_spares_for_visitors_only_and_as_many_as_there_are_places(store):
    free = 10**12
    with supervisor_of(store, free_bytes=lambda: free) as supervisor:
        assert not is_visited(store.folder, 100)
        note_visit(store.folder)
        assert is_visited(store.folder, 100)
        time.sleep(0.02)
        assert not is_visited(store.folder, 0.01)
        assert supervisor.num_spares() == 3
        for seed, places in enumerate([2, 1, 0, 0]):
            store.add(short(seed=seed), device="cpu")
            assert supervisor.num_spares() == places
        for run in store.runs():
            request(store, run.id, "stop")
        free = 10**9
        assert supervisor.num_spares() == 0
        free = 10**12
        supervisor.spares.keep(supervisor.num_spares())
        free = 10**9
        assert supervisor.num_spares() == 3, "those that are there have their memory"


WATCHING = """
from resnet_lab.store import open_store
from resnet_lab.supervisor import Supervisor, note_visit

with open_store() as store:
    note_visit(store.folder)
    Supervisor(store, 1, lambda: 0, lambda: 10**12).watch(60)
"""


def test_when_the_supervisor_is_killed_its_spares_end_and_a_run_that_one_has_goes_on(store, tmp_path):
    supervisor = start(["-c", WATCHING], tmp_path / "log")
    until(lambda: len(processes_of(store.folder, "resnet_lab.worker")) == 3, "there are three spares")
    pids = {process.pid for process in processes_of(store.folder, "resnet_lab.worker")}
    run = store.add(small(), device="cpu")
    store.change(run.id, threads=1)
    until_events(store, run.id, 2)
    worker = store.run(run.id).pid
    assert worker in pids
    kill(supervisor)
    until(lambda: {process.pid for process in processes_of(store.folder)} == {worker}, "the spares have ended")
    before = len(store.events(run.id))
    until_events(store, run.id, before + 1)
    until_status(store, run.id, "done")
    assert_undisturbed(store, run.id)


def test_without_a_visitor_there_is_no_spare_and_soon_no_supervisor(store):
    supervise(store, 1, 0.1)
    assert not (store.folder / OWN_LOG).exists()


def test_a_visit_keeps_the_supervisor_and_its_spares_and_they_end_when_nobody_has_come_for_a_while(store):
    note_visit(store.folder)
    os.utime(store.folder / VISIT, (time.time() + 100,) * 2)
    watching = threading.Thread(target=supervise, args=(store, 1, 0.1))
    watching.start()
    until(lambda: len(processes_of(store.folder, "resnet_lab.worker")) == 3, "there are three spares")
    assert watching.is_alive()
    os.utime(store.folder / VISIT, (0, 0))
    watching.join(180)
    assert not watching.is_alive()
    assert processes_of(store.folder) == []
