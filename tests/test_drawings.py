"""Drawings: one for all who look at the same, a new one where there is something new, and time left for all else."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from resnet_lab.ui.drawings import LONGEST_REST, REST, Drawings


class Desk:
    """Drawings of numbers that the test sets, each of which takes `seconds` of a clock that the test moves."""

    def __init__(self, most: int = 30):
        self.drawings, self.now, self.numbers, self.seconds = Drawings(most, lambda: self.now), 0.0, 0, 0.1
        self.drawn: list[tuple[str, int]] = []

    def look(self, view: str = "loss"):
        return self.drawings.get(view, lambda: self.numbers, lambda: self.draw(view))

    def draw(self, view: str):
        self.drawn.append((view, self.numbers))
        self.now += self.seconds
        return {view: (view, self.numbers)}

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_all_who_look_at_the_same_get_the_same(desk):
    first = desk.look()
    assert all(desk.look() is first for _ in range(20))
    assert desk.look("error") is not first
    assert desk.drawn == [("loss", 0), ("error", 0)]


def test_many_at_once_wait_for_one_drawing(desk):
    with ThreadPoolExecutor(20) as pool:
        looks = list(pool.map(lambda _: desk.look(), range(100)))
    assert all(look is looks[0] for look in looks)
    assert len(desk.drawn) == 1


def test_while_one_draws_anew_the_others_get_the_drawing_that_there_is(desk):
    old, desk.numbers = desk.look(), 1
    desk.passes(LONGEST_REST)
    meanwhile = []

    def draws_slowly():
        with ThreadPoolExecutor(1) as pool:
            meanwhile.append(pool.submit(desk.look).result(timeout=60))
        return {"loss": "new"}

    assert desk.drawings.get("loss", lambda: desk.numbers, draws_slowly) == {"loss": "new"}
    assert meanwhile == [old]


def test_nobody_waits_for_the_first_drawing_of_another_view(desk):
    def draws_slowly():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(desk.look, "error").result(timeout=60)

    assert desk.drawings.get("loss", lambda: 0, draws_slowly) == {"error": ("error", 0)}


def test_new_numbers_are_drawn_once_the_drawing_has_rested(desk):
    old, desk.numbers = desk.look(), 1
    desk.passes(REST * desk.seconds - 0.01)
    assert desk.look() is old
    desk.passes(0.02)
    assert desk.look() == {"loss": ("loss", 1)}


def test_without_new_numbers_nothing_is_drawn(desk):
    old = desk.look()
    for _ in range(10):
        desk.passes(10)
        assert desk.look() is old


def test_a_fifth_of_the_time_at_most_goes_into_a_drawing(desk):
    while desk.now < 20:
        desk.numbers += 1
        desk.look()
        desk.passes(0.001)
    assert 0.15 < len(desk.drawn) * desk.seconds / desk.now <= 0.2


def test_a_slow_drawing_is_not_older_than_a_tick(desk):
    desk.seconds = 3.0
    desk.look()
    desk.numbers = 1
    desk.passes(LONGEST_REST)
    assert desk.look() == {"loss": ("loss", 1)}


def test_what_nobody_looks_at_any_more_is_forgotten():
    desk = Desk(most=2)
    for view in ("a", "b", "a", "c", "a"):
        desk.look(view)
    assert desk.drawn == [("a", 0), ("b", 0), ("c", 0)]
    desk.look("b")
    assert desk.drawn[-1] == ("b", 0)


def test_a_drawing_that_fails_is_tried_again(desk):
    def fails():
        raise ValueError("no")

    for number in range(2):
        desk.numbers = number
        with pytest.raises(ValueError, match="no"):
            desk.drawings.get("loss", lambda: desk.numbers, fails)
        assert desk.look() == {"loss": ("loss", number)}
        desk.passes(LONGEST_REST)
