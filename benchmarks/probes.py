"""What the probes cost: python -m benchmarks.probes [--rounds 7] [--save]

The same run with all probes on and with none, in turns of as many steps as lie between two probes, in one process.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.parts.options import add_save, positive
from benchmarks.parts.results import RESULTS, Results, body, in_words, markdown, spread, where_and_when
from resnet_lab.execution import keep_freed_memory
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig
from resnet_lab.trainer import Trainer

SETTINGS = {
    "minute, depth 56, identity": preset("minute", data="sample"),
    "minute, depth 56, exclusive gating": preset("minute", data="sample", shortcut="exclusive_gating"),
}


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS, **fields: int) -> None:
    """`fields` of the runs, where others than the settings' are to be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive, default=7)
    add_save(parser)
    options = parser.parse_args(arguments)
    keep_freed_memory()
    where = where_and_when(("torch", "numpy"))
    print(f"{in_words(where)}\n", flush=True)
    settings = {name: config.with_fields(**fields) for name, config in SETTINGS.items()}
    found = {name: overheads(config, options.rounds) for name, config in settings.items()}
    rows = [
        [f"{name}, every {settings[name].watch.probe_every} steps", spread(each, "+.1f")]
        for name, each in found.items()
    ]
    how = f"{body(__doc__)}\n\n{options.rounds} rounds: median (lowest to highest)."
    table = markdown(["run", "more time with all probes, %"], rows)
    Results("What the probes cost", where, how, table, {"percent": found}).tell(folder, "probes-cpu", options.save)


def overheads(config: RunConfig, num_rounds: int) -> list[float]:
    """In percent."""
    return [100 * (ratio - 1) for ratio in ratios(config.with_fields(steps=10**6, evaluate_every=10**6), num_rounds)]


def ratios(config: RunConfig, num_rounds: int) -> list[float]:
    """Time with probes over time without; both trainers compute in the same precision."""
    interval = config.watch.probe_every
    probed = Trainer(config, "cpu")
    probed.advance()
    assert probed.execution is not None
    alike = config.with_fields(precision=probed.execution.precision)
    probed, bare = (started(each) for each in (alike, alike.with_fields(probe_every=0)))
    return [timed(probed, interval) / timed(bare, interval) for _ in range(num_rounds)]


def started(config: RunConfig) -> Trainer:
    trainer = Trainer(config, "cpu")
    trainer.advance()
    timed(trainer, config.watch.probe_every or 50)
    return trainer


def timed(trainer: Trainer, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        trainer.advance()
        trainer.take()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
