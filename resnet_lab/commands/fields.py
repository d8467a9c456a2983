"""Every field of a run as an option of the command line."""

import argparse
import json
from typing import Any, Literal, get_args, get_origin

from resnet_lab.placements import PLACEMENTS, SLOTS
from resnet_lab.run_config import flat_fields
from resnet_lab.shortcuts import SHORTCUTS

NOT_OPTIONS = {"seed"}  # --seeds is
NAMES = {"data": "name"}  # option -> field, where they differ
TABLES: dict[str, dict[str, Any]] = {"placement": PLACEMENTS, "shortcut": SHORTCUTS}
SEVERAL = {"shortcut_args", "milestones", *SLOTS}  # take any number of words


def add_field_options(parser: argparse.ArgumentParser) -> None:
    """One group of options a part of the run; what is not given stays as the recipe has it."""
    groups: dict[str, Any] = {}
    for name, part in flat_fields().items():
        if name in NOT_OPTIONS:
            continue
        title = part.__name__.removesuffix("Config").lower()
        if title not in groups:
            groups[title] = parser.add_argument_group(
                f"fields of the {title}", "usually: where no recipe says otherwise"
            )
        field = part.model_fields[NAMES.get(name, name)]
        groups[title].add_argument(
            f"--{name.replace('_', '-')}",
            nargs="*" if name in SEVERAL else "?" if field.annotation is bool else None,
            const="true" if field.annotation is bool else None,
            default=argparse.SUPPRESS,
            dest=f"field_{name}",
            metavar="VALUE",
            help=describe(choices_of(name, field.annotation), field.get_default(call_default_factory=True)),
        )


def choices_of(name: str, annotation: Any) -> list[object]:
    if name in TABLES:
        return list(TABLES[name])
    return list(get_args(annotation)) if get_origin(annotation) is Literal else []


def describe(choices: list[object], default: object) -> str:
    allowed = [", ".join(map(str, choices))] if choices else []
    usual = [] if default in (None, {}) else [f"usually {default}"]
    return "; ".join(allowed + usual)


def given_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields that were given, with their values as Python has them."""
    given = {name.removeprefix("field_"): words for name, words in vars(options).items() if name.startswith("field_")}
    return {name: parse(name, words) for name, words in given.items()}


def parse(name: str, given: Any) -> Any:
    """'0.5' -> 0.5, 'null' -> None, 'gate_bias=0' -> {'gate_bias': 0}, '0.5 0.75' -> a tuple"""
    if name == "shortcut_args":
        return dict(assignment(word) for word in given)
    if name == "milestones":
        return tuple(value(word) for word in given)
    return " ".join(given) if name in SLOTS else value(given)


def assignment(word: str) -> tuple[str, Any]:
    name, equals, number = word.partition("=")
    if not equals:
        raise ValueError(f"--shortcut-args takes name=number, such as gate_bias=0, but was given {word!r}.")
    return name, value(number)


def value(word: str) -> Any:
    """A number, true, false or null; else the word itself."""
    try:
        return json.loads(word)
    except ValueError:
        return word
