"""The parts of the Build page: the cards, the drawn block with its words, the X-ray, the code."""

import streamlit as st

from resnet_lab.block_config import BlockConfig
from resnet_lab.cards import CARDS, PLACEMENT_CARDS, SHORTCUT_CARDS, Card, name_block
from resnet_lab.codegen import generate_code
from resnet_lab.costs import PartCost, cost
from resnet_lab.differences import describe_difference, shortcut_words
from resnet_lab.equations import equations
from resnet_lab.model_config import ModelConfig
from resnet_lab.pictures import marked, picture
from resnet_lab.signals import Signal
from resnet_lab.ui.board import Chart, show_charts
from resnet_lab.ui.charts import XRAY, reading, xray_chart
from resnet_lab.ui.controls import choose_block, choose_net
from resnet_lab.ui.diagram import EMBLEM, draw
from resnet_lab.ui.links import View
from resnet_lab.ui.page import current_theme, verbatim
from resnet_lab.ui.state import show, widget
from resnet_lab.ui.xray import measure, num_images

PINNED = "pinned"
BATCH = 128


def controls(view: View) -> ModelConfig:
    """The net that the widgets ask for; where it cannot be built, the last one that could."""
    with st.sidebar:
        block = choose_block(view.model.block)
        net = choose_net(view.model)
    try:
        return ModelConfig(**net, block=BlockConfig(**block))
    except ValueError as problem:
        st.error(f"{verbatim(str(problem))} You still see the last net that can be built.")
        return view.model


def cards(model: ModelConfig) -> None:
    """Figure 2 and Figure 4 as cards; a click loads the block into the present net."""
    groups = (
        ("shortcuts", "Figure 2: what the shortcut does", SHORTCUT_CARDS),
        ("placements", "Figure 4: where BN and ReLU stand", PLACEMENT_CARDS),
    )
    for name, title, group in groups:
        st.caption(title)
        with st.container(key=f"cards_{name}"):
            for key, card in group.items():
                show_card(f"{name}_{key}", card, model)


def show_card(key: str, card: Card, model: ModelConfig) -> None:
    is_shown = card.block == model.block
    with st.container(key=f"card_{key}"):
        drawing = picture(model.with_block(card.block))
        st.markdown(draw(drawing, card.name, EMBLEM), unsafe_allow_html=True)
        st.button(
            card.name,
            key=f"load_{key}",
            type="primary" if is_shown else "tertiary",
            on_click=load,
            args=(card.block,),
        )


def load(block: BlockConfig) -> None:
    view: View = st.session_state.view
    show(view.changed(model=view.model.with_block(block)))


def choose_baseline(view: View) -> BlockConfig:
    names = {key: card for key, card in CARDS.items() if key != "original"}  # 4(a) is 2(a)
    current = next((key for key, card in names.items() if card.block == view.baseline), PINNED)
    options = [*names, PINNED] if current == PINNED else list(names)
    chosen = st.selectbox(
        "Compared with",
        options,
        key=widget("baseline", current),
        format_func=lambda key: name_block(names[key].block if key in names else view.baseline),
    )
    st.button(
        "Make the present block the baseline",
        key="pin",
        on_click=pin,
        help="Then every further change is shown against it",
    )
    return names[chosen].block if chosen in names else view.baseline


def pin() -> None:
    view: View = st.session_state.view
    show(view.changed(baseline=view.model.block))


def diagram(view: View) -> None:
    """The unit as it runs, with what differs from the baseline marked."""
    units = {"inner": "Inside a stage", "changing": "Where the shape changes"}
    drawn = st.segmented_control(
        "Unit drawn", list(units), default="inner", key="drawn_unit", format_func=lambda key: units[key], required=True
    )
    shapes = {"changes_shape": drawn == "changing"}
    current = picture(view.model, **shapes)
    baseline = picture(view.model.with_block(view.baseline), **shapes)
    st.markdown(draw(marked(current, baseline), name_block(view.model.block)), unsafe_allow_html=True)
    if view.model.block != view.baseline:
        st.caption("Violet: new against the baseline. Dashed: gone.")


