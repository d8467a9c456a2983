"""Make the capsules that come with the lab: python -m assets.make_gallery [RUN...]

Without RUN it trains all that belongs into the gallery: by the quick recipe, on a GPU by the papers' too. It goes on
where it stopped; where it is stopped, the finished runs can be named.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from resnet_lab.block_config import BlockConfig
from resnet_lab.capsules import read_capsule, write_capsule
from resnet_lab.cards import CARDS
from resnet_lab.commands.following import RESULTS, follow
from resnet_lab.commands.train import fetch_data, taken_up
from resnet_lab.execution import find_device
from resnet_lab.files import size_words
from resnet_lab.films import frames, halved
from resnet_lab.launches import FIRST_BLOCKS
from resnet_lab.predictions import Predictions, predict
from resnet_lab.presets import preset
from resnet_lab.references import REFERENCES, TABLE_1, TABLE_2
from resnet_lab.run_config import RunConfig
from resnet_lab.run_table import recipe_name
from resnet_lab.runs import Run
from resnet_lab.shipped import GALLERY
from resnet_lab.store import Store, open_store
from resnet_lab.supervisor import ensure_supervisor
from resnet_lab.weights import WEIGHTS, read_tensors, write_tensors

MOST_BYTES = 60_000_000  # of all capsules: everyone who clones the lab has them
ROUNDING = 0.01  # of a probability: as much may fp16 change it
SEEDS, MORE_SEEDS = (0, 1), (2, 3, 4)  # the later ones are there for statistics: their weights are not shipped
FILMED = 20  # layers: deeper nets have more weights than a film is worth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="a run's id or name; none: train the whole gallery")
    parser.add_argument("--to", type=Path, default=GALLERY, metavar="FOLDER", help="write to this folder instead")
    options = parser.parse_args()
    try:
        with open_store() as store:
            runs = [finished(store, text) for text in options.runs] or trained(store, find_device().type)
            paths = make_gallery(store, runs, options.to)
    except ValueError as problem:
        parser.error(str(problem))
    sizes = [path.stat().st_size for path in paths]
    for path, size in zip(paths, sizes, strict=True):
        print(f"{path}: {size_words(size)}")
    if sum(sizes) > MOST_BYTES:
        print(f"Together they have {size_words(sum(sizes))}: more than the {size_words(MOST_BYTES)} that are shipped.")


# ---- what is trained


def plan(device: str) -> list[RunConfig]:
    """What is worth most first: an interrupted gallery is one too."""
    configs = [*quick(), *(papers() if device == "cuda" else [])]
    return list({config.key: config for config in configs}.values())


def quick() -> Iterator[RunConfig]:
    for seed in (*SEEDS, *MORE_SEEDS):
        yield from (of("quick", 20, block, seed) for block in FIRST_BLOCKS)
        yield from (of("quick", 20, card.block, seed) for card in CARDS.values())
        if seed == SEEDS[0]:
            yield from (of("quick", 56, block, seed) for block in FIRST_BLOCKS)


def papers() -> Iterator[RunConfig]:
    """Every row of Tables 1 and 2 at 110 layers, the nets of Table 6 with their plain counterparts."""
    for seed in SEEDS + MORE_SEEDS:
        yield from (of("paper", 20, block, seed) for block in FIRST_BLOCKS)
    for depth in (32, 44, 56):
        yield from (of("paper", depth, block, SEEDS[0]) for block in FIRST_BLOCKS)
    for row in REFERENCES:
        if row.source in (TABLE_1, TABLE_2) and row.depth == 110:
            yield of("paper", 110, row.block, SEEDS[0])


def of(recipe: str, depth: int, block: BlockConfig, seed: int) -> RunConfig:
    return preset(recipe, depth=depth, seed=seed).with_block(block)


def trained(store: Store, device: str) -> list[Run]:
    """All of the plan that came to a result; Ctrl-C pauses what is under way."""
    configs = plan(device)
    fetch_data("cifar10")
    known = [store.same(config) for config in configs]
    runs = [
        store.add(config) if run is None else taken_up(store, run) for config, run in zip(configs, known, strict=True)
    ]
    ensure_supervisor(store)
    follow(store, runs)
    ended = [store.run(run.id) for run in runs]
    return [run for run in ended if is_finished(store, run)]


# ---- what is shipped of it


def make_gallery(store: Store, runs: Sequence[Run], folder: Path) -> list[Path]:
    """A capsule for each run: all that belongs to it, but not the state it could be continued from."""
    paths = [folder / f"{file_name(run)}.zip" for run in runs]
    if len(set(paths)) < len(paths):
        raise ValueError(f"Two of the runs would be in one file: {', '.join(path.name for path in paths)}.")
    for run, path in zip(runs, paths, strict=True):
        write_light(store, run, path)
    return paths


def write_light(store: Store, run: Run, path: Path) -> None:
    """With weights in fp16 where that changes nothing that it answers, and a film where it is one of the first."""
    with tempfile.TemporaryDirectory() as folder, Store(None, Path(folder)) as copies:
        write_capsule(store, [run], Path(folder) / "whole.zip")
        [[copy], _] = read_capsule(copies, Path(folder) / "whole.zip")
        make_light(copies.run_folder(copy.id), copy.config)
        write_capsule(copies, [copy], path)


def make_light(folder: Path, config: RunConfig) -> None:
    is_filmed = config.model.depth <= FILMED and config.seed == SEEDS[0] and config.model.block in FIRST_BLOCKS
    if not is_filmed:
        for path in frames(folder).values():
            path.unlink()
    if config.seed in MORE_SEEDS:
        (folder / WEIGHTS).unlink(missing_ok=True)
    else:
        halve(folder, config)


def halve(folder: Path, config: RunConfig) -> None:
    """Whole and light are computed alike, in fp32: it is the weights that are to make no difference."""
    tensors, record = read_tensors(folder / WEIGHTS)
    whole, light = folder / "whole.safetensors", folder / "light.safetensors"
    write_tensors(whole, tensors, {})
    write_tensors(light, halved(tensors), {})
    if answers_alike(*(predict(config, path, "cpu") for path in (whole, light))):
        write_tensors(folder / WEIGHTS, halved(tensors), record)
    whole.unlink()
    light.unlink()


def answers_alike(before: Predictions, after: Predictions) -> bool:
    """No probability has moved by more than rounding, and hardly an image lay so near a border that it crossed it."""
    moved = np.abs(before.confidence - after.confidence).max()
    return bool(moved <= ROUNDING and (before.predicted != after.predicted).mean() <= ROUNDING / 10)


def finished(store: Store, text: str) -> Run:
    """One that diverged is a result as well: who ships only what went well shows too rosy a picture."""
    run = store.find(text)
    if not is_finished(store, run):
        raise ValueError(f"Only a run that came to a result is shipped, but {run.label} is {run.status}.")
    return run


def is_finished(store: Store, run: Run) -> bool:
    """Its weights may have been left out before."""
    has_weights = (store.run_folder(run.id) / WEIGHTS).is_file()
    return run.status in RESULTS and (has_weights or run.seed in MORE_SEEDS)


def file_name(run: Run) -> str:
    """'resnet20-full_preact-quick-s0'"""
    return f"resnet{run.config.model.depth}-{variant(run.config.model.block)}-{recipe_name(run.config)}-s{run.seed}"


def variant(block: BlockConfig) -> str:
    known = (key for key, card in CARDS.items() if card.block == block)
    numbers = "".join(f"-{name}{value:g}" for name, value in block.arguments.items())
    return "plain" if block.is_plain else next(known, f"{block.placement}-{block.shortcut}{numbers}")


if __name__ == "__main__":
    main()
