"""What is asked of the nets: method, target, baseline and settings, as widgets whose values are in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from resnet_lab.inside.attributions import BASELINES, METHODS, SETTINGS
from resnet_lab.inside.methods import Method
from resnet_lab.inside.specimens import Specimen
from resnet_lab.inside.subjects import Subject
from resnet_lab.ui.look_state import Looked
from resnet_lab.ui.map_charts import UNDER, Look

USUAL_METHOD = "integrated_gradients"
LABEL, ANSWER, NOTHING = "label", "answer", "nothing"
OFFERED = {  # of the settings, those that can be chosen on the page
    "steps": (8, 16, 32, 50, 100),
    "samples": (16, 64, 256),
    "stage": (-1, 0, 1, 2),
    "window": (4, 8, 12),
    "superpixels": (16, 49, 100),
    "noise": (0, 5, 10, 25, 50),
}
OPACITIES = {"25": "25%", "50": "50%", "75": "75%", "100": "100%"}
UNITS = {METHODS["guided_grad_cam"].title: "no unit"}  # a product of a gradient and a coarse map
HELP = {"stage": "Counted from 1, as in the drawings of nets"}  # jobs count from 0
WORDS = {"stage": {"-1": "Last", "0": "1", "1": "2", "2": "3"}, "noise": {"0": "None"}}


@dataclass(frozen=True)
class Asked:
    """As the jobs take it, and in words."""

    method: str
    target: Mapping[str, Any]
    words: str  # of the target
    baseline: str
    settings: Mapping[str, int]

    @property
    def how(self) -> Method:
        return METHODS[self.method]

    @property
    def arguments(self) -> dict[str, Any]:
        """What all jobs about maps are told."""
        return {"target": dict(self.target), "baseline": self.baseline, "settings": dict(self.settings)}


def as_fields(subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """As jobs take them."""
    return [subject.model_dump(mode="json") for subject in subjects]


def unit_of(method: Method) -> str:
    return UNITS.get(method.title, "logits for a unit of brightness" if method.is_gradient else "logits")


def choose_question(looked: Looked, picture: Specimen) -> tuple[Asked, Look]:
    """A row of widgets; what is rarely changed is behind a button."""
    titles = {name: METHODS[name].title for name in sorted(METHODS, key=lambda name: name != USUAL_METHOD)}
    method = looked.choose("method", "Method", titles, USUAL_METHOD, width=220)
    target, words = choose_target(looked, picture)
    baseline = choose_baseline(looked)
    with st.popover("Settings", icon=":material/tune:"):
        look = choose_look(looked, METHODS[method])
        settings = choose_settings(looked)
    return Asked(method, target, words, baseline, settings), look


def choose_look(looked: Looked, method: Method) -> Look:
    """How the maps are laid over the picture."""
    under = looked.choose("under", "Beneath the map", UNDER, "grey")
    opacity = looked.choose("opacity", "Opacity of the map", OPACITIES, "100")
    return Look(looked.theme, under, int(opacity) / 100, unit_of(method))


# ---- the target


def choose_target(looked: Looked, picture: Specimen) -> tuple[dict[str, Any], str]:
    """A class, the difference of two, or what each net says."""
    classes = shared_classes(looked.subjects)
    options = target_options(classes, picture.class_name)
    target = looked.choose("target", "Target", options, next(iter(options)), width=260)
    if target == ANSWER:
        return {"kind": "predicted"}, "each net's own answer"
    name = str(picture.class_name) if target == LABEL else target
    others = {NOTHING: "Nothing"} | {each: spoken(each) for each in classes if each != name}
    other = looked.choose("against", "Against", others, NOTHING, width=160)
    if other == NOTHING:
        return {"kind": "class", "class": classes.index(name)}, f"the class {spoken(name)}"
    both = {"kind": "difference", "class": classes.index(name), "other": classes.index(other)}
    return both, f"{spoken(name)} rather than {spoken(other)}"


def shared_classes(subjects: Sequence[Subject]) -> tuple[str, ...]:
    """None where the nets know different ones: a class would have another number in each."""
    known = {subject.classes for subject in subjects}
    return known.pop() if len(known) == 1 else ()


def target_options(classes: Sequence[str], label: str | None) -> dict[str, str]:
    own = {LABEL: f"The picture's class: {spoken(label)}"} if label in classes and label is not None else {}
    return own | {ANSWER: "Each net's own answer"} | {name: spoken(name) for name in classes}


def spoken(name: str) -> str:
    return name.replace("_", " ")


# ---- baseline and settings


def choose_baseline(looked: Looked) -> str:
    titles = {name: baseline.title for name, baseline in BASELINES.items()}
    words = "What a map starts from. " + " ".join(f"{each.title}: {each.words}." for each in BASELINES.values())
    return looked.choose("baseline", "Baseline", titles, "black", width=150, help=words)


def choose_settings(looked: Looked) -> dict[str, int]:
    """Those that differ from their defaults; each method takes what it knows."""
    chosen = {}
    for name, numbers in OFFERED.items():
        setting, said = SETTINGS[name], WORDS.get(name, {})
        default = str(setting.default)
        options = {str(number): said.get(str(number), str(number)) for number in sorted({*numbers, setting.default})}
        users = ", ".join(method.title for method in METHODS.values() if name in method.settings)
        meaning = f"{HELP.get(name, setting.words)}. For {users}."
        value = looked.choose(name, setting.title, options, default, help=meaning)
        if value != default:
            chosen[name] = int(value)
    return chosen
