"""Work on a GPU as one graph: recorded once, then replayed by a single launch, the host out of the way."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Generic, TypeVar

import torch

from resnet_lab.threads import PROCESS_WIDE, RECORDER

Result = TypeVar("Result")

WARM_UPS = 2  # in the first, libraries choose their algorithms and take memory, which no recording may


class Captured(Generic[Result]):
    """work(), whose inputs and outputs are the same tensors every time.

    `touched` are all tensors that it changes and that outlive it: the recording leaves them as they were.
    """

    def __init__(self, work: Callable[[], Result], touched: Collection[torch.Tensor]):
        self.graph = torch.cuda.CUDAGraph()
        with PROCESS_WIDE, recording_stream() as stream, undone(touched):
            for _ in range(WARM_UPS):
                work()
            stream.synchronize()
            self.graph.capture_begin(capture_error_mode="thread_local")
            try:
                self.result = work()
            finally:
                self.graph.capture_end()

    def __call__(self) -> Result:
        self.graph.replay()
        return self.result


def in_recorder_thread(work: Callable[[], Result], stream: torch.cuda.Stream | None) -> Result:
    """work(), on that stream."""

    def there() -> Result:
        with torch.cuda.stream(stream):
            return work()

    return RECORDER.submit(there).result()


def recording_stream() -> AbstractContextManager[torch.cuda.Stream]:
    """The one in use, which nobody else may use at the same time, or another where that is the default one."""
    stream = torch.cuda.current_stream()
    return own_stream() if stream == torch.cuda.default_stream() else nullcontext(stream)


@contextmanager
def own_stream() -> Iterator[torch.cuda.Stream]:
    """It begins behind what was asked of the device before; what comes afterwards waits for it, also if it failed."""
    stream, usual = torch.cuda.Stream(), torch.cuda.current_stream()
    stream.wait_stream(usual)
    try:
        with torch.cuda.stream(stream):
            yield stream
    finally:
        usual.wait_stream(stream)


@contextmanager
def undone(tensors: Collection[torch.Tensor]) -> Iterator[None]:
    """What happens to them inside is taken back."""
    before = [tensor.detach().clone() for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(list(tensors), before)
