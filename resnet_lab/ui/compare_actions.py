"""What can be done with the chosen runs: name, tag and note them, delete and undelete, hold them against one."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from resnet_lab.inside.looked import net_ids
from resnet_lab.library import Library
from resnet_lab.run_table import PINNED
from resnet_lab.runs import Run, listed
from resnet_lab.store import Store
from resnet_lab.ui.compare_state import LAUNCH_SECONDS, named, show, widget
from resnet_lab.ui.compare_view import CompareView
from resnet_lab.ui.look_view import MOST_NETS
from resnet_lab.ui.page import verbatim
from resnet_lab.ui.run_ids import join_ids

NO_BASELINE = ""
REFUSED = "compare_refused"  # sentences that the last click led to


def actions(library: Library, chosen: Sequence[Run], view: CompareView) -> CompareView:
    """A bar below the table; the baseline is part of the view. What comes with the lab stays as it is."""
    store, own = library.store, [run for run in chosen if run.id in view.runs and not library.is_shipped(run.id)]
    with st.container(key="compare_actions", horizontal=True, vertical_alignment="bottom"):
        view = view.changed(baseline=choose_baseline(chosen, view))
        why = None if own or not view.runs else "What comes with the lab stays as it is"
        if st.button("Name, tags, note", icon=":material/edit:", disabled=not own, help=why, key="label"):
            label(store, own)
        offer_pin(store, own, why)
        offer_side_by_side(is_possible=len(view.runs) == 2)
        offer_look_inside(library, chosen)
        icon = ":material/delete:"
        removal: Any = {"on_click": delete, "args": (store, own)}
        st.button("Delete", icon=icon, disabled=not own, help=why, key="delete", **removal)
        offer_undo(store)
    for sentence in st.session_state.pop(REFUSED, []):
        st.warning(verbatim(sentence))
    return view


def offer_undo(store: Store) -> None:
    """Brings back what was deleted last; the button stays until it is used, whoever opens the page."""
    deleted = last_deleted(store)
    if deleted:
        st.button(
            f"Undo: bring back {counted(len(deleted))}",
            icon=":material/undo:",
            key="undo",
            help=listed([run.label for run in deleted]),
            on_click=undelete,
            args=(store, deleted),
        )


def counted(number: int) -> str:
    return f"{number} run{'' if number == 1 else 's'}"


def choose_baseline(chosen: Sequence[Run], view: CompareView) -> str:
    """One of the runs that are shown, or the one that it was before."""
    labels = named(chosen)
    ids = [NO_BASELINE, *labels, *([view.baseline] if view.baseline not in ("", *labels) else [])]
    key = widget("baseline", view.baseline)
    if st.session_state[key] not in ids:
        st.session_state[key] = NO_BASELINE
    picked: str = st.selectbox(
        "Baseline",
        ids,
        key=key,
        width=330,
        help="The table then has columns with the differences from it",
        format_func=lambda run_id: labels.get(run_id, run_id) or "none",
    )
    return picked


def offer_side_by_side(is_possible: bool) -> None:
    st.button(
        "Side by side",
        icon=":material/compare_arrows:",
        disabled=not is_possible,
        help="Their blocks, their curves, and where they part" if is_possible else "Choose exactly two runs",
        key="side_by_side",
        on_click=side_by_side,
    )


def offer_look_inside(library: Library, chosen: Sequence[Run]) -> None:
    """Into those that are done, as many as that page takes."""
    done = net_ids(library, [run for run in chosen if run.status == "done"][:MOST_NETS])
    st.page_link(
        "screens/look.py",
        label="Look inside",
        icon=":material/search:",
        disabled=not done,
        query_params={"nets": join_ids(done)},
    )


def side_by_side() -> None:
    show(st.session_state.compare_view.changed(view="two"))


@st.dialog("Name, tags and note")
def label(store: Store, runs: Sequence[Run]) -> None:
    """Of one run all three; of several, the tags that all shall have."""
    labels = {}
    with st.form("labels", border=False):
        if len(runs) == 1:
            [run] = runs
            st.caption(verbatim(f"{run.config.title}, seed {run.seed} [{run.id}]"))
            labels["name"] = st.text_input("Name", run.name, key="label_name").strip()
            labels["notes"] = st.text_area("Note", run.notes, key="label_notes")
        else:
            st.caption(f"{counted(len(runs))}; tags that only some of them have stay as they are.")
        common = set.intersection(*(set(run.tags) for run in runs))
        tags = choose_tags(store, common)
        if not st.form_submit_button("Keep", type="primary"):
            return
    try:
        for run in runs:
            store.edit(run.id, tags=[*tags, *(set(run.tags) - common)], **labels)
    except ValueError as problem:
        st.error(verbatim(str(problem)))
        return
    st.rerun()


def choose_tags(store: Store, common: set[str]) -> list[str]:
    """Those that there are, to be switched on and off, and a field for others."""
    known = sorted({tag for run in store.runs() for tag in run.tags})
    old = st.pills("Tags", known, selection_mode="multi", default=sorted(common), format_func=verbatim) if known else []
    new = st.text_input("New tags", placeholder="with commas between them", key="label_new_tags")
    return [*old, *new.split(",")]


def offer_pin(store: Store, own: Sequence[Run], why: str | None) -> None:
    """A tag that the table knows."""
    is_pinned = bool(own) and all(PINNED in run.tags for run in own)
    st.button(
        "Unpin" if is_pinned else "Pin",
        icon=":material/push_pin:",
        disabled=not own,
        help=why or "Pinned runs stand first in the table",
        key="pin",
        on_click=pin,
        args=(store, own, not is_pinned),
    )


def pin(store: Store, runs: Sequence[Run], is_wanted: bool) -> None:
    try:
        for run in runs:
            store.edit(run.id, tags={*run.tags, PINNED} if is_wanted else {*run.tags} - {PINNED})
    except ValueError as problem:
        st.session_state[REFUSED] = [str(problem)]


def delete(store: Store, runs: Sequence[Run]) -> None:
    """Those that can be; a running one says why not and stays."""
    refused, gone = [], set()
    for run in runs:
        try:
            store.delete(run.id)
            gone.add(run.id)
        except ValueError as problem:
            refused.append(str(problem))
    st.session_state[REFUSED] = refused
    view: CompareView = st.session_state.compare_view
    show(view.changed(runs=tuple(run_id for run_id in view.runs if run_id not in gone), pair=()))


def last_deleted(store: Store) -> list[Run]:
    """Those that were deleted together, last of all."""
    runs = sorted(store.runs(deleted=True), key=lambda run: -(run.deleted or 0))
    together: list[Run] = []
    for run in runs:
        if together and (together[-1].deleted or 0) - (run.deleted or 0) > LAUNCH_SECONDS:
            break
        together.append(run)
    return together


def undelete(store: Store, runs: Sequence[Run]) -> None:
    for run in runs:
        store.undelete(run.id)
    view: CompareView = st.session_state.get("compare_view", CompareView())
    show(view.changed(runs=(*view.runs, *(run.id for run in runs if run.id not in view.runs))))
