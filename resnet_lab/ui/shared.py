"""What all viewers of one server share: the store, the numbers read from it, and the charts drawn of them."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import streamlit as st

from resnet_lab.data import home
from resnet_lab.histories import Histories
from resnet_lab.library import Library
from resnet_lab.runs import Run
from resnet_lab.shipped import shipped_problems, shipped_store
from resnet_lab.store import Store
from resnet_lab.supervisor import ensure_supervisor, note_visit, start_supervisor
from resnet_lab.ui.drawings import Charts, Drawings
from resnet_lab.ui.page import verbatim


@dataclass(frozen=True)
class Shared:
    library: Library
    histories: Histories
    problems: Sequence[str] = ()  # with what should have come with the lab
    drawings: Drawings = field(default_factory=Drawings)
    turn: Lock = field(default_factory=Lock)  # of many viewers' ticks: all at once, each would wait for all the others

    @property
    def store(self) -> Store:
        """What can be changed."""
        return self.library.store

    def drawn(self, runs: Sequence[Run], how: Hashable, draw: Callable[[], Charts]) -> Charts:
        """The charts of these runs, drawn `how` they are looked at; anew when one ends, so that nothing is missing."""
        view = (how, tuple((run.id, run.name, run.status) for run in runs))
        return self.drawings.get(view, lambda: self.counted(runs), draw)

    def counted(self, runs: Sequence[Run]) -> Hashable:
        """How much each run has told."""
        ids = [run.id for run in runs]
        steps, epochs, probes = self.histories.steps(ids), self.histories.epochs(ids), self.histories.last_probes(ids)
        probed = {run_id: probe.step for run_id, probe in probes.items()}
        return tuple((len(steps[run_id].step), len(epochs[run_id].step), probed.get(run_id, 0)) for run_id in ids)


def shared() -> Shared:
    """Where the store cannot be opened, the page says why and ends here; what is wrong with shipped runs is said."""
    try:
        lab = opened(os.environ.get("RESNET_LAB_STORE"), str(home()))
    except ValueError as problem:
        st.error(verbatim(str(problem)))
        st.stop()
    for words in lab.problems:
        st.warning(verbatim(words))
    return lab


@st.cache_resource(show_spinner="Opens the lab")
def opened(url: str | None, folder: str) -> Shared:
    library = Library(Store(url, Path(folder)), shipped_store(Path(folder)))
    return Shared(library, Histories(library), shipped_problems(Path(folder)))


def serve_queue(store: Store) -> None:
    """Starts a supervisor where there is work and none."""
    with starting():
        remember(ensure_supervisor(store))


def expect_work(store: Store) -> None:
    """A click on this page leads to curves some seconds earlier: there is a supervisor, with workers at hand."""
    with contextlib.suppress(OSError), starting():  # a full disk, say: who starts a run is told
        note_visit(store.folder)
        if all(process.poll() is not None for process in supervisors()):  # one of just now does not hold its lock yet
            remember(start_supervisor(store))


def remember(supervisor: subprocess.Popen | None) -> None:
    """Those that have ended are not left as zombies."""
    processes = supervisors()
    processes[:] = [process for process in [*processes, supervisor] if process and process.poll() is None]


@st.cache_resource(show_spinner=False)
def starting() -> Lock:
    """For one visitor after the other: many come at once, and one supervisor is enough."""
    return Lock()


@st.cache_resource(show_spinner=False)
def supervisors() -> list[subprocess.Popen]:
    """Those that this server has started; they outlive it."""
    return []
