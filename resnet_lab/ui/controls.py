"""The controls of the Build page, grouped as a person thinks: the shortcut, the placement, the net."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from resnet_lab.block_config import MAX_OPS, BlockConfig
from resnet_lab.families import FAMILIES, UNITS, legal_depths
from resnet_lab.model_config import ModelConfig
from resnet_lab.ops import OPS
from resnet_lab.placements import PLACEMENTS, SLOTS
from resnet_lab.projections import PADS, PROJECTIONS
from resnet_lab.shortcuts import SHORTCUTS, Argument
from resnet_lab.ui.state import WIDGET, widget

USUAL_DEPTHS = {
    ("cifar", "basic"): [8, 14, 20, 32, 44, 56, 110, 1202],
    ("cifar", "bottleneck"): [11, 20, 29, 38, 56, 110, 164, 1001],
}
STEMS = {"family": "As in the family", "small": "3×3", "large": "7×7, max-pool"}
INITS = {"he_fan_out": "He, fan-out", "he_fan_in": "He, fan-in"}
STARTS = {"": "As any other", "zero_gamma": "Zero γ", "skipinit": "SkipInit"}


def choose_block(block: BlockConfig) -> dict[str, Any]:
    """The fields of a BlockConfig as the widgets have them, not yet validated."""
    st.subheader("The shortcut")
    fields = choose_shortcut(block)
    st.subheader("The placement")
    return fields | choose_placement(block)


def choose_shortcut(block: BlockConfig) -> dict[str, Any]:
    shortcut = st.selectbox(
        "Shortcut",
        list(SHORTCUTS),
        key=widget("shortcut", block.shortcut),
        format_func=lambda key: SHORTCUTS[key].name,
        help="Figure 2 of He et al. 2016",
    )
    arguments = {
        name: choose_argument(name, argument, block.arguments.get(name, argument.default))
        for name, argument in SHORTCUTS[shortcut].arguments.items()
    }
    return {"shortcut": shortcut, "shortcut_args": arguments}


def choose_argument(name: str, argument: Argument, value: float) -> float:
    return st.slider(
        f"{argument.words[0].upper()}{argument.words[1:]}",
        float(argument.low),
        float(argument.high),
        step=0.5 if argument.high - argument.low > 10 else 0.05,
        key=widget(f"argument_{name}", float(value)),
    )


def choose_placement(block: BlockConfig) -> dict[str, Any]:
    st.selectbox(
        "Placement of BN and ReLU",
        [*PLACEMENTS, "custom"],
        key=widget("placement", block.placement),
        format_func=lambda key: PLACEMENTS[key].name if key in PLACEMENTS else "Custom",
        on_change=fill_slots,
        help="Figure 4 of He et al. 2016. Any other order of ops is a placement of your own.",
    )
    slots = {slot: choose_ops(slot, getattr(block.ops, slot)) for slot in SLOTS}
    st.caption("Between the convolutions of the branch always stand BN and ReLU.")
    dropout = st.slider(
        "Dropout before the last convolution",
        0.0,
        0.95,
        step=0.05,
        key=widget("branch_dropout", float(block.branch_dropout)),
        help="Inside the branch, as in wide residual networks",
    )
    return {**slots, "placement": "custom", "branch_dropout": dropout}


def choose_ops(slot: str, ops: str) -> str:
    """The ops of one slot in the order in which they were picked; an op may stand there twice."""
    key = widget(f"ops_{slot}", tokens(ops))
    picked: list[str] = st.session_state[key]
    again = [f"{op} again" for op in OPS if op in picked]
    chosen = st.multiselect(
        f"{SLOTS[slot][0].upper()}{SLOTS[slot][1:]}",
        [*OPS, *again],
        key=key,
        format_func=op_label,
        max_selections=MAX_OPS,
        placeholder="nothing",
        on_change=name_placement,
    )
    return " ".join(token.split()[0] for token in chosen)


def tokens(ops: str) -> list[str]:
    """bn relu bn -> bn, relu, bn again"""
    keys = ops.split()
    return [f"{op} again" if op in keys[:i] else op for i, op in enumerate(keys)]


def op_label(token: str) -> str:
    op, *again = token.split()
    return " ".join([OPS[op].label, *again])


def fill_slots() -> None:
    placement = PLACEMENTS.get(present("placement", ""))
    if placement:
        for slot in SLOTS:
            st.session_state[f"{WIDGET}ops_{slot}"] = tokens(getattr(placement, slot))


def name_placement() -> None:
    ops = st.session_state.view.model.block.ops
    picked = {slot: present(f"ops_{slot}", tokens(getattr(ops, slot))) for slot in SLOTS}
    slots: dict[str, Any] = {slot: " ".join(token.split()[0] for token in picked[slot]) for slot in SLOTS}
    st.session_state[f"{WIDGET}placement"] = BlockConfig(**slots).placement


def present(name: str, otherwise: Any) -> Any:
    """What a widget shows; after quick clicks it may not be there yet."""
    return st.session_state.get(f"{WIDGET}{name}", otherwise)


def choose_net(model: ModelConfig) -> dict[str, Any]:
    """The fields of a ModelConfig but its block, not yet validated."""
    st.subheader("The net")
    fields: dict[str, Any] = {
        "family": choose_one("family", "Family", titles(FAMILIES), model.family, move_to_family),
        "unit": choose_one("unit", "Unit", titles(UNITS), model.unit, move_depth),
    }
    fields["depth"] = choose_depth(fields["family"], fields["unit"], model.depth)
    fields["width"] = st.number_input(
        "Width, times that of the paper", min_value=0.0, max_value=16.0, step=0.25, key=widget("width", model.width)
    )
    fields["projection"] = choose_one(
        "projection", "Where the shape changes", {key: key for key in PROJECTIONS}, model.projection
    )
    st.caption(f"{fields['projection']}: {PROJECTIONS[fields['projection']]}.")
    if fields["projection"] == "A":
        pads = {key: words for key, (words, _) in PADS.items()}
        fields["pad"] = choose_one("pad", "Zero channels", {"both": "Both sides", "end": "End"}, model.pad)
        st.caption(f"The shape is matched with {pads[fields['pad']]}.")
    with st.expander("Classes, stem, groups, stochastic depth, initialisation"):
        fields |= choose_more(model, fields["unit"])
    return fields


def choose_more(model: ModelConfig, unit: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "num_classes": st.number_input(
            "Classes", min_value=2, max_value=100_000, key=widget("num_classes", model.num_classes)
        ),
        "stem": st.selectbox("Stem", list(STEMS), key=widget("stem", model.stem), format_func=STEMS.__getitem__),
    }
    if unit == "bottleneck":
        fields["groups"] = st.number_input(
            "Groups in the 3×3 convolution", min_value=1, max_value=256, key=widget("groups", model.groups)
        )
        fields["group_width"] = st.number_input(
            "Channels a group in the first stage",
            min_value=1,
            max_value=1024,
            value=None,
            placeholder="all channels, shared out",
            key=widget("group_width", model.group_width),
        )
    fields["stochastic_depth"] = st.slider(
        "Stochastic depth: drop of the last unit",
        0.0,
        0.95,
        step=0.05,
        key=widget("stochastic_depth", float(model.stochastic_depth)),
        help="The probability that a unit's branch is dropped rises linearly from the first unit to this",
    )
    fields["init"] = choose_one("init", "Initialisation of the convolutions", INITS, model.init)
    start = "zero_gamma" if model.zero_gamma else "skipinit" if model.skipinit else ""
    chosen = choose_one("start", "How branches start", STARTS, start)
    return fields | {"zero_gamma": chosen == "zero_gamma", "skipinit": chosen == "skipinit"}


def choose_one(name: str, label: str, options: dict[str, str], value: str, on_change: Any = None) -> str:
    chosen: Any = st.segmented_control(
        label,
        list(options),
        key=widget(name, value),
        format_func=options.__getitem__,
        on_change=on_change,
        required=True,
    )
    return str(chosen)


def choose_depth(family: str, unit: str, depth: int) -> Any:
    usual = USUAL_DEPTHS.get((family, unit), legal_depths(family, unit))
    key = widget("depth", depth)
    typed = st.session_state[key]
    return st.selectbox(
        "Depth",
        usual if typed in usual else [*usual, typed],
        key=key,
        accept_new_options=True,
        help="Weighted layers. Choose a usual depth or type any other that is allowed.",
    )


def titles(table: Mapping[str, Any]) -> dict[str, str]:
    return {key: entry.title for key, entry in table.items()}


def move_to_family() -> None:
    """Each family as its paper has it."""
    family = FAMILIES[present("family", st.session_state.view.model.family)]
    st.session_state[f"{WIDGET}projection"] = family.projection
    st.session_state[f"{WIDGET}num_classes"] = family.num_classes
    move_depth()


def move_depth() -> None:
    """The nearest depth that the family and the unit allow."""
    model: ModelConfig = st.session_state.view.model
    legal = legal_depths(present("family", model.family), present("unit", model.unit))
    st.session_state[f"{WIDGET}depth"] = min(legal, key=lambda other: abs(other - model.depth))
