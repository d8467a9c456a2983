"""The benchmarks that take seconds where little is asked of them: each says and keeps what it found."""

import json

import pytest

from benchmarks import error_rates, probes, xray
from benchmarks.error_rates import Simulation, coverage, decided, skewed
from resnet_lab.papers.budgets import BUDGETS

pytestmark = pytest.mark.usefixtures("one_thread")


def kept(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


def test_the_x_ray_is_timed_beside_a_bare_pass(tmp_path, capsys):
    xray.main(["--rounds", "2", "--save"], tmp_path, depths=(8,))
    found = kept(tmp_path, "xray-cpu")
    assert [(each["depth"], len(each["seconds"])) for each in found["measured"]] == [(8, 2), (8, 2)]
    assert len(found["cost_ratios"]) == 2
    assert "8, exclusive_gating" in capsys.readouterr().out


def test_probes_are_timed_beside_the_same_run_without(tmp_path):
    probes.main(["--rounds", "2", "--save"], tmp_path, depth=8, probe_every=2, batch_size=8)
    assert [len(each) for each in kept(tmp_path, "probes-cpu")["percent"].values()] == [2, 2]


def test_error_rates_are_kept_with_their_number_of_studies(tmp_path):
    error_rates.main(["--studies", "2", "--save"], tmp_path)
    found = kept(tmp_path, "error_rates")
    assert found["studies"] == 2
    assert all(0 <= rate <= 1 for rate in [*found["wrong"].values(), *found["covered"].values()])


def test_skewed_numbers_of_one_net_are_taken_for_a_difference_where_looks_are_not_counted(monkeypatch):
    """The simulation sees what the test takes for granted."""
    monkeypatch.setattr("resnet_lab.papers.statistics.looks", lambda number: 1)
    assert Simulation(BUDGETS["quick"]).wrong(20, looks=[10], draw=skewed, quiet=0.0) > 0.05


def test_more_seeds_cover_and_decide_more():
    assert coverage(5, 300) < coverage(20, 300)
    assert decided(5, 4.0, 0.01, 300) < decided(10, 4.0, 0.01, 300)
