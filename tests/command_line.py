"""The command line, called in this process as a user calls it."""

from dataclasses import dataclass

import pytest

from resnet_lab.__main__ import main


@dataclass
class Said:
    status: int
    out: str
    err: str


@pytest.fixture
def lab(capsys):
    """lab("train", "--depth", 8) is python -m resnet_lab train --depth 8"""

    def call(*words):
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as end:  # argparse
            status = end.code
        out, err = capsys.readouterr()
        return Said(status, out, err)

    return call


def as_words(fields):
    """{"train_size": 400} -> --train-size 400"""
    return [word for name, value in fields.items() for word in (f"--{name.replace('_', '-')}", str(value))]
