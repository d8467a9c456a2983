"""Histories: the numbers of runs as columns, each event read once, on SQLite and on PostgreSQL."""

import threading

import numpy as np
import pytest
from sqlalchemy import update

from resnet_lab.events import Epoch, Probe, Step
from resnet_lab.histories import Histories
from resnet_lab.tables import EVENTS
from tests.stores import config, story

pytest_plugins = ["tests.postgres"]


def step(number, loss=None):
    return number, Step(
        step=10 * number, seconds=float(number), loss=loss, lr=0.1, images_per_second=9.0, seconds_left=1
    )


def told(store, numbers, **fields):
    """A run that told these steps, with the loss 100 / number."""
    run = store.add(config(**fields))
    store.append(run.id, [step(number, 100 / number) for number in numbers])
    return run


class Watched:
    """A store that remembers what was asked of it and how much it answered."""

    def __init__(self, store):
        self.store, self.cursors, self.num_bodies = store, [], 0

    def bodies(self, kind, after):
        found = self.store.bodies(kind, after)
        self.cursors.append(dict(after))
        self.num_bodies += sum(map(len, found.values()))
        return found


# ---- what the store answers


def test_bodies_are_those_of_one_kind_above_each_runs_own_number_in_order(store):
    a, b, c = told(store, [1, 2, 11, 12]), told(store, [1, 2, 3]), told(store, [])
    store.append(a.id, [(13, Epoch(10, 1.0, 1.0, 50.0, 1.0, 100))])
    found = store.bodies("step", {a.id: 2, b.id: 1, c.id: 0, "nothere": 0})
    assert {run_id: [number for number, _ in bodies] for run_id, bodies in found.items()} == {
        a.id: [11, 12],
        b.id: [2, 3],
        c.id: [],
    }
    assert '"step":120' in found[a.id][1][1]
    assert [number for number, _ in store.bodies("epoch", {a.id: 0})[a.id]] == [13]
    assert store.bodies("step", {}) == {}


# ---- columns


def test_every_number_of_an_event_is_in_its_column(store):
    run = store.add(config())
    store.append(run.id, story())
    steps, epochs = (
        histories[run.id] for histories in (Histories(store).steps([run.id]), Histories(store).epochs([run.id]))
    )
    assert {name: list(getattr(steps, name)) for name in ("step", "seconds", "loss", "lr", "images_per_second")} == {
        "step": [10],
        "seconds": [1.5],
        "loss": [2.25],
        "lr": [0.05],
        "images_per_second": [1000],
    }
    assert [list(column) for column in (epochs.step, epochs.epoch, epochs.test_error, epochs.test_loss)] == [
        [10],
        [0.5],
        [81.25],
        [2.125],
    ]


def test_a_loss_that_is_not_finite_is_nan_and_every_column_is_of_floats(store):
    run = store.add(config())
    store.append(run.id, [step(1, float("inf")), step(2, None), step(3, 2.0)])
    loss = Histories(store).steps([run.id])[run.id].loss
    assert loss.dtype == np.float64
    assert np.array_equal(loss, [np.nan, np.nan, 2.0], equal_nan=True)


def test_a_run_that_has_said_nothing_and_one_that_is_not_there_have_empty_columns(store):
    run, histories = store.add(config()), Histories(store)
    for read in (histories.steps, histories.epochs, histories.probes):
        found = read([run.id, "nothere"])
        assert {name: len(history.step) for name, history in found.items()} == {run.id: 0, "nothere": 0}
    assert histories.steps([]) == {}
    assert histories.last_probes([run.id, "nothere"]) == {}


def test_probes_are_tables_with_a_row_a_probe(store):
    run = store.add(config())
    probes = [
        Probe(
            step=10 * number,
            seconds=1.0,
            layers={"stem.0": {"gradient_norm": number, "response": 0.5}, "head": {"gradient_norm": float("nan")}},
            units={"gradient_norm": [number, 2.0 * number, 3.0], "dead_relus": [0.0, 0.5, 1.0]},
        )
        for number in (1, 2)
    ]
    store.append(run.id, [(1, probes[0])])
    histories = Histories(store)
    assert histories.probes([run.id])[run.id].units["gradient_norm"].shape == (1, 3)
    store.append(run.id, [(2, probes[1])])
    found = histories.probes([run.id])[run.id]
    assert list(found.step) == [10, 20]
    assert np.array_equal(found.units["gradient_norm"], [[1, 2, 3], [2, 4, 3]])
    assert found.layer_names == ("stem.0", "head")
    assert np.array_equal(found.layers["gradient_norm"], [[1, np.nan], [2, np.nan]], equal_nan=True)
    assert np.array_equal(found.layers["response"], [[0.5, np.nan]] * 2, equal_nan=True)
    assert histories.last_probes([run.id])[run.id].step == 20


