"""python -m resnet_lab data: lists, checks and imports, with an exit status that says how it went."""

import argparse
import json

import numpy as np
import pytest

from resnet_lab.commands import data
from resnet_lab.data import DATASETS, SAMPLE, keep, kept_file, load_images
from tests.sentences import is_one_sentence, refusal


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty one."""
    monkeypatch.setenv("RESNET_LAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments):
    parser = argparse.ArgumentParser(prog="data")
    data.add_options(parser)
    return data.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def cifar100(home):
    """A small one, in its place."""
    return keep("cifar100", {split: load_images("synthetic", split) for split in ("train", "test")}, "a test")


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_the_list_has_a_line_for_each_data_set(home, cifar100, capsys, arguments):
    assert run(*arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *DATASETS]
    assert [line.split()[2] for line in lines] == ["here", "yes", "no", "yes", "yes"]
    assert str(home / "data" / "cifar10.npz") in lines[2]


@pytest.mark.parametrize("arguments", [["--json"], ["list", "--json"], ["--json", "list"]])
def test_the_list_is_there_for_programs(home, cifar100, capsys, arguments):
    assert run(*arguments) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == list(DATASETS)
    assert (rows["cifar10"]["here"], rows["cifar10"]["size_mb"], rows["cifar10"]["images"]) == (False, 0, 60_000)
    assert rows["cifar100"]["size_mb"] == pytest.approx(cifar100.stat().st_size / 1e6, abs=0.1)
    sample = sum(path.stat().st_size for path in SAMPLE.iterdir())
    assert rows["sample"]["size_mb"] == pytest.approx(sample / 1e6, abs=0.1)


def test_a_check_of_all_checks_what_is_here(home, cifar100, capsys):
    assert run("check") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["sample", "cifar100", "synthetic"]


def test_a_check_finds_what_is_damaged_and_goes_on(home, cifar100, capsys):
    with np.load(cifar100) as arrays:
        changed = dict(arrays)
    changed["test_labels"][0] ^= 1
    np.savez(cifar100, **changed)
    assert run("check", "cifar100") == 1
    assert run("check") == 1
    out = capsys.readouterr().out
    assert str(cifar100) in out
    assert "synthetic: 2,000 train images and 500 test images" in out


def test_a_check_of_what_is_not_here_says_how_to_get_it(home, capsys):
    assert run("check", "cifar10") == 1
    assert "data get cifar10" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["get", "imagenet"], ["check", "imagenet"], ["import", "nowhere"]])
def test_a_user_s_mistake_is_one_sentence(home, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    text = refusal(run, *arguments)
    assert is_one_sentence(text), text
    assert arguments[1] in text
    assert not (home / "data").exists()


def test_an_import_is_verified_kept_and_told(full_cifar10, tmp_path, monkeypatch, capsys):
    source = tmp_path / "mine.npz"
    source.symlink_to(kept_file("cifar10"))
    monkeypatch.setenv("RESNET_LAB_HOME", str(tmp_path / "home"))
    assert run("import", source) == 0
    assert "cifar10: 50,000 train images and 10,000 test images" in capsys.readouterr().out
    with np.load(tmp_path / "home" / "data" / "cifar10.npz") as arrays:
        assert json.loads(str(arrays["provenance"]))["source"] == "mine.npz"


def test_the_help_says_what_can_be_imported(capsys):
    with pytest.raises(SystemExit):
        run("import", "--help")
    assert "parquet" in capsys.readouterr().out
