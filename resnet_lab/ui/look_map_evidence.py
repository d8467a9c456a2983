"""Below the maps: what speaks for them and what against, and for each map in one sentence why to doubt it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from resnet_lab.inside.doubts import doubts
from resnet_lab.inside.jobs import Findings
from resnet_lab.inside.specimens import Specimen, browse
from resnet_lab.inside.subjects import Subject
from resnet_lab.ui.board import show_charts
from resnet_lab.ui.charts import number
from resnet_lab.ui.look_map_curves import (
    READ,
    REMOVED,
    agreement_chart,
    randomised_chart,
    removal_chart,
)
from resnet_lab.ui.look_map_question import Asked, as_fields, unit_of
from resnet_lab.ui.look_state import Looked
from resnet_lab.ui.look_waiting import found
from resnet_lab.ui.map_charts import Look, tiles_chart
from resnet_lab.ui.page import verbatim
from resnet_lab.ui.share_charts import conductance_chart

MANY_PICTURES = 8  # over which nets are compared
NO_DOUBT = (
    "None of these five numbers speaks against this map; whether it depends on the weights is checked under Weights "
    "drawn anew."
)

drawn_removal = st.cache_resource(max_entries=100, show_spinner=False)(removal_chart)


@dataclass(frozen=True)
class Evidence:
    """What is looked at, and what is known of it."""

    looked: Looked
    picture: Specimen
    asked: Asked
    subjects: Sequence[Subject]

    def named(self, subject: Subject) -> str:
        return self.looked.titles.get(subject.id, subject.title)

    @property
    def places(self) -> list[int]:
        """Among the styles; the frames of a film have that of their net."""
        nets = self.looked.places
        return [nets[subject.id.partition("-")[0]] for subject in self.subjects]

    def found(self, job: str, **arguments: Any) -> Findings | None:
        return found(self.looked, job, method=self.asked.method, **arguments, **self.asked.arguments)


def show_evidence(looked: Looked, picture: Specimen, asked: Asked, subjects: Sequence[Subject]) -> dict[str, str]:
    """By the net's id, a sentence to stand right below its map, as far as it is known."""
    titles = {name: title for name, (title, _) in PARTS.items()}
    st.subheader("What speaks for these maps, and what against", anchor=False)
    label = {"label_visibility": "collapsed"}
    shown = looked.choose("evidence", "Evidence", titles, "checks", st.segmented_control, required=True, **label)
    asking = Evidence(looked, picture, asked, subjects)
    known = checked(asking)
    PARTS[shown][1](asking, known)
    return {name: sentence(told.record["doubts"]) for name, told in known.items()}


def checked(asking: Evidence) -> dict[str, Findings]:
    """By the net's id; one that fails or is cancelled keeps no other from its numbers."""
    known = {}
    for subject in asking.subjects:
        told = asking.found("evidence", subject=as_fields([subject])[0], picture=asking.picture.ref)
        if told is not None:
            known[subject.id] = told
    return known


def sentence(found: Sequence[str]) -> str:
    """Right at the map."""
    more = f" There {'is 1 more doubt' if len(found) == 2 else f'are {len(found) - 1} more doubts'} below."
    return f"Doubtful: {found[0]}{more if len(found) > 1 else ''}" if found else NO_DOUBT


# ---- numbers and curves


@dataclass(frozen=True)
class Measure:
    title: str
    words: str
    told: Callable[[Mapping[str, Any]], str]


def delta(record: Mapping[str, Any]) -> str:
    if record["delta"] is None:
        return "promises none"
    return f"{number(record['delta'])} of {number(record['change'])}"


def area(name: str) -> Callable[[Mapping[str, Any]], str]:
    def told(record: Mapping[str, Any]) -> str:
        controls = record[f"{name}_random_areas"]
        return f"{record[f'{name}_area']:.2f}, at random {sum(controls) / len(controls):.2f}"

    return told


