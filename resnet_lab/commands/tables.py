"""Runs in a table, and their numbers in words."""

import sys
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from resnet_lab.summaries import Summary, duration

PIPE_WIDTH = 200  # of a table that goes to a file or a program
COLUMNS = ("run", "what", "seed", "status", "progress", "loss", "test error", "time", "device")
WRAPPED = ("what", "status", "test error", "device")  # the others are never broken
RIGHT = ("seed", "progress", "loss", "test error", "time")


def console() -> Console:
    """As wide as the terminal; where there is none, wide enough."""
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def table(summaries: list[Summary]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        justify: Literal["left", "right"] = "right" if column in RIGHT else "left"
        grid.add_column(column, justify=justify, overflow="fold", no_wrap=column not in WRAPPED)
    for summary in summaries:
        grid.add_row(*map(Text, cells(summary)))  # a name is text, not markup
    return grid


def cells(summary: Summary) -> list[str]:
    run = summary.run
    return [
        run.id,
        f"{run.name}: {run.config.title}" if run.name else run.config.title,
        str(run.seed),
        run.state,
        f"{summary.share:.0%}",
        "" if summary.loss is None else f"{summary.loss:.3f}" if summary.loss < 1000 else f"{summary.loss:.2e}",
        error(summary),
        duration(summary.seconds),
        summary.device,
    ]


def error(summary: Summary) -> str:
    """With the number of images that it was measured on."""
    return "" if summary.test_error is None else f"{summary.test_error:.2f}% of {summary.num_test:,}"
