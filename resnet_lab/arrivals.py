"""Numbers on their way from a device, which goes on meanwhile. They are told in the order in which they were asked."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Arrival:
    step: int  # at which it was asked for
    numbers: list[torch.Tensor]  # on the host, right once they are there
    sent: torch.cuda.Event | None  # None: they are there
    tell: Callable[..., None]

    @property
    def is_there(self) -> bool:
        return self.sent is None or self.sent.query()

    def wait(self) -> None:
        if self.sent is not None:
            self.sent.synchronize()


class Arrivals:
    """What was asked for and is not told yet, in that order. From a CPU everything arrives at once."""

    def __init__(self, device: torch.device):
        self.device = device
        self.coming: deque[Arrival] = deque()
        self.latest: torch.cuda.Event | None = None

    def ask(self, step: int, tell: Callable[..., None], *tensors: torch.Tensor) -> None:
        """Copies the tensors as they are now, and calls tell(*copies) once they are here."""
        numbers = [on_the_way(tensor) for tensor in tensors]
        self.coming.append(Arrival(step, numbers, self.event(), tell))
        self.hear()

    def event(self) -> torch.cuda.Event | None:
        """It happens when the device has done all that it was asked until now."""
        return torch.cuda.current_stream().record_event() if self.device.type == "cuda" else None

    def leave(self) -> None:
        """The host does something else now."""
        self.latest = self.event()

    @property
    def has_worked_on(self) -> bool:
        """Whether the device has been at work ever since."""
        return self.latest is not None and not self.latest.query()

    def hear(self, before: int = 0) -> None:
        """Tells what has arrived, and waits for what was asked for before that step."""
        while self.coming and (self.coming[0].step < before or self.coming[0].is_there):
            arrival = self.coming.popleft()
            arrival.wait()
            arrival.tell(*arrival.numbers)

    def hear_all(self) -> None:
        while self.coming:
            self.hear(self.coming[-1].step + 1)

    def forget(self) -> None:
        self.coming.clear()


def on_the_way(tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the host, for which a GPU is not waited for."""
    copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.device.type == "cuda")
    return copy.copy_(tensor.detach(), non_blocking=True)
