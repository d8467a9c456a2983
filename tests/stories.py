"""Galleries for the tests of Home and the tour: capsules of real stores with a few made-up measurements."""

import pytest

from resnet_lab.capsules import write_capsule
from resnet_lab.cards import PLACEMENT_CARDS, SHORTCUT_CARDS
from resnet_lab.events import Done, Epoch, Step
from resnet_lab.store import Store
from tests.stores import config

TRIO = (
    (SHORTCUT_CARDS["none"].block, 40.0),
    (SHORTCUT_CARDS["identity"].block, 30.0),
    (PLACEMENT_CARDS["full_preact"].block, 25.0),
)


def told(store, config, error, status="done", steps=20):
    """A run that told three losses and two tests, the last of which is `error`."""
    run = store.add(config)
    events = [Step(step, step / 10, 2.3 - step / 20, 0.1, 1000.0, 0.0, train_error=80.0) for step in (5, 10, steps)]
    events += [Epoch(10, 1.0, 0.5, 80.0, 2.0, 1000), Epoch(steps, 2.0, 1.0, error, 1.0, 1000)]
    events += [Done(steps, 2.0, "done", "All steps are done.", 1.0, error)] if status == "done" else []
    store.append(run.id, list(enumerate(events, start=1)))
    store.change(run.id, status=status, position=None, environment='{"cpu": "a test\'s machine"}')
    return run


def gallery_of(folder, nets):
    """A folder with a capsule for each (block, error, fields)."""
    gallery = folder / "gallery"
    gallery.mkdir()
    with Store(None, folder / "made") as made:
        for number, (block, error, fields) in enumerate(nets):
            plain = config(**fields)
            run = told(made, plain.with_block(block), error, steps=plain.recipe.steps)
            write_capsule(made, [made.run(run.id)], gallery / f"{number}.zip")
    return gallery


@pytest.fixture
def shipped_gallery(tmp_path, monkeypatch):
    """Plain, identity and full pre-activation come with the lab."""
    gallery = gallery_of(tmp_path, [(block, error, {}) for block, error in TRIO])
    monkeypatch.setenv("RESNET_LAB_GALLERY", str(gallery))
    return gallery
