"""`runs`: the table of all runs, and what can be done with one."""

import argparse
import json
from collections.abc import Callable

from resnet_lab.commands.tables import console, table
from resnet_lab.runs import Run
from resnet_lab.store import Store, open_store
from resnet_lab.summaries import summarise


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, one list")
    parser.add_argument("--deleted", action="store_true", help="the deleted runs instead of the others")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="only runs with this tag")
    parser.set_defaults(act=None)
    actions = parser.add_subparsers(metavar="ACTION", title="what can be done with runs")
    for act, how_many, (argument, number), words in ACTIONS:
        action = actions.add_parser(act.__name__, help=words, description=words)
        action.add_argument("runs", metavar="RUN", nargs=how_many, help="its id, the start of it, or its name")
        if argument:
            action.add_argument(argument, metavar=argument.upper(), nargs=number)
        action.set_defaults(act=act)


def run(options: argparse.Namespace) -> int:
    with open_store() as store:
        if options.act:
            for found in [store.find(text) for text in options.runs]:
                print(options.act(store, found, options))
            return 0
        summaries = summarise(store, store.runs(tags=options.tag, deleted=options.deleted))
    if options.json:
        print(json.dumps([summary.to_dict() for summary in summaries], indent=1))
    elif summaries:
        console().print(table(summaries))
    else:
        print("There are no such runs." if options.deleted or options.tag else "There are no runs yet.")
    return 0


def delete(store: Store, run: Run, options: argparse.Namespace) -> str:
    store.delete(run.id)
    return (
        f"{run.label} is deleted; `runs undelete {run.id}` brings it back, `runs purge {run.id}` removes it for good."
    )


def undelete(store: Store, run: Run, options: argparse.Namespace) -> str:
    store.undelete(run.id)
    return f"{run.label} is back."


def purge(store: Store, run: Run, options: argparse.Namespace) -> str:
    store.purge(run.id)
    return f"{run.label} is gone, with its events and its files."


def rename(store: Store, run: Run, options: argparse.Namespace) -> str:
    return f"{store.edit(run.id, name=options.name).label} was {run.label}."


def tag(store: Store, run: Run, options: argparse.Namespace) -> str:
    tags = store.edit(run.id, tags=options.tags).tags
    return f"{run.label} has the tags {', '.join(tags)}." if tags else f"{run.label} has no tags."


def note(store: Store, run: Run, options: argparse.Namespace) -> str:
    store.edit(run.id, notes=options.text)
    return f"{run.label} is noted."


Act = Callable[[Store, Run, argparse.Namespace], str]
# fmt: off
ACTIONS: tuple[tuple[Act, int | str, tuple[str, str | None], str], ...] = (
    # what, of how many runs, with which argument
    (delete,   "+", ("", None),     "take runs out of sight; this can be undone"),
    (undelete, "+", ("", None),     "bring deleted runs back"),
    (purge,    "+", ("", None),     "remove deleted runs for good"),
    (rename,   1,   ("name", None), "give a run a name"),
    (tag,      1,   ("tags", "*"),  "give a run these tags, or none"),
    (note,     1,   ("text", None), "write a note to a run"),
)
# fmt: on