def given(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda record: "undefined" if record[name] is None else f"{record[name]:.2f}"


MEASURES = (
    Measure("Completeness delta", "What the values of the map add up to, less what the target changed by.", delta),
    Measure(
        "Infidelity",
        "When squares of the picture are covered: 0 foretells every change of the target, 1 none of them.",
        given("infidelity"),
    ),
    Measure(
        "Max sensitivity",
        "How much of its own length the map changes by when noise that nobody sees is added to the picture.",
        given("sensitivity"),
    ),
    Measure(
        "Area under deletion", "Small where the pixels that the map puts first are those that matter.", area("deletion")
    ),
    Measure("Area under insertion", "Large where the pixels that the map puts first are enough.", area("insertion")),
)


def show_checks(asking: Evidence, known: Mapping[str, Findings]) -> None:
    if not known:
        return
    st.markdown(table(asking, known))
    doubted = [
        f"**{verbatim(asking.named(subject))}.** {verbatim(' '.join(known[subject.id].record['doubts']))}"
        for subject in asking.subjects
        if subject.id in known and known[subject.id].record["doubts"]
    ]
    if doubted:
        st.warning("\n\n".join(doubted))
    charts = {
        subject.id: drawn_removal(
            asking.named(subject),
            {name: tensor.numpy() for name, tensor in known[subject.id].tensors.items()},
            asking.looked.theme,
        )
        for subject in asking.subjects
        if subject.id in known
    }
    st.markdown(f"**{REMOVED}**")
    show_charts(charts, "look_removals")
    st.caption(READ["removal"])


def table(asking: Evidence, known: Mapping[str, Findings]) -> str:
    """A row for each measure, a column for each net."""
    names = [verbatim(asking.named(subject)) for subject in asking.subjects if subject.id in known]
    rows = [["", *names], ["---"] + ["---:"] * len(names)]
    for measure in MEASURES:
        values = [measure.told(told.record) for told in known.values()]
        rows.append([f"**{measure.title}**: {measure.words}", *values])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


# ---- weights drawn anew


def show_randomised(asking: Evidence, known: Mapping[str, Findings]) -> None:
    names = {subject.id: asking.named(subject) for subject in asking.subjects}
    [*others] = names
    chosen = asking.looked.choose("anew", "Net", names, others[0], width=260) if len(others) > 1 else others[0]
    subject = next(each for each in asking.subjects if each.id == chosen)
    told = asking.found("randomised", subject=as_fields([subject])[0], picture=asking.picture.ref)
    if told is None:
        return
    for doubt in doubts(told.record):
        st.warning(verbatim(doubt))
    layers, theme, unit = told.record["layers"], asking.looked.theme, unit_of(asking.asked.how)
    title = f"How much of the map is left, {names[chosen]}"
    curve = randomised_chart(title, layers, told.tensors["similarity"].numpy(), theme)
    tiles = tiles_chart(
        "The map with weights drawn anew down to each part, each on its own scale",
        layers,
        told.tensors["maps"].numpy(),
        asking.picture.pixels,
        None,
        Look(theme, unit=unit),
    )
    show_charts({"similarity": curve, "maps": tiles}, "look_randomised")


# ---- other nets


def show_agreement(asking: Evidence, known: Mapping[str, Findings]) -> None:
    looked = asking.looked
    if len(looked.subjects) < 2:
        st.info("Choose a second net above to see how much the maps of two nets agree.")
        return
    refs = enough(looked.refs)
    told = found(
        looked,
        "agreement",
        subjects=looked.asked,
        pictures=refs,
        method=asking.asked.method,
        **asking.asked.arguments | {"target": {"kind": "predicted"}},
    )
    if told is None:
        return
    st.markdown(f"{verbatim(told.record['words'])} Each map here is of what its net takes the picture for.")
    names = [looked.titles[subject.id] for subject in looked.subjects]
    title = f"Agreement of the maps over {len(refs)} pictures: the tray and test images"
    show_charts(
        {"agreement": agreement_chart(title, names, told.tensors["similarity"].numpy(), looked.theme)}, "look_agreement"
    )


def enough(refs: Sequence[str]) -> list[str]:
    """The tray, and the first test images of the bundled sample."""
    more = browse("sample", "test", None, 0, MANY_PICTURES)
    return list(dict.fromkeys([*refs, *more]))[: max(MANY_PICTURES, len(refs))]


def show_units(asking: Evidence, known: Mapping[str, Findings]) -> None:
    arguments = {name: asking.asked.arguments[name] for name in ("target", "baseline")}
    nets = as_fields(asking.subjects)
    told = found(asking.looked, "conductance", subjects=nets, picture=asking.picture.ref, **arguments)
    if told is None:
        return
    names = [asking.named(subject) for subject in asking.subjects]
    shares = [told.tensors[f"share_{place}"].numpy() for place in range(len(names))]
    chart = conductance_chart(names, shares, asking.asked.words, asking.looked.theme, asking.places)
    show_charts({"units": chart}, "look_units")


PARTS: dict[str, tuple[str, Callable[[Evidence, Mapping[str, Findings]], None]]] = {
    "checks": ("Numbers and curves", show_checks),
    "weights": ("Weights drawn anew", show_randomised),
    "agreement": ("Agreement between nets", show_agreement),
    "units": ("Through each unit", show_units),
}
