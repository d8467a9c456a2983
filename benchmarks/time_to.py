"""Wall time to a training loss or a test error: python -m benchmarks.time_to [--recipe quick] [--depths 20 56] [--save]

Each run is a process of its own with the recipe's probes and tests; one at a time on all cores, the variants in turns.
Its wall time begins when the process is started, which is before Python is: importing, loading the data and choosing
the precision are in it, as from a click that finds no process waiting. Its training time is what the trainer counts
from the first step on, probes and tests too.

A training loss is reached when its mean over the last 50 steps, or a few more where losses are told more rarely, is at
most that (batches alone are noisy), so never before step 50; a test error at the first of the recipe's tests that finds
at most that. A run ends when it has reached everything. For a median, what was not reached comes after all that was.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import Any

from benchmarks.parts.options import add_save
from benchmarks.parts.reaching import ERROR, LOSS, Outcome, Target, follow
from benchmarks.parts.results import RESULTS, Results, body, in_words, markdown, where_and_when
from resnet_lab.cards import CARDS, name_block
from resnet_lab.commands.train import seeds
from resnet_lab.comparisons import LAST_STEPS
from resnet_lab.config import choices
from resnet_lab.data import DATASETS, data_is_here
from resnet_lab.events import Event
from resnet_lab.execution import find_device, keep_freed_memory
from resnet_lab.files import CHECKOUT
from resnet_lab.launches import Launch
from resnet_lab.presets import PRESETS
from resnet_lab.run_config import RunConfig
from resnet_lab.trainer import Trainer

FIRST_VARIANTS = ["none", "identity", "full_preact"]
PACKAGES = ("torch", "numpy")
# fmt: off
TARGETS: dict[str, dict[str, list[float]]] = {  # of each recipe: training losses, and test errors in percent
    "minute": {LOSS: [2.2, 2.0, 1.8, 1.7], ERROR: [80, 70, 65]},
    "quick":  {LOSS: [1.5, 1.0, 0.5, 0.3], ERROR: [50, 30, 20, 15, 12]},
    "paper":  {LOSS: [1.5, 1.0, 0.5, 0.1], ERROR: [50, 30, 20, 15, 10, 9]},
}
# fmt: on
Groups = dict[str, list[Outcome]]  # of a variant and a depth: all seeds


# ---- a run in a process of its own


def tell(config: RunConfig, device: str) -> None:
    """Train, and print what happens."""
    keep_freed_memory()
    for event in Trainer(config, device):
        print(json.dumps(event.to_dict()), flush=True)


def told_by(config: RunConfig, device: str) -> Generator[tuple[float, Event], None, None]:
    """Events with the seconds since the process was started; it is ended when no more of them are wanted."""
    command = [sys.executable, "-m", "benchmarks.time_to", "--one", config.to_json(), "--device", device]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        assert process.stdout is not None, "it is a pipe"
        try:
            for line in process.stdout:
                yield time.perf_counter() - start, Event.from_dict(json.loads(line))
            if code := process.wait():
                raise subprocess.CalledProcessError(code, command)
        finally:
            process.kill()


def train(config: RunConfig, device: str, targets: Sequence[Target]) -> Outcome:
    with closing(told_by(config, device)) as told:
        return follow(config, told, targets, LAST_STEPS)


def train_all(configs: Sequence[RunConfig], device: str, targets: Sequence[Target]) -> list[Outcome]:
    """Told as they come. A process before them is not counted: it finds everything on the disk."""
    train(configs[0].with_fields(steps=1, warmup_steps=0), device, targets)
    outcomes = []
    for config in configs:
        outcome = train(config, device, targets)
        reached = [f"{target}: {now.wall:.1f} s" for target, now in outcome.reached.items()]
        print(f"{title(config)}, seed {config.seed}: {', '.join([*reached, outcome.status])}", flush=True)
        outcomes.append(outcome)
    return outcomes


# ---- what is told


def results(
    outcomes: Sequence[Outcome], targets: Sequence[Target], where: dict[str, Any], settings: dict[str, Any]
) -> Results:
    groups: Groups = {}
    for outcome in outcomes:
        groups.setdefault(title(outcome.config), []).append(outcome)
    extra = [
        ["computed in", *(executions(members) for members in groups.values())],
        ["ready for the first step", *(cell(starts(members)) for members in groups.values())],
    ]
    return Results(
        title=f"Time to a loss or an error: {settings['recipe']}, {settings['device']}",
        where=where,
        how=f"{body(__doc__)}\n\n{', '.join(f'{name} {value}' for name, value in settings.items())}",
        tables=f"Wall time in seconds, median (lowest to highest)\n\n{table(groups, targets, 'wall', extra)}\n\n"
        f"Training time in seconds, median (lowest to highest)\n\n{table(groups, targets, 'training', [])}",
        numbers={"settings": settings, "runs": [record(outcome, targets) for outcome in outcomes]},
    )


def title(config: RunConfig) -> str:
    return f"{name_block(config.model.block)}, depth {config.model.depth}"


def table(groups: Groups, targets: Sequence[Target], clock: str, rows: list[list[str]]) -> str:
    """The targets' rows after the others."""
    head = ["", *(f"{name}, n = {len(members)}" for name, members in groups.items())]
    for target in targets:
        rows = [*rows, [str(target), *(cell(times(members, target, clock)) for members in groups.values())]]
    return markdown(head, rows)


