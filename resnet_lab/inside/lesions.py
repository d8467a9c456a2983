"""The test error of a trained net after some of its units have been lesioned (Veit et al. 2016)."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from resnet_lab.config import check_choice
from resnet_lab.inside.examples import BATCH, Examples, examples
from resnet_lab.inside.jobs import Findings, Job, Progress
from resnet_lab.inside.slices import Slices
from resnet_lab.inside.subjects import PixelNet, Subject, open_subject
from resnet_lab.inside.surgery import Edit, bypassed, deleted, edited
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import ResNet, unit_shapes

NUM_REESTIMATE = 1024  # training images that BN's statistics are taken from again
SINGLE = ("delete", "bypass")
MOST_DRAWS = 1000


def lesion(subject: Mapping[str, Any], edits: Sequence[Edit], num_images: int, reestimate: bool = False) -> Job:
    """record: "error" in percent, "wrong", "of", "words"; without edits, of the net as it is"""
    chosen = Subject(**subject)
    cut, images = edited(open_subject(chosen), chosen.model, edits), examples(chosen.data, num_images)
    again = images_again(chosen) if reestimate else None
    steps = Steps(count_batches(images) + count_batches(again))
    if again:
        yield from steps.told(reestimated(cut, again), "Takes BN's statistics again")
    words = "The net after the lesion" if edits else "The net as it is"
    wrong = yield from steps.told(num_wrong(cut, images), words)
    found = {"error": percent(wrong, images), "wrong": wrong}
    return Findings({}, found | {"of": len(images), "words": images.words})


def single_deletions(subject: Mapping[str, Any], num_images: int, do: str = "delete", reestimate: bool = False) -> Job:
    """tensors "errors" (units,), in percent: each unit alone is deleted or bypassed"""
    check_choice("do", do, SINGLE)
    chosen = Subject(**subject)
    net, images = open_subject(chosen), examples(chosen.data, num_images)
    found = again_each(net, chosen, images, do) if reestimate else shared(net, chosen.model, images, do)
    wrong, intact = yield from found
    return Findings({"errors": 100 * wrong / len(images)}, about(images, intact))


def random_deletions(
    subject: Mapping[str, Any], most: int, draws: int, seed: int, num_images: int, reestimate: bool = False
) -> Job:
    """tensors "errors" (most, draws), in percent: row k - 1 has k deleted units, drawn anew each time"""
    chosen = Subject(**subject)
    check_number("most", most, sum(chosen.model.units_per_stage))
    check_number("draws", draws, MOST_DRAWS)
    net, images = open_subject(chosen), examples(chosen.data, num_images)
    lesions = [subset for row in subsets(chosen.model, most, draws, seed) for subset in row]
    again = images_again(chosen) if reestimate else None
    steps = Steps(count_batches(images) + len(lesions) * (count_batches(images) + count_batches(again)))
    intact = yield from steps.told(num_wrong(net, images), "The net as it is")
    wrong = []
    for units in lesions:
        cut, words = edited(net, chosen.model, deletions(units)), f"Deletes {len(units)} at random"
        if again:
            yield from steps.told(reestimated(cut, again), words)
        wrong.append((yield from steps.told(num_wrong(cut, images), words)))
    errors = 100 * torch.tensor(wrong, dtype=torch.float64).view(most, draws) / len(images)
    return Findings({"errors": errors}, about(images, intact))


def shared(
    net: PixelNet, config: ModelConfig, images: Examples, do: str
) -> Generator[Progress, None, tuple[torch.Tensor, int]]:
    """The signal before a unit is computed once for all lesions behind it, which halves the work."""
    units, shapes = net.net.units, unit_shapes(config)
    put = [lesioned(do, *each, config) for each in zip(units, shapes, strict=True)]
    wrong, intact = torch.zeros(len(units), dtype=torch.float64), 0
    for number, (pixels, labels) in enumerate(images.batches()):
        with torch.no_grad():
            x = net.net.stem(net.normalised(pixels))
        for place, unit in enumerate(units):
            done = number * len(units) + place
            yield Progress(done, count_batches(images) * len(units), f"Unit {place + 1} of {len(units)}")
            with torch.no_grad():
                wrong[place] += misses(rest(net.net, put[place](x), place + 1), labels)
                x = unit(x)
        with torch.no_grad():
            intact += misses(rest(net.net, x, len(units)), labels)
    return wrong, intact


def again_each(
    net: PixelNet, subject: Subject, images: Examples, do: str
) -> Generator[Progress, None, tuple[torch.Tensor, int]]:
    """With BN's statistics taken again behind each lesion nothing is shared."""
    again, num_units = images_again(subject), len(net.net.units)
    steps = Steps(count_batches(images) + num_units * (count_batches(images) + count_batches(again)))
    intact = yield from steps.told(num_wrong(net, images), "The net as it is")
    wrong = torch.zeros(num_units, dtype=torch.float64)
    for place in range(num_units):
        cut, words = edited(net, subject.model, [{"do": do, "unit": place}]), f"Unit {place + 1} of {num_units}"
        yield from steps.told(reestimated(cut, again), words)
        wrong[place] = yield from steps.told(num_wrong(cut, images), words)
    return wrong, intact


