"""What the page Look inside shows, as readable parameters of its address."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from resnet_lab.config import choices, short
from resnet_lab.inside.specimens import MOST, Specimen, read_tray, specimen
from resnet_lab.runs import listed
from resnet_lab.ui.run_ids import join_ids, split_ids

USUAL_TRAY = ("t4", "t12", "t13", "t1")  # a frog, a dog, a horse, a ship
MOST_NETS = 6
MOST_OPTIONS, LONGEST_NAME, LONGEST_OPTION = 40, 24, 400
NONE = "none"  # an empty choice, told apart from none made


@dataclass(frozen=True)
class LookView:
    """`view` empty: the first; `picture` empty: the first of the tray; `options`: what the widgets of a view say."""

    nets: tuple[str, ...] = ()
    tray: tuple[str, ...] = USUAL_TRAY
    view: str = ""
    picture: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def changed(self, **fields: Any) -> "LookView":
        return replace(self, **fields)

    def with_option(self, name: str, text: str, default: str) -> "LookView":
        others = {key: value for key, value in self.options.items() if key != name}
        return replace(self, options=others if text == default else others | {name: text})

    def to_params(self) -> dict[str, str]:
        """The nets, and what differs from the usual."""
        params = {"nets": join_ids(self.nets) or NONE}
        if self.tray != USUAL_TRAY:
            params["tray"] = join_ids(self.tray) or NONE
        if self.view:
            params["view"] = self.view
        if self.picture in self.tray[1:]:
            params["picture"] = self.picture
        return params | dict(self.options)


def read_params(
    params: Mapping[str, str], known: Iterable[str], views: Mapping[str, Any]
) -> tuple[LookView, list[str]]:
    """What can be shown of what was asked for, and a sentence for everything that cannot."""
    nets, problems = read_nets(params.get("nets", ""), list(known))
    tray, found = read_pictures(params["tray"]) if "tray" in params else (USUAL_TRAY, [])
    problems += found
    picture, found = read_pictures(params.get("picture", ""))
    problems += found
    view = params.get("view", "")
    if view and view not in views:
        problems.append(f"view must be {choices(views)}, but is {short(view)}.")
        view = ""
    options, found = read_options({name: text for name, text in params.items() if name not in OWN})
    picture = picture[:1]
    tray = tuple(dict.fromkeys((*tray, *picture)))
    if len(tray) > MOST:  # what is looked at is in it
        tray = (*tray[: MOST - 1], *picture)
    if view == next(iter(views)):
        view = ""
    return LookView(nets, tray, view, picture[0] if picture else "", options), problems + found


OWN = ("nets", "tray", "view", "picture")


def read_nets(text: str, known: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Those that are here, each once, by their id or how it begins."""
    asked = [] if text == NONE else split_ids(text)
    found = {part: closest(part, known) for part in asked[:MOST_NETS]}
    missing = [short(part, 20) for part, net in found.items() if net is None]
    problems = [f"The link asks for {listed(missing)}, but this lab has no such net."] if missing else []
    if len(asked) > MOST_NETS:
        problems.append(f"The link has {len(asked)} nets, and at most {MOST_NETS} are shown.")
    return tuple(dict.fromkeys(net for net in found.values() if net)), problems


def closest(part: str, known: list[str]) -> str | None:
    """That net, else the only one that begins so."""
    found = [part] if part in known else [net for net in known if net.startswith(part)]
    return found[0] if len(found) == 1 else None


def read_pictures(text: str) -> tuple[tuple[str, ...], list[str]]:
    if text in ("", NONE):
        return (), []
    refs, problems = read_tray(text)
    specimens, missing = taken_out(refs)
    return tuple(specimen.ref for specimen in specimens), problems + missing


def taken_out(refs: Iterable[str]) -> tuple[tuple[Specimen, ...], list[str]]:
    """The pictures that are on this machine, and a sentence for each that is not."""
    there, problems = [], []
    for ref in refs:
        try:
            there.append(specimen(ref))
        except ValueError as problem:
            problems.append(str(problem))
    return tuple(there), problems


def read_options(params: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Whether a view can show them is for its widgets to say."""
    options, problems = {}, []
    for name, text in list(params.items())[:MOST_OPTIONS]:
        if len(name) > LONGEST_NAME or len(text) > LONGEST_OPTION:
            problems.append(f"The link has {short(name, 20)} with {len(text):,} characters, and it is not read.")
        else:
            options[name] = text
    return options, problems