def executions(outcomes: Sequence[Outcome]) -> str:
    """More than one where the machine chose anew for each seed."""
    return " or ".join(sorted({outcome.execution["precision"] for outcome in outcomes}))


def starts(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome.start.wall for outcome in outcomes if outcome.start]


def times(outcomes: Sequence[Outcome], target: Target, clock: str) -> list[float]:
    """Of each run; infinite where it did not reach the target."""
    found = [outcome.reached.get(target) for outcome in outcomes]
    return [attrgetter(clock)(now) if now else math.inf for now in found]


def cell(seconds: Sequence[float]) -> str:
    """'12.3 (11.8 to 13.0)'; with what was not reached: '12.3 (11.8 to not reached), 2 of 3'"""
    num_reached = sum(map(math.isfinite, seconds))
    if not num_reached:
        return "not reached"
    middle, low, high = (shown(of(seconds)) for of in (statistics.median, min, max))
    missing = "" if num_reached == len(seconds) else f", {num_reached} of {len(seconds)}"
    return f"{middle} ({low} to {high}){missing}" if len(seconds) > 1 else middle


def shown(seconds: float) -> str:
    return f"{seconds:,.1f}" if math.isfinite(seconds) else "not reached"


def record(outcome: Outcome, targets: Sequence[Target]) -> dict[str, Any]:
    reached = {str(target): asdict(now) if (now := outcome.reached.get(target)) else None for target in targets}
    start = outcome.start and asdict(outcome.start)
    config = json.loads(outcome.config.to_json())
    how = {"execution": outcome.execution, "status": outcome.status}
    return {"title": title(outcome.config), "config": config, **how, "start": start, "reached": reached}


# ---- the command line


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=list(PRESETS), default="minute")
    parser.add_argument(
        "--variants", choices=list(CARDS), nargs="+", default=FIRST_VARIANTS, metavar="NAME", help=choices(CARDS)
    )
    parser.add_argument("--depths", type=int, nargs="+", default=[56])
    parser.add_argument("--seeds", default="0..2", help="3, or 0..4, or 0,2,5")
    parser.add_argument("--losses", type=float, nargs="*", help="instead of the recipe's usual ones")
    parser.add_argument("--errors", type=float, nargs="*", help="in percent, instead of the recipe's usual ones")
    parser.add_argument("--data", choices=list(DATASETS), default="cifar10")
    parser.add_argument("--steps", type=int, help="another budget than the recipe's")
    parser.add_argument("--precision", choices=["auto", "fp32", "tf32", "bf16"], default="auto", help="of all runs")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="usually a GPU, if any")
    add_save(parser)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        tell(RunConfig.from_json(options.one), options.device)
        return
    try:
        device, configs, targets = find_device(options.device).type, configs_of(options), targets_of(options)
    except ValueError as error:
        parser.error(str(error))
    if not data_is_here(options.data):
        sys.exit(f"{options.data} is not here: get it with `python -m resnet_lab data get {options.data}`.")
    where, settings = where_and_when(PACKAGES, device), settings_of(options, configs[0], device)
    print(f"{in_words(where)}\n{len(configs)} runs, one after the other\n", flush=True)
    found = results(train_all(configs, device, targets), targets, where, settings)
    print(f"\n{found.page()}")
    if options.save:
        found.save(folder, f"time_to-{options.recipe}-{device}")


def configs_of(options: argparse.Namespace) -> list[RunConfig]:
    """Depth by depth, and seed by seed in each."""
    fields = {"data": options.data, "precision": options.precision}
    fields |= {"steps": options.steps} if options.steps is not None else {}
    blocks = [CARDS[name].block for name in options.variants]
    return Launch(options.recipe, blocks, options.depths, seeds(options.seeds), fields=fields).configs()


def targets_of(options: argparse.Namespace) -> list[Target]:
    """The easy ones first."""
    given = {LOSS: options.losses, ERROR: options.errors}
    limits = {name: TARGETS[options.recipe][name] if values is None else values for name, values in given.items()}
    if not any(limits.values()):
        raise ValueError("Name at least one of --losses and --errors.")
    return [Target(name, limit) for name, values in limits.items() for limit in sorted(set(values), reverse=True)]


def settings_of(options: argparse.Namespace, first: RunConfig, device: str) -> dict[str, Any]:
    sizes = {"training images": first.data.num_train, "test images": first.data.num_test, "steps": first.recipe.steps}
    return {"recipe": options.recipe, "data": options.data, **sizes, "seeds": options.seeds, "device": device}


if __name__ == "__main__":
    main()
