"""The benchmark of several seeds as one net: the same arithmetic, and what it says it found."""

import json

import pytest
import torch

from benchmarks import batched_seeds
from benchmarks.batched_seeds import apart, learner, main, verdict
from benchmarks.parts.one_net import OneNet
from tests.test_trainer import tiny

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    "fields",
    [{}, {"placement": "full_preact", "projection": "B"}, {"pad": "end"}, {"shortcut": "exclusive_gating"}],
    ids=str,
)
def test_seeds_as_one_net_take_the_steps_that_each_would_take(fields):
    learners = [learner(tiny(seed=seed, **fields), "fp32") for seed in range(3)]
    one_net = OneNet(learners)
    for step in range(5):
        one_net.learn(step)
        for each in learners:
            each.loss_sum.zero_()
        apart(learners, step)
        torch.testing.assert_close(one_net.losses, torch.stack([each.loss_sum for each in learners]), rtol=1e-4, atol=0)
    first = [each.model.stem[0].weight for each in learners]
    torch.testing.assert_close(one_net.model.stem[0].weight, torch.cat(first), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ([1.1, 1.5], "faster as one net"),
        ([0.5, 0.9], "faster one after the other"),
        ([0.9, 1.5], "no difference that every round shows"),
    ],
)
def test_only_what_every_round_shows_is_said(ratios, words):
    assert verdict(ratios) == words


def test_one_command_measures_and_saves(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(batched_seeds, "SETTINGS", {"tiny": tiny()})
    main(["--seeds", "2", "--rounds", "2", "--save"], tmp_path, steps=1)
    page, record = (tmp_path / f"batched_seeds-cpu.{suffix}" for suffix in ("md", "json"))
    assert capsys.readouterr().out.endswith(page.read_text() + "\n")
    found = json.loads(record.read_text())["measured"]
    assert [(each["net"], each["precision"], len(each["ratios"])) for each in found] == [
        ("tiny", "fp32", 2),
        ("tiny", "bf16", 2),
    ]
    assert all(ratio > 0 for each in found for ratio in each["ratios"])
