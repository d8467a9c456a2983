"""The view Attribution: what in a picture speaks for a class, to many nets, by many methods, over the training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from resnet_lab.inside.attributions import METHODS
from resnet_lab.inside.looked import film
from resnet_lab.inside.specimens import Specimen
from resnet_lab.inside.subjects import Subject
from resnet_lab.ui.board import Chart, show_charts
from resnet_lab.ui.look_map_evidence import show_evidence
from resnet_lab.ui.look_map_question import Asked, as_fields, choose_question, spoken, unit_of
from resnet_lab.ui.look_state import Looked
from resnet_lab.ui.look_waiting import found
from resnet_lab.ui.map_charts import Answer, Look, Scale, film_scale, map_chart, scale_of, tiles_chart
from resnet_lab.ui.page import verbatim

SCALES = {"one": "One for all", "own": "Each its own"}
PLACES_OF = {1: "wide", 2: "beside"}  # by the number of charts: their answers are beside the maps, else below
NARROW, BROAD = 280, 460  # pixels that a chart needs
TOP = 3

drawn_map = st.cache_resource(max_entries=100, show_spinner=False)(map_chart)  # the page runs again for each evidence


@dataclass(frozen=True)
class Asking:
    """Which question about which picture, and how the maps shall look."""

    looked: Looked
    picture: Specimen
    asked: Asked
    look: Look

    def maps(self, subjects: Sequence[Subject], methods: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
        """(S, M, 32, 32) and the probabilities (S, C), once they are there."""
        nets, refs = as_fields(subjects), [self.picture.ref]
        told = found(self.looked, "maps", subjects=nets, pictures=refs, methods=list(methods), **self.asked.arguments)
        if told is None:
            return None
        return told.tensors["maps"][:, :, 0].numpy(), told.tensors["probabilities"][:, 0].numpy()

    def answers(self, subject: Subject, probabilities: np.ndarray) -> list[Answer]:
        """The likeliest classes."""
        likeliest = np.argsort(-probabilities[: len(subject.classes)], kind="stable")[:TOP]
        known = [(subject.classes[label], float(probabilities[label])) for label in likeliest]
        return [Answer(spoken(name), share, name == self.picture.class_name) for name, share in known]


def maps(looked: Looked) -> None:
    if looked.picture is None:
        st.info("Put a picture into the tray, under Pictures, to see what the nets look at in it.")
        return
    titles = {name: title for name, (title, _) in SHOWS.items()}
    label = {"label_visibility": "collapsed"}
    shown = looked.choose("show", "Show", titles, "nets", st.segmented_control, required=True, **label)
    with st.container(key="look_map_row", horizontal=True, vertical_alignment="bottom", gap="small"):
        asked, look = choose_question(looked, looked.picture)
        show = SHOWS[shown][1](Asking(looked, looked.picture, asked, look))
    show()


# ---- one picture, many nets


def many_nets(asking: Asking) -> Callable[[], None]:
    scale = asking.looked.choose("scale", "Scale", SCALES, "one", width=150)
    return lambda: show_many_nets(asking, is_one_scale=scale == "one")


def show_many_nets(asking: Asking, is_one_scale: bool) -> None:
    place, looked, subjects = st.container(), asking.looked, asking.looked.subjects
    with place:
        told = asking.maps(subjects, [asking.asked.method])
    if told is None:
        return
    doubts = show_evidence(looked, asking.picture, asking.asked, subjects)
    values, shared = told[0][:, 0], scale_of(told[0])
    scales = [shared if is_one_scale else scale_of(each) for each in values]
    charts = {
        subject.id: one_map(asking, subject, looked.titles[subject.id], values[k], scales[k], told[1][k], len(values))
        for k, subject in enumerate(subjects)
    }
    charts = {name: replace(chart, caption=doubts.get(name, "")) for name, chart in charts.items()}
    with place:
        st.markdown(reading(asking, shared if is_one_scale else None))
        show_charts(charts, "look_maps", min_width=BROAD if len(charts) in PLACES_OF else NARROW)


def one_map(
    asking: Asking,
    subject: Subject,
    title: str,
    values: np.ndarray,
    scale: Scale,
    probabilities: np.ndarray,
    num_charts: int = 1,
) -> Chart:
    answers, place = asking.answers(subject, probabilities), PLACES_OF.get(num_charts, "below")
    return drawn_map(title, values, asking.picture.pixels, scale, asking.look, answers, place)


def reading(asking: Asking, shared: Scale | None) -> str:
    """What the colours mean, and what the method asks."""
    how, theirs = asking.asked.how, f"Red speaks for {asking.asked.words}, blue against it"
    scale = "each map has its own scale, so compare where they are coloured and not how strongly"
    if shared is not None:
        scale = f"one scale for all, {shared.words(unit_of(how))}"
    return f"{verbatim(theirs)}; {scale}. **{how.title}** asks: {how.asks} It cannot tell: {how.cannot}"


# ---- one net


def choose_net(looked: Looked) -> Subject:
    there = {subject.id: subject for subject in looked.subjects}
    return there[looked.choose("net", "Net", looked.titles, next(iter(there)), width=260)]


def many_methods(asking: Asking) -> Callable[[], None]:
    subject = choose_net(asking.looked)
    return lambda: show_many_methods(asking, subject)


def show_many_methods(asking: Asking, subject: Subject) -> None:
    place = st.container()
    with place:
        told = asking.maps([subject], list(METHODS))
    if told is None:
        return
    doubts = show_evidence(asking.looked, asking.picture, asking.asked, [subject])
    charts = {}
    for (name, method), values in zip(METHODS.items(), told[0][0], strict=True):
        look, scale = replace(asking.look, unit=unit_of(method)), scale_of(values)
        chart = drawn_map(method.title, values, asking.picture.pixels, scale, look, place="alone")
        doubt = f" {doubts.get(subject.id, '')}" if name == asking.asked.method else ""
        charts[name] = replace(chart, caption=f"{method.asks}{doubt}")
    with place:
        st.markdown(
            f"Red speaks for {verbatim(asking.asked.words)}, blue against it. The methods measure in different units, "
            "so each map has its own scale: compare where they are coloured and not how strongly. The checks below "
            f"are of **{asking.asked.how.title}**."
        )
        show_charts(charts, "look_methods", min_width=NARROW)


# ---- one net over its training


def over_training(asking: Asking) -> Callable[[], None]:
    subject = choose_net(asking.looked)
    return lambda: show_film(asking, subject)


def show_film(asking: Asking, subject: Subject) -> None:
    frames = film(subject)
    if len(frames) < 2:
        st.info(f"There is no film of {verbatim(subject.title)}: only runs of this lab keep their weights on the way.")
        return
    place = st.container()
    with place:
        told = asking.maps(list(frames.values()), [asking.asked.method])
    if told is None:
        return
    values, scale, steps = told[0][:, 0], film_scale(told[0][:, 0]), list(frames)
    with place:
        st.markdown(reading(asking, scale))
        options = {str(step): f"{step:,}" for step in steps}
        chosen = looked_at(asking, options)
        k = steps.index(int(chosen))
        title = f"{asking.looked.titles[subject.id]}, at step {options[chosen]}"
        large = one_map(asking, subject, title, values[k], scale, told[1][k])
        words = [f"step {options[str(step)]}: {likeliest(asking, subject, told[1][n])}" for n, step in enumerate(steps)]
        strip = tiles_chart("The whole film", words, values, asking.picture.pixels, scale, asking.look)
    doubts = show_evidence(asking.looked, asking.picture, asking.asked, [list(frames.values())[k]])
    large = replace(large, caption=" ".join(doubts.values()), wide=True)
    with place:
        show_charts({"frame": large, "film": strip}, "look_film")


def looked_at(asking: Asking, options: dict[str, str]) -> str:
    last = list(options)[-1]
    return asking.looked.choose("step", "After the training step", options, last, st.select_slider)


def likeliest(asking: Asking, subject: Subject, probabilities: np.ndarray) -> str:
    best = asking.answers(subject, probabilities)[0]
    return f"{best.name} {best.probability:.0%}"


SHOWS = {
    "nets": ("One picture, many nets", many_nets),
    "methods": ("One net, many methods", many_methods),
    "film": ("One net over its training", over_training),
}
