"""How soon three curves begin: python -m benchmarks.first_points [--rounds 3] [--device cuda] [--save]

The first comparison, each time in a new home: seconds from putting its runs into the queue to the first point of each,
by a supervisor that is started then, and by one that a visit has warmed up. Without a browser, which adds about 1.5 s.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.parts.options import add_save, positive
from benchmarks.parts.results import RESULTS, Results, body, in_words, markdown, spread, where_and_when
from resnet_lab.launches import first_comparison
from resnet_lab.queueing import request
from resnet_lab.store import Store
from resnet_lab.supervisor import ensure_supervisor, has_work, note_visit, start_supervisor

VISIT_SECONDS = {"cpu": 10.0, "cuda": 60.0}  # before the runs come; in a new home it is first measured what is fastest
LOOK_SECONDS = 0.05


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS, visit_seconds: float | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    add_save(parser)
    options = parser.parse_args(arguments)
    device, visit = options.device, VISIT_SECONDS[options.device] if visit_seconds is None else visit_seconds
    where = where_and_when(("torch", "numpy"), device)
    print(f"{in_words(where)}\n", flush=True)
    rounds = [(measured(device, 0.0), measured(device, visit)) for _ in range(options.rounds)]
    cold, warm = zip(*rounds, strict=True)
    found = {"cold": cold, "warmed up": warm}
    rows = [
        [name, *(spread([points[place] for points in each], ".1f") for place in range(len(each[0])))]
        for name, each in found.items()
    ]
    table = markdown(["seconds until there is a point of", "one run", "two", "all three"], rows)
    ratios = [before[-1] / after[-1] for before, after in rounds]
    words = f"All three, cold / warmed up: {spread(ratios, '.1f')}. median (lowest to highest) of {len(rounds)}."
    Results("How soon three curves begin", where, body(__doc__), f"{table}\n\n{words}", {"seconds": found}).tell(
        folder, f"first_points-{device}", options.save
    )


def measured(device: str, visit_seconds: float) -> list[float]:
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
        runs = store.add_many(first_comparison(store, "sample").new, device=device)
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
