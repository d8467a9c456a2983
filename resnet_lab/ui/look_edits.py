"""What has been cut in the nets: as parameters of the address, as a click changes it, as a job takes it.

Units and stages are counted from 1, as on the screen; a job counts them from 0.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from resnet_lab.blocks import UnitShape
from resnet_lab.config import short
from resnet_lab.inside.surgery import sizes

# fmt: off
CLICKS = {  # what a click on a unit does
    "delete":  "Delete",
    "bypass":  "Bypass",
    "scale":   "Scale",
    "swap":    "Swap two",
    "shuffle": "Shuffle a stage",
}
FACTORS = (0, 25, 50, 75, 125, 150, 200)  # percent
USUAL_FACTOR = 50
DONE = {"scale": "scaled by {factor:g}", "bypass": "bypassed", "delete": "deleted"}
PARAMS = {  # by their name in the address: the form of one part, and what it is
    "shuffle": (r"(\d{1,4})",           "the numbers of stages, such as 1.2"),
    "swap":    (r"(\d{1,4})-(\d{1,4})", "pairs of units, such as 2-3.5-6"),
    "scale":   (r"(\d{1,4})x(\d{1,3})", "units and percents, such as 4x50"),
    "bypass":  (r"(\d{1,4})",           "the numbers of units, such as 3.7"),
    "cut":     (r"(\d{1,4})",           "the numbers of units, such as 3.7"),
}
# fmt: on


def can_swap(pair: tuple[int, int], shapes: Sequence[UnitShape]) -> bool:
    return max(pair) <= len(shapes) and sizes(shapes[pair[0] - 1]) == sizes(shapes[pair[1] - 1])


def can_shuffle(stage: int, shapes: Sequence[UnitShape]) -> bool:
    """Two of its units have the same shape."""
    inside = [sizes(shape) for shape in shapes if shape.stage == stage - 1]
    return len(set(inside)) < len(inside)


@dataclass(frozen=True)
class Edits:
    """In the order in which they are applied: stages shuffled, units swapped, then what happens to single ones."""

    shuffled: tuple[int, ...] = ()
    swapped: tuple[tuple[int, int], ...] = ()
    units: Mapping[int, tuple[str, int]] = field(default_factory=dict)  # what is done to it, and the percent of a scale

    def __bool__(self) -> bool:
        return bool(self.shuffled or self.swapped or self.units)

    def partner(self, unit: int) -> int | None:
        """The unit that it has been swapped with."""
        return next((pair[1 - pair.index(unit)] for pair in self.swapped if unit in pair), None)

    def of(self, click: str) -> list[int]:
        return sorted(unit for unit, (what, _) in self.units.items() if what == click)

    # ---- clicks

    def toggled(self, unit: int, click: str, percent: int = 100) -> "Edits":
        """Another edit of the unit is replaced, the same one is taken back."""
        others = {key: what for key, what in self.units.items() if key != unit}
        wanted = (click, percent if click == "scale" else 0)
        return replace(self, units=others if self.units.get(unit) == wanted else others | {unit: wanted})

    def shuffle_toggled(self, stage: int) -> "Edits":
        others = tuple(each for each in self.shuffled if each != stage)
        return replace(self, shuffled=others if stage in self.shuffled else (*others, stage))

    def swap_toggled(self, first: int, second: int) -> "Edits":
        """Each unit is in one pair at most; the same pair again is taken back."""
        pair = (min(first, second), max(first, second))
        others = tuple(each for each in self.swapped if not set(each) & set(pair))
        return replace(self, swapped=others if pair in self.swapped or first == second else (*others, pair))

    def unswapped(self, unit: int) -> "Edits":
        return replace(self, swapped=tuple(pair for pair in self.swapped if unit not in pair))

    # ---- a net, a job, the address

    def within(self, shapes: Sequence[UnitShape]) -> "Edits":
        """Those that a net with units of these shapes can have."""
        return Edits(
            tuple(stage for stage in self.shuffled if can_shuffle(stage, shapes)),
            tuple(pair for pair in self.swapped if can_swap(pair, shapes)),
            {unit: what for unit, what in self.units.items() if unit <= len(shapes)},
        )

    def for_job(self) -> list[dict[str, Any]]:
        shuffles = [{"do": "shuffle", "stage": stage - 1, "seed": 0} for stage in sorted(self.shuffled)]
        swaps = [{"do": "swap", "unit": first - 1, "other": second - 1} for first, second in sorted(self.swapped)]
        scales = [{"do": "scale", "unit": unit - 1, "factor": self.units[unit][1] / 100} for unit in self.of("scale")]
        single = [{"do": do, "unit": unit - 1} for do in ("bypass", "delete") for unit in self.of(do)]
        return shuffles + swaps + scales + single

    def to_params(self) -> dict[str, str]:
        parts: dict[str, list[Any]] = {
            "shuffle": sorted(self.shuffled),
            "swap": [f"{first}-{second}" for first, second in sorted(self.swapped)],
            "scale": [f"{unit}x{self.units[unit][1]}" for unit in self.of("scale")],
            "bypass": self.of("bypass"),
            "cut": self.of("delete"),
        }
        return {name: ".".join(map(str, parts[name])) for name in PARAMS}


def read_edits(params: Mapping[str, str]) -> tuple[Edits, list[str]]:
    """What can be read of the address, and a sentence for every part that cannot."""
    edits, problems = Edits(), []
    for name, (form, allowed) in PARAMS.items():
        for part in filter(None, params.get(name, "").split(".")):
            found = re.fullmatch(form, part, re.ASCII)
            numbers = [int(number) for number in found.groups()] if found else []
            if not numbers or numbers[0] == 0 or (name == "swap" and (0 in numbers or len(set(numbers)) == 1)):
                problems.append(f"{name} must be {allowed}, but has {short(part, 20)}.")
            else:
                edits = READERS[name](edits, *numbers)
    return edits, problems


READERS: dict[str, Callable[..., Edits]] = {
    "shuffle": lambda edits, stage: edits if stage in edits.shuffled else edits.shuffle_toggled(stage),
    "swap": lambda edits, *pair: edits if tuple(sorted(pair)) in edits.swapped else edits.swap_toggled(*pair),
    "scale": lambda edits, unit, percent: replace(edits, units={**edits.units, unit: ("scale", percent)}),
    "bypass": lambda edits, unit: replace(edits, units={**edits.units, unit: ("bypass", 0)}),
    "cut": lambda edits, unit: replace(edits, units={**edits.units, unit: ("delete", 0)}),
}


# ---- in words


def words(edits: Edits) -> str:
    """units 3 and 7 deleted, units 2 and 5 swapped"""
    parts = [f"stage {stage} shuffled" for stage in sorted(edits.shuffled)]
    parts += [f"units {first} and {second} swapped" for first, second in sorted(edits.swapped)]
    alike: dict[tuple[str, int], list[int]] = {}
    for unit, what in sorted(edits.units.items()):
        alike.setdefault(what, []).append(unit)
    for (do, percent), units in alike.items():
        parts.append(f"{counted(units)} {DONE[do].format(factor=percent / 100)}")
    return ", ".join(parts)


def counted(units: Sequence[int]) -> str:
    """unit 3; units 3 and 7"""
    *most, last = map(str, units)
    return f"units {', '.join(most)} and {last}" if most else f"unit {last}"


def missing(edits: Edits, nets: Sequence[Sequence[UnitShape]]) -> list[str]:
    """A sentence for each part that none of these nets can have."""
    num_units, num_stages = max(map(len, nets)), max(shapes[-1].stage + 1 for shapes in nets)
    problems = []
    for unit in sorted({*edits.units, *(unit for pair in edits.swapped for unit in pair)}):
        if unit > num_units:
            problems.append(f"There is no unit {unit}: the nets have at most {num_units}.")
    for pair in edits.swapped:
        if max(pair) <= num_units and not any(can_swap(pair, shapes) for shapes in nets):
            problems.append(f"Units {pair[0]} and {pair[1]} cannot be swapped: their shapes differ.")
    for stage in edits.shuffled:
        if stage > num_stages:
            problems.append(f"There is no stage {stage}: the nets have {num_stages}.")
        elif not any(can_shuffle(stage, shapes) for shapes in nets):
            problems.append(f"Stage {stage} cannot be shuffled: no two of its units have the same shape.")
    return problems


def outcome(edits: Edits, record: Mapping[str, Any]) -> str:
    """Of one net, in a sentence."""
    intact, error = record["intact_error"], record["error"]
    if not edits:
        return f"Test error {intact:.2f}% as it is, on {record['words']}."
    rise = f"{error - intact:+.2f}".replace("-", "−")
    return f"Test error {intact:.2f}% as it is, {error:.2f}% with {words(edits)}: {rise} points, on {record['words']}."


def comparison(records: Mapping[str, Mapping[str, Any]]) -> str:
    """Which of several nets suffers most, by title; nothing where they have been measured on different images."""
    if len({record["words"] for record in records.values()}) > 1:
        return ""
    rises = {title: round(record["error"] - record["intact_error"], 2) for title, record in records.items()}
    most, least = max(rises, key=rises.__getitem__), min(rises, key=rises.__getitem__)
    if rises[most] == rises[least]:
        return f"All nets lose the same: {rises[most]:+.2f} points."
    return f"{most} suffers most, by {rises[most]:+.2f} points; {least} least, by {rises[least]:+.2f} points."
