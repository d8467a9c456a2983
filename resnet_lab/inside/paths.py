"""A trained net as the sum of its paths, by how many branches they pass (Veit et al. 2016)."""

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from math import comb
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from resnet_lab.inside.examples import examples
from resnet_lab.inside.jobs import Findings, Job, Progress
from resnet_lab.inside.subjects import PixelNet, Subject, open_subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import ResNet
from resnet_lab.ops import SkipInit, StochasticDepth
from resnet_lab.projections import ZeroPad, ZeroPadEnd

BATCH = 32  # pictures in a slice; the signal is carried once for each length
MOST_DRAWS = 1000


def path_gradients(subject: Mapping[str, Any], num_images: int, draws: int, seed: int) -> Job:
    """tensors by length 0..units: "mean" norm of one path's gradient at the input, "paths", "total" = mean x paths"""
    chosen = checked(subject)
    if not 1 <= draws <= MOST_DRAWS:
        raise ValueError(f"draws must be from 1 to {MOST_DRAWS}, but is {draws}.")
    net, images = open_subject(chosen), examples(chosen.data, num_images)
    num_units, chance = len(net.net.units), random.Random(seed)
    drawn = [draw_paths(num_units, length, draws, chance) for length in range(num_units + 1)]
    mean = torch.zeros(num_units + 1, dtype=torch.float64)
    for length, paths in enumerate(drawn):
        for done, path in enumerate(paths):
            for pixels, labels in images.batches(BATCH):
                share = (length + done / len(paths)) / len(drawn)
                yield Progress(int(1000 * share), 1000, f"Paths through {length} branches")
                norms = gradient(net, pixels, labels, path).flatten(1).norm(dim=1)
                mean[length] += norms.double().sum() / (len(paths) * len(images))
    count = torch.tensor([float(comb(num_units, length)) for length in range(num_units + 1)], dtype=torch.float64)
    record = {"of": len(images), "words": images.words, "drawn": [len(each) for each in drawn]}
    return Findings({"mean": mean, "paths": count, "total": mean * count}, record)


