"""The Home page: the ways in."""

import streamlit as st

from resnet_lab.gallery import CARDS
from resnet_lab.launches import FIRST_BLOCKS, Sorted, first_comparison
from resnet_lab.model_config import ModelConfig
from resnet_lab.pictures import picture
from resnet_lab.ui.diagram import EMBLEM, draw
from resnet_lab.ui.launching import begin, usual_data
from resnet_lab.ui.shared import Shared


def ways_in(lab: Shared) -> None:
    with st.container(key="way_watch", border=True):
        watch(lab)
    with st.container(key="other_ways"):
        with st.container(key="way_build", border=True):
            st.subheader("Build a block", anchor=False)
            st.markdown(
                "Every shortcut and placement of the papers, and blocks of your own: drawn, explained, X-rayed."
            )
            st.page_link("screens/build.py", label="Build", icon=":material/account_tree:")
        with st.container(key="way_train", border=True):
            st.subheader("Train your own", anchor=False)
            st.markdown("Any blocks, depths and seeds, by a recipe that you can change. They outlive your browser.")
            st.page_link("screens/train.py", label="Train", icon=":material/play_arrow:")
        with st.container(key="way_compare", border=True):
            st.subheader("Compare what was trained", anchor=False)
            st.markdown("Losses, errors, gradients and responses of any runs, side by side.")
            st.page_link("screens/compare.py", label=f"Compare{how_many(lab)}", icon=":material/stacked_line_chart:")
        with st.container(key="way_look", border=True):
            st.subheader("Look inside", anchor=False)
            st.markdown("What trained nets see in a picture, what each block does in them, and what they get wrong.")
            st.page_link("screens/look.py", label="Look inside", icon=":material/search:")


def how_many(lab: Shared) -> str:
    there = len(lab.store.runs())
    return f" {there} runs" if there > 1 else ""


def watch(lab: Shared) -> None:
    """One click, three curves."""
    st.subheader("Watch a first comparison", anchor=False)
    st.markdown(
        "A plain net, the same net with identity shortcuts, and with full pre-activation: 56 layers each, trained side "
        "by side before your eyes. On a laptop it takes a minute or two."
    )
    with st.container(key="first_blocks", horizontal=True):
        for block in FIRST_BLOCKS:
            name = next(card.name for card in CARDS.values() if card.block == block)
            with st.container(width="content"):
                st.markdown(draw(picture(ModelConfig(block=block)), name, EMBLEM), unsafe_allow_html=True)
                st.caption(name)
    configs = first_comparison(lab.store, usual_data())
    if st.button("Train the three", type="primary", key="first"):
        begin(lab.store, Sorted(new=configs, known=[]), device="auto")
    if seed := configs[0].seed:
        st.caption(f"They were trained before: these are of the next seed, {seed}.")
    if usual_data() == "sample":
        st.caption("On the 5,000 images that come with the lab: CIFAR-10 itself is not on this machine yet.")
