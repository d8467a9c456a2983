"""Train: choose variants, start them, and watch their curves grow."""

import streamlit as st

from resnet_lab.ui import launching
from resnet_lab.ui.live import live
from resnet_lab.ui.page import heading
from resnet_lab.ui.run_ids import RUNS
from resnet_lab.ui.shared import expect_work, shared

lab = shared()
heading("Train", "Choose blocks, start them, and watch them learn side by side.")
start = launching.start_from(lab.store, st.query_params.get("build"), st.query_params.get("like"))
with st.expander("What to train", expanded=RUNS not in st.query_params, icon=":material/add:"):
    launching.form(lab.store, start)
live(lab)
expect_work(lab.store)
