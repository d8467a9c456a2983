"""The view of the page Look inside in the session, in the widgets and in the address; the last change wins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NoReturn

import streamlit as st

from resnet_lab.config import choices, short
from resnet_lab.inside.looked import net_ids
from resnet_lab.inside.specimens import Specimen
from resnet_lab.inside.subjects import Subject
from resnet_lab.launches import FIRST_BLOCKS
from resnet_lab.ui.look_view import LookView, read_params
from resnet_lab.ui.page import verbatim
from resnet_lab.ui.shared import Shared

WIDGET = "inside_"  # the keys of widgets that show a part of the view
MOST_AT_FIRST = 4


@dataclass(frozen=True)
class Looked:
    """What every view is handed: the chosen nets, the tray, the picture that is looked at."""

    lab: Shared
    subjects: tuple[Subject, ...]
    all: tuple[Subject, ...]
    specimens: tuple[Specimen, ...]
    picture: Specimen | None
    theme: str

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The chosen nets as a job takes them."""
        return [subject.model_dump(mode="json") for subject in self.subjects]

    @property
    def refs(self) -> list[str]:
        """The tray as a job takes it."""
        return [specimen.ref for specimen in self.specimens]

    @property
    def places(self) -> dict[str, int]:
        """Of the chosen nets among the styles, by id: a run has the one of all pages, the others get free ones."""
        runs = self.lab.library.runs()
        styles = dict(zip(net_ids(self.lab.library, runs), (run.colour for run in runs), strict=True))
        own = {subject.id: styles[subject.id] for subject in self.subjects if subject.id in styles}
        free = (number for number in count() if number not in own.values())
        return {subject.id: own[subject.id] if subject.id in own else next(free) for subject in self.subjects}

    @property
    def titles(self) -> dict[str, str]:
        """Of the chosen nets, by id."""
        return {subject.id: subject.title for subject in self.subjects}

    def choose(
        self,
        name: str,
        label: str,
        options: Mapping[str, str],
        default: str,
        control: Callable[..., Any] = st.selectbox,
        **select_kwargs: Any,
    ) -> str:
        """A widget whose value lives in the address under this name."""
        value, key = recall(name, default), WIDGET + name
        if st.session_state.get(key) not in options:
            st.session_state[key] = value if value in options else default
        start = START[control](list(options), st.session_state[key])
        chosen: str = control(label, list(options), key=key, format_func=options.__getitem__, **start, **select_kwargs)
        say_option(name, value, options, is_default=chosen == default)
        remember(name, chosen, default)
        return chosen


# A browser that missed the message with the session's value would answer with the first option: so it is said twice.
START: dict[Callable[..., Any], Callable[[list[str], str], dict[str, Any]]] = {
    st.selectbox: lambda options, value: {"index": options.index(value)},
    st.segmented_control: lambda options, value: {"default": value},
    st.select_slider: lambda options, value: {"value": value},
}


# ---- what the widgets of a view remember


def recall(name: str, default: str = "") -> str:
    """What the address says under this name."""
    view: LookView = st.session_state.looked_view
    return view.options.get(name, default)


def remember(name: str, text: str, default: str = "") -> None:
    """From now on the address says this; in a callback, too."""
    view: LookView = st.session_state.looked_view
    write(view.with_option(name, text, default))


def say_option(name: str, asked: str, options: Mapping[str, str], is_default: bool) -> None:
    """One sentence where a link asks for what there is not, until something else is chosen."""
    unread, problems = st.session_state.looked_unread, st.session_state.looked_option_problems
    if name in unread and asked not in options:
        problems[name] = f"{name} must be {choices(options)}, but is {short(asked)}."
    unread.discard(name)
    if not is_default:
        problems.pop(name, None)
    if name in problems:
        st.warning(verbatim(problems[name]))


# ---- the view


def current_view(known: Sequence[Subject], views: Mapping[str, Any]) -> LookView:
    """From the address where that is new, else from the session; see compare_state.py."""
    state, params = st.session_state, dict(st.query_params)
    is_here = bool(widgets())  # else the user comes from another page, and finds what was left there
    is_stale = state.pop("looked_again", False)
    is_asked = not is_stale and params != state.get("looked_address") and is_untouched() and (params or is_here)
    ids = [subject.id for subject in known]
    if "looked_view" not in state or is_asked:
        view, state.looked_problems = read_params(params, ids, views)
        state.looked_unread, state.looked_option_problems = set(view.options), {}
        forget(*widgets())
        state.looked_view = view if view.nets or params.get("nets") == "none" else view.changed(nets=usual_nets(known))
    view = state.looked_view
    told = widgets()
    shown = {"nets": tuple(told.get(WIDGET + "nets", view.nets)), "view": told.get(WIDGET + "view", view.view)}
    if shown["view"] == next(iter(views)):
        shown["view"] = ""
    if view.changed(**shown) != view:
        state.looked_problems = []
    return view.changed(**shown | {"nets": tuple(net for net in shown["nets"] if net in ids)})


def run_again() -> NoReturn:
    """From a fragment: its tick may bring the address of a moment ago, before the last click."""
    st.session_state.looked_again = True
    st.rerun()


def usual_nets(known: Sequence[Subject]) -> tuple[str, ...]:
    """Of what comes with the lab the first blocks, each as its smallest net with its lowest seed and fewest steps."""
    shipped = sorted(
        (subject for subject in known if subject.origin == "shipped"),
        key=lambda subject: (subject.model.depth, subject.seed, subject.steps),
    )
    first = [next((each for each in shipped if each.model.block == block), None) for block in FIRST_BLOCKS]
    chosen = [subject for subject in first if subject] or shipped or known
    return tuple(subject.id for subject in chosen[:MOST_AT_FIRST])


def change(**fields: Any) -> None:
    """What a click does, in its callback: the address is written before the page is drawn anew."""
    forget(*(WIDGET + name for name in fields))
    st.session_state.looked_problems = []
    write(st.session_state.looked_view.changed(**fields))


def write(view: LookView) -> None:
    """The session and the address say the same."""
    state = st.session_state
    state.looked_view, state.looked_address, state.looked_widgets = view, view.to_params(), widgets()
    if dict(st.query_params) != state.looked_address:
        st.query_params.from_dict(state.looked_address)


def say_problems() -> None:
    for problem in st.session_state.get("looked_problems", []):
        st.warning(verbatim(problem))


def widgets() -> dict[str, Any]:
    """A browser that is asked too early says of some that nothing is chosen."""
    there = {str(key): value for key, value in st.session_state.items() if str(key).startswith(WIDGET)}
    return {key: value for key, value in there.items() if value is not None}


def is_untouched() -> bool:
    """Whether the widgets still are as they were when the address was written."""
    before, now = st.session_state.get("looked_widgets", {}), widgets()
    return all(before[key] == now[key] for key in before.keys() & now.keys())


def forget(*keys: str) -> None:
    """These widgets show the view again."""
    for key in keys:
        st.session_state.pop(key, None)


def widget(name: str, value: Any) -> str:
    """The key of a widget, which starts from this value and then remembers its own."""
    key = WIDGET + name
    if st.session_state.get(key) is None:
        st.session_state[key] = value
    return key
