"""All runs that can be looked at: those of the store, and those that come with the lab, which nobody changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from resnet_lab.events import Event
from resnet_lab.runs import Run
from resnet_lab.store import Store


class Library:
    """Reads like a store. The same run in both is the one that comes with the lab."""

    def __init__(self, store: Store, shipped: Store | None):
        self.store, self.shipped = store, shipped
        self.shipped_ids = frozenset(run.id for run in shipped.runs()) if shipped else frozenset()

    def runs(self, statuses: Sequence[str] | None = None) -> list[Run]:
        """The store's, newest first, then those that come with the lab, whose colours are counted down from -1."""
        own = [run for run in self.store.runs(statuses) if not self.is_shipped(run.id)]
        shipped = self.shipped.runs(statuses) if self.shipped else []
        return own + [replace(run, colour=-1 - run.colour) for run in shipped]

    def is_shipped(self, run_id: str) -> bool:
        return run_id in self.shipped_ids

    def store_of(self, run_id: str) -> Store:
        return self.shipped if self.shipped and self.is_shipped(run_id) else self.store

    def run_folder(self, run_id: str) -> Path:
        return self.store_of(run_id).run_folder(run_id)

    def events(
        self, run_id: str, after: int = 0, kinds: Sequence[str] | None = None, limit: int | None = None
    ) -> list[tuple[int, Event]]:
        return self.store_of(run_id).events(run_id, after, kinds, limit)

    def bodies(self, kind: str, after: Mapping[str, int]) -> dict[str, list[tuple[int, str]]]:
        found: dict[str, list[tuple[int, str]]] = {}
        for store, run_ids in self.parts([*after]):
            found |= store.bodies(kind, {run_id: after[run_id] for run_id in run_ids})
        return found

    def last(self, run_id: str, kind: str) -> Event | None:
        return self.store_of(run_id).last(run_id, kind)

    def last_many(self, run_ids: Sequence[str], kind: str) -> dict[str, Event]:
        found: dict[str, Event] = {}
        for store, part in self.parts(run_ids):
            found |= store.last_many(part, kind)
        return found

    def parts(self, run_ids: Sequence[str]) -> list[tuple[Store, list[str]]]:
        """Each store with those of the runs that it has."""
        shipped = [run_id for run_id in run_ids if self.is_shipped(run_id)]
        own = [run_id for run_id in run_ids if not self.is_shipped(run_id)]
        parts = [(self.store, own), *([(self.shipped, shipped)] if self.shipped else [])]
        return [(store, part) for store, part in parts if part]


Readable = Store | Library


def all_events(
    store: Readable, run_id: str, kinds: Sequence[str] | None = None, page: int = 500
) -> Iterator[tuple[int, Event]]:
    """One after the other, without having all in memory."""
    after = 0
    while found := store.events(run_id, after, kinds, page):
        yield from found
        after = found[-1][0]
