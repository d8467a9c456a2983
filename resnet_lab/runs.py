"""What a run is to the store: its configuration, what it is called, and where it stands."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from resnet_lab.config import short
from resnet_lab.run_config import RunConfig

STATUSES = ("queued", "running", "paused", "done", "diverged", "stopped", "failed")
OVER = ("done", "diverged", "stopped", "failed")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Run:
    """A run as the store had it when it was asked; times are seconds since 1970."""

    id: str
    name: str
    key: str
    seed: int
    config: RunConfig
    status: str
    request: str | None
    position: int | None
    device: str
    threads: int | None
    host: str | None
    pid: int | None
    pid_started: float | None
    heartbeat: float | None
    deaths: int
    message: str
    environment: dict[str, Any]
    notes: str
    tags: tuple[str, ...]
    colour: int
    created: float
    started: float | None
    finished: float | None
    deleted: float | None
    forecast: dict[str, Any] | None  # of its training, made before the first step

    @classmethod
    def from_row(cls, row: Any) -> Self:
        fields = dict(row._mapping)
        try:
            fields["config"] = configuration(fields["config"])
        except ValueError as error:
            raise ValueError(f"Run {fields['id']} is of another version of the lab: {error}") from None
        fields["environment"] = json.loads(fields["environment"])
        fields["forecast"] = json.loads(fields["forecast"]) if fields["forecast"] else None
        fields["tags"] = tuple(json.loads(fields["tags"]))
        return cls(**fields)

    @property
    def state(self) -> str:
        return f"{self.status}, asked to {self.request}" if self.request else self.status

    @property
    def title(self) -> str:
        """Its name, else what it is."""
        return self.name or self.config.title

    @property
    def hardware(self) -> str:
        """What it is trained on; empty as long as that is not known."""
        known = self.environment.get("gpu") or self.environment.get("cpu") or self.device
        return "" if known == "auto" else str(known)

    @property
    def is_active(self) -> bool:
        """Whether it says something new by itself."""
        return self.status in ("queued", "running")

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def label(self) -> str:
        return f"{self.id} ({self.name})" if self.name else self.id

    def to_dict(self) -> dict[str, Any]:
        """For JSON: all that a reader elsewhere can use, the configuration with every field."""
        here = {"key", "seed", "request", "position", "host", "pid", "pid_started", "heartbeat", "deaths", "deleted"}
        here.add("colour")
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in here}
        return fields | {"config": self.config.model_dump(mode="json"), "tags": list(self.tags)}


@lru_cache(maxsize=1000)
def configuration(text: str) -> RunConfig:
    """Checked once: every tick of a page reads the same runs again."""
    return RunConfig.from_json(text)


def checked_labels(**labels: Any) -> dict[str, Any]:
    """`name` and every tag in one printable line; `notes` in as many as it takes."""
    for what, text in [*labels.items()]:
        lines = text.split("\n") if what == "notes" else [text] if what == "name" else text
        if not all(line.replace("\t", " ").isprintable() for line in lines):
            raise ValueError(f"{what} must be printable text, but is {short(text)}.")
    if "tags" in labels:
        tags = sorted({tag.strip() for tag in labels["tags"]} - {""})
        return labels | {"tags": json.dumps(tags)}
    return labels


def listed(labels: Sequence[str], most: int = 8) -> str:
    """a, b, c and 4 more"""
    more = len(labels) - most
    return ", ".join(labels[:most]) + (f" and {more} more" if more > 0 else "")
