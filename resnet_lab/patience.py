"""What a process without a user does while the store is locked, full or out of reach: it says so, and waits."""

import contextlib
import sys
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from resnet_lab.files import StorageError

RETRY_SECONDS = 2.0
PATIENCE_SECONDS = 600.0  # a server that restarts, a disk that someone makes room on

P = ParamSpec("P")
T = TypeVar("T")


def patiently(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """do(*args, **kwargs), as soon as the store can be read and written again."""
    start, trouble = time.monotonic(), ""
    while True:
        try:
            result = do(*args, **kwargs)
        except StorageError as error:
            if time.monotonic() > start + PATIENCE_SECONDS:
                raise
            if str(error) != trouble:
                trouble = str(error)
                complain(trouble)
            time.sleep(RETRY_SECONDS)
        else:
            if trouble:  # said again: a full disk may not have taken the words before
                complain(f"Waited {time.monotonic() - start:.0f} s, because: {trouble}")
            return result


def complain(words: str) -> None:
    """Into the log, unless the disk that holds it is full as well."""
    with contextlib.suppress(OSError):
        print(words, file=sys.stderr, flush=True)
