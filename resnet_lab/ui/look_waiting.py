"""The way to what takes long: the findings where they are there, else a line that says what is being done."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit as st

from resnet_lab.data import home
from resnet_lab.inside.inspections import MEMORY, Failed, Inspector, Waiting
from resnet_lab.inside.jobs import Findings
from resnet_lab.ui.look_state import Looked, run_again
from resnet_lab.ui.page import verbatim

TICK_SECONDS = 0.4
ELSEWHERE = (
    f"A process of its own computes it, one thing after the other, and takes at most {MEMORY}. What was found is kept. "
    "To cancel gives it up for all who wait for it."
)
CANCELLED = "look_cancelled"  # what this visitor has given up, by job and arguments


def found(looked: Looked, job: str, **arguments: Any) -> Findings | None:
    """The findings; None while they are computed, and then the way to them stands here."""
    name = json.dumps([job, arguments], sort_keys=True)
    if name in cancelled():
        offer_again(name, job, arguments, "It was cancelled.")
        return None
    seen = inspector().look(job, arguments)
    if isinstance(seen, Findings):
        return seen
    if isinstance(seen, Failed):
        offer_again(name, job, arguments, seen.words)
    else:
        wait(name, job, arguments, seen)
    return None


def inspector() -> Inspector:
    return opened(str(home()))


@st.cache_resource(show_spinner=False)
def opened(folder: str) -> Inspector:
    """One for all viewers."""
    return Inspector(Path(folder))


def wait(name: str, job: str, arguments: dict[str, Any], seen: Waiting) -> None:
    """Ticks until there is something else to show."""
    first = [seen]  # that was just asked for

    @st.fragment(run_every=TICK_SECONDS)
    def tick() -> None:
        if name in cancelled():
            run_again()
        now = first.pop() if first else inspector().look(job, arguments)
        if not isinstance(now, Waiting):
            run_again()
        with st.container(key=f"look_wait_{digest(name)}", horizontal=True, vertical_alignment="center"):
            share = min(1.0, now.done / now.of) if now.of else 0.0
            st.progress(share, text=verbatim(now.words) or "Waits for its turn")
            key, question = f"look_cancel_{digest(name)}", (name, job, arguments)
            st.button("Cancel", key=key, help=ELSEWHERE, on_click=give_up, args=question)

    tick()


def give_up(name: str, job: str, arguments: dict[str, Any]) -> None:
    inspector().cancel(job, arguments)
    cancelled().add(name)


def offer_again(name: str, job: str, arguments: dict[str, Any], words: str) -> None:
    """What went wrong, in one sentence, and another try."""
    with st.container(key=f"look_again_{digest(name)}", horizontal=True, vertical_alignment="center"):
        st.warning(verbatim(words))
        st.button("Compute again", key=f"look_retry_{digest(name)}", on_click=try_again, args=(name, job, arguments))


def try_again(name: str, job: str, arguments: dict[str, Any]) -> None:
    inspector().cancel(job, arguments)  # forgets what went wrong
    cancelled().discard(name)


def cancelled() -> set[str]:
    found: set[str] = st.session_state.setdefault(CANCELLED, set())
    return found


def digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:12]
