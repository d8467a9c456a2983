"""Run styles: seen on both surfaces, told apart with every kind of colour vision, the same on all pages."""

from itertools import combinations

import numpy as np
import pytest

from resnet_lab.store import Store
from resnet_lab.ui.palette import RUNS, SURFACE
from resnet_lab.ui.run_styles import DASHES, SHARED, style_of, styles
from tests.sentences import is_one_sentence, refusal
from tests.stores import config

# how linear RGB looks without one kind of cone: Machado, Oliveira and Fernandes 2009, severity 1
VISIONS = {
    "trichromat": np.eye(3),
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Oklab, Ottosson 2020
TO_CONES = np.array(
    [[0.4122215, 0.5363325, 0.0514460], [0.2119035, 0.6806995, 0.1073970], [0.0883025, 0.2817188, 0.6299787]]
)
TO_LAB = np.array(
    [[0.2104543, 0.7936178, -0.0040720], [1.9779985, -2.4285922, 0.4505937], [0.0259040, 0.7827718, -0.8086758]]
)
OKABE_ITO = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#000000"]
THEMES = ("light", "dark")


def linear(colour):
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(colour, other):
    """WCAG 2"""
    dark, light = sorted(linear(each) @ [0.2126, 0.7152, 0.0722] for each in (colour, other))
    return (light + 0.05) / (dark + 0.05)


def seen(colour, vision):
    """In Oklab, where distances are about as large as they look."""
    cones = TO_CONES @ np.clip(VISIONS[vision] @ linear(colour), 0, 1)
    return TO_LAB @ np.cbrt(np.clip(cones, 0, None))


def nearest(colours, vision):
    return min(np.linalg.norm(seen(a, vision) - seen(b, vision)) for a, b in combinations(colours, 2))


@pytest.fixture
def store(tmp_path):
    with Store(None, tmp_path / "home") as store:
        yield store


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_is_seen_on_the_surface(theme):
    assert min(contrast(colour.of(theme), SURFACE.of(theme)) for colour in RUNS) >= 3


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES)
def test_colours_are_told_apart_nearly_as_well_as_those_of_okabe_and_ito(theme, vision):
    nearest_of_all = min(nearest(OKABE_ITO, each) for each in VISIONS)
    assert nearest([colour.of(theme) for colour in RUNS], vision) > 0.8 * nearest_of_all
    assert nearest([colour.of(theme) for colour in RUNS[:3]], vision) > 1.3 * nearest_of_all


def test_after_the_colours_come_the_dashes():
    found = [style_of(number) for number in range(len(RUNS) * len(DASHES))]
    assert len(set(found)) == len(found)
    assert {style.dash for style in found[: len(RUNS)]} == {"solid"}
    assert style_of(len(found)) == found[0]
    assert [style_of(-1 - number) for number in range(len(found))] == found[::-1]


def test_a_run_keeps_its_style_whatever_is_shown_beside_it(store):
    runs = [store.add(config(seed=seed)) for seed in range(4)]
    all_of_them = styles(runs, "run")
    assert len(set(all_of_them.values())) == 4
    assert styles(runs[:1:-1], "run") == {run.id: all_of_them[run.id] for run in runs[2:]}
    store.delete(runs[0].id)
    assert styles(store.runs(), "run") == {run.id: all_of_them[run.id] for run in runs[1:]}


@pytest.mark.parametrize(
    ("by", "fields"), [("variant", {"shortcut": "none"}), ("depth", {"depth": 14}), ("recipe", {"lr": 0.2})]
)
def test_runs_that_share_it_share_a_style_which_a_newer_run_does_not_change(store, by, fields):
    runs = [store.add(config(**each)) for each in ({}, {"seed": 1}, fields, fields | {"seed": 1})]
    one, two, three, four = styles(runs, by).values()
    assert (one, three) == (two, four) == (style_of(0), style_of(1))
    for other in SHARED.keys() - {by}:
        assert set(styles(runs, other).values()) == {style_of(0)}
    newer = store.add(config(shortcut="conv", depth=20, lr=0.01))
    found = styles([newer, *reversed(runs)], by)
    assert {run_id: found[run_id] for run_id in styles(runs, by)} == styles(runs, by)
    assert found[newer.id] == style_of(2)


def test_an_unknown_way_to_colour_is_refused():
    assert is_one_sentence(refusal(styles, [], "seed"))
