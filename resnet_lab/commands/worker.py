"""`worker`: the queue and the processes that train it."""

import argparse
import json
import sys
from collections.abc import Callable

from resnet_lab.commands.tables import console, table
from resnet_lab.places import choose_places
from resnet_lab.queueing import move, request, resume, waiting
from resnet_lab.runs import Run
from resnet_lab.store import Store, open_store
from resnet_lab.summaries import summarise
from resnet_lab.supervisor import ensure_supervisor


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the queue for a program")
    parser.add_argument("--at-once", type=int, metavar="N", help="train N runs at once; 0: as many as the device bears")
    parser.set_defaults(act=None)
    actions = parser.add_subparsers(metavar="ACTION", title="what can be done with it")
    for name, (act, words) in ACTIONS.items():
        action = actions.add_parser(name, help=words, description=words)
        action.add_argument("runs", metavar="RUN", nargs="+", help="its id, the start of it, or its name")
        if name == "move":
            action.add_argument("--before", metavar="RUN", help="the run that it is to come before; else to the end")
        action.set_defaults(act=act)


def run(options: argparse.Namespace) -> int:
    with open_store() as store:
        if options.at_once is not None:
            choose_places(store.folder, options.at_once or None)
            print(f"{options.at_once or 'As many as the device bears'} at once from now on.", file=sys.stderr)
        try:
            for found in [store.find(text) for text in options.runs] if options.act else []:
                options.act(store, found, options)
                print(f"{found.label} is {store.run(found.id).state}.")
        finally:
            ensure_supervisor(store)  # also for the first ones, where a later one is refused
        if not options.act:
            show_queue(store, options)
    return 0


def show_queue(store: Store, options: argparse.Namespace) -> None:
    runs = store.runs(["running"]) + waiting(store)
    if options.json:
        print(json.dumps([summary.to_dict() for summary in summarise(store, runs)], indent=1))
    elif runs:
        console().print(table(summarise(store, runs)))
    else:
        paused = len(store.runs(["paused"]))
        hint = f" Paused: {paused}; `worker resume RUN` goes on with one." if paused else ""
        print(f"Nothing is being trained, and nothing waits.{hint}")


def pause_run(store: Store, run: Run, options: argparse.Namespace) -> None:
    request(store, run.id, "pause")


def stop_run(store: Store, run: Run, options: argparse.Namespace) -> None:
    request(store, run.id, "stop")


def resume_run(store: Store, run: Run, options: argparse.Namespace) -> None:
    resume(store, run.id)


def move_run(store: Store, run: Run, options: argparse.Namespace) -> None:
    move(store, run.id, store.find(options.before).id if options.before else None)


Act = Callable[[Store, Run, argparse.Namespace], None]
ACTIONS: dict[str, tuple[Act, str]] = {
    "pause": (pause_run, "write a checkpoint and let the cores go; what waits leaves the queue"),
    "resume": (resume_run, "go on from the checkpoint, at the end of the queue"),
    "stop": (stop_run, "end what runs, cancel what waits; it can still be resumed"),
    "move": (move_run, "change the order of the queue"),
}
