"""Runs as they go, in a terminal: a bar each, and a line for what a person should know."""

import time
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from resnet_lab.events import Alert, Done, Epoch, Event, Start, Step, Switch
from resnet_lab.queueing import request
from resnet_lab.runs import Run
from resnet_lab.store import Store
from resnet_lab.summaries import duration
from resnet_lab.supervisor import ensure_supervisor

LOOK_SECONDS = 0.25
CARE_SECONDS = 5.0  # between two looks at whether the queue is served
PAUSE_SECONDS = 60.0  # for checkpoints, after Ctrl-C
RESULTS = ("done", "diverged")


@dataclass
class Followed:
    """A run, how far its events were read, and its bar."""

    run: Run
    bar: TaskID
    cursor: int = 0
    error: str = ""

    @property
    def label(self) -> str:
        return f"{self.run.config.title}, seed {self.run.seed}"

    @property
    def is_at_rest(self) -> bool:
        return self.run.is_over or self.run.status == "paused" or self.run.deleted is not None


def follow(store: Store, runs: list[Run]) -> int:
    """Until all are at rest: 0 where every one came to a result. Ctrl-C pauses those that have not."""
    console = Console(stderr=True, soft_wrap=True)
    with Progress(*COLUMNS, console=console, refresh_per_second=4, disable=not console.is_terminal) as progress:
        followed = [Followed(run, progress.add_task("", total=run.config.recipe.steps, words="")) for run in runs]
        try:
            wait(store, followed, progress, float("inf"))
        except KeyboardInterrupt:
            pause(store, followed, progress)
            raise
    return 0 if all(each.run.status in RESULTS for each in followed) else 1


COLUMNS = (
    BarColumn(bar_width=16),
    TextColumn("{task.percentage:>3.0f}%"),
    TextColumn("{task.fields[words]}", table_column=Column(no_wrap=True, overflow="ellipsis")),
)


def wait(store: Store, followed: list[Followed], progress: Progress, seconds: float) -> None:
    deadline, care = time.monotonic() + seconds, time.monotonic() + CARE_SECONDS
    while time.monotonic() < deadline:
        for each in followed:
            look(store, each, progress)
        if all(each.is_at_rest for each in followed):
            return
        if time.monotonic() > care:
            ensure_supervisor(store)
            care = time.monotonic() + CARE_SECONDS
        time.sleep(LOOK_SECONDS)


def look(store: Store, each: Followed, progress: Progress) -> None:
    """What is new of one run, in its bar and above it; its status first, so that no event is missed at the end."""
    said, each.run = each.run.message, store.run(each.run.id)
    if each.run.message not in ("", said):
        progress.print(Text(f"{each.label}: {each.run.message}"))
    for number, event in store.events(each.run.id, after=each.cursor):
        each.cursor = number
        show(each, event, progress)
    if each.run.status not in ("running", *RESULTS):
        progress.update(each.bar, words=Text(f"{each.label}: {each.run.status}"))


def show(each: Followed, event: Event, progress: Progress) -> None:
    if isinstance(event, Start):
        pace = f"{event.images_per_second:,.0f} images/s in {event.execution['precision']}"
        progress.print(Text(f"{each.label}: expected to take {duration(event.seconds_expected)} ({pace})."))
    elif isinstance(event, Epoch):
        each.error = f", test error {event.test_error:.2f}% of {event.num_test:,}"
    elif isinstance(event, Step):
        loss = "not a number" if event.loss is None else f"{event.loss:.3f}"
        left = f", {duration(event.seconds_left)} left" if event.seconds_left else ""
        words = f"loss {loss}{each.error}{left}: {each.label}"  # where a terminal is narrow, its end is cut
        progress.update(each.bar, completed=event.step, words=Text(words))
    elif isinstance(event, Alert | Switch | Done):
        progress.print(Text(f"{each.label}: {event.words}"))


def pause(store: Store, followed: list[Followed], progress: Progress) -> None:
    """Asks for it and waits until every run has its checkpoint."""
    progress.print("Pausing. Another Ctrl-C leaves the runs to themselves.")
    for each in followed:
        look(store, each, progress)
        try:
            if not each.is_at_rest:
                request(store, each.run.id, "pause")
        except ValueError as refusal:  # it came to its end just now, or the store is out of reach
            progress.print(Text(str(refusal)))
    wait(store, followed, progress, PAUSE_SECONDS)
    paused = [each.run.id for each in followed if each.run.status == "paused"]
    for each in followed:
        if not each.is_at_rest:
            progress.print(Text(f"{each.label} has not paused yet and goes on in the background until it does."))
    if paused:
        progress.print(f"Nothing is lost: `python -m resnet_lab train --resume {' '.join(paused)}` goes on.")