# ---- cursors


def test_a_tick_reads_only_what_is_new(store):
    running, finished = told(store, range(1, 101)), told(store, range(1, 51))
    watched = Watched(store)
    histories = Histories(watched)
    ids = [running.id, finished.id]
    histories.steps(ids)
    assert watched.num_bodies == 150
    assert [len(history.step) for history in histories.steps(ids).values()] == [100, 50]
    store.append(running.id, [step(101, 7.0), step(102, 8.0)])
    loss = histories.steps(ids)[running.id].loss
    assert watched.num_bodies == 152
    assert watched.cursors[-1] == {running.id: 100, finished.id: 50}
    assert np.array_equal(loss, [*(100 / np.arange(1, 101)), 7.0, 8.0])


def test_what_a_viewer_has_does_not_change_and_cannot_be_changed(store):
    run, histories = told(store, [1, 2]), Histories(store)
    before = histories.steps([run.id])[run.id]
    store.append(run.id, [step(3, 1.0)])
    after = histories.steps([run.id])[run.id]
    assert (len(before.step), len(after.step)) == (2, 3)
    for history in (before, after):
        with pytest.raises(ValueError, match="read-only"):
            history.loss[0] = 0.0


def test_events_that_a_resumed_run_tells_again_are_not_read_twice(store):
    """Numbers never change: what comes after the checkpoint is told with the numbers that it had."""
    run, histories = told(store, range(1, 21)), Histories(store)
    histories.steps([run.id])
    store.append(run.id, [step(number, 5.0) for number in range(15, 26)])
    assert list(histories.steps([run.id])[run.id].step) == [10 * number for number in range(1, 26)]


def test_a_purged_run_has_no_numbers_any_more_even_if_one_with_its_id_comes_back(store):
    run, histories = told(store, range(1, 6)), Histories(store)
    assert len(histories.steps([run.id])[run.id].step) == 5
    store.delete(run.id)
    assert len(histories.steps([run.id])[run.id].step) == 5  # until then it can be undeleted
    store.purge(run.id)
    assert len(histories.steps([run.id])[run.id].step) == 0
    assert histories._steps.kept == {}


def test_only_the_runs_that_were_asked_for_last_are_kept(store):
    runs = [told(store, [1, 2], seed=seed) for seed in range(3)]
    watched = Watched(store)
    histories = Histories(watched, max_runs=2)
    first, second, third = (run.id for run in runs)
    for run_id in (first, second, first, third):  # the second one goes
        histories.steps([run_id])
    assert watched.num_bodies == 6
    histories.steps([first, third])
    assert watched.num_bodies == 6
    assert len(histories.steps([second])[second].step) == 2
    assert watched.num_bodies == 8
    assert [len(history.step) for history in histories.steps([first, second, third]).values()] == [2, 2, 2]


def test_an_older_event_without_a_newer_field_has_nan_there(store):
    run = told(store, [1])
    ((_, body),) = store.bodies("step", {run.id: 0})[run.id]
    with store.writing() as connection:
        connection.execute(update(EVENTS).values(body=body.replace('"images_per_second":9.0,', "")))
    steps = Histories(store).steps([run.id])[run.id]
    assert np.isnan(steps.images_per_second).all()
    assert list(steps.loss) == [100]


def test_many_viewers_at_once_see_every_event_once_and_in_order(store):
    run, histories, wrong = told(store, [1]), Histories(store), []

    def look():
        for _ in range(15):
            steps = histories.steps([run.id])[run.id].step
            if not np.array_equal(steps, 10 * np.arange(1, len(steps) + 1)):
                wrong.append(steps)

    viewers = [threading.Thread(target=look) for _ in range(6)]
    for viewer in viewers:
        viewer.start()
    for number in range(2, 40):
        store.append(run.id, [step(number, 1.0)])
    for viewer in viewers:
        viewer.join()
    assert wrong == []
    assert len(histories.steps([run.id])[run.id].step) == 39
