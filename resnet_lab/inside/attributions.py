"""Maps: for each pixel of a picture, what it did for the target in one net. In slices, so that it can be given up."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from resnet_lab.inside.baselines import BASELINES
from resnet_lab.inside.conductance import conductance
from resnet_lab.inside.explainers import Case, import_captum
from resnet_lab.inside.jobs import Findings, Job
from resnet_lab.inside.methods import METHODS, SETTINGS
from resnet_lab.inside.questions import Question
from resnet_lab.inside.slices import Slices, at_once, progress, told
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import PixelNet, Subject, open_subject
from resnet_lab.inside.targets import Aimed, Target, aim, logits_of
from resnet_lab.threads import random_numbers

__all__ = ["BASELINES", "METHODS", "SETTINGS", "Target", "attribute", "conductance", "import_captum", "maps"]


def values(aimed: Aimed, pixels: torch.Tensor, question: Question) -> Slices[torch.Tensor]:
    """For one picture (1, 3, 32, 32), the value of each pixel and channel."""
    baselines = question.baselines(aimed, pixels)
    total = torch.zeros_like(pixels)
    for index, num_noisy in enumerate(question.slices):
        yield
        case = Case(aimed, pixels.detach().clone().requires_grad_(), baselines, question.settings, num_noisy)
        with random_numbers(question.seed + index, pixels.device), torch.enable_grad():
            total += question.how.explain(case).detach() * (num_noisy or 1)
    return total / sum(num_noisy or 1 for num_noisy in question.slices)


def attribute(net: PixelNet, pixels: torch.Tensor, question: Question) -> torch.Tensor:
    """Signed maps (P, 32, 32) of pictures (P, 3, 32, 32): sums over the channels, in the target's own unit."""
    found = [at_once(values(aim(net, picture, question.target), picture, question)) for picture in pixels.split(1)]
    return torch.cat(found).sum(1)


@torch.no_grad()
def change(aimed: Aimed, pixels: torch.Tensor, baselines: torch.Tensor) -> float:
    """target(picture) - target(baseline), over several baselines the mean"""
    return float(aimed(pixels)[0] - aimed(baselines).mean())


def completeness_delta(found: torch.Tensor, aimed: Aimed, pixels: torch.Tensor, question: Question) -> float | None:
    """Σ map - (target(picture) - target(baseline)), where the method promises 0"""
    if not question.completes:
        return None
    return float(found.sum()) - change(aimed, pixels, question.baselines(aimed, pixels))


def maps(
    subjects: Sequence[Mapping[str, Any]],
    pictures: Sequence[str],
    methods: Sequence[str],
    target: Mapping[str, Any],
    baseline: str = "black",
    settings: Mapping[str, Any] | None = None,
) -> Job:
    """Maps (S, M, P, 32, 32), the nets' probabilities (S, P, C), and how far each map is from adding up."""
    began = time.monotonic()
    questions = [Question.read(method, target, baseline, settings) for method in methods]
    pixels = pixels_of(pictures)
    opened = [Subject(**subject) for subject in subjects]
    steps = progress(
        [f"{q.how.title} of {one.title}" for one in opened for q in questions for _ in pictures for _ in q.slices]
    )
    found, deltas, probabilities = [], [], []
    for subject in opened:
        net = open_subject(subject)
        probabilities.append(logits_of(net, pixels).softmax(1))
        for question in questions:
            for picture in pixels.split(1):
                aimed = aim(net, picture, question.target)
                map_values = yield from told(values(aimed, picture, question), steps)
                found.append(map_values.sum(1)[0])
                deltas.append(completeness_delta(map_values, aimed, picture, question))
    shape = len(opened), len(questions), len(pixels)
    tensors = {"maps": torch.stack(found).view(*shape, 32, 32), "probabilities": side_by_side(probabilities)}
    return Findings(tensors, {"deltas": nested(deltas, shape), "seconds": time.monotonic() - began})


def side_by_side(probabilities: list[torch.Tensor]) -> torch.Tensor:
    """(S, P, C): nets of fewer classes give those that they do not know 0."""
    most = max(each.shape[1] for each in probabilities)
    return torch.stack([functional.pad(each, (0, most - each.shape[1])) for each in probabilities])


def nested(flat: list[Any], shape: tuple[int, int, int]) -> list[list[list[Any]]]:
    """[S][M][P]"""
    _, num_methods, num_pictures = shape
    rows = [flat[start : start + num_pictures] for start in range(0, len(flat), num_pictures)]
    return [rows[start : start + num_methods] for start in range(0, len(rows), num_methods)]
