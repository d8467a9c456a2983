"""How long runs will take on this machine, from how long others took here."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from resnet_lab.costs import cost
from resnet_lab.environment import this_machine
from resnet_lab.events import Step
from resnet_lab.execution import find_device, usable_cores
from resnet_lab.places import num_places
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run
from resnet_lab.store import Store
from resnet_lab.supervisor import fair_share
from resnet_lab.trainer import expected_seconds as seconds_at

FEWEST_STEPS = 100  # of a run that is asked, where there is such: in few of them, its start and its tests weigh much
NEWEST = 50  # runs that are asked; older ones may be of an older version
THREADS_GAIN = 0.5  # twice the threads are 1.4 times as fast on nets as small as these


@dataclass(frozen=True)
class Pace:
    """What a step takes on one thread with a core of its own, its share of probes and tests in it."""

    config: RunConfig
    seconds: float


@dataclass(frozen=True)
class Stretch:
    """When a run was trained, up to its last sign of life; breaks before that are not known."""

    run: Run
    last: Step

    @property
    def threads(self) -> int:
        return self.run.threads or 1

    @property
    def end(self) -> float:
        return self.run.heartbeat or self.run.finished or self.run.created

    def share_beside(self, other: "Stretch") -> float:
        """Of the time of the other, how much this one was trained in."""
        start = max(self.end - self.last.seconds, other.end - other.last.seconds)
        return max(0.0, min(self.end, other.end) - start) / other.last.seconds


def expected_seconds(store: Store, config: RunConfig, device: str = "auto") -> float | None:
    """Of a run that has the machine to itself; None where no run has been trained here."""
    return expected_many(store, [config], device)[0]


def expected_many(store: Store, configs: Sequence[RunConfig], device: str = "auto") -> list[float | None]:
    """Of each of several runs that are started together."""
    kind, cores = find_device(device).type, len(usable_cores())
    paces, places = measured_paces(store, kind, cores), num_places(store.folder, kind, cores)
    slow = 1.0
    if kind == "cpu" and configs:
        at_once = min(len(configs), places)
        threads = fair_share(cores, at_once)
        slow = slowness(threads, threads * at_once, cores)
    found = [seconds_a_step(paces, config) for config in configs]
    return [
        None if each is None else seconds_at(config, slow * each) for config, each in zip(configs, found, strict=True)
    ]


def slowness(threads: int, all_threads: float, cores: int) -> float:
    """How many times as long a step takes as on one thread with a core of its own; too many threads take turns."""
    return max(1.0, all_threads / cores) / threads**THREADS_GAIN


def seconds_together(seconds: Sequence[float], side_by_side: int) -> float:
    """Until the last of them is over, when so many are trained side by side."""
    places = [0.0] * side_by_side
    for each in seconds:
        heapq.heapreplace(places, places[0] + each)
    return max(places)


def measured_paces(store: Store, device: str, cores: int) -> list[Pace]:
    """The newest first, each as if the others had not been trained beside it."""
    here = this_machine(device)
    runs = [run for run in store.runs() if here.items() <= run.environment.items()][:NEWEST]
    last = store.last_many([run.id for run in runs], Step.kind)
    stretches = [Stretch(run, cast(Step, last[run.id])) for run in runs if run.id in last]
    trained = [one for one in stretches if one.last.step >= FEWEST_STEPS] or stretches
    if device != "cpu":
        return [Pace(one.run.config, measured(one)) for one in trained]
    busy = [sum(other.threads * other.share_beside(one) for other in stretches) for one in trained]
    return [
        Pace(one.run.config, measured(one) / slowness(one.threads, all_threads, cores))
        for one, all_threads in zip(trained, busy, strict=True)
    ]


def measured(one: Stretch) -> float:
    """Seconds of a step; the tests are worth some steps."""
    recipe = one.run.config.recipe
    return one.last.seconds * recipe.steps / one.last.step / seconds_at(one.run.config, pace=1)


def seconds_a_step(paces: Sequence[Pace], config: RunConfig) -> float | None:
    """By the newest run of the same net, data and batch size, else by the one whose steps cost the most alike."""
    same = [pace for pace in paces if parts(pace.config) == parts(config)]
    if same:
        return same[0].seconds
    if not paces:
        return None
    ratios = [step_cost(config) / step_cost(pace.config) for pace in paces]
    ratio, nearest = min(zip(ratios, paces, strict=True), key=lambda pair: abs(math.log(pair[0])))
    return nearest.seconds * ratio


def parts(config: RunConfig) -> tuple[object, ...]:
    return config.model, config.data, config.recipe.batch_size


def step_cost(config: RunConfig) -> int:
    """Multiply-adds of a step, forward."""
    size = config.recipe.batch_size
    return cost(config.model, size, config.data.resolution).multiply_adds * size
