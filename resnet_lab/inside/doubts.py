"""When a map should not be believed, in sentences."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Each limit beside its reason; deletion and insertion must be better than all of the random orders, which chance alone
# manages once in nine.
DELTA = 0.1  # of the change: above it the map lacks, or invents, more than most single objects of it carry
EXPLAINED = 0.1  # below it, a map says next to nothing about what happens when squares of the picture are covered
SENSITIVITY = (
    1.0  # the change of the map is as long as the map itself: another map for what looks like the same picture
)
KEPT = 0.5  # of the order, with half of the layers drawn anew: guided backpropagation keeps 0.6, saliency 0.2


@dataclass(frozen=True)
class Doubt:
    needs: tuple[str, ...]  # of the record
    applies: Callable[[Mapping[str, Any]], bool]
    words: str


def is_finite(value: Any) -> bool:
    """All numbers in it; every comparison with one that is not would be False, and so raise no doubt."""
    if isinstance(value, Mapping | list | tuple):
        return all(map(is_finite, value.values() if isinstance(value, Mapping) else value))
    return not isinstance(value, float) or math.isfinite(value)


# fmt: off
DOUBTS = (
    Doubt((), lambda r: not (is_finite(r) and r.get("map_is_finite", True)),
        "This net answers with no number for this picture: its map shows nothing."),
    Doubt(("delta", "change"), lambda r: abs(r["delta"]) > DELTA * abs(r["change"]),
        "The values of this map miss what they should add up to by {delta:+.2f}, where the target changed by "
        "{change:+.2f} in all: take more steps or samples, or another method."),
    Doubt(("infidelity",), lambda r: 1 - r["infidelity"] < EXPLAINED,
        "When squares of the picture are covered, this map foretells less than a tenth of how the target changes."),
    Doubt(("sensitivity",), lambda r: r["sensitivity"] > SENSITIVITY,
        "A change of the picture that nobody sees changes this map by {sensitivity:.1f} times its own length."),
    Doubt(("deletion_area", "deletion_random_areas"),
        lambda r: r["deletion_area"] >= min(r["deletion_random_areas"]),
        "For deleting what the net needs this map is no better than the best of eight random orders."),
    Doubt(("insertion_area", "insertion_random_areas"),
        lambda r: r["insertion_area"] <= max(r["insertion_random_areas"]),
        "For inserting what the net needs this map is no better than the best of eight random orders."),
    Doubt(("kept", "kept_below"), lambda r: r["kept"] > KEPT,
        "With the weights from the head down to {kept_below} drawn anew this map keeps much of its order (rank "
        "correlation {kept:.2f}): so much of it does not come from what these layers have learned."),
)
# fmt: on


def doubts(record: Mapping[str, Any]) -> list[str]:
    """One sentence for each reason, as far as the record has what it needs."""
    known = {name for name, value in record.items() if value is not None}
    return [doubt.words.format(**record) for doubt in DOUBTS if known.issuperset(doubt.needs) and doubt.applies(record)]
