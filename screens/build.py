"""Build: take a block apart, and see at once what changes."""

import streamlit as st

from resnet_lab.ui import build
from resnet_lab.ui.links import View, encode
from resnet_lab.ui.page import heading, share, verbatim
from resnet_lab.ui.state import current_view, keep
from resnet_lab.ui.xray import choose_depth

view = current_view()
heading(
    "Build a block", "Start from a block of the papers, change any part of it, and see what it does before training."
)
if st.session_state.problem:
    st.warning(verbatim(st.session_state.problem))

model, asked_depth = build.controls(view), view.xray_depth
with st.container(key="block"):
    with st.container(key="gallery"):
        build.cards(model)
    with st.container(key="unit"):
        drawn, said = st.container(key="drawn"), st.container(key="said")
        with said:
            view = View(model=model, baseline=build.choose_baseline(view))
            build.words(view)
            build.costs(view)
            st.page_link(
                "screens/train.py", label="Train it", icon=":material/play_arrow:", query_params={"build": encode(view)}
            )
        with drawn:
            build.diagram(view)

st.header("X-ray: the signal before training", anchor=False)
view = view.changed(xray_depth=choose_depth(model, asked_depth))
keep(view)
build.xray(view)

st.header("The same net in plain PyTorch", anchor=False)
build.code(model)
share(st.session_state.link)