def lesioned(do: str, unit: Any, shape: Any, config: ModelConfig) -> nn.Module:
    return deleted(unit, shape, config) if do == "delete" else bypassed(shape)


def rest(net: ResNet, x: torch.Tensor, place: int) -> torch.Tensor:
    """The logits, from the signal before the unit in this place."""
    for unit in net.units[place:]:
        x = unit(x)
    return net.head(net.pool(net.final(x)).flatten(1))


def num_wrong(net: PixelNet, images: Examples) -> Slices[int]:
    wrong = 0
    for pixels, labels in images.batches():
        yield
        with torch.no_grad():
            wrong += misses(net(pixels), labels)
    return wrong


def misses(logits: torch.Tensor, labels: torch.Tensor) -> int:
    """Who answers with no number is wrong."""
    return int(((logits.argmax(1) != labels) | ~logits.isfinite().all(1)).sum())


def reestimated(net: PixelNet, images: Examples) -> Slices[None]:
    """BN's statistics of this net become the means over batches of these images, each seen through batch statistics."""
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch then takes the mean over all batches
    for pixels, _ in images.batches():
        yield
        for norm in norms:
            norm.train()
        with torch.no_grad():
            net(pixels)
        net.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def subsets(config: ModelConfig, most: int, draws: int, seed: int) -> list[list[list[int]]]:
    """[k - 1][draw]: which k units"""
    generator, num_units = torch.Generator().manual_seed(seed), sum(config.units_per_stage)

    def drawn(size: int) -> list[int]:
        return sorted(torch.randperm(num_units, generator=generator)[:size].tolist())

    return [[drawn(size) for _ in range(draws)] for size in range(1, most + 1)]


def deletions(units: Sequence[int]) -> list[Edit]:
    return [{"do": "delete", "unit": unit} for unit in units]


def images_again(subject: Subject) -> Examples:
    return examples(subject.data, NUM_REESTIMATE, "train")


class Steps:
    """Counts the pauses of one piece of work after the other."""

    def __init__(self, of: int):
        self.done, self.of = 0, of

    def told(self, slices: Slices[Any], words: str) -> Generator[Progress, None, Any]:
        while True:
            try:
                next(slices)
            except StopIteration as end:
                return end.value
            yield Progress(self.done, self.of, words)
            self.done += 1


def count_batches(images: Examples | None) -> int:
    return -(-len(images) // BATCH) if images else 0


def check_number(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise ValueError(f"{name} must be from 1 to {most}, but is {value}.")


def percent(wrong: int, images: Examples) -> float:
    return 100 * wrong / len(images)


def about(images: Examples, intact: int) -> dict[str, Any]:
    return {"intact_error": percent(intact, images), "of": len(images), "words": images.words}
