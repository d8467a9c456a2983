"""Does a map depend on what the net has learned, and on the variant more than on the seed?"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import torch

from resnet_lab.blocks import Unit
from resnet_lab.inside.attributions import values
from resnet_lab.inside.jobs import Findings, Job
from resnet_lab.inside.questions import Question
from resnet_lab.inside.rankings import rank_correlation
from resnet_lab.inside.slices import progress, told
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import Subject, open_subject
from resnet_lab.inside.targets import aim
from resnet_lab.nets import ResNet, build_model
from resnet_lab.threads import random_numbers

SURE = 2  # standard errors over the pictures, beyond which a difference is called one
FEW = 5  # pictures, below which nothing is called


def randomised(
    subject: Mapping[str, Any],
    picture: str,
    method: str,
    target: Mapping[str, Any],
    baseline: str = "black",
    settings: Mapping[str, Any] | None = None,
) -> Job:
    """Weights drawn anew from the head down, one part more each time (Adebayo et al. 2018): what is left of the map?"""
    question, pixels, one = Question.read(method, target, baseline, settings), pixels_of([picture]), Subject(**subject)
    net = open_subject(one)
    aimed, parts = aim(net, pixels, question.target), layers(net.net)  # the target stays what the trained net said
    steps = progress([words for words in ("As trained", *parts) for _ in question.slices])
    original = (yield from told(values(aimed, pixels, question), steps)).sum(1)[0]
    untrained = untrained_like(one, question.seed)
    maps = []
    for names in parts.values():
        for name in names:
            net.net.get_submodule(name).load_state_dict(untrained.get_submodule(name).state_dict())
        maps.append((yield from told(values(aimed, pixels, question), steps)).sum(1)[0])
    similarity = [rank_correlation(each.abs(), original.abs()) for each in maps]
    tensors = {"original": original, "maps": torch.stack(maps), "similarity": torch.tensor(similarity)}
    half = len(parts) // 2
    return Findings(tensors, {"layers": list(parts), "kept": similarity[half], "kept_below": list(parts)[half]})


def layers(net: ResNet) -> dict[str, list[str]]:
    """From head to stem: what each is called, and its modules; what follows the last addition goes with the head."""
    units = [name for name, module in net.named_modules() if isinstance(module, Unit)]
    names = {f"unit {number}": [name] for number, name in enumerate(units, start=1)}
    return {"head": ["head", "final"], **dict(reversed(names.items())), "stem": ["stem"]}


def untrained_like(subject: Subject, seed: int) -> ResNet:
    """The same net as it was before training, weights and statistics."""
    with random_numbers(seed, torch.device("cpu")):
        return build_model(subject.model)


def agreement(
    subjects: Sequence[Mapping[str, Any]],
    pictures: Sequence[str],
    method: str,
    target: Mapping[str, Any],
    baseline: str = "black",
    settings: Mapping[str, Any] | None = None,
) -> Job:
    """Mean rank correlation over pictures between the maps of each two nets (S, S), and what it says in a sentence."""
    question, pixels = Question.read(method, target, baseline, settings), pixels_of(pictures)
    opened = [Subject(**subject) for subject in subjects]
    steps = progress([f"Maps of {one.title}" for one in opened for _ in pictures for _ in question.slices])
    maps = []
    for subject in opened:
        net = open_subject(subject)
        for picture in pixels.split(1):
            found = yield from told(values(aim(net, picture, question.target), picture, question), steps)
            maps.append(found.sum(1)[0])
    each = similarities(torch.stack(maps).view(len(opened), len(pixels), -1))
    return Findings({"similarity": each.mean(-1)}, {"words": verdict(opened, each)})


def similarities(maps: torch.Tensor) -> torch.Tensor:
    """(S, P, pixels) -> (S, S, P)"""
    found = torch.ones(len(maps), len(maps), maps.shape[1])
    for first, second in combinations(range(len(maps)), 2):
        pairs = zip(maps[first], maps[second], strict=True)
        found[first, second] = found[second, first] = torch.tensor([rank_correlation(a, b) for a, b in pairs])
    return found


def verdict(subjects: Sequence[Subject], similarity: torch.Tensor) -> str:
    """Do two variants differ more than two seeds of one variant? Only nets trained alike, and here, are compared."""
    pairs = [(i, j) for i, j in combinations(range(len(subjects)), 2) if are_comparable(subjects[i], subjects[j])]
    alike = [(i, j) for i, j in pairs if subjects[i].model == subjects[j].model]
    seeds = [(i, j) for i, j in alike if subjects[i].seed != subjects[j].seed]
    variants = [pair for pair in pairs if pair not in alike]
    if not seeds:
        return "There are no two seeds of one variant here, so nobody knows how much of a difference is chance."
    within = mean_over(similarity, seeds)
    told_within = f"two seeds of one variant agree with a rank correlation of {within.mean():.2f} ({len(seeds)} pairs)"
    if not variants:
        return f"Over {len(within)} pictures, {told_within}; there is no second variant to compare."
    between = mean_over(similarity, variants)
    told_between = f"two variants with {between.mean():.2f} ({len(variants)} pairs)"
    return f"Over {len(within)} pictures, {told_within}, {told_between}: {conclusion(within - between)}."


def are_comparable(first: Subject, second: Subject) -> bool:
    """Nobody knows the seed of an imported net; other data make another difference than a variant or a seed does."""
    return first.data == second.data and "checkpoint" not in (first.origin, second.origin)


def mean_over(similarity: torch.Tensor, pairs: list[tuple[int, int]]) -> torch.Tensor:
    """(P,)"""
    return torch.stack([similarity[pair] for pair in pairs]).mean(0)


def conclusion(gaps: torch.Tensor) -> str:
    """From how much more two seeds agree than two variants, for each picture."""
    if len(gaps) < FEW:
        return f"these are too few pictures to say which is more; {FEW} is the least"
    if gaps.mean() > SURE * gaps.std() / len(gaps) ** 0.5:
        return "for these nets the variants differ more than the seeds do"
    return "for these nets no larger difference was found between variants than between seeds"
