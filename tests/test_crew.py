"""Runs side by side in one process: each ends as if it were alone, and the supervisor keeps track of all of them."""

import contextlib
import signal
import sys

import pytest
import torch

from resnet_lab import supervisor as module
from resnet_lab.crew import Crew, warm_up
from resnet_lab.execution import UsualWay
from resnet_lab.learner import Learner
from resnet_lab.machine import FILE
from resnet_lab.memory import Memory, needed_gpu_bytes
from resnet_lab.places import choose_places
from resnet_lab.queueing import Process, claim, release, request, requeue, resume
from resnet_lab.supervisor import OWN_LOG, Supervisor
from tests.processes import (
    assert_undisturbed,
    kill,
    log_of,
    queued,
    short,
    small,
    start,
    store,
    take_up,
    until,
    until_events,
    until_status,
)

__all__ = ["store"]

CREW = ["-m", "resnet_lab.crew"]
PLENTY = Memory(10**12, 10**12)


def started(store, runs):
    """A crew that was told of them, and hears no more."""
    return start(CREW, store.folder / OWN_LOG, told="".join(f"{run.id}\n" for run in runs))


def test_each_ends_as_if_it_were_alone_whatever_becomes_of_the_others(store):
    whole = [queued(store, short(steps=60, seed=seed)) for seed in range(2)]
    diverging, stopped = queued(store, short(lr=100, steps=400)), queued(store, small(seed=9))
    missing = queued(store, short(data="cifar10"))
    crew = started(store, [missing, diverging, stopped, *whole])
    until_events(store, stopped.id, 1)
    request(store, stopped.id, "stop")
    assert crew.wait(180) == 0
    for run in whole:
        assert_undisturbed(store, run.id)
    assert [store.run(run.id).status for run in (diverging, stopped, missing)] == ["diverged", "stopped", "failed"]
    assert "cifar10" in log_of(store, missing.id)
    assert all(log_of(store, run.id) == "" for run in whole)


def test_a_run_that_is_told_twice_is_trained_once(store):
    run = queued(store, short(steps=60))
    assert started(store, [run, run]).wait(180) == 0
    assert_undisturbed(store, run.id)


def test_a_run_that_was_taken_away_goes_on_only_when_its_old_thread_has_ended(store):
    run = queued(store, small())
    crew = Crew(store, torch.device("cpu"), lambda: False)
    threads = torch.get_num_threads()
    crew.begin(run.id)
    until_events(store, run.id, 1)
    requeue(store, store.run(run.id))
    (old,) = crew.threads
    crew.begin(run.id)
    until_status(store, run.id, "running")
    assert not old.is_alive()
    crew.join()
    torch.set_num_threads(threads)
    assert_undisturbed(store, run.id)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("allowed", [0, 2, 6])
def test_the_algorithms_for_all_works_of_usual_nets_are_chosen_ahead_until_a_run_comes(monkeypatch, allowed):
    prepared = []
    monkeypatch.setattr(Learner, "prepare", lambda learner, work: prepared.append(work.__name__))
    warm_up(torch.device("cpu"), UsualWay("fp32"), lambda: len(prepared) < allowed)
    assert prepared == (["learn", "learn_probed", "judge"] * 2)[:allowed]


def test_a_crew_is_idle_until_a_run_comes_or_it_is_asked_to_end(store):
    asked = []
    crew = Crew(store, torch.device("cpu"), lambda: bool(asked))
    assert crew.is_idle()
    asked.append(signal.SIGTERM)
    assert not crew.is_idle()
    asked.clear()
    other = queued(store, short())
    assert claim(store, other.id, Process.of(), 1)
    assert not crew.is_idle()
    release(store, other.id, "stopped", "")
    assert crew.is_idle()
    crew.begin(queued(store, short(steps=2)).id)
    assert not crew.is_idle()
    crew.join()


def test_what_cannot_be_prepared_is_complained_of_and_no_run_suffers(store, capfd):
    (store.folder / FILE).unlink()
    (store.folder / "way.lock").unlink()
    (store.folder / "way.lock").mkdir()
    Crew(store, torch.device("cpu"), lambda: False).prepare()
    assert "way.lock could not be locked: is a directory." in capfd.readouterr().err


def test_a_crew_that_is_asked_to_end_leaves_its_runs_to_another(store):
    runs = [queued(store, small(seed=seed)) for seed in range(2)]
    crew = started(store, runs)
    for run in runs:
        until_events(store, run.id, 1)
    crew.send_signal(signal.SIGTERM)
    assert crew.wait(180) == 0
    for run in runs:
        take_up(store, run.id)
    assert started(store, runs).wait(180) == 0
    for run in runs:
        assert_undisturbed(store, run.id)


def test_one_that_loses_its_store_ends_so_that_others_take_its_runs_up(store):
    code = "from resnet_lab import crew\ndef fail(*args): raise OSError('gone')\ncrew.work = fail\ncrew.main()"
    run = queued(store, short())
    assert start(["-c", code], store.folder / OWN_LOG, told=f"{run.id}\n").wait(180) == 0
    assert "gone" in (store.folder / OWN_LOG).read_text()
    assert store.run(run.id).status == "running"


# ---- and its supervisor


@pytest.fixture
def on_gpu(monkeypatch):
    """As if all that is not for the CPU were for a GPU; the crew then finds none."""
    monkeypatch.setattr(module, "on_gpu", lambda run: run.device != "cpu")


