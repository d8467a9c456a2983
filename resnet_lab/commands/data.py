"""`python -m resnet_lab data`: what is here, and how it gets here."""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from resnet_lab.config import check_choice
from resnet_lab.data import DATASETS, data_folder, data_is_here, load_images, place
from resnet_lab.known_facts import FACTS
from resnet_lab.sources import import_source, importable


@dataclass(frozen=True)
class Row:
    """A data set, as it is listed."""

    name: str
    images: int
    here: bool
    size_mb: float
    where: str


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(action=show_list)
    parser.add_argument("--json", action="store_true", help="the list, for a program")
    actions = parser.add_subparsers(title="actions", metavar="list | get | import | check")
    listing = actions.add_parser("list", help="the data sets, and which are here")
    listing.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for a program")
    listing.set_defaults(action=show_list)
    getting = actions.add_parser("get", help="download one")
    getting.add_argument("name", metavar="NAME", help=" or ".join(FACTS))
    getting.set_defaults(action=get)
    importing = actions.add_parser("import", help="take one from a folder or file", description=f"{importable()}.")
    importing.add_argument("path", metavar="PATH", type=Path)
    importing.set_defaults(action=import_)
    checking = actions.add_parser("check", help="verify every pixel of one, or of all that are here")
    checking.add_argument("name", metavar="NAME", nargs="?", help=", ".join(DATASETS))
    checking.set_defaults(action=check)


def run(options: argparse.Namespace) -> int:
    status: int = options.action(options)
    return status


def show_list(options: argparse.Namespace) -> int:
    rows = [row(name) for name in DATASETS]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return 0
    print(f"{'name':<10} {'images':>8} {'here':>5} {'MB':>6}  where")
    for found in rows:
        here = "yes" if found.here else "no"
        print(f"{found.name:<10} {found.images:>8,} {here:>5} {found.size_mb:>6.1f}  {found.where}")
    return 0


def row(name: str) -> Row:
    path = place(name)
    files = [] if path is None else [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    size = round(sum(file.stat().st_size for file in files) / 1e6, 1)
    where = "made when it is needed" if path is None else str(path)
    return Row(name, sum(DATASETS[name].sizes.values()), data_is_here(name), size, where)


def get(options: argparse.Namespace) -> int:
    from resnet_lab.downloads import download  # torchvision takes seconds to import

    if not data_is_here(options.name) or check(options):
        download(options.name, data_folder(), report=print)
        return check(options)
    return 0


def import_(options: argparse.Namespace) -> int:
    return check_one(import_source(options.path, options.path.name, data_folder()))


def check(options: argparse.Namespace) -> int:
    """All that are here are checked, also after one that is damaged."""
    if options.name is not None:
        check_choice("data", options.name, DATASETS)
        return check_one(options.name)
    return max([check_one(name) for name in DATASETS if data_is_here(name)])


def check_one(name: str) -> int:
    try:
        counts = [f"{len(load_images(name, split)):,} {split} images" for split in DATASETS[name].sizes]
    except ValueError as problem:
        print(problem)
        return 1
    print(f"{name}: {' and '.join(counts)}, whole and unchanged.")
    return 0
