"""Runs as they are after a long training, with numbers that are made up, since only their amount matters."""

from collections.abc import Iterator

import numpy as np

from resnet_lab.cards import CARDS
from resnet_lab.events import Done, Epoch, Event, Probe, Start, Step
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim, release
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run
from resnet_lab.store import Store

NUM_RUNS, EPOCHS, DEPTH = 50, 200, 20
EPOCH = 390  # steps


def add(store: Store, number: int) -> Run:
    """The last one is still in training."""
    blocks = [card.block for card in CARDS.values()]
    config = preset("paper", depth=DEPTH, seed=number // len(blocks), steps=EPOCHS * EPOCH)
    config = config.with_block(blocks[number % len(blocks)])
    run = store.add(config)
    claim(store, run.id, Process.of())
    store.append(run.id, list(enumerate(events(config, number), start=1)))
    if number < NUM_RUNS - 1:
        store.append(run.id, [(10**6, Done(config.recipe.steps, 2600.0, "done", "All steps are done.", EPOCHS, 9.0))])
        release(store, run.id, "done")
    return store.run(run.id)


def events(config: RunConfig, seed: int) -> Iterator[Event]:
    random, watch = np.random.default_rng(seed), config.watch
    how = {"device": "cpu", "precision": "fp32", "threads": 1}
    yield Start(0, 0.0, config.recipe.steps, 50_000, 10_000, 270_000, 3000.0, 2600.0, how)
    for step in range(watch.loss_every, config.recipe.steps + 1, watch.loss_every):
        loss = float(2.2 * np.exp(-step / 8000) + 0.1 + 0.02 * random.standard_normal())
        yield Step(step, step / 30, loss, 0.1, 3000.0, 1.0, train_error=30 * loss)
        if step % watch.probe_every == 0:
            yield probe(step, random)
        if step % EPOCH < watch.loss_every:
            yield Epoch(step, step / 30, step / EPOCH, 40 * loss, loss, 10_000)


def probe(step: int, random: np.random.Generator) -> Probe:
    units = (DEPTH - 2) // 2
    names = ["stem.0", *(f"stages.{unit}.branch.conv{conv}" for unit in range(units) for conv in (1, 2))]
    measures = ("gradient_norm", "weight_norm", "update_ratio", "response")
    layers = {name: {measure: random.random() for measure in measures} for name in names}
    inside = ("gradient_norm", "weight_norm", "update_ratio", "shortcut_share", "dead_relus")
    return Probe(step, step / 30, layers, {measure: random.random(units).tolist() for measure in inside})


def tell(store: Store, run: Run, number: int) -> int:
    """One more loss of the run that is in training, and the step that it is of."""
    step = EPOCHS * EPOCH + 50 * (number + 1)
    store.append(run.id, [(2 * 10**6 + number, Step(step, 2600.0 + number, 0.1, 0.1, 3000.0, 1.0))])
    return step
