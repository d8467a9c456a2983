"""Charts are drawn once for all who look at the same, and not more often than they are worth."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from threading import Lock

from resnet_lab.ui.board import Chart

Charts = Mapping[str, Chart]
REST = 4  # times as long as a drawing took, it is left as it is: then all drawing of a view takes a fifth of the time
LONGEST_REST = 1.0  # seconds


@dataclass(frozen=True)
class Drawing:
    numbers: Hashable  # by which it is known whether there is something new
    charts: Charts
    rests_until: float


class View:
    """What somebody looks at: its newest drawing, which one thread at a time makes anew."""

    def __init__(self) -> None:
        self.drawing: Drawing | None = None
        self.at_work = Lock()


class Drawings:
    """Of the `most` views that were looked at last, the newest drawing of each."""

    def __init__(self, most: int = 30, clock: Callable[[], float] = time.monotonic):
        self.most, self.clock = most, clock
        self.views: OrderedDict[Hashable, View] = OrderedDict()
        self.lock = Lock()

    def get(self, view: Hashable, numbers: Callable[[], Hashable], draw: Callable[[], Charts]) -> Charts:
        """`view` says all that the charts depend on but for the numbers, which grow."""
        looked_at = self.view(view)
        known = looked_at.drawing
        if known is None:
            with looked_at.at_work:
                looked_at.drawing = looked_at.drawing or self.newest(None, numbers, draw)
                return looked_at.drawing.charts
        if self.clock() < known.rests_until or not looked_at.at_work.acquire(blocking=False):
            return known.charts  # who comes while another thread draws gets the drawing that there is
        try:
            looked_at.drawing = self.newest(known, numbers, draw)
        finally:
            looked_at.at_work.release()
        return looked_at.drawing.charts

    def view(self, view: Hashable) -> View:
        with self.lock:
            found = self.views.setdefault(view, View())
            self.views.move_to_end(view)
            while len(self.views) > self.most:
                self.views.popitem(last=False)
            return found

    def newest(self, known: Drawing | None, numbers: Callable[[], Hashable], draw: Callable[[], Charts]) -> Drawing:
        start, told = self.clock(), numbers()
        charts = known.charts if known and known.numbers == told else draw()
        now = self.clock()
        return Drawing(told, charts, now + min(LONGEST_REST, REST * (now - start)))
