"""The X-ray of the tour: one number to move, two nets computed at once."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from resnet_lab.model_config import ModelConfig
from resnet_lab.signals import Signal
from resnet_lab.ui.strings import Say
from resnet_lab.ui.tour_steps import CONTENDERS, Step
from resnet_lab.ui.xray import SEED, measure, num_images

DEPTHS = (8, 20, 32, 44, 56)
FIRST_BIAS, LAST_BIAS = -8, 0


@dataclass(frozen=True)
class Pair:
    """A net, what it is held against, and what they are called."""

    current: ModelConfig
    rival: ModelConfig
    label: str
    rival_label: str


@dataclass(frozen=True)
class Xrayed:
    current: Signal
    rival: Signal
    label: str
    rival_label: str
    about: str  # of what it was measured


def by_depth(step: Step, say: Say) -> Pair:
    depth = st.select_slider(say("control.depth"), DEPTHS, DEPTHS[-1], key=f"tour_depth_{step.key}")
    return pair(step, depth, say)


def by_gate(step: Step, say: Say) -> Pair:
    bias = st.slider(say("control.gate"), FIRST_BIAS, LAST_BIAS, LAST_BIAS, key=f"tour_gate_{step.key}")
    found = pair(step, DEPTHS[-1], say)
    gated = found.current.block.changed(shortcut_args={"gate_bias": bias})
    label = say("xray.gated", bias=f"{bias}".replace("-", "−"))
    return Pair(found.current.with_block(gated), found.rival, label, found.rival_label)


CONTROLS: dict[str, Callable[[Step, Say], Pair]] = {"depth": by_depth, "gate": by_gate}


def pair(step: Step, depth: int, say: Say) -> Pair:
    current, rival = (ModelConfig(depth=depth, block=CONTENDERS[name].block) for name in step.xrayed)
    return Pair(current, rival, *(say(f"net.{name}", depth=depth) for name in step.xrayed))


def look(pair: Pair, say: Say) -> Xrayed:
    images = num_images(pair.current, pair.rival)
    with st.spinner(say("xray.wait")):
        current, rival = measure(pair.current, images), measure(pair.rival, images)
    about = say("xray.about", images=images, depth=pair.current.depth, seed=SEED)
    return Xrayed(current, rival, pair.label, pair.rival_label, about)
