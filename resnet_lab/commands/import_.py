"""`import FILE`: the runs of a capsule come into this lab."""

import argparse
from pathlib import Path

from resnet_lab.capsules import read_capsule
from resnet_lab.runs import Run
from resnet_lab.store import open_store


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a .zip that `export` wrote")


def run(options: argparse.Namespace) -> int:
    with open_store() as store:
        new, known = read_capsule(store, options.file)
    for found in new:
        print(f"{found.label} is here now: {found.config.title}, {found.status}.")
    for found in known:
        print(f"{found.label} was here already{deleted(found)}; nothing changed.")
    return 0


def deleted(run: Run) -> str:
    return f", but deleted: `runs undelete {run.id}` brings it back" if run.deleted else ""
