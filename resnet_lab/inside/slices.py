"""Work that pauses before each of its slices, and how it tells what comes next."""

from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

from resnet_lab.inside.jobs import Progress

T = TypeVar("T")
Slices = Generator[None, None, T]  # returns what it found


def progress(words: Sequence[str]) -> Iterator[Progress]:
    """One for each slice, in order: what it does."""
    return (Progress(done, len(words), each) for done, each in enumerate(words))


def told(slices: Slices[T], steps: Iterator[Progress]) -> Generator[Progress, None, T]:
    """Each pause of the work is told as the next step."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return end.value
        yield next(steps)


def at_once(slices: Slices[T]) -> T:
    """Without a pause."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return end.value
