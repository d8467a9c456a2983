"""Compare: put any runs side by side."""

import streamlit as st

from resnet_lab.ui import compare
from resnet_lab.ui.compare_actions import actions, offer_undo
from resnet_lab.ui.compare_export import export
from resnet_lab.ui.compare_state import current_view, keep
from resnet_lab.ui.compare_table import fill_costs, table
from resnet_lab.ui.page import heading
from resnet_lab.ui.shared import shared

lab = shared()
heading("Compare", "Choose runs in the table, and see where they differ and why.")
runs = lab.library.runs()
if not runs:
    compare.nothing_yet()
    offer_undo(lab.store)
    st.stop()

view = current_view(runs)
compare.say_problems()
table(lab, view)
chosen = compare.shown_runs(runs, view)
view = actions(lab.library, chosen, view)
view = compare.controls(chosen, view)
keep(view)
compare.charts(lab, view)
export(lab, chosen, view)
fill_costs(runs)
