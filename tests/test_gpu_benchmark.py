"""The benchmark of the GPU, as far as a CPU can tell: all of it but recording, and kernels."""

import json
from dataclasses import replace

import pytest
import torch

from benchmarks.gpu import PARTS, main
from benchmarks.parts.gpu_bounds import operations, traffic
from benchmarks.parts.gpu_cases import Case, FellBack, measured, table
from benchmarks.parts.gpu_scope import Scope, net, whole_scope
from benchmarks.parts.gpu_steps import EAGER, difference, losses
from resnet_lab.events import Step
from resnet_lab.trainer import Trainer
from tests.test_trainer import tiny

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("default"),  # torch's compiler has some of its own
]

SMALL = Scope(
    torch.device("cpu"),
    nets={"small": tiny()},
    variants={"identity": tiny(), "dropout": tiny(shortcut="dropout")},
    short=tiny(steps=2),
    seeds=(0, 1),
    side_by_side=(2,),
    compared=3,
    steps=1,
    rounds=2,
    probe_every=1,
    batch_size=2,
    warm_up=1,
    copied=2**16,
    launch="eager",  # no CPU records
    backend="aot_eager",
)
RECORDING = replace(SMALL, launch="graph")
ON_CPU = [part for part in PARTS if part not in ("usual", "profile")]


def told(folder, *parts, scope=SMALL):
    """With time enough for a machine that has much else to do."""
    main([*parts, "--minutes", "60"], scope, folder)
    return read(folder)


def read(folder):
    return json.loads((folder / "gpu.json").read_text())


# ---- the parts


@pytest.mark.parametrize("part", ON_CPU)
def test_a_part_measures_and_writes_numbers_and_a_table(tmp_path, capsys, part):
    rows = told(tmp_path, part)[part]
    assert rows
    assert [row for row in rows if "remark" in row] == []
    lines = (tmp_path / "gpu.txt").read_text().splitlines()
    assert lines[0] == capsys.readouterr().out.splitlines()[0]  # what it ran on
    assert lines[2] == part
    assert len(lines) == 4 + len(rows)


def test_speed_is_told_beside_both_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.parts.gpu_speed.WAYS", [(EAGER, "fp32")])
    (row,) = told(tmp_path, "speed")["speed"]
    assert row["images/s"] == pytest.approx(1000 * 16 / row["ms/step"])
    assert row["share of memory bound"] > 0
    assert row["share of launch bound"] > 0


