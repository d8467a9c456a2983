"""A page of Streamlit with one table and nothing else, which the lab's pages are measured against."""

import streamlit as st

st.dataframe({"number": list(range(50))})
