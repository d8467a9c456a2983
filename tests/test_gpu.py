"""What only a GPU can show: `make test-gpu`. Elsewhere these tests are skipped."""

import pytest
import torch

from resnet_lab import trials
from resnet_lab.crew import Crew
from resnet_lab.events import Alert, Switch
from resnet_lab.execution import Execution
from resnet_lab.learner import Learner
from resnet_lab.machine import FILE, read, usual_way
from resnet_lab.places import MOST, note_places_on_gpu, places_on_gpu
from resnet_lab.queueing import request
from resnet_lab.trainer import Trainer
from tests.processes import store, until, without_timings
from tests.test_fusion import assert_close
from tests.test_learner import RECORDABLE, assert_same, values, walk
from tests.test_trainer import through_bytes, tiny, untimed

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]

__all__ = ["store"]

GPU = torch.device("cuda")
DRAWING = {"dropout", "stochastic depth"}  # by other random numbers on each device, and in each code
SHORT = {"deterministic": True, "steps": 40, "loss_every": 8, "probe_every": 16}


def learner(launch, precision="fp32", units="plain", **fields):
    one = Learner(tiny(**fields), GPU)
    one.compute_as(Execution("cuda", precision, 1, deterministic=True, launch=launch, units=units))
    return one


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", RECORDABLE)
def test_a_recorded_step_is_bit_for_bit_the_one_launched_kernel_by_kernel(name, precision):
    graph, eager = (learner(launch, precision, **RECORDABLE[name]) for launch in ("graph", "eager"))
    for one in (graph, eager):
        walk(one, range(10))
        walk(one, range(10, 12), "learn_probed")
        walk(one, range(12, 100))
    assert not graph.obstacle
    assert_same(values(graph), values(eager))


@pytest.mark.parametrize("name", RECORDABLE)
def test_what_is_measured_inside_is_the_same(name):
    graph, eager = (learner(launch, **RECORDABLE[name]) for launch in ("graph", "eager"))
    for one in (graph, eager):
        walk(one, range(3))
        one.turn_to(3)
    (norms, numbers), (expected_norms, expected) = graph.do(graph.learn_probed), eager.do(eager.learn_probed)
    assert torch.equal(norms, expected_norms)
    assert_same(numbers, expected)
    assert graph.do(graph.judge) == eager.do(eager.judge)


@pytest.mark.parametrize("name", sorted(RECORDABLE.keys() - DRAWING))
def test_the_first_losses_are_those_of_a_cpu(name):
    on_gpu = learner("graph", **RECORDABLE[name])
    on_cpu = Learner(on_gpu.config, torch.device("cpu"))
    for one in (on_gpu, on_cpu):
        walk(one, range(3))
    assert on_gpu.loss_sum.item() == pytest.approx(on_cpu.loss_sum.item(), rel=1e-4)


@pytest.mark.usefixtures("one_thread")
def test_runs_side_by_side_in_one_process_are_what_they_are_alone(store, monkeypatch):
    """Twelve short ones, three at a time, beside a long one: more recordings than torch has streams."""
    monkeypatch.setattr("resnet_lab.worker.ensure_supervisor", lambda store: None)  # which would take the queued ones
    configs = [tiny(**SHORT | {"precision": "fp32", "seed": seed, "steps": 40 if seed else 2000}) for seed in range(13)]
    long, *others = [store.add(config, device="cuda") for config in configs]
    crew = Crew(store, GPU, lambda: False)
    crew.begin(long.id)
    for first in range(0, len(others), 3):
        for run in others[first : first + 3]:
            crew.begin(run.id)
        for thread in crew.threads[-3:]:
            thread.join()
    crew.join()
    assert not crew.is_broken.is_set()
    for run in (long, *others):
        alone = [without_timings(event) for event in Trainer(run.config, "cuda")]
        assert [without_timings(event) for _, event in store.events(run.id)] == alone


def test_a_run_says_the_same_whether_or_not_the_gpu_is_waited_for_after_each_step():
    config = tiny(**SHORT | {"loss_every": 4, "evaluate_every": 0.5})
    free, awaited = Trainer(config, "cuda"), Trainer(config, "cuda")
    said = []
    while not awaited.status:
        awaited.advance()
        torch.cuda.synchronize()
        awaited.arrivals.hear_all()
        said += [event for _, event in awaited.take()]
    assert untimed(list(free)) == untimed(said)


def test_what_a_run_would_wait_for_is_done_before_one_comes(store):
    (store.folder / FILE).unlink(missing_ok=True)
    Crew(store, GPU, lambda: False).prepare()
    assert usual_way(store.folder, GPU, refused).precision in ("fp32", "bf16")
    ((found),) = read(store.folder / FILE).values()
    assert found["at_once"] == places_on_gpu(store.folder)
    note_places_on_gpu(store.folder, MOST)
    Crew(store, GPU, lambda: False).prepare()
    assert found["at_once"] == places_on_gpu(store.folder)


def refused(device):
    raise AssertionError("it was known")


@pytest.mark.parametrize("fields", [{}, {"stochastic_depth": 0.5}, {"optimizer": "adamw"}], ids=str)
def test_a_trainer_goes_on_on_a_gpu_as_if_it_had_never_stopped(fields):
    config = tiny(**SHORT | fields)
    whole, first, second = (Trainer(config, "cuda") for _ in range(3))
    expected = list(whole)
    while first.step < 20:
        first.advance()
    second.load_state_dict(through_bytes(first.state_dict()))
    assert second.execution.launch == "graph"
    assert untimed(list(second)) == untimed(expected)
    assert_same(second.learner.tensors(), whole.learner.tensors())


@pytest.mark.filterwarnings("default")  # torch's compiler has some of its own
@pytest.mark.parametrize("name", sorted(RECORDABLE.keys() - DRAWING))
def test_fused_units_in_a_graph_compute_what_plain_ones_do_up_to_rounding(name):
    fused, plain = (learner("graph", units=units, **RECORDABLE[name]) for units in ("fused", "plain"))
    for one in (fused, plain):
        walk(one, range(3))
        walk(one, range(3, 4), "learn_probed")
    assert not fused.obstacle
    assert_close(values(fused), values(plain))
    assert fused.do(fused.judge) == pytest.approx(plain.do(plain.judge), rel=1e-3)


@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("one_thread")
def test_runs_of_one_process_go_over_to_fused_units_and_go_on(store, monkeypatch):
    """Whatever that gains: such small nets may lose."""
    for name, value in {"WORTH_SECONDS": 0.0, "GAIN": 0.0, "COST": -1e9}.items():
        monkeypatch.setattr(trials, name, value)
    fields = {"precision": "fp32", "steps": 10**7, "loss_every": 1000, "probe_every": 1000, "evaluate_every": 10**6}
    runs = [store.add(tiny(**fields, seed=seed), device="cuda") for seed in range(2)]
    crew = Crew(store, GPU, lambda: False)
    for run in runs:
        crew.begin(run.id)
    try:
        for run in runs:
            until(lambda run=run: store.last(run.id, Switch.kind), "the run has gone over", 300)
            switched = len(store.events(run.id))
            until(lambda run=run, least=switched: len(store.events(run.id)) > least + 5, "the run goes on", 60)
    finally:
        for run in runs:
            request(store, run.id, "stop")
        crew.join()
    for run in runs:
        assert store.run(run.id).status == "stopped"
        assert store.last(run.id, Alert.kind) is None
