"""A finished run goes on: a new one, which ends as if it had been given more steps from the start."""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch

from resnet_lab.events import Event, Start
from resnet_lab.files import copy_file
from resnet_lab.films import frames
from resnet_lab.library import all_events
from resnet_lab.run_config import RecipeConfig, RunConfig
from resnet_lab.runs import Run, checked_labels
from resnet_lab.schedules import learning_rate
from resnet_lab.store import Store, append_events, enqueue
from resnet_lab.trainer import expected_seconds
from resnet_lab.watches import watches_for
from resnet_lab.weights import CHECKPOINT, read_tensors, write_tensors


def continue_longer(store: Store, run_id: str, steps: int) -> Run:
    """The new run waits at the end of the queue, with all that happened before the last step of the finished one."""
    run = store.run(run_id)
    config = longer(run, steps)
    tensors, record = last_state(store, run)
    check_rates(run, config, num_done=record["step"])
    told = list(retold(store, run, config, last=record["num_events"]))
    kept = checked_labels(name=run.name, notes=notes(run), tags=run.tags)
    with ExitStack() as undo, store.writing() as connection:
        new = enqueue(connection, config, created=store.clock(), device=run.device, threads=run.threads, **kept)
        undo.callback(shutil.rmtree, store.run_folder(new), ignore_errors=True)
        write_tensors(store.run_folder(new) / CHECKPOINT, tensors, record | of_longer(config, record))
        for path in frames(store.run_folder(run.id)).values():  # at the moments of the shorter run: they are its past
            copy_file(path, store.run_folder(new) / path.name)
        append_events(connection, new, told)
        connection.commit()
        undo.pop_all()
    return store.run(new)


def longer(run: Run, steps: int) -> RunConfig:
    now = run.config.recipe.steps
    if run.status != "done":
        raise ValueError(f"Run {run.label} is {run.status}, so it cannot be continued; only a run that is done can.")
    if steps <= now:
        raise ValueError(f"Run {run.label} has {now:,} steps already: give more than that, not {steps:,}.")
    return run.config.with_fields(steps=steps)


def last_state(store: Store, run: Run) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    path = store.run_folder(run.id) / CHECKPOINT
    if not path.is_file():
        raise ValueError(
            f"The last state of run {run.label} was not kept, as of runs that were imported or trained by an older "
            "version: train anew with more steps."
        )
    return read_tensors(path)


def is_open_ended(recipe: RecipeConfig) -> bool:
    """Whether its learning rates are the same whatever the number of steps."""
    return recipe.schedule == "constant" or (recipe.schedule == "steps" and not recipe.milestones)


def check_rates(run: Run, config: RunConfig, num_done: int) -> None:
    """Only where the steps that are done would have been the same."""
    before, after = run.config.recipe, config.recipe
    if any(learning_rate(before, step) != learning_rate(after, step) for step in range(num_done)):
        raise ValueError(
            f"Over {after.steps:,} steps the schedule {before.schedule!r} has other learning rates from early on than "
            f"over the {before.steps:,} of run {run.label}: train anew with {after.steps:,} steps."
        )


def retold(store: Store, run: Run, config: RunConfig, last: int) -> Iterator[tuple[int, Event]]:
    """The events up to this number, as the longer run would have told them."""
    for number, event in all_events(store, run.id):
        if number > last:
            return
        if isinstance(event, Start):
            seconds = expected_seconds(config, config.recipe.batch_size / event.images_per_second)
            event = dataclasses.replace(event, steps=config.recipe.steps, seconds_expected=seconds)
        yield number, event


def of_longer(config: RunConfig, record: dict[str, Any]) -> dict[str, Any]:
    """What is different in its state; nothing is pending, all of it was told."""
    watches = watches_for(config)
    patience = {"patience": watches.patience, "window": watches.window}
    return {"key": config.key, "pending": [], "watches": record["watches"] | patience}


def notes(run: Run) -> str:
    return f"{run.notes}\nGoes on from run {run.id}, which ended after {run.config.recipe.steps:,} steps.".strip()