@contextlib.contextmanager
def supervisor_of(store, memory=PLENTY):
    with contextlib.closing(Supervisor(store, 1, lambda: 0, lambda: 10**12, lambda: memory)) as supervisor:
        yield supervisor
    crew = [supervisor.crew.spare.process] if supervisor.crew.spare else []
    for process in [*crew, *(worker.process for worker in supervisor.workers.values())]:
        kill(process)


def for_gpu(store, config):
    run = store.add(config, device="auto")
    store.change(run.id, threads=1)
    return run


@pytest.mark.usefixtures("on_gpu")
def test_one_process_trains_what_is_for_the_gpu_and_ends_after_its_supervisor(store):
    runs = [for_gpu(store, short(steps=40, seed=seed)) for seed in range(6)]
    with supervisor_of(store) as supervisor:
        supervisor.look()
        assert list(supervisor.workers) == [run.id for run in runs[:4]]
        crew = supervisor.crew.spare.process
        for run in runs:
            until_status(store, run.id, "done", look=supervisor.look)
            assert_undisturbed(store, run.id)
        until(lambda: not supervisor.look(), "nothing is left to do")
        assert crew.poll() is None
        assert supervisor.crew.spare.process is crew
        supervisor.close()
        assert crew.wait(180) == 0


@pytest.mark.usefixtures("on_gpu")
def test_a_visitor_of_a_lab_with_a_gpu_finds_the_process_at_hand_that_trains_there(store, monkeypatch):
    monkeypatch.setattr(module, "find_device", lambda: torch.device("cuda"))
    with supervisor_of(store) as supervisor:
        supervisor.prepare(has_visitor=False)
        assert supervisor.crew.spare is None
        supervisor.prepare(has_visitor=True)
        crew = supervisor.crew.spare
        supervisor.prepare(has_visitor=True)
        assert (supervisor.crew.spare, supervisor.spares.waiting) == (crew, [])
        run = for_gpu(store, short())
        until_status(store, run.id, "done", look=supervisor.look)
        assert supervisor.crew.spare is crew


@pytest.mark.usefixtures("on_gpu")
def test_a_run_that_is_paused_and_resumed_goes_on_in_the_same_process(store):
    run = for_gpu(store, small())
    with supervisor_of(store) as supervisor:
        until(lambda: supervisor.look() and store.events(run.id), "it has begun")
        pid = store.run(run.id).pid
        request(store, run.id, "pause")
        until_status(store, run.id, "paused")  # and is resumed before the supervisor has looked
        resume(store, run.id)
        until_status(store, run.id, "running", look=supervisor.look)
        assert store.run(run.id).pid == pid == supervisor.crew.spare.process.pid
        until_status(store, run.id, "done", look=supervisor.look)
    assert_undisturbed(store, run.id)


@pytest.mark.usefixtures("on_gpu")
def test_the_runs_of_a_killed_crew_go_on_in_another(store):
    runs = [for_gpu(store, small(seed=seed)) for seed in range(2)]
    with supervisor_of(store) as supervisor:
        for run in runs:
            until(lambda run=run: supervisor.look() and store.events(run.id), "it has begun")
        killed = supervisor.crew.spare.process
        kill(killed)
        for run in runs:
            until_status(store, run.id, "done", look=supervisor.look)
            assert_undisturbed(store, run.id)
        assert supervisor.crew.spare.process is not killed


@pytest.mark.usefixtures("on_gpu")
def test_runs_that_draw_random_numbers_have_processes_of_their_own(store):
    for seed in range(2):
        for_gpu(store, short(stochastic_depth=0.5, seed=seed))
    with supervisor_of(store) as supervisor:
        supervisor.look()
        assert supervisor.crew.spare is None
        assert len({worker.process.pid for worker in supervisor.workers.values()}) == 2


@pytest.mark.usefixtures("on_gpu")
def test_a_run_waits_until_the_gpu_has_memory_for_it(store):
    runs = [for_gpu(store, short(seed=seed)) for seed in range(3)]
    need = needed_gpu_bytes(runs[0].config)
    for memory, number in {
        Memory(total=10 * need, free=need - 1): 1,  # other programs have it; the first is trained all the same
        Memory(total=2 * need, free=3 * need): 2,  # it is no larger
        Memory(total=10 * need, free=2 * need): 2,  # the first has not taken its own yet
        Memory(total=10 * need, free=3 * need): 3,
    }.items():
        with supervisor_of(store, memory) as supervisor:
            supervisor.look()
            assert len(supervisor.workers) == number


@pytest.mark.usefixtures("on_gpu")
def test_as_many_are_trained_at_once_as_the_user_says(store):
    runs = [for_gpu(store, small(seed=seed)) for seed in range(7)]
    with supervisor_of(store) as supervisor:
        choose_places(store.folder, 2)
        supervisor.look()
        assert list(supervisor.workers) == [run.id for run in runs[:2]]
        choose_places(store.folder, 6)
        supervisor.look()
        assert len({run.id for run in store.runs(["running"])} | supervisor.workers.keys()) == 6


def test_the_memory_of_the_gpu_is_what_its_driver_tells(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    code = "import sys\nprint('81559, 70000' if '--id=1' in sys.argv else '[N/A], 5')\n"
    program.write_text(f"#!{sys.executable}\n{code}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert module.gpu_memory() == Memory(81559 * 2**20, 70000 * 2**20)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    silent = module.gpu_memory()
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert module.gpu_memory() == silent == Memory(10**15, 10**15)
