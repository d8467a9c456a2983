"""What a benchmark measures, a case at a time: what fails or falls back is told, and what has no time is skipped."""

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
REMARK = "remark"


class FellBack(Exception):  # noqa: N818
    """The device could not do it in that way, and why."""


@dataclass(frozen=True)
class Case:
    names: Row  # what is measured
    measure: Callable[[], Iterable[Row]]
    kind: str = ""  # cases of one kind take about as long
    seconds: float = 0.0  # allowed for, until one of the kind has been measured


def measured(cases: Iterable[Case], left: Callable[[], float]) -> Iterator[Row]:
    """As they come; `left`: the seconds that are left."""
    longest: dict[str, float] = {}
    for case in cases:
        start, expected = left(), longest.get(case.kind, case.seconds)
        if start <= 0:
            return
        if start < expected:
            yield case.names | {REMARK: f"skipped: it takes {expected:.0f} s, and {start:.0f} s were left"}
            continue
        try:
            yield from (case.names | row for row in case.measure())
        except FellBack as error:
            yield case.names | {REMARK: f"fell back: {error}"}
        except Exception as error:
            traceback.print_exc()
            yield case.names | {REMARK: f"failed: {error!r}"}
        longest[case.kind] = max(longest.get(case.kind, 0.0), start - left())


def table(rows: Sequence[Row]) -> str:
    """In aligned columns, remarks last."""
    names = list(dict.fromkeys(name for row in rows for name in row if name != REMARK))
    lines = [names, *([shown(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    are_words = [any(isinstance(row.get(name), str) for row in rows) for name in names]
    remarks = ["", *(row.get(REMARK, "") for row in rows)]
    told = [
        "  ".join([*(aligned(*cell) for cell in zip(line, widths, are_words, strict=True)), remark]).rstrip()
        for line, remark in zip(lines, remarks, strict=True)
    ]
    return "\n".join(told)


def aligned(text: str, width: int, is_word: bool) -> str:
    return text.ljust(width) if is_word else text.rjust(width)


def shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
