"""Above every view: which nets are looked into, the tray of pictures, and what the nets answer to one of them."""

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from resnet_lab.inside.specimens import Specimen
from resnet_lab.inside.subjects import Subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.pictures import picture
from resnet_lab.shipped import MARK
from resnet_lab.ui.diagram import EMBLEM, draw
from resnet_lab.ui.look_state import Looked, change, widget
from resnet_lab.ui.look_tiles import class_name, plain, show, words
from resnet_lab.ui.look_view import MOST_NETS, LookView
from resnet_lab.ui.look_waiting import found

THUMB, LARGE = 64, 112  # pixels on the screen
TOP = 3
SHIPPED = "◆ "  # before the name of a net


def choose_nets(known: Sequence[Subject], view: LookView) -> LookView:
    names = {subject.id: f"{SHIPPED if subject.origin == 'shipped' else ''}{subject.title}" for subject in known}
    key = widget("nets", list(view.nets))
    st.session_state[key] = [net for net in st.session_state[key] if net in names]
    chosen = st.multiselect(
        "Nets",
        list(names),
        key=key,
        format_func=names.__getitem__,
        max_selections=MOST_NETS,
        placeholder="Choose the trained nets to look into",
    )
    if any(names[net].startswith(SHIPPED) for net in chosen):
        st.caption(f"{SHIPPED}{MARK}")
    return view.changed(nets=tuple(chosen))


# ---- the tray


def tray(specimens: Sequence[Specimen], chosen: Specimen | None) -> None:
    """A click on a picture has it looked at."""
    with st.container(key="look_tray", horizontal=True, gap="small"):
        if not specimens:
            st.caption("The tray is empty: put pictures into it under Pictures.")
        for specimen in specimens:
            card(specimen, is_chosen=specimen == chosen, others=[each.ref for each in specimens if each != specimen])


def card(specimen: Specimen, is_chosen: bool, others: list[str]) -> None:
    name = class_name(specimen)
    with st.container(key=f"look_card_{specimen.ref}", gap=None, width="content"):
        show(specimen.pixels, THUMB, f"{name}, {specimen.ref}")
        st.button(
            name,
            key=f"look_take_{specimen.ref}",
            type="primary" if is_chosen else "secondary",
            help=f"{words(specimen)}: look at this one",
            on_click=change,
            kwargs={"picture": specimen.ref},
        )
        st.button(
            f"Take {name} {specimen.ref} out of the tray",
            icon=":material/close:",
            key=f"look_drop_{specimen.ref}",
            on_click=change,
            kwargs={"tray": tuple(others)} | ({"picture": ""} if is_chosen else {}),
        )


# ---- what the nets answer


def answers(looked: Looked) -> None:
    """The picture that is looked at, and beside it the likeliest classes of each net."""
    if looked.picture is None:
        return
    with st.container(key="look_answers", horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(key="look_picture", gap=None, width="content"):
            show(looked.picture.pixels, LARGE, words(looked.picture))
            st.caption(words(looked.picture))
        if looked.subjects:
            with st.container(key="look_told"):
                likeliest(looked, looked.picture)


def likeliest(looked: Looked, specimen: Specimen) -> None:
    told = found(looked, "answers", subjects=looked.asked, pictures=looked.refs)
    if told is None:
        return
    place, titles = looked.refs.index(specimen.ref), looked.titles
    cards = [
        answer(subject, titles[subject.id], told.tensors[f"probabilities_{k}"][place].numpy(), specimen)
        for k, subject in enumerate(looked.subjects)
    ]
    st.markdown(f'<div class="look-answers">{"".join(cards)}</div>', unsafe_allow_html=True)


def answer(subject: Subject, title: str, probabilities: np.ndarray, specimen: Specimen) -> str:
    """The emblem of a net, and bars for its likeliest classes; the true one is set off."""
    rows = []
    for label in np.argsort(-probabilities, kind="stable")[:TOP]:
        mark = ' class="is-true"' if subject.classes[label] == specimen.class_name else ""
        share = f"{probabilities[label]:.1%}"
        bar = f'<i style="width: {share}"></i>'
        rows.append(
            f"<li{mark}><span>{escape(plain(subject.classes[label]))}</span><b>{bar}</b><span>{share}</span></li>"
        )
    drawing = emblem(subject.model.to_json(), title)
    return f"<div>{drawing}<div><strong>{escape(title)}</strong><ol>{''.join(rows)}</ol></div></div>"


@st.cache_resource(max_entries=300, show_spinner=False)
def emblem(model_json: str, title: str) -> str:
    return draw(picture(ModelConfig.from_json(model_json)), title, EMBLEM)