def test_the_lab_is_measured_beside_the_usual_pipeline(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("benchmarks.parts.gpu_speed.LOADERS", (0,))
    (row,) = told(tmp_path, "usual")["usual"]
    assert row["usual pipeline"] == "loader, 0 workers"
    assert row["lab/usual"] == pytest.approx(row["lab, images/s"] / row["images/s"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device, which records")
def test_what_falls_back_is_told_and_the_next_part_begins(tmp_path):
    found = told(tmp_path, "speed", "together", "fused", "cpu", scope=RECORDING)
    assert {row["way"] for row in found["speed"] if row.get("remark", "").startswith("fell back: ")} == {
        "graph", "graph with fusion"
    }  # fmt: skip
    assert all("ms/step" in row for row in found["speed"] if row["way"] == EAGER)
    assert all(row["remark"].startswith("fell back: ") for row in found["together"] + found["fused"])
    assert found["cpu"][0]["step 1"] == 0


def test_seeds_are_told_one_by_one_with_mean_and_deviation_so_far(tmp_path):
    first, second = told(tmp_path, "seeds")["seeds"]
    assert (first["seed"], second["seed"]) == (0, 1)
    way = "eager, fp32"
    errors = [row[f"{way}: error, %"] for row in (first, second)]
    assert first[f"{way}: deviation"] is None
    assert second[f"{way}: mean"] == pytest.approx(sum(errors) / 2)
    assert second[f"{way}: deviation"] == pytest.approx(abs(errors[0] - errors[1]) / 2**0.5)
    for seed, error in enumerate(errors):
        trainer = Trainer(SMALL.short.changed(seed=seed), "cpu")
        list(trainer)
        assert trainer.test_error == error


# ---- steps and bounds


def test_losses_are_those_of_each_step():
    steps = [event.loss for event in Trainer(tiny(steps=3, loss_every=1), "cpu") if isinstance(event, Step)]
    assert losses(SMALL, tiny(), EAGER, "fp32", 3) == pytest.approx(steps)


def test_a_difference_is_the_greatest_of_the_first_steps():
    assert difference([1.0, 3.0, 9.0], [1.0, 2.0, 1.0], 2) == 0.5


def test_what_a_step_moves_grows_with_the_depth_as_was_estimated_for_an_h200():
    """At its full speed that takes less than the estimates, which allow for what no kernel reaches."""
    estimates = {20: 0.17, 56: 0.49, 110: 0.97}  # ms
    least = {depth: 1000 * traffic(net(depth=depth), "bf16") / 4.8e12 for depth in estimates}
    for depth, estimate in estimates.items():
        assert least[depth] / least[20] == pytest.approx(estimate / estimates[20], rel=0.05)
        assert estimate / 2 < least[depth] < estimate
    assert traffic(net(depth=20), "fp32") == 2 * traffic(net(depth=20), "bf16")


@pytest.mark.parametrize(("depth", "kernels"), [(20, 245), (56, 641)])
def test_a_step_has_at_least_a_kernel_for_each_operation(depth, kernels):
    assert 0.85 * kernels < operations(SMALL, net(depth=depth, batch_size=2), "bf16") <= kernels


def test_the_whole_has_the_papers_nets_and_eight_runs_at_once():
    whole = whole_scope(torch.device("cpu"))
    assert [config.model.depth for config in whole.nets.values()] == [20, 56, 110, 164]
    assert whole.side_by_side == (1, 2, 4, 8)
    assert (whole.compared, len(whole.seeds), len(whole.variants)) == (100, 5, 16)
    assert whole.alike.keys() == whole.variants.keys() - {"dropout", "stochastic depth"}


# ---- time, failures, tables


class Clock:
    """Cases that take time of their own, and how much is left."""

    def __init__(self, seconds):
        self.left = seconds

    def case(self, name, takes, kind="", seconds=0.0):
        def measure():
            self.left -= takes
            yield {"took": takes}

        return Case({"case": name}, measure, kind, seconds)

    def rows(self, *cases):
        return [(row["case"], row.get("remark", row.get("took"))) for row in measured(cases, lambda: self.left)]


def test_what_would_not_be_ready_in_time_is_skipped_and_something_shorter_is_measured():
    clock = Clock(100)
    assert clock.rows(
        clock.case("first", 60, kind="compiled", seconds=90),
        clock.case("second", 30, kind="compiled", seconds=10),
        clock.case("short", 5),
        clock.case("stated", 5, kind="long", seconds=36),
    ) == [
        ("first", 60),
        ("second", "skipped: it takes 60 s, and 40 s were left"),
        ("short", 5),
        ("stated", "skipped: it takes 36 s, and 35 s were left"),
    ]


def test_nothing_begins_after_the_end():
    clock = Clock(10)
    assert clock.rows(clock.case("last", 11), clock.case("late", 1)) == [("last", 11)]


def test_without_time_it_says_where_it_ran_and_no_more(tmp_path, capsys):
    main(["--minutes", "0"], SMALL, tmp_path)
    where, *_, last = capsys.readouterr().out.splitlines()
    assert torch.__version__.split("+")[0] in where
    assert last == "The time is over."
    assert read(tmp_path).keys() == {"where"}


def failing(error):
    def measure():
        raise error
        yield

    return measure


def test_what_fails_is_told_and_the_next_case_begins(capsys):
    cases = [
        Case({"case": 1}, failing(RuntimeError("it broke"))),
        Case({"case": 2}, failing(FellBack("no graph"))),
        Case({"case": 3}, lambda: [{"ms": 1.0}]),
    ]
    assert list(measured(cases, lambda: 1.0)) == [
        {"case": 1, "remark": "failed: RuntimeError('it broke')"},
        {"case": 2, "remark": "fell back: no graph"},
        {"case": 3, "ms": 1.0},
    ]
    assert "it broke" in capsys.readouterr().err


def test_a_table_has_aligned_columns_and_remarks_at_the_end():
    rows = [{"net": "a", "ms": 12.345}, {"net": "longer", "remark": "fell back: no graph"}, {"net": "b", "ms": None}]
    assert table(rows).splitlines() == [
        "net       ms",
        "a       12.3",
        "longer        fell back: no graph",
        "b          –",
    ]
    assert table([]) == ""


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["nope"], SMALL)
    assert "there is no part 'nope'; the parts are 'agreement'" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_it_says_so():
    with pytest.raises(SystemExit, match="torch finds no CUDA device here"):
        main([])
