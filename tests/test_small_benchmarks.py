"""The benchmarks that take seconds where little is asked of them: each says and keeps what it found."""

import json

import pytest

from benchmarks import error_rates, probes, ways, xray
from benchmarks.error_rates import Simulation, coverage, decided, skewed
from resnet_lab.execution import UsualWay
from resnet_lab.fusion import FusedUnits
from resnet_lab.papers.budgets import BUDGETS
from tests.test_trainer import tiny

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


def test_each_way_to_compute_is_timed_beside_the_plain_one_of_the_same_threads(tmp_path, monkeypatch):
    seconds = {ways.PLAIN: 1.0, "fp32, channels last": 0.5}
    slower = {False: 1.0, True: 0.8}

    def measured(process, precisions):
        assert precisions == ["fp32"]
        return {way: slower[process.keeps_memory] * each / process.threads for way, each in seconds.items()}

    monkeypatch.setattr(ways, "measured_apart", measured)
    monkeypatch.setattr(ways, "tried", lambda device: UsualWay("fp32", {"fp32": "channels_last"}))
    monkeypatch.setattr(ways, "usable_cores", lambda: [0, 1])
    ways.main(["--rounds", "2", "--precisions", "fp32", "--save"], tmp_path)
    found = kept(tmp_path, "ways-cpu")
    assert found["chosen"] == "fp32, channels last"
    assert len(found["seconds"]) == 8
    page = (tmp_path / "ways-cpu.md").read_text()
    row = " | ".join(["| fp32, channels last", *["2.00 (2.00 to 2.00)", "2.50 (2.50 to 2.50)"] * 2])
    assert page.count(row) == 2


@pytest.mark.filterwarnings("default")  # torch's compiler has some of its own
def test_the_ways_are_steps_that_are_taken(monkeypatch):
    monkeypatch.setattr("resnet_lab.learner.FusedUnits", lambda **options: FusedUnits("aot_eager"))
    found = ways.measured_here(tiny(), ["fp32"], 1, steps=1)
    assert found.keys() == {ways.PLAIN, "fp32, channels last", "fp32, channels last, compiled", ways.BOUND}
    assert min(found.values()) > 0


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