def words(view: View) -> None:
    """The equation, what changed, and what it costs."""
    st.caption("A unit inside a stage:")
    st.latex(r"\begin{aligned}" + r" \\ ".join(align(view.model)) + r"\end{aligned}")
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(view)))


def sentences(view: View) -> list[str]:
    block = view.model.block
    if block == view.baseline:
        return ["This block is the baseline itself: choose another card or change a part.", f"{shortcut_words(block)}."]
    difference = describe_difference(view.baseline, block, view.model)
    return [*difference.changes, difference.price, *left_out(view)]


def left_out(view: View) -> list[str]:
    """What the baseline's block does not allow and its net therefore lacks."""
    rival = view.model.with_block(view.baseline)
    names = {"zero_gamma": "zero γ", "skipinit": "SkipInit", "stochastic_depth": "stochastic depth"}
    gone = [words for name, words in names.items() if getattr(rival, name) != getattr(view.model, name)]
    return [f"The baseline is taken without {' and '.join(gone)}, which its block does not allow."] if gone else []


def align(model: ModelConfig) -> list[str]:
    return [line.replace("=", "&=", 1) for line in equations(model)]


def costs(view: View) -> None:
    ours = cost(view.model, BATCH)
    theirs = cost(view.model.with_block(view.baseline), BATCH)
    side = view.model.resolution
    with st.container(key="costs", horizontal=True):
        metric("Parameters", ours.parameters, theirs.parameters, "{:,}")
        metric(f"Multiply-adds, {side}×{side} image", ours.multiply_adds / 1e6, theirs.multiply_adds / 1e6, "{:,.1f} M")
        memory = (ours.activation_bytes / 2**20, theirs.activation_bytes / 2**20)
        metric(
            f"Activations, batch {BATCH}", *memory, "{:,.0f} MiB", "What a training step keeps for the way back, fp32"
        )
    with st.expander("Cost by stage"):
        st.table(
            [{"part": name, **row(part)} for name, part in ours.parts.items()] + [{"part": "total", **row(ours.total)}]
        )


def row(part: PartCost) -> dict[str, str]:
    return {
        "parameters": f"{part.parameters:,}",
        "multiply-adds": f"{part.multiply_adds / 1e6:,.2f} M",
        f"activations, batch {BATCH}": f"{part.image_bytes * BATCH / 2**20:,.1f} MiB",
    }


def metric(label: str, value: float, other: float, form: str, words: str | None = None) -> None:
    change = f"{'+' if value > other else '−'}{form.format(abs(value - other))} against the baseline"
    st.metric(
        label,
        form.format(value),
        None if value == other else change,
        delta_color="off",
        delta_arrow="off",
        help=words,
        width="content",
    )


def xray(view: View) -> None:
    """The signal before training, block and baseline overlaid."""
    model = view.xrayed()
    rival = model.with_block(view.baseline)
    images = num_images(model, rival)
    if not images:
        st.info("This net is too large for the X-ray: make it narrower, or take fewer groups or a smaller depth.")
        return
    with st.spinner(f"Sending {images} images through {model.title} and their gradients back: a few seconds"):
        current = measure(model, images)
        baseline = measure(rival, images) if rival != model else None
    st.caption(
        f"{images} CIFAR-10 test images, 32×32 pixels, through a {model.title} fresh from its initialisation (seed 0, "
        f"training mode). Dashed: the same net of the baseline, {name_block(view.baseline)}. Dotted: calculated from "
        "the specification, where that is possible."
    )
    with st.expander("How to read the X-ray"):
        st.markdown("\n".join(f"- **{measure.title}.** {measure.meaning}" for measure in XRAY.values()))
    show_charts({name: chart(name, current, baseline) for name in XRAY}, key="xray")


def chart(name: str, current: Signal, baseline: Signal | None) -> Chart:
    figure = xray_chart(name, current, baseline, current_theme())
    return Chart(figure, alt=f"{XRAY[name].title}.", caption=reading(name, current, baseline))


def code(model: ModelConfig) -> None:
    source = generate_code(model)
    name = f"resnet{model.depth}_{model.block.placement}_{model.block.shortcut}.py"
    st.download_button("Download this file", source, name, "text/x-python", on_click="ignore")
    st.code(source, language="python", height=460)
