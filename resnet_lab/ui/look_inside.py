"""The parts of the page Look inside that stand around its views."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from resnet_lab.data import home
from resnet_lab.inside.looked import subjects
from resnet_lab.inside.subjects import Subject
from resnet_lab.ui.look_state import Looked, widget
from resnet_lab.ui.look_upload import bring_checkpoint
from resnet_lab.ui.look_view import LookView, taken_out
from resnet_lab.ui.look_waiting import inspector
from resnet_lab.ui.page import current_theme
from resnet_lab.ui.shared import Shared

View = Callable[[Looked], None]
WITHOUT_NETS = ("pictures",)  # views that have something to show where no net is chosen


def known_nets(lab: Shared) -> list[Subject]:
    """All that can be looked into; the process that computes starts while the page is made."""
    inspector().warm()
    return subjects(lab.store, lab.library.shipped, home())


def nothing_yet() -> None:
    st.info("There is no trained net to look into yet: train a few blocks, or import the weights of one.")
    if st.button("Train the first runs", type="primary"):
        st.switch_page("screens/train.py")
    with st.container(key="look_import", border=True):
        bring_checkpoint()


def looked_at(lab: Shared, known: Sequence[Subject], view: LookView) -> Looked:
    there = {subject.id: subject for subject in known}
    specimens, _ = taken_out(view.tray)
    chosen = next((each for each in specimens if each.ref == view.picture), specimens[0] if specimens else None)
    nets = tuple(there[net] for net in view.nets if net in there)
    return Looked(lab, nets, tuple(known), specimens, chosen, current_theme())


def choose_view(view: LookView, titles: Mapping[str, str]) -> LookView:
    first = next(iter(titles))
    chosen = st.segmented_control(
        "View",
        list(titles),
        default=view.view or first,  # said twice, as in Looked.choose
        key=widget("view", view.view or first),
        format_func=titles.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    return view.changed(view="" if chosen == first else chosen)


def show(looked: Looked, views: Mapping[str, tuple[str, View]], view: LookView) -> None:
    name = view.view or next(iter(views))
    if looked.subjects or name in WITHOUT_NETS:
        views[name][1](looked)
    else:
        st.info("Choose one or more nets above to look into them.")
