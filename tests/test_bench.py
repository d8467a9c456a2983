"""`bench`: the benchmarks that there are, by their names."""

import pytest

from resnet_lab.commands.bench import BENCHMARKS, CHECKOUT
from tests.command_line import lab

__all__ = ["lab"]


def test_every_benchmark_is_listed_and_can_be_run():
    paths = [path for path in (CHECKOUT / "benchmarks").glob("*.py") if path.stem != "__init__"]
    assert {path.stem for path in paths} == set(BENCHMARKS)
    assert all('if __name__ == "__main__":' in path.read_text() for path in paths)


def test_help_lists_them(lab):
    help_ = lab("bench", "--help")
    assert help_.status == 0
    for name, words in BENCHMARKS.items():
        assert f"    {name}" in help_.out
        assert words in help_.out


@pytest.mark.parametrize("name", ["", "nope", "__init__", "os"])
def test_what_is_none_is_refused(lab, name):
    said = lab("bench", name)
    assert (said.status, said.out) == (2, "")
    assert f"invalid choice: {name!r}" in said.err
