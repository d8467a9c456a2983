"""How soon three curves begin: python -m benchmarks.first_points

The first comparison, each time in a new home: seconds from putting its runs into the queue to the first point of each,
by a supervisor that is started then, and by one that a visit has warmed up. Without a browser, which adds about 1.5 s.
"""

import os
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import torch

from resnet_lab.environment import cpu_name
from resnet_lab.execution import usable_cores
from resnet_lab.launches import first_comparison
from resnet_lab.queueing import request
from resnet_lab.store import Store
from resnet_lab.supervisor import ensure_supervisor, has_work, note_visit, start_supervisor

ROUNDS = 3
VISIT_SECONDS = 10.0  # before the runs come
LOOK_SECONDS = 0.05


def main() -> None:
    print(f"{cpu_name()}, {len(usable_cores())} cores, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}")
    print(f"{ROUNDS} rounds; seconds until each of the three runs has a point\n")
    rounds = [(measured(0.0), measured(VISIT_SECONDS)) for _ in range(ROUNDS)]
    for name, points in zip(("cold", "warmed up"), zip(*rounds, strict=True), strict=True):
        print(f"{name:10} {'   '.join(' '.join(f'{seconds:4.1f}' for seconds in each) for each in points)}")
    ratios = [cold[-1] / warm[-1] for cold, warm in rounds]
    print(f"\nall three: cold / warmed up {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


def measured(visit_seconds: float) -> list[float]:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Store(None, Path(folder)) as store,
        ExitStack() as ending,
    ):
        if visit_seconds:
            note_visit(store.folder)
            ending.callback(end, store, start_supervisor(store))
            time.sleep(visit_seconds)
        start = time.monotonic()
        runs = store.add_many(first_comparison(store, "sample"), device="cpu")
        if not visit_seconds:
            ending.callback(end, store, ensure_supervisor(store))
        points: dict[str, float] = {}
        while len(points) < len(runs):
            for run in runs:
                if run.id not in points and store.last(run.id, "step"):
                    points[run.id] = time.monotonic() - start
            time.sleep(LOOK_SECONDS)
        return sorted(points.values())


def end(store: Store, supervisor: subprocess.Popen | None) -> None:
    """Its spares end with it."""
    assert supervisor is not None, "a new home has no supervisor"
    for run in store.runs(["queued", "running"]):
        request(store, run.id, "stop")
    while has_work(store):
        time.sleep(LOOK_SECONDS)
    supervisor.kill()
    supervisor.wait()


if __name__ == "__main__":
    main()
