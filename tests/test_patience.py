"""Waiting for a store: as long as it may come back, and for nothing else."""

import errno

import pytest

from resnet_lab import patience
from resnet_lab.files import StorageError
from resnet_lab.patience import complain, patiently


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.01)


class Busy:
    """Fails so many times, then says how often it was asked."""

    def __init__(self, failures, error):
        self.failures, self.error, self.calls = failures, error, 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return self.calls


def test_what_a_locked_store_refuses_is_asked_again_and_said_once_and_at_the_end(capsys):
    assert patiently(Busy(3, StorageError("The store is locked."))) == 4
    assert capsys.readouterr().err == "The store is locked.\nWaited 0 s, because: The store is locked.\n"


def test_patience_ends(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)
    busy = Busy(10_000, StorageError("The store is locked."))
    with pytest.raises(StorageError, match="is locked"):
        patiently(busy)
    assert busy.calls > 1


def test_a_mistake_is_no_reason_to_wait():
    busy = Busy(1, ValueError("There is no run 'a'."))
    with pytest.raises(ValueError, match="There is no run"):
        patiently(busy)
    assert busy.calls == 1


def test_a_log_on_a_full_disk_stops_nothing(monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.stderr", Full())
    complain("The disk is full.")
