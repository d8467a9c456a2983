"""The drawing of a net: a button for each unit that says what a click does and what has been done."""

import re
from html.parser import HTMLParser

import pytest

from resnet_lab.presets import preset
from resnet_lab.ui.look_edits import CLICKS, Edits
from resnet_lab.ui.net_drawing import Click, drawings, net_of
from resnet_lab.ui.palette import BRANCH, PATH

SHORTCUTS = ["identity", "none"]


class Buttons(HTMLParser):
    """The attributes of all buttons, and all tags, in order."""

    def __init__(self, html):
        super().__init__()
        self.found, self.tags = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "button":
            self.found.append(dict(attrs))


def net(shortcut="identity", depth=8, title="mine"):
    return net_of("a", title, preset("minute", depth=depth, shortcut=shortcut).model)


INTACT, DELETE = Edits(), Click("delete")


def drawn(edits=INTACT, click=DELETE, **which):
    return drawings([net(**which)], edits, click, ["A note."])


def names(html):
    return [button["aria-label"] for button in Buttons(html).found]


@pytest.mark.parametrize("depth", [8, 20])
@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_each_unit_is_a_button_that_says_which_it_is_and_what_a_click_does(depth, shortcut):
    a_stage = (depth - 2) // 6
    wanted = [f"Unit {unit}, stage {(unit - 1) // a_stage + 1}: delete" for unit in range(1, 3 * a_stage + 1)]
    assert names(drawn(depth=depth, shortcut=shortcut)) == wanted


@pytest.mark.parametrize("click", CLICKS)
def test_every_kind_of_click_has_words_for_every_unit(click):
    assert all(re.fullmatch(r"Unit \d, stage \d: [a-z0-9. ]+", name) for name in names(drawn(click=Click(click))))


@pytest.mark.parametrize(
    ("edits", "click", "words"),
    [
        (Edits(units={2: ("delete", 0)}), Click("delete"), "restore"),
        (Edits(units={2: ("delete", 0)}), Click("bypass"), "bypass"),
        (Edits(units={2: ("scale", 50)}), Click("scale", percent=50), "restore"),
        (Edits(units={2: ("scale", 50)}), Click("scale", percent=200), "scale by 2"),
        (Edits(), Click("swap", picked=1), "swap with unit 1"),
        (Edits(swapped=((1, 2),)), Click("swap"), "swap back"),
        (Edits(shuffled=(1,)), Click("shuffle"), "restore the order of its stage"),
    ],
)
def test_a_click_on_what_has_been_done_takes_it_back(edits, click, words):
    assert names(drawn(edits, click, depth=14))[1] == f"Unit 2, stage 1: {words}"


def test_what_has_been_done_is_heard_too():
    edits = Edits(swapped=((1, 2),), units={2: ("scale", 150)})
    pressed = [(button["aria-pressed"], button["title"]) for button in Buttons(drawn(edits, depth=14)).found]
    assert pressed[0] == ("true", "Unit 1 is swapped with unit 2")
    assert pressed[1] == ("true", "Unit 2 is scaled by 1.5 and swapped with unit 1")
    assert pressed[2] == ("false", "Unit 3, stage 2: delete")


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_the_path_and_the_branch_have_their_colours_and_a_plain_net_has_no_path(shortcut):
    html = drawn(shortcut=shortcut)
    assert html.count(f'stroke="{PATH.css}"') == (3 if shortcut == "identity" else 0)
    assert BRANCH.css in html


def test_a_deleted_unit_loses_its_addition_but_not_its_path():
    whole, cut = drawn(), drawn(Edits(units={2: ("delete", 0)}))
    assert cut.count("<circle") == whole.count("<circle") - 1
    assert cut.count(f'stroke="{PATH.css}"') == whole.count(f'stroke="{PATH.css}"')


def test_edits_of_units_that_a_net_does_not_have_leave_it_alone():
    edits = Edits(shuffled=(9,), swapped=((3, 30),), units={30: ("delete", 0)})
    assert drawn(edits) == drawn()


def test_what_a_user_called_a_net_is_text():
    html = drawings([net(title='<img src="x">')], Edits(), Click("delete"), ["<b>5%</b>"])
    assert not {"img", "b"} & set(Buttons(html).tags)
