"""What the Compare page shows, as readable parameters of its address."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from resnet_lab.config import check_choice, choices, short
from resnet_lab.curves import AXES
from resnet_lab.runs import STATUSES, listed
from resnet_lab.ui.run_ids import join_ids, split_ids

# fmt: off
VIEWS = {
    "curves":    "Curves",
    "gradients": "Gradients",
    "inside":    "Inside",
    "cost":      "Cost",
    "two":       "Two runs",
    "mistakes":  "Mistakes",
}
COLOURS = {"run": "run", "variant": "variant", "depth": "depth", "recipe": "recipe"}
SEEDS = {"each": "each run", "std": "mean ± std", "sem": "mean ± standard error", "ci95": "mean, 95% interval"}
LOGS = {"none": "none", "x": "x", "y": "y", "xy": "x and y"}
# fmt: on
FIELDS = ("search", "status", "tags", "only")  # by which the table is searched
MAX_RUNS = 200
MAX_SMOOTHING = 0.99
MAX_ID = 40
MAX_TEXT = 200  # of what is searched for
CHOSEN = "chosen"


@dataclass(frozen=True)
class CompareView:
    """`runs` empty: the newest launch; `pair`: the two that are put side by side; the last four: what is listed."""

    runs: tuple[str, ...] = ()
    view: str = "curves"
    x: str = "step"
    smooth: float = 0.6
    by: str = "run"
    seeds: str = "each"
    log: str = "none"
    baseline: str = ""
    pair: tuple[str, ...] = ()
    search: str = ""
    status: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    only: bool = False  # the chosen runs

    @property
    def of_charts(self) -> "CompareView":
        """The same whatever is listed in the table."""
        default = CompareView()
        return replace(self, **{name: getattr(default, name) for name in FIELDS})

    def changed(self, **fields: Any) -> "CompareView":
        return replace(self, **fields)

    def to_params(self) -> dict[str, str]:
        """Only what differs from the defaults."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        default = CompareView()
        different = {name: value for name, value in values.items() if value != getattr(default, name)}
        return {name: WRITERS.get(name, written)(value) for name, value in different.items()}


WRITERS: dict[str, Callable[[Any], str]] = {"tags": ",".join, "only": lambda only: CHOSEN}  # a tag may have dots


def written(value: Any) -> str:
    return join_ids(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def read_params(params: Mapping[str, str], known: Iterable[str]) -> tuple[CompareView, list[str]]:
    """What can be shown of what was asked for, and a sentence for everything that cannot."""
    ids, fields, problems = list(known), {}, []
    for name, text in params.items():
        if name not in READERS:
            problems.append(f"The link has {short(name)}, which is none of {choices(READERS, 'and')}.")
            continue
        try:
            fields[name], missing = READERS[name](name, text, ids)
        except ValueError as problem:
            problems.append(str(problem))
        else:
            problems += missing
    return CompareView(**fields), problems


Reader = Callable[[str, str, list[str]], tuple[Any, list[str]]]


def read_runs(name: str, text: str, known: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The runs that are here, in their order, each once; the others are named."""
    most = 2 if name == "pair" else MAX_RUNS
    asked = split_ids(text)
    found = {part: [run_id for run_id in known if run_id.startswith(part)] for part in asked[:most]}
    missing = [short(part, 20) for part, runs in found.items() if len(runs) != 1]
    problems = [f"The link asks for {listed(missing)}, but this lab has no such run."] if missing else []
    if len(asked) > most:
        problems.append(f"The link has {len(asked)} runs in {name!r}, and at most {most} are shown.")
    return tuple(dict.fromkeys(runs[0] for runs in found.values() if len(runs) == 1)), problems


def read_run(name: str, text: str, known: list[str]) -> tuple[str, list[str]]:
    runs, problems = read_runs(name, text[:MAX_ID], known)
    return (runs[0] if runs else ""), problems


def one_of(options: Mapping[str, str]) -> Reader:
    def read(name: str, text: str, known: list[str]) -> tuple[str, list[str]]:
        if text not in options:
            raise ValueError(f"{name} must be {choices(options)}, but is {short(text)}.")
        return text, []

    return read


def read_statuses(name: str, text: str, known: list[str]) -> tuple[tuple[str, ...], list[str]]:
    asked = tuple(split_ids(text))
    for status in asked:
        check_choice(name, status, STATUSES)
    return asked, []


def read_search(name: str, text: str, known: list[str]) -> tuple[str, list[str]]:
    if len(text) > MAX_TEXT:
        raise ValueError(f"{name} must have at most {MAX_TEXT} characters, but has {len(text):,}.")
    return text, []


def read_tags(name: str, text: str, known: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Where no run has them, the table says that none fits."""
    return tuple(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip()))), []


def read_only(name: str, text: str, known: list[str]) -> tuple[bool, list[str]]:
    check_choice(name, text, [CHOSEN])
    return True, []


def read_smoothing(name: str, text: str, known: list[str]) -> tuple[float, list[str]]:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_SMOOTHING:
        raise ValueError(f"{name} must be a number from 0 to {MAX_SMOOTHING:g}, but is {short(text)}.")
    return value, []


READERS: dict[str, Reader] = {
    "runs": read_runs,
    "view": one_of(VIEWS),
    "x": one_of(AXES),
    "smooth": read_smoothing,
    "by": one_of(COLOURS),
    "seeds": one_of(SEEDS),
    "log": one_of(LOGS),
    "baseline": read_run,
    "pair": read_runs,
    "search": read_search,
    "status": read_statuses,
    "tags": read_tags,
    "only": read_only,
}
