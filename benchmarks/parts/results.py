"""What a benchmark found, with the machine, the versions and the date: a page to read, and the same as JSON."""

import json
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from resnet_lab.environment import commit, cpu_name
from resnet_lab.execution import usable_cores
from resnet_lab.files import CHECKOUT

RESULTS = Path(__file__).parents[1] / "results"


def where_and_when(packages: Iterable[str], device: str = "cpu") -> dict[str, Any]:
    """The machine, with its GPU where that is the one that computes; the versions and the date."""
    gpu = {"gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda} if device == "cuda" else {}
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit(CHECKOUT),
        **gpu,
        "cpu": cpu_name(),
        "cores": len(usable_cores()),
        "threads": torch.get_num_threads(),
        "load": round(psutil.getloadavg()[0], 2),  # of the last minute, before anything is measured
        "versions": {name: version(name) for name in packages} | {"python": platform.python_version()},
    }


def in_words(where: dict[str, Any]) -> str:
    """One line of the same."""
    gpu = f"{where['gpu']}, CUDA {where['cuda']}; " if "gpu" in where else ""
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    return f"{gpu}{where['cpu']}, {where['cores']} cores, load {where['load']:.1f} before; {versions}; {where['date']}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its first column is words, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Results:
    title: str
    where: dict[str, Any]
    how: str  # it was measured
    tables: str
    numbers: dict[str, Any]  # for JSON

    def page(self) -> str:
        return f"# {self.title}\n\n{in_words(self.where)}\n\n{self.how.strip()}\n\n{self.tables}\n"

    def tell(self, folder: Path, name: str, is_saved: bool) -> None:
        print(self.page())
        if is_saved:
            self.save(folder, name)

    def save(self, folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.md").write_text(self.page())
        (folder / f"{name}.json").write_text(json.dumps(self.where | self.numbers, indent=2, allow_nan=False) + "\n")


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """'1.34 (1.20 to 1.41)': the median, the lowest and the highest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def body(docstring: str | None) -> str:
    """What a benchmark says of how it measures: all but its first line."""
    return (docstring or "").partition("\n")[2].strip()
