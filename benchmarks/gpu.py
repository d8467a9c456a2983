"""The GPU path, from agreement to speed: python -m benchmarks.gpu [--minutes 8] [PART ...]

agreement   each variant for 100 steps: as a recorded graph beside kernel by kernel, and bf16 beside fp32
cpu         the first steps on the GPU beside the same ones on the CPU, in fp32
speed       time per step and to the first losses, by depth, precision and launch, and its shares of two bounds
together    1, 2, 4 and 8 runs at once on streams of one process
usual       the lab beside the usual public pipeline; it alone needs torchvision
probes      what probes and tests cost, and when the first point is there
fusion      what a run's own trial of fused units finds and takes
fused       each variant with fused units for 100 steps, beside kernel by kernel
profile     how long the kernels of a step take, and which of them
seeds       the error at the end of a short recipe over five seeds, in the fast way and in the plain one

A bound is the least time that a step could take: by the memory's speed, or by the host's if it launches every kernel.
Its share is that time by the one measured: at 1 it is reached, and a graph may go beyond that of the launches.

Most valuable first. What would not be ready in time is skipped. It says first what it runs on, and writes what it has
to OUT/gpu.json and gpu.txt as it goes.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.parts.gpu_agreement import agreement, cpu, fused, seeds
from benchmarks.parts.gpu_cases import Case, measured, shown, table
from benchmarks.parts.gpu_scope import Scope, whole_scope
from benchmarks.parts.gpu_speed import fusion, probes, profile, speed, together, usual
from benchmarks.parts.results import in_words, where_and_when
from resnet_lab.config import choices

PARTS: dict[str, Callable[[Scope], Iterator[Case]]] = {
    "agreement": agreement,
    "cpu": cpu,
    "speed": speed,
    "together": together,
    "usual": usual,
    "probes": probes,
    "fusion": fusion,
    "fused": fused,
    "profile": profile,
    "seeds": seeds,
}


def main(arguments: Sequence[str] | None = None, scope: Scope | None = None, folder: Path | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", default=list(PARTS), help=choices(PARTS, "or"))
    parser.add_argument("--minutes", type=float, default=8)
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {min(unknown)!r}; the parts are {choices(PARTS, 'and')}")
    if scope is None and not torch.cuda.is_available():
        sys.exit("torch finds no CUDA device here, and this benchmark measures nothing else.")
    end = time.monotonic() + 60 * options.minutes
    measure_parts(
        options.parts,
        scope or whole_scope(torch.device("cuda")),
        folder or Path(os.environ.get("OUT", ".")),
        lambda: end - time.monotonic(),
    )


def measure_parts(parts: Sequence[str], scope: Scope, folder: Path, left: Callable[[], float]) -> None:
    """Told and written row by row; `left`: the seconds that are left."""
    told: dict[str, Any] = {"where": where_and_when(("torch", "numpy"), scope.device.type)}
    print(in_words(told["where"]), flush=True)
    write(told, folder)
    for part in parts:
        print(f"\n{part}", flush=True)
        told[part] = []
        for row in measured(PARTS[part](scope), left):
            told[part].append(row)
            print("  ".join(f"{name}: {shown(value)}" for name, value in row.items()), flush=True)
            write(told, folder)
        if left() <= 0:
            print("The time is over.")
            return


def write(told: dict[str, Any], folder: Path) -> None:
    tables = [f"{part}\n{table(rows)}\n" for part, rows in told.items() if part != "where"]
    (folder / "gpu.json").write_text(json.dumps(told, indent=1))
    (folder / "gpu.txt").write_text("\n".join([f"{in_words(told['where'])}\n", *tables]))


if __name__ == "__main__":
    main()
