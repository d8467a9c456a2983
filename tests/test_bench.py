"""`bench`: the benchmarks that there are, by their names."""

import subprocess
import sys

import pytest

from resnet_lab.__main__ import main
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


def test_what_follows_its_name_is_given_to_the_benchmark(capfd):
    assert main(["bench", "throughput", "--rounds", "0"]) == 2
    assert "argument --rounds: takes a whole number from 1 on, but was given '0'." in capfd.readouterr().err


def test_help_after_its_name_is_the_benchmarks_own(capfd):
    assert main(["bench", "throughput", "--help"]) == 0
    assert "--save" in capfd.readouterr().out


def test_pages_say_in_a_sentence_that_what_the_tests_need_is_missing():
    """As in an installation that was made to use the lab."""
    without = (
        "import runpy, sys; sys.modules['playwright'] = None; runpy.run_module('benchmarks.pages', None, '__main__')"
    )
    said = subprocess.run([sys.executable, "-c", without], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    words = "This benchmark needs what the tests need, and playwright is missing: `make test` sets it up.\n"
    assert (said.returncode, said.stdout, said.stderr) == (1, "", words)
