"""Published numbers stand beside a run only where it was trained as they were."""

import json
import os
from pathlib import Path

import pytest

from resnet_lab.presets import preset
from resnet_lab.references import REFERENCES, references_for


def errors(**fields):
    return [reference.error for reference in references_for(preset("paper", **fields))]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"depth": 20}, [8.75]),
        ({"depth": 56}, [6.97]),
        ({"depth": 110}, [6.61, 6.61]),
        ({"depth": 110, "placement": "full_preact"}, [6.37]),
        ({"depth": 110, "shortcut": "none"}, [None]),
        ({"depth": 110, "shortcut": "constant_scaling"}, [12.35]),
        ({"depth": 110, "shortcut": "constant_scaling", "shortcut_args": {"branch_scale": 1}}, [None]),
        ({"depth": 110, "shortcut": "exclusive_gating"}, [8.70]),
        ({"depth": 110, "shortcut": "exclusive_gating", "shortcut_args": {"gate_bias": -3}}, [None]),
        ({"depth": 110, "shortcut": "exclusive_gating", "shortcut_args": {"gate_bias": -7}}, [9.81]),
        ({"depth": 110, "shortcut": "shortcut_only_gating", "shortcut_args": {"gate_bias": 0}}, [12.86]),
        ({"depth": 164, "unit": "bottleneck", "projection": "B", "placement": "full_preact"}, [5.46]),
        ({"depth": 164, "unit": "bottleneck", "projection": "B", "data": "cifar100"}, [25.16]),
        ({"depth": 1001, "unit": "bottleneck", "projection": "B"}, [7.61]),
    ],
)
def test_a_run_as_in_the_papers_has_their_number(fields, expected):
    assert errors(**fields) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"steps": 63_999},
        {"batch_size": 64},
        {"lr": 0.05},
        {"weight_decay": 5e-4},
        {"schedule": "cosine"},
        {"flip": False},
        {"train_size": 10_000},
        {"test_size": 2_000},
        {"resolution": 16},
        {"data": "sample"},
        {"data": "cifar100"},
        {"width": 0.5},
        {"projection": "B"},
        {"depth": 26},
        {"placement": "bn_after_addition"},
        {"shortcut": "none"},
        {"warmup_steps": 400},
        {"skipinit": True},
        {"branch_dropout": 0.1},
    ],
    ids=str,
)
def test_a_run_that_differs_in_anything_has_none(fields):
    assert errors(depth=20) == [8.75]
    assert errors(**{"depth": 20} | fields) == []


def test_a_deep_net_without_the_warm_up_has_none():
    assert errors(depth=110, warmup_steps=0) == []


def test_how_it_was_computed_and_what_the_papers_leave_open_does_not_matter():
    free = {"seed": 7, "precision": "bf16", "crop_zeros": "before", "init": "he_fan_in", "pad": "end", "loss_every": 10}
    assert errors(depth=20, **free) == [8.75]


def test_every_number_says_where_it_is_from_and_of_how_many_runs():
    for reference in REFERENCES:
        assert reference.source.startswith("He et al. 201")
        assert "run" in reference.runs
        assert "64,000 steps of 128 images, all of cifar" in reference.words
        assert ("above 20%" if reference.error is None else f"{reference.error:.2f}%") in reference.words


def test_every_run_that_has_a_number_can_be_trained():
    for reference in REFERENCES:
        model = reference.model
        fields = {"depth": model.depth, "unit": model.unit, "projection": model.projection, "data": reference.data}
        config = preset("paper", **fields)
        assert reference in references_for(config.with_block(model.block))


def test_the_numbers_are_those_that_were_published():
    path = Path(os.environ.get("RESNET_LAB_REFERENCE", ".")) / "papers.json"
    if not path.is_file():
        pytest.skip("RESNET_LAB_REFERENCE names no folder with papers.json")
    papers = json.loads(path.read_text())
    table6 = papers["he2015"]["table6_cifar10"]
    published = {row.get("mean", row["error"]) for row in table6.values()}
    published |= {row["error"] for row in papers["he2016"]["table1_resnet110_cifar10"]} - {"fail"}
    published |= {error for key, row in papers["he2016"]["table2_cifar10"].items() if key[0] != "_" for error in row}
    table3 = papers["he2016"]["table3"]
    published |= {error for key, row in table3.items() if key[0] != "_" and "1layer" not in key for error in row}
    assert {reference.error for reference in REFERENCES} - {None} == published
