"""What can be done with a run on the Train page: buttons of one icon each, some of which open a menu or a field."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from resnet_lab.continuations import continue_longer, is_open_ended
from resnet_lab.queueing import move, request, resume, waiting
from resnet_lab.runs import Run
from resnet_lab.store import Store
from resnet_lab.ui.run_ids import RUNS, join_ids, split_ids
from resnet_lab.ui.shared import serve_queue

NOTICE = "notice"  # what the last button led to
# fmt: off
MOVES = {
    "first":   "Train first",
    "earlier": "One place earlier",
    "later":   "One place later",
    "last":    "Train last",
}
# fmt: on


def buttons(store: Store, run: Run, label: str, order: Sequence[str]) -> None:
    """What can be done with the run as it stands; its label tells them from those of the others."""
    # fmt: off
    acts: dict[str, list[tuple[str, str, Callable[[], object]]]] = {
        "running": [("pause", "Pause", lambda: request(store, run.id, "pause")),
                    ("stop", "Stop", lambda: request(store, run.id, "stop"))],
        "queued":  [("close", "Cancel", lambda: request(store, run.id, "stop"))],
        "paused":  [("play_arrow", "Resume", lambda: resume(store, run.id)),
                    ("stop", "Stop", lambda: request(store, run.id, "stop"))],
        "stopped": [("play_arrow", "Resume", lambda: resume(store, run.id))],
        "failed":  [("play_arrow", "Try again", lambda: resume(store, run.id))],
    }
    # fmt: on
    if options := moves(run.id, order):
        reorder(store, run, label, options)
    if run.status == "done":
        offer_longer(store, run, label)
    for icon, words, act in acts.get(run.status, []):
        button(f"{icon}_{run.id}", icon, words, label, on_click=carry_out, args=(store, act))
    again = (store, partial(another_seed, store, run))
    key, words = f"again_{run.id}", "The same with another seed"
    button(key, "content_copy", words, label, on_click=carry_out, args=again)
    if button(f"vary_{run.id}", "tune", "Change it and train that", label):
        st.switch_page("screens/train.py", query_params={"like": run.id})


def button(key: str, icon: str, words: str, label: str, **act: Any) -> bool:
    """Only the icon is seen; the label is for those who hear the page (lab.css hides it)."""
    return st.button(f"{words}: {label}", key=key, icon=f":material/{icon}:", type="tertiary", **{"help": words} | act)


def offer_longer(store: Store, run: Run, label: str) -> None:
    """A field for the steps that it shall have in all, where the steps that are done would stay as they are."""
    words, key, steps = "Train longer", f"longer_{run.id}", run.config.recipe.steps
    if not is_open_ended(run.config.recipe):
        why = "Its schedule ends with its steps, so it cannot go on: change it and train that"
        button(f"more_time_{run.id}", "more_time", words, label, disabled=True, help=why)
        return

    def act() -> None:
        st.session_state[key] = False  # closes the field
        show_also(continue_longer(store, run.id, st.session_state[f"steps_{run.id}"]))

    icon = ":material/more_time:"
    field = st.popover(f"{words}: {label}", key=key, icon=icon, type="tertiary", help=words, on_change="rerun")
    if field.open:
        field.number_input("Steps in all", steps + 1, value=2 * steps, step=steps, key=f"steps_{run.id}")
        field.button("Train on", key=f"more_time_{run.id}", type="primary", on_click=carry_out, args=(store, act))


def reorder(store: Store, run: Run, label: str, options: Sequence[str]) -> None:
    """A menu of the places that it can be moved to."""
    words, key = "Change its place in the queue", f"move_{run.id}"

    def act() -> None:
        shift(store, run.id, st.session_state[key])

    st.menu_button(
        f"{words}: {label}",
        options,
        key=key,
        icon=":material/swap_vert:",
        type="tertiary",
        help=words,
        format_func=MOVES.__getitem__,
        on_click=carry_out,
        args=(store, act),
    )


def shift(store: Store, run_id: str, how: str) -> None:
    """In the queue as it is now, which may have moved on since it was shown."""
    move(store, run_id, place_before(run_id, [each.id for each in waiting(store)], how))


def moves(run_id: str, order: Sequence[str]) -> list[str]:
    """Those that lead to another place, each place once."""
    if run_id not in order:
        return []
    place, last = order.index(run_id), len(order) - 1
    there = {"first": place > 0, "earlier": place > 1, "later": place < last - 1, "last": place < last}
    return [name for name, is_possible in there.items() if is_possible]


def place_before(run_id: str, order: Sequence[str], how: str) -> str | None:
    """The run that it is then followed by; None: it is the last one."""
    others = [each for each in order if each != run_id]
    place = order.index(run_id) if run_id in order else 0
    goal = {"first": 0, "earlier": max(0, place - 1), "later": place + 1, "last": len(others)}[how]
    return others[goal] if goal < len(others) else None


def carry_out(store: Store, act: Callable[[], object]) -> None:
    """What is refused is said on the page."""
    try:
        act()
        serve_queue(store)
    except (ValueError, OSError) as refusal:
        st.session_state[NOTICE] = str(refusal)


def another_seed(store: Store, run: Run) -> None:
    """The next one that was not trained yet."""
    config = run.config
    while store.same(config):
        config = config.changed(seed=config.seed + 1)
    show_also(store.add(config, device=run.device))


def show_also(run: Run) -> None:
    st.query_params[RUNS] = join_ids([*split_ids(st.query_params.get(RUNS, "")), run.id])
