"""The X-ray on the page: measured once a block and depth, with a sign of progress while it runs."""

import streamlit as st

from resnet_lab.costs import cost
from resnet_lab.data import load_images, normalised
from resnet_lab.model_config import ModelConfig
from resnet_lab.signals import Signal, signal

SEED = 0
MOST_IMAGES, FEWEST_IMAGES = 64, 4
BUDGET = 64 * 253_000_000  # multiply-adds: 64 images through ResNet-110, a few seconds on two cores


def num_images(config: ModelConfig) -> int:
    """As many as the time allows: 64 up to ResNet-110, fewer for larger nets."""
    affordable = BUDGET // cost(config, resolution=32).multiply_adds
    return int(min(MOST_IMAGES, max(FEWEST_IMAGES, affordable)))


@st.cache_data(max_entries=200, show_spinner=False)
def measured(config_json: str) -> Signal:
    config = ModelConfig.from_json(config_json)
    return signal(config, sample_images()[: num_images(config)], SEED)


@st.cache_resource
def sample_images():
    return normalised(load_images("sample", "test"))[:MOST_IMAGES]


def measure(config: ModelConfig) -> Signal:
    return measured(config.to_json())
