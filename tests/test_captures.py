"""What can be told of recording without a GPU."""

import threading

import pytest

from resnet_lab.captures import in_recorder_thread


def test_the_recorder_is_one_thread_and_what_fails_there_fails_here():
    names = {in_recorder_thread(lambda: threading.current_thread().name, None) for _ in range(3)}
    assert len(names) == 1
    assert threading.current_thread().name not in names
    with pytest.raises(ZeroDivisionError):
        in_recorder_thread(lambda: 1 / 0, None)
    assert in_recorder_thread(lambda: 5, None) == 5
