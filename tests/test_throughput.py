"""The benchmark of training speed: what it times, what it compares, what it tells. A GPU would differ by its name."""

import dataclasses
import itertools
import json
from argparse import Namespace

import pytest
import torch

from benchmarks.parts.usual_pipeline import EPOCH, usual_loader, usual_precision
from benchmarks.throughput import LAB, STEPS, WARM_UP, Settings, Speed, contenders, main, measure, results, settings_of
from resnet_lab.presets import preset

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SMALL = Settings("cpu", "sample", [0, 2], batch_size=2, warm_up=1, steps=2)
WHERE = {"cpu": "some", "cores": 2, "load": 0.0, "versions": {}, "date": "today"}


def test_the_device_is_waited_for_whenever_the_clock_is_read():
    said, times = [], itertools.count(100, 4)

    def steps():
        while True:
            said.append("step")
            yield f"after {said.count('step')}"

    def clock():
        said.append("clock")
        return next(times)

    speed = measure(steps(), SMALL, lambda: said.append("wait"), clock)
    assert said == ["step", "wait", "clock", "step", "step", "wait", "clock"]
    assert speed == Speed(rate=2 * 2 / 4, how="after 3")


def test_each_contender_trains_and_says_how():
    torch.manual_seed(0)
    steps = {name: start() for name, start in contenders(dataclasses.replace(SMALL, workers=[0])).items()}
    assert set(steps) == {LAB, "loader, 0 workers"}
    assert [next(steps[LAB]) for _ in range(2)][-1] in ("fp32, eager", "bf16, eager")
    usual = steps["loader, 0 workers"]
    assert [next(usual) for _ in range(3)] == ["fp32, eager"] * 3
    state = usual.gi_frame.f_locals
    assert state["optimizer"].state  # it has made a step
    assert 0 < state["running_loss"] / 3 < 10


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_as_many_probes_are_timed_as_the_recipe_has_and_a_graph_of_them_is_recorded_before(device):
    every = preset("paper").watch.probe_every
    first, last = WARM_UP[device], WARM_UP[device] + STEPS[device]
    assert last // every - first // every == STEPS[device] / every >= 1
    assert first > every or device == "cpu"


def test_the_usual_loader_has_epochs_of_all_images_and_images_as_the_papers_have_them():
    loader = usual_loader(0, 4, CPU, "sample")
    assert len(loader.dataset) == EPOCH
    images, labels = next(iter(loader))
    assert (images.shape, images.dtype, labels.dtype) == ((4, 3, 32, 32), torch.float32, torch.int64)
    assert images.is_contiguous()
    assert not loader.pin_memory
    assert usual_loader(2, 4, torch.device("cuda"), "sample").pin_memory


def test_the_usual_pipeline_says_that_a_gpu_rounds():
    assert (usual_precision(CPU), usual_precision(torch.device("cuda"))) == ("fp32", "tf32")


def rounds(**rates):
    return [
        {name: Speed(rate, "fp32, eager") for name, rate in zip(rates, each, strict=True)}
        for each in zip(*rates.values(), strict=True)
    ]


def test_the_best_loader_has_the_highest_median_and_ratios_are_taken_round_by_round():
    told = rounds(**{LAB: [200.0, 300.0, 100.0], "steady": [100.0, 100.0, 100.0], "lucky": [900.0, 10.0, 10.0]})
    found = results(told, SMALL, WHERE)
    assert found.numbers["best_loader"] == "steady"
    assert found.numbers["ratios"] == [2.0, 3.0, 1.0]
    assert "Ratio to steady: median 2.00, from 1.00 to 3.00 (n = 3 rounds)" in found.page()
    assert f"| {LAB} | 200 | 100 | 300 | fp32, eager |" in found.page()
    assert "1 and then 2 steps of 2 images of sample" in found.page()


def test_more_workers_compete_where_there_are_more_cores():
    options = Namespace(workers=None, warm_up=None, steps=None, data="sample", batch_size=8)
    for num_cores, expected in {1: [0, 2, 4], 2: [0, 2, 4], 8: [0, 2, 4, 8], 64: [0, 2, 4, 8, 16]}.items():
        assert settings_of(options, "cuda", num_cores).workers == expected


def test_one_command_measures_and_saves(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as in this process
    words = "--device cpu --data sample --rounds 1 --workers 2 --batch-size 2 --warm-up 1 --steps 1"
    main([*words.split(), "--save"], tmp_path)
    page, told = (tmp_path / f"throughput-cpu.{suffix}" for suffix in ("md", "json"))
    assert capsys.readouterr().out.endswith(page.read_text() + "\n")
    record = json.loads(told.read_text())
    assert record["settings"] == {
        "device": "cpu", "data": "sample", "workers": [2], "batch_size": 2, "warm_up": 1, "steps": 1
    }  # fmt: skip
    assert record["rounds"][0].keys() == {LAB, "loader, 2 workers"}
    assert all(speed["rate"] > 0 for speed in record["rounds"][0].values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--rounds 0", "takes a whole number from 1 on, but was given '0'."),
        ("--steps two", "takes a whole number from 1 on, but was given 'two'."),
        pytest.param(
            "--device cuda",
            "device must be 'auto' or 'cpu' here, but is 'cuda': torch finds no CUDA device.",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device"),
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(capsys, arguments, words):
    with pytest.raises(SystemExit):
        main(arguments.split())
    assert words in capsys.readouterr().err
