"""What the X-ray should show, where that can be calculated: random weights, normalised signals, wide layers."""

import math
from dataclasses import dataclass

from torch import nn

from resnet_lab.blocks import UnitShape, needs_match, plan_unit, starts_preactivated
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import unit_shapes
from resnet_lab.wiring import Factor, Step, Wiring, wiring_of


@dataclass(frozen=True)
class Moments:
    """Mean square and mean of a signal."""

    square: float
    mean: float = 0

    def __mul__(self, factor: float) -> "Moments":
        return Moments(self.square * factor**2, self.mean * factor)

    def __add__(self, other: "Moments") -> "Moments":
        """Of the sum of independent signals."""
        return Moments(self.square + other.square + 2 * self.mean * other.mean, self.mean + other.mean)


NORMALISED = Moments(1)
RECTIFIED = Moments(1 / 2, 1 / math.sqrt(2 * math.pi))  # ReLU of a normalised signal
SILENT = Moments(0)


def expect(config: ModelConfig, resolution: int) -> dict[str, list[float] | None]:
    """The measures of the X-ray that follow from the specification alone; None for those that do not."""
    x, gain = after_stem(config), shortcut_gain(config)
    pixels = resolution // 4 if config.has_large_stem else resolution
    squares: list[float | None] = []
    shares: list[float | None] = []
    for shape in unit_shapes(config):
        x, share = expect_unit(config, shape, x, max(1, pixels >> shape.stage))
        squares.append(x.square if x else None)
        shares.append(share)
    return {
        "mean_square": known(squares),
        "shortcut_share": known(shares),
        "shortcut_signal": None if gain is None else [gain ** (i + 1) for i in range(len(shares))],
        "gradient_norm": None,
        "gradient_correlation": None,
    }


def known(values: list[float | None]) -> list[float] | None:
    numbers = [value for value in values if value is not None]
    return numbers if len(numbers) == len(values) else None


def after_stem(config: ModelConfig) -> Moments | None:
    """What enters the first unit; `bn relu` there makes it irrelevant."""
    pre = config.block.ops.pre
    if config.has_large_stem and pre != "bn relu":
        return None
    return {"": RECTIFIED, "relu": NORMALISED, "bn relu": NORMALISED}.get(pre)


def expect_unit(
    config: ModelConfig, shape: UnitShape, x: Moments | None, pixels: int
) -> tuple[Moments | None, float | None]:
    """The unit's output, and the shortcut's share of its sum."""
    path = on_path(config, match(config, shape, start(config, shape, x))) if x else None
    branch = on_branch(config, shape, pixels)
    if path is None or branch is None:
        return None, None
    energy = path.square + branch.square
    return after_sum(config, path, branch), path.square / energy if energy else 0.0


def start(config: ModelConfig, shape: UnitShape, x: Moments) -> Moments:
    """`pre` normalises and rectifies, or only rectifies."""
    if not starts_preactivated(config, shape):
        return x
    return RECTIFIED if config.block.ops.pre == "bn relu" else rectified(x)


def rectified(x: Moments) -> Moments:
    """ReLU of a Gaussian signal"""
    sigma = math.sqrt(max(x.square - x.mean**2, 1e-12))
    density = math.exp(-((x.mean / sigma) ** 2) / 2) / math.sqrt(2 * math.pi)
    positive = (1 + math.erf(x.mean / sigma / math.sqrt(2))) / 2
    return Moments(x.square * positive + x.mean * sigma * density, x.mean * positive + sigma * density)


def match(config: ModelConfig, shape: UnitShape, x: Moments) -> Moments:
    """Zero channels dilute, a projection doubles (He initialisation without its ReLU), BN normalises."""
    if not needs_match(config, shape):
        return x
    ratio = shape.in_channels / shape.channels
    if config.projection == "A":
        return Moments(x.square * ratio, x.mean * ratio)
    if not config.block.is_preactivated:
        return NORMALISED
    return Moments(2 * x.square * (ratio if config.init == "he_fan_out" else 1))


def on_path(config: ModelConfig, x: Moments) -> Moments | None:
    steps = wires(config).path
    return SILENT if steps is None else through(steps, x)


def on_branch(config: ModelConfig, shape: UnitShape, pixels: int) -> Moments | None:
    """Without a fresh zero-mean branch, what the next stage's `pre` rectifies is not Gaussian: None."""
    is_silent, post = config.skipinit or config.zero_gamma, config.block.ops.post
    if config.block.is_preactivated and (is_silent or post == "bn relu"):
        return None
    if is_silent:
        return SILENT
    f = {"": Moments(last_conv_gain(config, shape, pixels)), "bn": NORMALISED, "bn relu": RECTIFIED}.get(post)
    return f and through(wires(config).branch, Moments(f.square / (1 - shape.drop), f.mean))


def wires(config: ModelConfig) -> Wiring:
    return wiring_of(plan_unit(config).shortcut)


def through(steps: tuple[Step, ...], x: Moments | None) -> Moments | None:
    """Numbers scale, BN normalises; a gate has no closed form, and dropout lives on values too rare for a batch."""
    for step in steps:
        if isinstance(step, Factor):
            x = x * step.by if x and isinstance(step.by, float) else None
        elif isinstance(step, nn.BatchNorm2d):
            x = NORMALISED
        elif not isinstance(step, nn.Conv2d):  # a convolution is judged by the BN after it
            return None
    return None if steps and isinstance(steps[-1], nn.Conv2d) else x


def last_conv_gain(config: ModelConfig, shape: UnitShape, pixels: int) -> float:
    """He's factor 2 undoes the ReLU; the zeros around the image take some of a 3x3's weights away."""
    fan = shape.inner / shape.channels if config.init == "he_fan_out" else 1
    inside = ((3 * pixels - 2) / (3 * pixels)) ** 2 if config.unit == "basic" else 1
    return fan * inside / (1 - config.block.branch_dropout)


def after_sum(config: ModelConfig, path: Moments, branch: Moments) -> Moments | None:
    """A ReLU after a sum of rectified signals is left out: their distribution is not Gaussian."""
    after = config.block.ops.after
    is_gaussian = path == SILENT and branch.mean == 0 and (branch == NORMALISED or after == "bn relu")
    if after in ("relu", "bn relu"):
        return RECTIFIED if is_gaussian else None
    return {"": path + branch, "bn": NORMALISED}.get(after)


def shortcut_gain(config: ModelConfig) -> float | None:
    """What one shortcut does to the signal's amplitude, where it is the same number in every unit."""
    steps = wires(config).path
    if steps is None:
        return 0.0
    factors = [step.by for step in steps if isinstance(step, Factor) and isinstance(step.by, float)]
    return abs(math.prod(factors)) if len(factors) == len(steps) else None