def path_accuracy(subject: Mapping[str, Any], num_images: int) -> Job:
    """tensors by length L = 0..units: "errors" in percent with all paths up to L, "norms" the share of logit norm at L

    The net is made linear around each picture: ReLU masks and BN stay as the whole net has them, and a bias starts
    paths in its unit. So the logits are exactly the sum over all paths, and at L = units the net is whole.
    """
    chosen = checked(subject)
    net, images = open_subject(chosen), examples(chosen.data, num_images)
    wrong, norms = (torch.zeros(len(net.net.units) + 1, dtype=torch.float64) for _ in range(2))
    for done, (pixels, labels) in enumerate(images.batches(BATCH)):
        yield Progress(done, -(-len(images) // BATCH), "Sums paths by length")
        terms = logit_terms(net.net, net.normalised(pixels))  # (L + 1, N, classes)
        wrong += (terms.cumsum(0).argmax(2) != labels).sum(1)
        lengths = terms.norm(dim=2).double()
        norms += (lengths / lengths.sum(0).clamp_min(1e-30)).sum(1)
    tensors = {"errors": 100 * wrong / len(images), "norms": norms / len(images)}
    return Findings(tensors, {"of": len(images), "words": images.words})


def checked(subject: Mapping[str, Any]) -> Subject:
    chosen = Subject(**subject)
    check_paths(chosen.model)
    return chosen


def check_paths(config: ModelConfig) -> None:
    """A net is a sum over paths where its shortcuts are the identity, and linear around a picture with BN and ReLU."""
    block = config.block
    if block.shortcut != "identity":
        raise ValueError(f"Paths need the shortcut 'identity', but the shortcut of this net is {block.shortcut!r}.")
    used = {op for slot in (block.ops.pre, block.ops.post, block.ops.after) for op in slot.split()}
    if not used <= {"bn", "relu"}:
        raise ValueError(f"Paths need blocks of BN and ReLU alone, but this one has {min(used - {'bn', 'relu'})!r}.")


# ---- the gradient along paths


def draw_paths(num_units: int, length: int, draws: int, chance: random.Random) -> list[tuple[int, ...]]:
    """Through which branches; all there are, where they are no more than the draws."""
    if comb(num_units, length) <= draws:
        return list(combinations(range(num_units), length))
    return [tuple(sorted(chance.sample(range(num_units), length))) for _ in range(draws)]


def gradient(net: PixelNet, pixels: torch.Tensor, labels: torch.Tensor, path: tuple[int, ...]) -> torch.Tensor:
    """Of each picture's loss at its normalised pixels, through these branches and else only through shortcuts."""
    with torch.enable_grad():
        inputs = net.normalised(pixels).requires_grad_()
        x = net.net.stem(inputs)
        for place, unit in enumerate(net.net.units):
            p = unit.pre(x)
            s, f = unit.match(p if unit.starts_preactivated else x), unit.branch(p)
            x = unit.after(s.detach() + f if place in path else s + f.detach())
        logits = net.net.head(net.net.pool(net.net.final(x)).flatten(1))
        loss = functional.cross_entropy(logits, labels, reduction="sum")
        return torch.autograd.grad(loss, inputs)[0]


# ---- the net as a polynomial in the number of branches passed


class Terms:
    """A signal (N, C, H, W), and its parts by length of path (L + 1, N, C, H, W), whose sum it is."""

    def __init__(self, whole: torch.Tensor, parts: torch.Tensor):
        self.whole, self.parts = whole, parts

    def through(self, layers: nn.Module) -> "Terms":
        """The parts go linearly, as around the whole; what a layer adds of its own starts new paths at length 0."""
        terms = self
        for layer in leaves(layers):
            terms = Terms(layer(terms.whole), LINEAR[type(layer)](layer, terms))
        return terms

    def longer(self) -> "Terms":
        return Terms(self.whole, torch.cat([torch.zeros_like(self.parts[:1]), self.parts]))

    def __add__(self, other: "Terms") -> "Terms":
        """The other may have longer paths."""
        parts = other.parts.clone()
        parts[: len(self.parts)] += self.parts
        return Terms(self.whole + other.whole, parts)


@torch.no_grad()
def logit_terms(net: ResNet, x: torch.Tensor) -> torch.Tensor:
    """(units + 1, N, classes): the logits' parts by length of path"""
    stem = net.stem(x)
    terms = Terms(stem, stem[None])
    for unit in net.units:
        p = terms.through(unit.pre)
        s = (p if unit.starts_preactivated else terms).through(unit.match)
        terms = (s + p.through(unit.branch).longer()).through(unit.after)
    parts = terms.through(net.final).parts.mean((3, 4)) @ net.head.weight.T
    parts[0] += net.head.bias
    return parts


def leaves(layers: nn.Module) -> Iterator[nn.Module]:
    return (layer for layer in layers.modules() if not isinstance(layer, nn.Sequential))


def merged(layer: nn.Module, terms: Terms) -> torch.Tensor:
    """A layer that is linear already takes all parts as one batch."""
    return layer(terms.parts.flatten(0, 1)).unflatten(0, terms.parts.shape[:2])


def normed(layer: nn.Module, terms: Terms) -> torch.Tensor:
    """BN in evaluation mode: factor x + offset"""
    assert isinstance(layer, nn.BatchNorm2d)
    factor = layer.weight * (layer.get_buffer("running_var") + layer.eps).rsqrt()
    offset = layer.bias - factor * layer.get_buffer("running_mean")
    parts = terms.parts * factor[:, None, None]
    parts[0] += offset[:, None, None]
    return parts


def masked(layer: nn.Module, terms: Terms) -> torch.Tensor:
    return terms.parts * (terms.whole > 0)


def same(layer: nn.Module, terms: Terms) -> torch.Tensor:
    return terms.parts


LINEAR: dict[type[nn.Module], Callable[[nn.Module, Terms], torch.Tensor]] = {
    nn.Conv2d: merged,
    ZeroPad: merged,
    ZeroPadEnd: merged,
    SkipInit: merged,
    nn.BatchNorm2d: normed,
    nn.ReLU: masked,
    nn.Dropout: same,
    StochasticDepth: same,
}
