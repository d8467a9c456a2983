"""Looking into nets in another process: what is asked is computed once, and whatever happens, somebody says so."""

import importlib
import inspect
import json
import shutil
import subprocess
import sys
import threading
import time

import psutil
import pytest

from resnet_lab.files import CHECKOUT
from resnet_lab.inside.inspections import EXPIRY_SECONDS, JOBS, Failed, Inspector, Waiting
from resnet_lab.inside.jobs import Findings, finish
from resnet_lab.inside.landscapes import landscape
from resnet_lab.inside.looks import key_of
from resnet_lab.inside.subjects import Subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors
from tests.processes import end_processes_of, processes_of, until
from tests.small_jobs import SMALL_JOBS, notes

# fmt: off
WRONG = {
    "refuse":  "side must be odd, but is 4.",
    "stumble": "ZeroDivisionError: division by zero.",
    "swallow": "It needs more than the 3 GB of memory that it may take: choose fewer nets or pictures.",
}
# fmt: on
SERVER = """
import json, sys, time
from pathlib import Path
from resnet_lab.inside.inspections import Inspector
Inspector(Path(sys.argv[1]), json.loads(sys.argv[2])).warm()
time.sleep(600)
"""


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One process for the tests that leave it alive, or can bear another one."""
    home = tmp_path_factory.mktemp("inspections") / "home"
    inspector = Inspector(home, SMALL_JOBS, Clock())
    yield inspector
    inspector.close()
    end_processes_of(home)


@pytest.fixture
def diary(tmp_path):
    return str(tmp_path / "diary")


@pytest.fixture
def subject(tmp_path):
    model = ModelConfig(depth=8, width=0.25)
    path = tmp_path / "weights.safetensors"
    write_tensors(path, build_model(model).state_dict(), {})
    data = DataConfig(name="synthetic")
    return Subject(id="a", title="A net", origin="run", model=model, data=data, weights=str(path))


def asked(subject, **changes):
    """For a landscape of five points."""
    fields = json.loads(subject.to_json()) | changes
    return {"subjects": [fields], "dimensions": 1, "side": 5, "num_images": 150, "seed": 3}


def over(inspector, job, **arguments):
    """What comes in the end."""

    def claim():
        seen = inspector.look(job, arguments)
        return None if isinstance(seen, Waiting) else seen

    return until(claim, f"{job} is over")


def until_it_runs(inspector, job, **arguments):
    def claim():
        seen = inspector.look(job, arguments)
        assert isinstance(seen, Waiting)
        return seen.done

    return until(claim, f"{job} is on its way")


def test_the_findings_are_those_of_the_job_itself(shared, subject):
    found = over(shared, "landscape", **asked(subject))
    expected = finish(landscape(**asked(subject)))
    assert found.record == expected.record
    assert found.tensors.keys() == expected.tensors.keys()
    for name, tensor in expected.tensors.items():
        assert (found.tensors[name] - tensor).abs().max() < 1e-5


def test_whoever_waits_sees_how_far_it_is(shared, diary):
    arguments, steps = {"to": 10**6, "diary": diary}, []
    while len({step.done for step in steps}) < 4:
        seen = shared.look("count", arguments)
        steps += [seen] if isinstance(seen, Waiting) and seen.of else []
        time.sleep(0.01)
    shared.cancel("count", arguments)
    assert steps == sorted(steps, key=lambda step: step.done)
    assert {(step.of, step.words) for step in steps} == {(10**6, "Counts")}


def test_what_many_look_at_is_computed_once(shared, diary):
    arguments = {"to": 40, "diary": diary}
    found = []
    lookers = [threading.Thread(target=lambda: found.append(over(shared, "count", **arguments))) for _ in range(8)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert [each.record for each in found] == [{"to": 40}] * 8
    assert notes(diary) == ["begun"]


def test_cancelled_it_stops_and_the_next_one_has_its_turn(shared, diary):
    long = {"to": 10**6, "diary": diary}
    until_it_runs(shared, "count", **long)
    shared.cancel("count", long)
    assert over(shared, "count", to=1, diary=f"{diary}2").record == {"to": 1}
    assert notes(diary) == ["begun", "dropped"]


def test_what_is_dropped_before_its_turn_never_begins(shared, diary):
    long, next_one = {"to": 10**6, "diary": diary}, {"to": 1, "diary": f"{diary}2"}
    until_it_runs(shared, "count", **long)
    assert shared.look("count", next_one) == Waiting()
    shared.cancel("count", next_one)
    shared.cancel("count", long)
    over(shared, "count", to=1, diary=f"{diary}3")
    assert notes(f"{diary}2") == []


def test_what_nobody_looks_at_any_more_is_given_up(shared, diary):
    long = {"to": 10**6, "diary": diary}
    until_it_runs(shared, "count", **long)
    shared.clock.now += 0.9 * EXPIRY_SECONDS
    before = shared.look("count", long).done
    shared.clock.now += 0.9 * EXPIRY_SECONDS
    until(lambda: next(iter(shared.wanted.values())).progress.done > before, "it goes on")
    assert notes(diary) == ["begun"]
    shared.clock.now += 0.2 * EXPIRY_SECONDS
    until(lambda: notes(diary) == ["begun", "dropped"], "it is given up")
    assert shared.wanted == {}


@pytest.mark.parametrize("job", WRONG)
def test_what_goes_wrong_is_one_sentence_and_the_process_goes_on(shared, diary, job):
    words = WRONG[job]
    over(shared, "count", to=1, diary=diary)
    shared.warm()
    process = shared.talk.process.pid
    assert over(shared, job) == Failed(words)
    assert over(shared, "count", to=2, diary=diary).record == {"to": 2}
    assert shared.talk.process.pid == process
    assert ("in stumble" in (shared.looks.folder / "log.txt").read_text()) or job != "stumble"
    assert shared.look(job, {}) == Failed(words)  # until somebody wants another try
    shared.cancel(job, {})
    assert isinstance(shared.look(job, {}), Waiting)
    over(shared, job)


def test_a_killed_process_is_replaced_and_what_is_wanted_is_asked_again(shared, diary):
    assert over(shared, "die", times=1, diary=diary).tensors["survived"] == 1
    assert notes(diary) == ["begun"] * 2


def test_what_has_killed_its_process_twice_is_not_tried_again(shared, diary):
    died = over(shared, "die", times=9, diary=diary)
    assert died.words.startswith("The process that computes it has ended 2 times without a word: ")
    assert notes(diary) == ["begun"] * 2
    assert over(shared, "count", to=1, diary=f"{diary}2").record == {"to": 1}


def test_what_is_kept_needs_no_process_and_a_truncated_file_is_computed_anew(shared, subject):
    over(shared, "landscape", **asked(subject))
    later = Inspector(shared.home, SMALL_JOBS)
    found = later.look("landscape", asked(subject, title="Another title", id="b"))
    assert isinstance(found, Findings)
    assert later.talk is None
    kept = shared.looks.path(key_of(shared.home, "landscape", asked(subject)))
    kept.write_bytes(kept.read_bytes()[:-9])
    assert isinstance(shared.look("landscape", asked(subject)), Waiting)
    again = over(shared, "landscape", **asked(subject))
    assert again.tensors["loss"].equal(found.tensors["loss"])


def test_a_question_that_cannot_be_asked_is_answered_at_once(shared, subject, tmp_path):
    missing = str(tmp_path / "missing.safetensors")
    assert shared.look("landscape", asked(subject, weights=missing)).words.startswith(f"{missing} could not be read")
    assert shared.look("divination", {}).words.startswith("job must be 'landscape', 'count', ")


def test_the_process_ends_with_its_server_even_where_that_is_killed(tmp_path):
    home = tmp_path / "home"
    server = subprocess.Popen([sys.executable, "-c", SERVER, home, json.dumps(SMALL_JOBS)], cwd=CHECKOUT)
    try:
        process = until(lambda: processes_of(home.resolve(), "resnet_lab.inside.inspector"), "there is a process")[0]
        until(lambda: process.num_threads() > 1, "it hears")
        server.kill()
        psutil.wait_procs([process], timeout=60)
        assert not process.is_running()
    finally:
        server.kill()
        server.wait()
        end_processes_of(home.resolve())


def test_the_process_ends_when_the_client_is_closed(tmp_path, diary):
    home = tmp_path / "home"
    inspector = Inspector(home, SMALL_JOBS)
    until_it_runs(inspector, "count", to=10**6, diary=diary)
    inspector.close()
    assert processes_of(home.resolve()) == []
    shutil.rmtree(home)


@pytest.mark.parametrize("name", JOBS)
def test_each_job_is_a_generator_function_of_json_values(name):
    module, function = JOBS[name].split(":")
    assert inspect.isgeneratorfunction(getattr(importlib.import_module(module), function))
