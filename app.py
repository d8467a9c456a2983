"""ResNet Lab: the list of pages."""

import streamlit as st

st.set_page_config(page_title="ResNet Lab", page_icon="assets/icon.svg", layout="wide")
st.navigation([st.Page("pages/build.py", title="Build", url_path="build", default=True)], position="top").run()
