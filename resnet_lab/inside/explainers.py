"""Captum's methods, each for one picture and one net: a Case in, values for each pixel and channel out.

Captum takes seconds to import and brings a chart library with it, so it is imported by who computes.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from resnet_lab.inside.segments import SIDE, superpixels
from resnet_lab.inside.targets import Aimed

BATCH = 64  # pictures that go through the net at once, so that memory stays bounded


@dataclass(frozen=True)
class Case:
    aimed: Aimed
    pixels: torch.Tensor  # (1, 3, 32, 32)
    baselines: torch.Tensor  # (1, 3, 32, 32), or several
    settings: Mapping[str, float]
    num_noisy: int = 0  # noisy copies to take the mean over; 0: the picture itself

    def whole(self, name: str) -> int:
        return int(self.settings[name])


def import_captum() -> None:
    """So that nobody waits for it later."""
    import captum.attr
    import captum.metrics  # noqa: F401


@contextmanager
def announced_hooks() -> Iterator[None]:
    """Captum warns that it sets hooks on ReLUs; it takes them away again, and each net here is a copy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*Setting (forward, )?backward hooks", UserWarning)
        yield


@contextmanager
def numpy_follows_torch() -> Iterator[None]:
    """Gradient SHAP draws from numpy's global numbers, which torch's seed does not reach."""
    before = np.random.get_state()
    np.random.seed(int(torch.randint(2**31, ())))
    try:
        yield
    finally:
        np.random.set_state(before)


def run(case: Case, attribution: Any, **arguments: Any) -> torch.Tensor:
    """For the picture, or as the mean over noisy copies (SmoothGrad, Smilkov et al. 2017)."""
    from captum.attr import NoiseTunnel

    if not case.num_noisy:
        return attribution.attribute(case.pixels, **arguments)
    amount = {"nt_samples": case.num_noisy, "stdevs": float(case.settings["noise_level"])}
    return NoiseTunnel(attribution).attribute(case.pixels, nt_type="smoothgrad", **amount, **arguments)


def saliency(case: Case) -> torch.Tensor:
    from captum.attr import Saliency

    return run(case, Saliency(case.aimed), abs=False)


def input_x_gradient(case: Case) -> torch.Tensor:
    from captum.attr import InputXGradient

    return run(case, InputXGradient(case.aimed))


def integrated_gradients(case: Case) -> torch.Tensor:
    from captum.attr import IntegratedGradients

    steps = {"n_steps": case.whole("steps"), "internal_batch_size": BATCH}
    return run(case, IntegratedGradients(case.aimed), baselines=case.baselines, **steps)


def deep_lift(case: Case) -> torch.Tensor:
    from captum.attr import DeepLift

    with announced_hooks():
        return run(case, DeepLift(case.aimed), baselines=case.baselines)


def gradient_shap(case: Case) -> torch.Tensor:
    from captum.attr import GradientShap

    with numpy_follows_torch():
        return GradientShap(case.aimed).attribute(case.pixels, case.baselines, n_samples=case.whole("samples"))


def guided_backprop(case: Case) -> torch.Tensor:
    from captum.attr import GuidedBackprop

    check_relus(case.aimed)
    with announced_hooks():
        return run(case, GuidedBackprop(case.aimed))


def guided_grad_cam(case: Case) -> torch.Tensor:
    from captum.attr import GuidedGradCam

    check_relus(case.aimed)
    layer = stage_output(case.aimed, case.whole("stage"))
    with announced_hooks():
        return run(case, GuidedGradCam(case.aimed, layer), interpolate_mode="bilinear")


def grad_cam(case: Case) -> torch.Tensor:
    """max(0, Σ weight · activation) as published, one value a place, shared by the three channels."""
    from captum.attr import LayerAttribution, LayerGradCam

    attribution = LayerGradCam(case.aimed, stage_output(case.aimed, case.whole("stage")))
    coarse = attribution.attribute(case.pixels, relu_attributions=True)
    return LayerAttribution.interpolate(coarse, (SIDE, SIDE), "bilinear").expand(-1, 3, -1, -1) / 3


def occlusion(case: Case) -> torch.Tensor:
    from captum.attr import Occlusion

    side, stride = case.whole("window"), case.whole("stride")
    window = {"sliding_window_shapes": (3, side, side), "strides": (3, stride, stride)}
    with torch.no_grad():
        fall = Occlusion(case.aimed).attribute(
            case.pixels, baselines=case.baselines, perturbations_per_eval=BATCH, **window
        )
    return fall / 3  # the whole of it stands in each of the three channels, which are added up


def feature_ablation(case: Case) -> torch.Tensor:
    from captum.attr import FeatureAblation

    pieces = superpixels(case.pixels[0], case.whole("superpixels")).expand(1, 3, -1, -1)
    with torch.no_grad():
        effect = FeatureAblation(case.aimed).attribute(
            case.pixels, case.baselines, feature_mask=pieces, perturbations_per_eval=BATCH
        )
    return effect / (3 * pieces[0, 0].flatten().bincount()[pieces])  # a piece's effect, shared out over its values


def stage_output(aimed: Aimed, stage: int) -> nn.Module:
    """What leaves a stage; for the last one what the head pools, in pre-activated nets after the final BN and ReLU."""
    net = aimed.net.net
    if stage >= len(net.stages):
        raise ValueError(f"stage must be at most {len(net.stages) - 1} in this net, but is {stage}.")
    return net.final if stage in (-1, len(net.stages) - 1) else net.stages[stage]


def check_relus(aimed: Aimed) -> None:
    """Guided backpropagation changes what ReLUs pass back: elsewhere it would silently be the plain gradient."""
    others = (nn.SiLU, nn.GELU, nn.ELU, nn.Tanh)
    found = sorted({type(module).__name__ for module in aimed.modules() if isinstance(module, others)})
    if found:
        raise ValueError(f"Guided backpropagation needs a net whose activations are all ReLU; this one has {found[0]}.")
