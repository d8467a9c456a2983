"""What the probes cost: python -m benchmarks.probes

The same run with all probes on and with none, in turns of as many steps as lie between two probes, in one process.
"""

import statistics
import time

import torch

from resnet_lab.environment import cpu_name
from resnet_lab.execution import keep_freed_memory
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig
from resnet_lab.trainer import Trainer

ROUNDS = 7
SETTINGS = {
    "minute, depth 56, identity": preset("minute"),
    "minute, depth 56, exclusive gating": preset("minute", shortcut="exclusive_gating"),
    "paper, depth 20": preset("paper"),
}


def main() -> None:
    keep_freed_memory()
    print(f"{cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{ROUNDS} rounds; overhead of all probes, the rounds' median, lowest and highest\n")
    for name, config in SETTINGS.items():
        overheads = sorted(100 * (ratio - 1) for ratio in ratios(config.with_fields(steps=10**6, evaluate_every=10**6)))
        spread = f"{overheads[0]:+.1f} to {overheads[-1]:+.1f}"
        print(f"{name:36} every {config.watch.probe_every:4} steps: {statistics.median(overheads):+.1f}% ({spread})")


def ratios(config: RunConfig) -> list[float]:
    """Time with probes over time without; both trainers compute in the same precision."""
    interval = config.watch.probe_every
    probed = Trainer(config, "cpu")
    probed.advance()
    assert probed.execution is not None
    alike = config.with_fields(precision=probed.execution.precision)
    probed, bare = (started(each) for each in (alike, alike.with_fields(probe_every=0)))
    return [timed(probed, interval) / timed(bare, interval) for _ in range(ROUNDS)]


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
