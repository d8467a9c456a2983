"""The X-ray on the page: measured once a block and depth, with a sign of progress while it runs."""

import streamlit as st
import torch

from resnet_lab.costs import cost
from resnet_lab.data import load_images, normalised
from resnet_lab.families import legal_depths
from resnet_lab.model_config import ModelConfig
from resnet_lab.signals import Signal, signal
from resnet_lab.ui.state import widget

SEED = 0
MOST_IMAGES, FEWEST_IMAGES = 64, 4
RESOLUTION = 32
BUDGET = 64 * 270_000_000  # multiply-adds: 64 images through a gated ResNet-110, about a second on two cores
LIMIT = 16 * BUDGET // FEWEST_IMAGES  # multiply-adds an image
MAX_PARAMETERS = 200_000_000
USUAL_DEPTHS = {
    ("cifar", "basic"): [8, 14, 20, 32, 44, 56, 110],
    ("cifar", "bottleneck"): [11, 20, 29, 38, 56, 110, 164],
}


def choose_depth(model: ModelConfig, depth: int | None) -> int | None:
    """Of the X-ray; None where it is the net's own."""
    usual = USUAL_DEPTHS.get((model.family, model.unit), legal_depths(model.family, model.unit))
    own = min(model.depth, usual[-1])
    depth = depth if depth in legal_depths(model.family, model.unit) else None
    key = widget(f"xray_depth_of_{model.family}_{model.unit}_{model.depth}", depth or own)
    chosen: int = st.select_slider("Depth of the X-ray", sorted({*usual, own, depth or own}), key=key, width=420)
    return chosen if chosen != model.depth else None


def num_images(*configs: ModelConfig) -> int:
    """The same for all that are compared: 64 up to ResNet-110, fewer for larger nets, none for those too large."""
    costs = [cost(config, resolution=RESOLUTION) for config in configs]
    dearest = max(each.multiply_adds for each in costs)
    if dearest > LIMIT or max(each.parameters for each in costs) > MAX_PARAMETERS:
        return 0
    return min(MOST_IMAGES, max(FEWEST_IMAGES, BUDGET // dearest))


def measure(config: ModelConfig, images: int) -> Signal:
    return measured(config.to_json(), images)


@st.cache_data(max_entries=200, show_spinner=False)
def measured(config_json: str, images: int) -> Signal:
    return signal(ModelConfig.from_json(config_json), sample_images()[:images], SEED)


@st.cache_resource
def sample_images() -> torch.Tensor:
    return normalised(load_images("sample", "test"))[:MOST_IMAGES]
