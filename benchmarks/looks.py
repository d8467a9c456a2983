"""How soon Look inside has its maps: python -m benchmarks.looks [--rounds N] [--save]

The default view of four ResNet-20, by integrated gradients for one frog: seconds from the question to the maps.
Cold: in a new home, by a process that is started for it. Warm: the same process, asked about another picture. Kept:
asked once more. In turns with the same attribution by Captum alone, in this process and on as many threads, of nets
that are open already. Without a browser, which asks every 0.4 s. The weights are random, which changes no time.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from captum.attr import IntegratedGradients

from benchmarks.parts.options import add_save, positive
from benchmarks.parts.results import RESULTS, Results, body, in_words, markdown, spread, where_and_when
from resnet_lab.cards import CARDS
from resnet_lab.execution import usable_cores
from resnet_lab.inside.explainers import BATCH
from resnet_lab.inside.inspections import Inspector, Waiting
from resnet_lab.inside.jobs import Findings
from resnet_lab.inside.methods import SETTINGS
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import PixelNet, Subject, open_subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors

PACKAGES = ("torch", "captum", "numpy")
VARIANTS = ("none", "identity", "full_preact", "exclusive_gating")
FROG, PICTURES = 6, ("t4", "t12")  # its class; a frog of the bundled sample, and another picture
LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Round:
    """Seconds."""

    cold: float
    warm: float
    kept: float
    captum: float

    def ratio(self, name: str) -> float:
        return getattr(self, name) / self.captum


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive, default=5)
    add_save(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(max(1, len(usable_cores()) // 2))  # as the process that computes
    where = where_and_when(PACKAGES)
    print(f"{in_words(where)}\n{options.rounds} rounds\n", flush=True)
    with tempfile.TemporaryDirectory() as nets:
        subjects = [subject(name, Path(nets)) for name in VARIANTS]
        opened = [open_subject(each) for each in subjects]
        by_captum(opened, PICTURES[0])  # what only the first time takes
        found = results([measured(subjects, opened) for _ in range(options.rounds)], where)
    found.tell(folder, "looks", options.save)


def subject(name: str, folder: Path) -> Subject:
    model, path = ModelConfig(depth=20, block=CARDS[name].block), folder / f"{name}.safetensors"
    write_tensors(path, build_model(model).state_dict(), {})
    return Subject(id=name, title=name, origin="run", model=model, data=DataConfig(), weights=str(path))


def measured(subjects: Sequence[Subject], opened: Sequence[PixelNet]) -> Round:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        inspector = Inspector(Path(home))
        try:
            cold, warm, kept = (
                timed(by_the_lab, inspector, subjects, picture) for picture in (*PICTURES, PICTURES[-1])
            )
        finally:
            inspector.close()
    return Round(cold, warm, kept, timed(by_captum, opened, PICTURES[-1]))


def by_the_lab(inspector: Inspector, subjects: Sequence[Subject], picture: str) -> None:
    """As the page asks."""
    asked = {
        "subjects": [each.model_dump(mode="json") for each in subjects],
        "pictures": [picture],
        "methods": ["integrated_gradients"],
        "target": {"kind": "class", "class": FROG},
    }
    while isinstance(seen := inspector.look("maps", asked), Waiting):
        time.sleep(LOOK_SECONDS)
    assert isinstance(seen, Findings), seen


def by_captum(opened: Sequence[PixelNet], picture: str) -> None:
    pixels, steps = pixels_of([picture]), int(SETTINGS["steps"].default)
    for net in opened:
        IntegratedGradients(net).attribute(
            pixels.clone().requires_grad_(), 0.0, target=FROG, n_steps=steps, internal_batch_size=BATCH
        )


def timed(function: Callable[..., None], *arguments: object) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def results(rounds: Sequence[Round], where: dict[str, Any]) -> Results:
    rows = []
    for name in ("cold", "warm", "kept", "captum"):
        seconds, ratios = [getattr(each, name) for each in rounds], [each.ratio(name) for each in rounds]
        rows.append([name, *(f"{of(seconds):.2f}" for of in (statistics.median, min, max)), spread(ratios)])
    table = markdown(["seconds until the maps are there", "median", "lowest", "highest", "times Captum alone"], rows)
    told = {"rounds": [asdict(each) for each in rounds]}
    return Results("Speed of Look inside", where, body(__doc__), f"{table}\n\nn = {len(rounds)} rounds", told)


if __name__ == "__main__":
    main()
