"""`compare`: runs side by side, the seeds of one configuration together."""

import argparse
import json

from rich import box
from rich.table import Table
from rich.text import Text

from resnet_lab.commands.tables import console
from resnet_lab.comparisons import LAST_STEPS, Group, Spread, compare, precisions, unlike
from resnet_lab.config import short
from resnet_lab.runs import Run
from resnet_lab.store import Store, open_store
from resnet_lab.summaries import duration

COLUMNS = ("what", "runs", "training loss", "test error, %", "gradient, first : last unit", "time")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="*", help="ids, starts of them, or names; none: all that are done")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="only those with this tag")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    with open_store() as store:
        named = [each for text in options.runs for each in called(store, text)]
        found = named or store.runs(["done", "diverged"])
        chosen = {each.id: each for each in found if set(options.tag) <= set(each.tags)}
        groups = compare(store, list(chosen.values()))
        told = precisions(store, [run.id for group in groups for run in group.runs])
        computed_in = sorted(set(told.values()))
    differences = unlike(groups)
    if options.json:
        print(json.dumps({"groups": [group.to_dict() for group in groups], "unlike": differences}, indent=1))
    elif groups:
        console().print(table(groups))
        print(f"Mean ± standard deviation over the runs; training loss over each run's last {LAST_STEPS} steps.")
        if len(computed_in) > 1:
            print(f"Not alike in how they were computed: {', '.join(computed_in)}; --precision names one.")
        for name, values in differences.items():
            print(f"Not alike in {name}: {', '.join(map(short, dict.fromkeys(values)))}.")
    else:
        print("There are no runs to compare.")
    return 0


def called(store: Store, text: str) -> list[Run]:
    """All runs of this name, or the one with this id."""
    return [run for run in store.runs() if run.name and run.name == text] or [store.find(text)]


def table(groups: list[Group]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(COLUMNS):
        grid.add_column(column, justify="right" if index else "left", overflow="fold")
    for group in groups:
        grid.add_row(*map(Text, cells(group)))
    return grid


def cells(group: Group) -> list[str]:
    repeats = len(group.runs) - len({run.seed for run in group.runs})
    counts = {
        "diverged": group.num_diverged,
        "not finished": group.num_unfinished,
        "of a seed that is there already": repeats,
    }
    notes = "".join(f", {count} {words}" for words, count in counts.items() if count)
    return [
        group.config.title,
        f"{len(group.runs)}{notes}",
        spread(group.loss, 3),
        spread(group.test_error, 2) + (f" of {group.config.data.num_test:,}" if group.test_error else ""),
        spread(group.gradient_ratio, 2),
        duration(group.seconds.mean) if group.seconds else "",
    ]


def spread(values: Spread | None, digits: int) -> str:
    if values is None:
        return "none"
    deviation = "" if values.deviation is None else f" ± {values.deviation:.{digits}f}"
    return f"{values.mean:.{digits}f}{deviation}"
