"""The runs of the store and those that come with the lab, read as one."""

import pytest

from resnet_lab.capsules import read_capsule, write_capsule
from resnet_lab.events import Epoch
from resnet_lab.library import Library, all_events
from resnet_lab.store import Store
from resnet_lab.ui.compare_state import newest_launch
from resnet_lab.ui.run_styles import styles
from tests.stores import config


@pytest.fixture
def stores(tmp_path):
    with Store(None, tmp_path / "own") as own, Store(None, tmp_path / "shipped") as shipped:
        yield own, shipped


def told(store, error, **fields):
    run = store.add(config(**fields))
    store.append(run.id, [(1, Epoch(1, 0.1, 1.0, 90.0, 2.0, 100)), (2, Epoch(2, 0.2, 2.0, error, 1.0, 100))])
    return run


def test_each_run_is_read_where_it_is(stores):
    own, shipped = stores
    mine, theirs = told(own, 10.0), told(shipped, 20.0, seed=1)
    library = Library(own, shipped)
    assert [run.id for run in library.runs()] == [mine.id, theirs.id]
    assert [library.is_shipped(run.id) for run in library.runs()] == [False, True]
    last = library.last_many([mine.id, theirs.id], "epoch")
    assert {run_id: event.test_error for run_id, event in last.items()} == {mine.id: 10.0, theirs.id: 20.0}
    assert library.last(theirs.id, "epoch") == last[theirs.id]
    bodies = library.bodies("epoch", {mine.id: 1, theirs.id: 0})
    assert {run_id: [number for number, _ in events] for run_id, events in bodies.items()} == {
        mine.id: [2],
        theirs.id: [1, 2],
    }
    assert [number for number, _ in all_events(library, theirs.id, page=1)] == [1, 2]
    assert library.run_folder(theirs.id).is_relative_to(shipped.folder)
    assert library.run_folder(mine.id).is_relative_to(own.folder)


def test_without_a_gallery_it_is_the_store(stores):
    own, _ = stores
    mine = told(own, 10.0)
    library = Library(own, None)
    assert [run.id for run in library.runs(["queued"])] == [mine.id]
    assert library.bodies("epoch", {}) == {}
    assert not library.is_shipped(mine.id)


def test_of_the_same_run_in_both_the_shipped_one_is_shown(stores, tmp_path):
    own, shipped = stores
    theirs = told(shipped, 20.0)
    write_capsule(shipped, [theirs], tmp_path / "a.zip")
    [[copy], _] = read_capsule(own, tmp_path / "a.zip")
    own.append(copy.id, [(3, Epoch(3, 0.3, 3.0, 30.0, 1.0, 100))])
    library = Library(own, shipped)
    assert copy.id == theirs.id
    assert len(library.runs()) == 1
    assert library.last(theirs.id, "epoch").test_error == 20.0


def test_a_shipped_run_and_an_own_one_are_drawn_differently(stores):
    own, shipped = stores
    for store in stores:
        store.add_many([config(seed=seed) for seed in range(16)])
    library = Library(own, shipped)
    assert len(set(styles(library.runs(), "run").values())) == 32
    assert styles(own.runs(), "run").items() <= styles(library.runs(), "run").items()


def test_the_newest_launch_is_an_own_one_even_where_shipped_runs_are_newer(stores):
    own, shipped = stores
    own.clock, shipped.clock = lambda: 1000.0, lambda: 2000.0
    theirs = shipped.add_many([config(seed=seed) for seed in range(4)])
    assert newest_launch(Library(own, shipped).runs()) == tuple(run.id for run in theirs)
    mine = own.add_many([config(seed=seed) for seed in range(4)])
    assert newest_launch(Library(own, shipped).runs()) == tuple(run.id for run in mine)
