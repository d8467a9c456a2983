"""Which runs one curve is drawn of, and what it is called: by the words in which the runs differ."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from resnet_lab.comparisons import flat, same_but_for_seeds
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run


@dataclass(frozen=True)
class Series:
    """The runs that one curve is drawn of, and what it is called."""

    label: str
    runs: tuple[Run, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(run.id for run in self.runs)


def each_run(runs: Sequence[Run]) -> list[Series]:
    """A curve a run, called by its name where no other one has it."""
    names = Counter(run.name for run in runs)
    labels = [
        run.name if run.name and names[run.name] == 1 else label
        for run, label in zip(runs, distinct([run.config for run in runs]), strict=True)
    ]
    times = Counter(labels)
    return [
        Series(label if times[label] == 1 else f"{label} [{run.id}]", (run,))
        for run, label in zip(runs, labels, strict=True)
    ]


def seeds_together(runs: Sequence[Run]) -> list[Series]:
    """A curve for all runs that differ in nothing but their seeds, in the order in which they first appear."""
    groups = same_but_for_seeds(runs)
    labels = distinct([members[0].config.changed(seed=0) for members in groups])
    return [Series(label, members) for label, members in zip(labels, groups, strict=True)]


def distinct(configs: Sequence[RunConfig]) -> list[str]:
    """The words that tell the configurations apart: net, placement, shortcut, then other fields where these do not."""
    rows = [words_of(config) for config in configs]
    told = [column for column in zip(*rows, strict=True) if len(set(column)) > 1]
    labels = [joined(words) for words in (zip(*told, strict=True) if told else rows)]
    fields = [flat(config) | {"seed": config.seed} for config in configs]
    alike: dict[str, list[dict[str, Any]]] = {}
    for label, own in zip(labels, fields, strict=True):
        alike.setdefault(label, []).append(own)
    names = {label: differing(members) for label, members in alike.items()}
    return [
        joined([label, *(f"{name} {own[name]}" for name in names[label])])
        for label, own in zip(labels, fields, strict=True)
    ]


def differing(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The fields that are not the same in all."""
    return [name for name, value in rows[0].items() if any(row[name] != value for row in rows)]


def words_of(config: RunConfig) -> tuple[str, str, str]:
    """ResNet-56 | Original | exclusive gating (gate bias 0)"""
    block = config.model.block
    placement, shortcut = block.title.split(", ", 1)
    named = f"{shortcut} ({block.numbers})" if block.numbers else shortcut
    return config.model.title, placement, "" if block.is_plain else named  # a plain net says so in its title


def joined(words: Iterable[str]) -> str:
    return ", ".join(filter(None, words))
