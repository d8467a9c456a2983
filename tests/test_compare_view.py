"""The address of the Compare page: readable, complete, and forgiving in what it is given."""

import pytest

from resnet_lab.ui.compare_view import MAX_TEXT, READERS, CompareView, read_params
from tests.sentences import is_one_sentence

KNOWN = ["aaaa1111", "aabb2222", "cccc3333"]
FULL = CompareView(
    ("aaaa1111", "cccc3333"),
    "two",
    "epoch",
    0.25,
    "variant",
    "ci95",
    "xy",
    "aabb2222",
    ("cccc3333", "aaaa1111"),
    "plain, 56 layers & more",
    ("done", "failed"),
    ("first week", "lr 0.1"),
    only=True,
)


def test_a_view_comes_back_from_its_address():
    assert read_params(FULL.to_params(), KNOWN) == (FULL, [])
    assert read_params({}, KNOWN) == (CompareView(), [])


def test_the_address_is_readable_and_has_only_what_was_changed():
    assert CompareView().to_params() == {}
    view = CompareView(runs=("aaaa1111", "cccc3333"), x="epoch", smooth=0.9)
    assert view.to_params() == {"runs": "aaaa1111.cccc3333", "x": "epoch", "smooth": "0.9"}


def test_every_part_of_a_view_has_its_reader():
    assert READERS.keys() == CompareView.__dataclass_fields__.keys()


@pytest.mark.parametrize("text", ["aaaa1111,cccc3333", "aaaa.cccc", "aaaa1 cccc3", ",aaaa1111,,aaaa1111,cccc3333."])
def test_runs_may_be_shortened_and_repeated(text):
    assert read_params({"runs": text}, KNOWN) == (CompareView(runs=("aaaa1111", "cccc3333")), [])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("runs", "aaaa1111.zz", ("aaaa1111",)),
        ("runs", "aa", ()),  # fits two
        ("runs", ".".join(f"{k:08x}" for k in range(201)), ()),
        ("pair", "aaaa1111.cccc3333.aabb2222", ("aaaa1111", "cccc3333")),
        ("baseline", "zz", ""),
        ("view", "nothing", "curves"),
        ("x", "STEP", "step"),
        ("by", "", "run"),
        ("seeds", "stdev", "each"),
        ("log", "yx", "none"),
        ("smooth", "1", 0.6),
        ("smooth", "nan", 0.6),
        ("smooth", "-0.1", 0.6),
        ("smooth", "much", 0.6),
        ("search", "a" * (MAX_TEXT + 1), ""),
        ("status", "done.dead", ()),
        ("only", "True", False),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_kept(name, text, value):
    view, problems = read_params({"x": "epoch"} | {name: text}, KNOWN)
    assert getattr(view, name) == value
    assert name == "x" or view.x == "epoch"
    assert problems
    assert all(is_one_sentence(problem) for problem in problems)


def test_a_parameter_that_is_none_is_named():
    view, [problem] = read_params({"run": "aaaa1111"}, KNOWN)
    assert view == CompareView()
    assert "'run'" in problem
    assert "'runs'" in problem
