"""The command line as a whole: what it lists, what it refuses, and the status that it ends with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_lab import commands
from resnet_lab.__main__ import BROKEN_PIPE, COMMANDS
from resnet_lab.files import CHECKOUT
from tests.command_line import lab
from tests.processes import processes_of, store
from tests.sentences import is_one_sentence
from tests.stores import config

__all__ = ["lab", "store"]


def test_help_lists_every_command(lab):
    help_ = lab("--help")
    files = Path(commands.__path__[0]).glob("*.py")
    written = {path.stem.rstrip("_") for path in files if "def add_options" in path.read_text()}
    assert written == set(COMMANDS)
    assert help_.status == 0
    for name, words in COMMANDS.items():
        assert f"    {name} " in help_.out
        assert words in " ".join(help_.out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_takes(lab, name):
    help_ = lab(name, "--help")
    assert (help_.status, help_.err) == (0, "")
    assert help_.out.startswith(f"usage: python -m resnet_lab {name} [-")
    assert COMMANDS[name][1:] in " ".join(help_.out.split())


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", "COMMAND"),
        ("nope", "nope"),
        ("--nope train", "--nope"),
        ("train --nope 3", "--nope"),
        ("train extra", "extra"),
        ("train --lr", "--lr"),
        ("train --recipe nope", "nope"),
        ("train --device tpu", "tpu"),
        ("show", "RUN"),
        ("worker nope", "nope"),
        ("worker pause", "RUN"),
        ("bench", "BENCHMARK"),
        ("bench nope", "nope"),
    ],
)
def test_a_wrong_argument_is_named(lab, words, named):
    said = lab(*words.split())
    assert (said.status, said.out) == (2, "")
    last = said.err.splitlines()[-1]
    assert last.startswith("python -m resnet_lab")
    assert named in last


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("train --data nope", "data"),
        ("train --depth 21", "21"),
        ("train --data sample --lr -3", "lr"),
        ("train --data sample --seeds x", "--seeds"),
        ("train --data sample --seeds -1", "seed"),
        ("train --resume nope", "nope"),
        ("show nope", "nope"),
        ("compare nope", "nope"),
        ("worker stop nope", "nope"),
        ("runs delete nope", "nope"),
        ("export nope --to a.csv", "nope"),
        ("data get nope", "nope"),
    ],
)
def test_a_wrong_value_is_named_in_one_sentence_and_nothing_happens(lab, store, words, named):
    said = lab(*words.split())
    assert (said.status, said.out) == (2, "")
    assert is_one_sentence(said.err.removesuffix("\n"))
    assert named in said.err
    assert store.runs() == []
    assert processes_of(store.folder) == []


def test_a_file_that_cannot_be_read_is_named_and_has_its_own_status(lab, store, tmp_path):
    for path, status in ((tmp_path, 3), ("nope.zip", 2)):  # a folder, and what is not there
        said = lab("import", str(path))
        assert (said.status, said.out) == (status, "")
        assert is_one_sentence(said.err.removesuffix("\n"))
        assert str(path) in said.err


def test_whoever_reads_no_more_is_no_reason_for_a_traceback(store):
    store.add(config())
    store.add(config())
    read, write = os.pipe()
    os.close(read)
    commands = ["runs", "compare"]  # a table of Rich's, and a line that is printed
    arguments = {"cwd": CHECKOUT, "stdout": write, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-m", "resnet_lab", name], **arguments) for name in commands]
    os.close(write)
    for process in processes:
        _, err = process.communicate(timeout=180)
        assert (process.returncode, err) == (BROKEN_PIPE, "")
