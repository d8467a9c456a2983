"""The seconds of training: only what passes while something is counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    def __init__(self, clock: Callable[[], float]):
        self.clock = clock
        self.seconds = 0.0  # counted before
        self.started = 0.0  # by the clock: since then it counts, or does not
        self.lapped = 0.0  # seconds at the end of the last lap

    @contextmanager
    def counted(self, has_gone_on: bool = False) -> Iterator[None]:
        """What passes inside, and what has passed since the last time where that `has_gone_on` meanwhile."""
        if not has_gone_on:
            self.started = self.clock()
        yield
        self.seconds, self.started = self.elapsed(), self.clock()

    def elapsed(self) -> float:
        """Until now; only where it counts."""
        return self.seconds + self.clock() - self.started

    def lap(self) -> float:
        """The seconds since the last lap."""
        now = self.elapsed()
        passed, self.lapped = now - self.lapped, now
        return passed
