"""Make the capsules that come with the lab from finished runs of the store: python -m assets.make_gallery RUN..."""

import argparse
from pathlib import Path

from resnet_lab.capsules import write_capsule
from resnet_lab.files import size_words
from resnet_lab.gallery import CARDS
from resnet_lab.runs import Run
from resnet_lab.shipped import GALLERY
from resnet_lab.store import Store, open_store
from resnet_lab.weights import WEIGHTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run's id or name")
    parser.add_argument("--to", type=Path, default=GALLERY, metavar="FOLDER", help="write to this folder instead")
    options = parser.parse_args()
    try:
        with open_store() as store:
            for path in make_gallery(store, options.runs, options.to):
                print(f"{path}: {size_words(path.stat().st_size)}")
    except ValueError as problem:
        parser.error(str(problem))


def make_gallery(store: Store, texts: list[str], folder: Path) -> list[Path]:
    """A capsule for each run: all that belongs to it, but not the state it could be continued from."""
    runs = [finished(store, text) for text in texts]
    paths = [folder / f"{file_name(run)}.zip" for run in runs]
    if len(set(paths)) < len(paths):
        raise ValueError(f"Two of the runs would be in one file: {', '.join(path.name for path in paths)}.")
    for run, path in zip(runs, paths, strict=True):
        write_capsule(store, [run], path)
    return paths


def finished(store: Store, text: str) -> Run:
    run = store.find(text)
    if run.status != "done" or not (store.run_folder(run.id) / WEIGHTS).is_file():
        raise ValueError(f"Only a run that is done and has its weights is shipped, but {run.label} is {run.status}.")
    return run


def file_name(run: Run) -> str:
    """'resnet20-full_preact-s0'"""
    block = run.config.model.block
    known = (key for key, card in CARDS.items() if card.block == block)
    variant = "plain" if block.is_plain else next(known, f"{block.placement}-{block.shortcut}")
    return f"resnet{run.config.model.depth}-{variant}-s{run.seed}"


if __name__ == "__main__":
    main()
