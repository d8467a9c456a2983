"""The ways to ask a net what it looked at: what each asks, what it cannot say, and what can be set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from resnet_lab.config import choices, short
from resnet_lab.inside import explainers
from resnet_lab.inside.explainers import Case


@dataclass(frozen=True)
class Setting:
    """A number that can be set: its default and what is allowed."""

    title: str
    default: float
    low: float
    high: float
    words: str

    def read(self, name: str, value: object) -> float:
        if type(value) not in (type(self.default), int) or not self.low <= value <= self.high:  # type: ignore[operator]
            kind = "a whole number" if type(self.default) is int else "a number"
            raise ValueError(f"{name} must be {kind} from {self.low} to {self.high}, but is {short(value)}.")
        return value  # type: ignore[return-value]


@dataclass(frozen=True)
class Method:
    title: str
    explain: Callable[[Case], torch.Tensor]  # one picture -> values for each pixel and channel
    asks: str
    cannot: str
    settings: tuple[str, ...] = ()
    needs_baseline: bool = False
    completes: bool = False  # the values add up to target(picture) - target(baseline)
    is_gradient: bool = False  # the values are change for each unit of brightness, not shares of the target
    num_baselines: int = 1  # of a baseline that is drawn

    @property
    def fits_noise(self) -> bool:
        return "noise" in self.settings


# fmt: off
SETTINGS = {
    # The public ResNet-20 misses changes of around 20 by 0.94 in the mean with 16 steps, by 0.27 with 32, 0.28 with 50.
    "steps":       Setting("Steps", 32, 2, 100,
        "Pictures between baseline and picture at which the gradient is taken"),
    "stage":       Setting("Stage", -1, -1, 3, "Counted from 0; −1 is the last one"),
    "window":      Setting("Window", 8, 2, 16, "Side of the square that is covered, in pixels"),
    "stride":      Setting("Stride", 4, 2, 16, "Pixels from one square to the next; at most the window"),
    "superpixels": Setting("Superpixels", 49, 4, 256, "About how many pieces the picture is cut into"),
    "samples":     Setting("Samples", 64, 4, 256, "Random points between baselines and picture"),
    "noise":       Setting("Noisy copies", 0, 0, 50, "SmoothGrad: the mean map of that many noisy copies; 0: without"),
    "noise_level": Setting("Noise level", 0.1, 0.01, 0.5, "Standard deviation of the noise; pixels go from 0 to 1"),
    "seed":        Setting("Seed", 0, 0, 2**31 - 1, "Of all that is drawn at random"),
}
NOISE = ("noise", "noise_level", "seed")

METHODS = {
    "saliency": Method("Saliency", explainers.saliency,
        "If this pixel became a little brighter, how much would the target rise?",
        "How much the pixel contributed as it is: where the net is saturated the gradient is small, "
        "though the pixel matters.",
        NOISE, is_gradient=True),
    "input_x_gradient": Method("Input × gradient", explainers.input_x_gradient,
        "How much would the target change if the gradient held all the way from this pixel to black?",
        "What happens on the way: the net is not linear. A black pixel gets 0 whatever it means.",
        NOISE),
    "integrated_gradients": Method("Integrated gradients", explainers.integrated_gradients,
        "How much of the change from the baseline to the picture came with this pixel, "
        "on the straight way between the two?",
        "Anything about pixels that equal the baseline, nor why pixels matter only together; "
        "another baseline gives another map.",
        ("steps", *NOISE), needs_baseline=True, completes=True),
    "deep_lift": Method("DeepLIFT", explainers.deep_lift,
        "How much of the difference between picture and baseline passes through each ReLU, layer by layer, "
        "down to this pixel?",
        "Gates and activations other than ReLU, ELU and tanh pass by its rule; there the values do not add up.",
        NOISE, needs_baseline=True, completes=True),
    "gradient_shap": Method("Gradient SHAP", explainers.gradient_shap,
        "How much did this pixel contribute, at random points between random baselines and the picture?",
        "The same twice unless the seed is the same; it treats pixels as if they were independent.",
        ("samples", "seed"), needs_baseline=True, completes=True, num_baselines=8),
    "guided_backprop": Method("Guided backpropagation", explainers.guided_backprop,
        "Which pixels raise the target along paths on which every ReLU passes back only what raises it?",
        "Much about the net: it mostly draws the edges of the picture, also for a net with random weights.",
        NOISE, is_gradient=True),
    "guided_grad_cam": Method("Guided Grad-CAM", explainers.guided_grad_cam,
        "Which of the fine edges of guided backpropagation lie where Grad-CAM looks?",
        "More about the net than Grad-CAM does: the fine detail comes from the picture.",
        ("stage", *NOISE), is_gradient=True),
    "grad_cam": Method("Grad-CAM", explainers.grad_cam,
        "Which places of a stage's channels raise the target, each channel weighted by its mean gradient?",
        "What speaks against the target, for negative values are cut off; and nothing finer than the stage's pixels.",
        ("stage",)),
    "occlusion": Method("Occlusion", explainers.occlusion,
        "How much does the target fall when a square around this pixel is replaced by the baseline?",
        "Which pixel of the square it was; and the covered picture is one that the net was never trained on.",
        ("window", "stride", "seed"), needs_baseline=True),
    "feature_ablation": Method("Superpixel ablation", explainers.feature_ablation,
        "How much does the target fall when the piece of the picture around this pixel is replaced by the baseline?",
        "What pieces do together: each is taken away alone, and its effect is shared out evenly over its pixels.",
        ("superpixels", "seed"), needs_baseline=True),
}
# fmt: on


def read_settings(settings: Mapping[str, object]) -> dict[str, float]:
    """All settings: the defaults, and what is set where it is allowed."""
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise ValueError(f"There is no setting {short(unknown[0])}; there are {choices(SETTINGS, last='and')}.")
    known = {name: setting.read(name, settings.get(name, setting.default)) for name, setting in SETTINGS.items()}
    if known["stride"] > known["window"]:
        raise ValueError(f"stride must be at most the window, {known['window']}, but is {known['stride']}.")
    return known
