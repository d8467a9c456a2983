"""How many runs are trained at once: what the device bears, unless the user says otherwise."""

import pytest

from resnet_lab.places import FILE, MOST, ON_GPU, choose_places, chosen_places, note_places_on_gpu, num_places
from tests.sentences import refusal


@pytest.mark.parametrize(("device", "cores", "places"), [("cpu", 2, 3), ("cpu", 16, 16), ("cuda", 2, ON_GPU)])
def test_without_a_word_of_the_user_it_is_what_the_device_bears(tmp_path, device, cores, places):
    assert num_places(tmp_path, device, cores) == places


def test_on_a_gpu_it_is_what_was_measured_there_and_the_word_of_the_user_comes_first(tmp_path):
    note_places_on_gpu(tmp_path, 8)
    assert (num_places(tmp_path, "cuda", 2), num_places(tmp_path, "cpu", 2)) == (8, 3)
    choose_places(tmp_path, 2)
    assert num_places(tmp_path, "cuda", 2) == 2


@pytest.mark.parametrize("number", [1, 7, MOST])
def test_what_the_user_says_holds_until_it_is_taken_back(tmp_path, number):
    choose_places(tmp_path / "home", number)
    assert num_places(tmp_path / "home", "cpu", 2) == num_places(tmp_path / "home", "cuda", 2) == number
    choose_places(tmp_path / "home", None)
    choose_places(tmp_path / "home", None)
    assert chosen_places(tmp_path / "home") is None


@pytest.mark.parametrize("number", [0, -1, MOST + 1])
def test_a_number_out_of_range_is_refused_and_changes_nothing(tmp_path, number):
    choose_places(tmp_path, 2)
    assert (
        refusal(choose_places, tmp_path, number) == f"The number of runs at once must be from 1 to 12, but is {number}."
    )
    assert chosen_places(tmp_path) == 2


@pytest.mark.parametrize("text", ["", "many", "0", "1000", "2.5"])
def test_a_file_that_says_nothing_useful_is_as_if_it_were_not_there(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    assert chosen_places(tmp_path) is None
