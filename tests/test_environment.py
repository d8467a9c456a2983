"""The environment of a run: the versions and the machine, in a moment, as JSON."""

import json
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from resnet_lab.environment import CHECKOUT, commit, cpu_name, describe_environment, installed, lab_version

ME = ("-c", "user.name=a", "-c", "user.email=a@b")


def git(folder, *arguments):
    subprocess.run(["git", "-C", folder, *ME, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_it_names_what_another_machine_would_have_to_match():
    found = describe_environment("cpu")
    assert found["torch"] == torch.__version__
    assert found["numpy"] == np.__version__
    assert found["threads"] == torch.get_num_threads()
    assert (found["device"], found["gpu"]) == ("cpu", "")
    assert found["resnet_lab"] == tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    assert found["cpu"]
    assert found["platform"]
    assert json.loads(json.dumps(found)) == found


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_it_names_the_gpu():
    assert describe_environment("cuda")["gpu"] == torch.cuda.get_device_name()


def test_the_commit_is_that_of_the_checkout_and_says_when_there_are_changes(checkout):
    head = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    assert commit(checkout) == head[:12]
    (checkout / "file").write_text("two")
    assert commit(checkout) == head[:12] + "+changes"


def test_a_checkout_without_a_commit_or_around_the_code_is_not_named(tmp_path, checkout):
    (checkout / "inside").mkdir()
    assert commit(checkout / "inside") == ""
    git(checkout / "inside", "init")
    assert commit(checkout / "inside") == ""


def test_a_missing_git_is_no_error(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit(checkout) == ""


def test_what_is_not_installed_has_no_version(tmp_path):
    assert installed("nosuchpackage") == ""
    assert lab_version(tmp_path) == installed("resnet-lab")
    assert (CHECKOUT / "resnet_lab" / "environment.py").is_file()


def test_the_cpu_has_a_name_with_and_without_linux(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A Fast One: Two\n")
    assert cpu_name(tmp_path / "cpuinfo") == "A Fast One: Two"
    assert cpu_name(tmp_path / "none")
