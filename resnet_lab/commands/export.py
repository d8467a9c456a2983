"""`export RUN... --to FILE`: runs for other programs and other labs."""

import argparse
from pathlib import Path

from resnet_lab.exports import export_runs
from resnet_lab.files import size_words
from resnet_lab.store import open_store


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="its id, the start of it, or its name")
    parser.add_argument(
        "--to",
        metavar="FILE",
        type=Path,
        required=True,
        help="the format is its ending: .csv and .parquet have the numbers, .json has everything, "
        ".zip is a capsule with the weights, for `import`",
    )


def run(options: argparse.Namespace) -> int:
    with open_store() as store:
        runs = list({found.id: found for found in map(store.find, options.runs)}.values())
        export_runs(store, runs, options.to)
    print(f"{options.to}: {len(runs)} {'run' if len(runs) == 1 else 'runs'}, {size_words(options.to.stat().st_size)}.")
    return 0
