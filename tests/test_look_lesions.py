"""What has been cut: in the address, by clicks, for a job, in words."""

import pytest

from resnet_lab.inside.subjects import PixelNet
from resnet_lab.inside.surgery import edited
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model, unit_shapes
from resnet_lab.run_config import DataConfig
from resnet_lab.ui.look_edits import CLICKS, PARAMS, Edits, comparison, missing, outcome, read_edits, words

SHAPES, SMALL = (unit_shapes(ModelConfig(depth=depth)) for depth in (20, 8))
ALL = Edits((2, 1), ((2, 3), (5, 6)), {7: ("delete", 0), 1: ("delete", 0), 4: ("bypass", 0), 8: ("scale", 50)})
PARAMS_OF_ALL = {"shuffle": "1.2", "swap": "2-3.5-6", "scale": "8x50", "bypass": "4", "cut": "1.7"}
RECORD = {"error": 23.5, "intact_error": 8.25, "words": "1,000 test images of the bundled sample"}


def test_the_address_says_all_edits_and_reading_it_brings_them_back():
    assert ALL.to_params() == PARAMS_OF_ALL
    read, problems = read_edits(PARAMS_OF_ALL)
    assert problems == []
    assert read.to_params() == PARAMS_OF_ALL
    assert read.for_job() == ALL.for_job()


def test_nothing_done_leaves_the_address_empty():
    assert set(Edits().to_params().values()) == {""}
    assert set(Edits().to_params()) == set(PARAMS)


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("part", ["x", "0", "-1", "3-3", "1e3", "12345", "½", "<b>"])
def test_what_is_no_edit_is_said_in_a_sentence_and_the_rest_is_read(name, part):
    good = PARAMS_OF_ALL[name]
    read, [problem] = read_edits({name: f"{part}.{good}"})
    assert problem == f"{name} must be {PARAMS[name][1]}, but has {part!r}."
    assert read.to_params()[name] == good


def test_a_job_counts_from_zero_and_the_order_is_always_the_same():
    assert ALL.for_job() == [
        {"do": "shuffle", "stage": 0, "seed": 0},
        {"do": "shuffle", "stage": 1, "seed": 0},
        {"do": "swap", "unit": 1, "other": 2},
        {"do": "swap", "unit": 4, "other": 5},
        {"do": "scale", "unit": 7, "factor": 0.5},
        {"do": "bypass", "unit": 3},
        {"do": "delete", "unit": 0},
        {"do": "delete", "unit": 6},
    ]


@pytest.mark.parametrize("click", ["delete", "bypass", "scale"])
def test_the_same_click_takes_back_and_another_replaces(click):
    once = Edits().toggled(3, click, 50)
    assert once.units[3][0] == click
    assert once.toggled(3, click, 50) == Edits()
    other = next(each for each in ("delete", "bypass") if each != click)
    assert once.toggled(3, other).units == {3: (other, 0)}


def test_another_factor_replaces_the_first():
    assert Edits().toggled(3, "scale", 50).toggled(3, "scale", 200).units == {3: ("scale", 200)}


def test_a_unit_is_in_one_swap_at_most_and_the_same_swap_is_taken_back():
    edits = Edits().swap_toggled(5, 2)
    assert edits.swapped == ((2, 5),)
    assert [edits.partner(unit) for unit in (2, 5, 3)] == [5, 2, None]
    assert edits.swap_toggled(2, 3).swapped == ((2, 3),)
    assert edits.swap_toggled(2, 5) == edits.unswapped(2) == Edits()
    assert edits.swap_toggled(3, 3) == edits


def test_a_stage_is_shuffled_and_put_back():
    assert Edits().shuffle_toggled(2).shuffled == (2,)
    assert Edits().shuffle_toggled(2).shuffle_toggled(2) == Edits()


def test_a_net_has_the_edits_of_the_units_that_it_has():
    edits = Edits((3, 4), ((8, 9), (3, 4), (1, 12)), {9: ("delete", 0), 10: ("delete", 0)})
    assert edits.within(SHAPES) == Edits((3,), ((8, 9),), {9: ("delete", 0)})
    assert missing(edits, [SMALL, SHAPES]) == [
        "There is no unit 10: the nets have at most 9.",
        "There is no unit 12: the nets have at most 9.",
        "Units 3 and 4 cannot be swapped: their shapes differ.",
        "There is no stage 4: the nets have 3.",
    ]
    assert not missing(ALL, [SMALL, SHAPES])
    assert missing(Edits((2,)), [SMALL]) == ["Stage 2 cannot be shuffled: no two of its units have the same shape."]


def test_what_a_net_can_have_its_job_can_do():
    config = ModelConfig(depth=20, width=0.25)
    net = PixelNet(build_model(config), DataConfig())
    for edits in (ALL, Edits((3,)), Edits(swapped=((8, 9),)), Edits((1, 2, 3, 4), ((3, 4), (4, 5)))):
        edited(net, config, edits.within(unit_shapes(config)).for_job())


def test_each_edit_has_words():
    assert words(ALL) == (
        "stage 1 shuffled, stage 2 shuffled, units 2 and 3 swapped, units 5 and 6 swapped, units 1 and 7 deleted, "
        "unit 4 bypassed, unit 8 scaled by 0.5"
    )
    for click in CLICKS:
        edits = {"swap": Edits().swap_toggled(1, 2), "shuffle": Edits().shuffle_toggled(1)}
        assert words(edits.get(click, Edits().toggled(1, click, 50)))


def test_the_sentence_says_both_errors_the_difference_and_the_images():
    assert outcome(Edits(units={3: ("delete", 0)}), RECORD) == (
        "Test error 8.25% as it is, 23.50% with unit 3 deleted: +15.25 points, on 1,000 test images of the bundled "
        "sample."
    )
    assert outcome(Edits(), RECORD | {"error": 8.25}) == (
        "Test error 8.25% as it is, on 1,000 test images of the bundled sample."
    )
    better = outcome(Edits(shuffled=(1,)), RECORD | {"error": 8.0})
    assert "8.00% with stage 1 shuffled: −0.25 points" in better


def test_the_net_that_suffers_most_is_named():
    images = {"words": RECORD["words"]}
    plain, identity = {"error": 90.0, "intact_error": 9.0, **images}, {"error": 20.0, "intact_error": 8.0, **images}
    records = {"plain": plain, "identity": identity}
    assert comparison(records) == "plain suffers most, by +81.00 points; identity least, by +12.00 points."
    assert "All nets lose the same" in comparison(dict.fromkeys("ab", plain))


def test_nets_lose_the_same_where_the_shown_numbers_agree():
    one, other = ({"error": intact + 0.1, "intact_error": intact, "words": "images"} for intact in (0.2, 0.7))
    assert one["error"] - 0.2 != other["error"] - 0.7
    assert "All nets lose the same" in comparison({"a": one, "b": other})


def test_nets_that_were_measured_on_different_images_are_not_compared():
    assert comparison({"a": RECORD, "b": RECORD | {"words": "10,000 test images"}}) == ""
