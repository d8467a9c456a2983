"""ResNet Lab: the list of pages.

Their folder is not called pages/: a server's first visitor would then see Streamlit's own list of what is in it.
"""

import streamlit as st

from resnet_lab.ui.board import preload

st.set_page_config(page_title="ResNet Lab", page_icon="assets/icon.svg", layout="wide")
preload()
st.navigation(
    [
        st.Page("screens/home.py", title="Home", default=True),
        st.Page("screens/tour.py", title="Tour", url_path="tour"),
        st.Page("screens/build.py", title="Build", url_path="build"),
        st.Page("screens/train.py", title="Train", url_path="train"),
        st.Page("screens/compare.py", title="Compare", url_path="compare"),
        st.Page("screens/papers.py", title="Papers", url_path="papers"),
        st.Page("screens/look.py", title="Look inside", url_path="look"),
    ],
    position="top",
).run()
