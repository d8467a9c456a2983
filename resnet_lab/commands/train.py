"""`train`: put runs in the queue, and follow them until they are over."""

import argparse
import json
import sys

from resnet_lab.commands.fields import add_field_options, given_fields
from resnet_lab.commands.following import follow
from resnet_lab.commands.tables import console, table
from resnet_lab.config import short
from resnet_lab.data import data_folder, data_is_here, home
from resnet_lab.events import Start
from resnet_lab.execution import find_device, keep_freed_memory
from resnet_lab.machine import usual_way
from resnet_lab.presets import PRESETS, preset
from resnet_lab.queueing import resume
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run
from resnet_lab.store import Store, open_store
from resnet_lab.summaries import duration, summarise
from resnet_lab.supervisor import ensure_supervisor
from resnet_lab.trainer import Trainer

MAX_SEEDS = 1000


def add_options(parser: argparse.ArgumentParser) -> None:
    recipes = " ".join(f"{name}: {recipe.words}" for name, recipe in PRESETS.items())
    parser.usage = "python -m resnet_lab train [--recipe NAME] [--seeds SEEDS] [--FIELD VALUE ...] [OPTION ...]"
    parser.epilog = f"Recipes. {recipes}"
    parser.add_argument(
        "--recipe",
        choices=list(PRESETS),
        default="minute",
        help="where the fields start from; minute, if none is named",
    )
    parser.add_argument("--seeds", default="0", metavar="SEEDS", help="3, or 0..4, or 0,2,5: one run each")
    parser.add_argument("--name", default="", help="what the runs are called")
    parser.add_argument("--tag", action="append", default=[], help="may be given several times")
    parser.add_argument("--notes", default="")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--resume", metavar="RUN", nargs="+", default=[], help="go on with these instead of new runs")
    instead.add_argument("--estimate", action="store_true", help="say what it would cost, and train nothing")
    parser.add_argument("--again", action="store_true", help="train also what was trained before")
    parser.add_argument("--detach", action="store_true", help="return at once; `worker` and `runs` show how it goes")
    parser.add_argument("--json", action="store_true", help="print the results as JSON, one list")
    add_field_options(parser)


def run(options: argparse.Namespace) -> int:
    configs = [] if options.resume else new_configs(options)
    if options.estimate:
        return say_cost(configs, options.device)
    with open_store() as store:
        try:
            runs = runs_for(store, configs, options) or resumed(store, options)
        finally:
            ensure_supervisor(store)  # also for the first ones, where a later one is refused
        status = 0 if options.detach else follow(store, runs)
        report(store, runs, options)
    return status


def new_configs(options: argparse.Namespace) -> list[RunConfig]:
    configs = [preset(options.recipe, **given_fields(options), seed=seed) for seed in seeds(options.seeds)]
    if not options.estimate:
        fetch_data(configs[0].data.name)
    return configs


def resumed(store: Store, options: argparse.Namespace) -> list[Run]:
    if given := given_fields(options):
        raise ValueError(f"--resume goes on with runs as they are, so it cannot change {', '.join(given)}.")
    found = dict.fromkeys(store.find(text).id for text in options.resume)
    return [resume(store, run_id) for run_id in found]


def seeds(text: str) -> list[int]:
    """'0..4' and '0,2,5'"""
    try:
        first, dots, last = text.partition("..")
        found = range(int(first), int(last) + 1) if dots else [int(word) for word in text.split(",")]
        number = int(last) + 1 - int(first) if dots else len(found)  # of any range, however long
    except ValueError:
        raise ValueError(f"--seeds takes 3, or 0..4, or 0,2,5, but was given {short(text)}.") from None
    if not 0 < number <= MAX_SEEDS:
        raise ValueError(f"--seeds takes from 1 to {MAX_SEEDS} seeds, but {short(text)} is {max(0, number)}.")
    return list(dict.fromkeys(found))


def fetch_data(name: str) -> None:
    if not data_is_here(name):
        from resnet_lab.downloads import download  # torchvision takes seconds to import

        download(name, data_folder(), report=say)


def say_cost(configs: list[RunConfig], device: str) -> int:
    """From a few steps of the first run; the others differ in their seed alone."""
    if not data_is_here(name := configs[0].data.name):
        raise ValueError(f"{name} is not here: `data get {name}` fetches it, or estimate with --data sample.")
    keep_freed_memory()
    start = next(Trainer(configs[0], device, usual=usual_way(home(), find_device(device))))
    assert isinstance(start, Start)
    each = f"{configs[0].title}: about {duration(start.seconds_expected)} on {start.execution['device']}"
    pace = f"{start.images_per_second:,.0f} images/s in {start.execution['precision']}"
    total = f"; {len(configs)} runs one after the other {duration(start.seconds_expected * len(configs))}"
    print(f"{each} ({pace}){total if len(configs) > 1 else ''}.")
    return 0


def runs_for(store: Store, configs: list[RunConfig], options: argparse.Namespace) -> list[Run]:
    """Of each configuration and seed the run that is there already, else a new one; the new ones start together."""
    known = [None if options.again else store.same(config) for config in configs]
    new = [config for config, run in zip(configs, known, strict=True) if run is None]
    labels = {"name": options.name, "notes": options.notes, "tags": options.tag}
    added = iter(store.add_many(new, device=options.device, **labels))
    return [next(added) if run is None else taken_up(store, run) for run in known]


def taken_up(store: Store, known: Run) -> Run:
    if known.status in ("paused", "stopped"):
        say(f"{known.label} is the same run and {known.status}: it goes on. --again would train anew.")
        return resume(store, known.id)
    say(f"{known.label} is the same run and {known.status}: it is shown. --again would train anew.")
    return known


def say(words: str) -> None:
    """Beside the results, which a program may read."""
    print(words, file=sys.stderr)


def report(store: Store, runs: list[Run], options: argparse.Namespace) -> None:
    summaries = summarise(store, [store.run(run.id) for run in runs])
    if options.json:
        print(json.dumps([summary.to_dict() for summary in summaries], indent=1))
    else:
        console().print(table(summaries))
