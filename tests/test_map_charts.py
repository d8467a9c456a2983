"""Maps over their picture: one scale on both sides of 0, transparent at 0, told with value and rank."""

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from resnet_lab.ui.look_map_curves import agreement_chart, randomised_chart, removal_chart
from resnet_lab.ui.map_charts import (
    GAP,
    HEAD,
    PLACES,
    SIDE,
    UNDER,
    Answer,
    Look,
    Scale,
    film_scale,
    map_chart,
    ranks,
    scale_of,
    signed,
    tiles_chart,
    underlay,
)
from resnet_lab.ui.palette import ACCENT, LOWERS, RAISES, SURFACE

THEMES = ["light", "dark"]
PIXELS = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)
VALUES = np.random.default_rng(0).normal(size=(SIDE, SIDE))
ANSWERS = [Answer("<b>frog</b>", 0.9, is_true=True), Answer("cat", 0.1)]


def colour(css):
    return [float(part) for part in re.findall(r"[\d.]+", css)]


def drawn(chart, name="map"):
    return next(trace for trace in chart.figure.data if trace.name == name)


def picture(chart):
    source = drawn(chart, "picture").source
    return np.array(Image.open(BytesIO(b64decode(source.split(",")[1]))))


# ---- scales


def test_one_pixel_does_not_pale_all_maps():
    maps = VALUES.copy()
    maps[3, 4] = 1000.0
    found = scale_of(maps)
    assert found.limit < 5
    assert found.is_clipped


def test_a_scale_of_several_maps_covers_the_strongest_of_them():
    assert scale_of(np.stack([VALUES / 100, VALUES])).limit > scale_of(VALUES / 100).limit * 10


@pytest.mark.parametrize("number", [0.0, -0.5, np.nan])
def test_a_map_that_is_the_same_everywhere_has_a_scale(number):
    found = scale_of(np.full((SIDE, SIDE), number))
    assert found == Scale(0.5 if number == -0.5 else 1.0)


def test_a_few_strong_values_on_a_map_of_zeros_are_seen():
    maps = np.zeros((SIDE, SIDE))
    maps[0, 0] = 3.0
    assert scale_of(maps) == Scale(3.0)


def test_frames_before_training_do_not_pale_the_film():
    frames = np.stack([VALUES * 1000, VALUES, VALUES, VALUES])
    assert film_scale(frames) == Scale(scale_of(VALUES).limit, is_clipped=True)


@pytest.mark.parametrize(("is_clipped", "words"), [(True, "from ±0.5 logits on"), (False, "at ±0.5 logits")])
def test_a_scale_says_where_its_colours_end(is_clipped, words):
    assert Scale(0.5, is_clipped).words("logits") == f"full colour {words}"


@pytest.mark.parametrize("theme", THEMES)
def test_zero_is_transparent_and_both_sides_are_alike(theme):
    stops = dict(signed(theme))
    assert colour(stops[0.5])[3] == 0
    assert list(stops) == sorted(stops)
    opacities = [colour(css)[3] for css in stops.values()]
    assert opacities == opacities[::-1]
    for at, end in ((0.0, LOWERS), (1.0, RAISES)):
        assert "#{:02x}{:02x}{:02x}".format(*map(int, colour(stops[at])[:3])) == end.of(theme)


# ---- one map


def test_the_first_rank_is_farthest_from_zero_and_equal_values_share_one():
    assert ranks(np.array([[0.1, -3.0], [2.0, 2.0]])).tolist() == [[4, 1], [2, 2]]
    assert set(ranks(VALUES).ravel()) == set(range(1, SIDE * SIDE + 1))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("theme", THEMES)
def test_a_map_has_its_values_its_ranks_and_a_scale_with_zero_in_the_middle(place, theme):
    heat = drawn(map_chart("plain", VALUES, PIXELS, Scale(2.0), Look(theme, opacity=0.5), place=place))
    assert np.array_equal(heat.z, VALUES)
    assert np.array_equal(heat.customdata, ranks(VALUES))
    assert (heat.zmin, heat.zmax, heat.opacity) == (-2.0, 2.0, 0.5)
    assert "rank %{customdata:,} of 1,024" in heat.hovertemplate


def test_the_colours_say_that_values_beyond_them_look_the_same():
    shown = {clipped: map_chart("a", VALUES, PIXELS, Scale(2.0, clipped), Look("light")) for clipped in (True, False)}
    assert drawn(shown[True]).colorbar.ticktext == ("≤ −2", "0", "≥ +2")
    assert drawn(shown[False]).colorbar.ticktext == ("−2", "0", "+2")


def test_the_answers_are_bars_in_their_order_and_the_true_one_is_set_off():
    bars = drawn(map_chart("a", VALUES, PIXELS, Scale(1.0), Look("dark"), ANSWERS), "answers")
    assert list(bars.y) == ["&lt;b&gt;frog&lt;/b&gt;", "cat"]
    assert list(bars.text) == ["90.0%", "10.0%"]
    assert [each == ACCENT.dark for each in bars.marker.color] == [True, False]


def test_a_sentence_tells_the_strongest_pixel_and_what_the_net_says():
    values = np.zeros((SIDE, SIDE))
    values[5, 7], values[1, 1] = -2.0, 1.0
    alt = map_chart("plain", values, PIXELS, Scale(1.0), Look("light"), ANSWERS[1:]).alt
    assert alt == ("plain: the strongest pixel is in row 5, column 7; +1 and −2 logits in all. The net says cat 10.0%.")


def test_a_long_title_takes_another_line_and_the_map_keeps_its_size():
    short, long = (map_chart(title, VALUES, PIXELS, Scale(1.0), Look("light")).figure for title in ("a", "plain " * 12))
    assert long.layout.title.text.count("<br>") == 1
    room = {figure.layout.height - figure.layout.margin.t for figure in (short, long)}
    assert len(room) == 1


@pytest.mark.parametrize("theme", THEMES)
def test_the_picture_is_grey_in_colour_or_left_out(theme):
    found = {under: underlay(PIXELS, Look(theme, under)) for under in UNDER}
    assert np.array_equal(found["colour"], PIXELS.transpose(1, 2, 0))
    assert (found["grey"].std(axis=2) < 40).all()
    assert len(np.unique(found["nothing"].reshape(-1, 3), axis=0)) == 1
    page = "#{:02x}{:02x}{:02x}".format(*found["nothing"][0, 0])
    assert page == SURFACE.of(theme)


def test_the_picture_travels_as_it_is():
    chart = map_chart("a", VALUES, PIXELS, Scale(1.0), Look("light", "colour"))
    assert np.array_equal(picture(chart), PIXELS.transpose(1, 2, 0))


# ---- many maps


@pytest.mark.parametrize("num", [1, 3, 8, 11])
def test_tiles_stand_in_rows_each_below_its_words(num):
    maps = np.arange(1, num + 1)[:, None, None] * np.ones((num, SIDE, SIDE))
    words = [f"step {n}" for n in range(num)]
    chart = tiles_chart("film", words, maps, PIXELS, Scale(10.0), Look("light"), columns=4)
    shown = np.array(drawn(chart).z, dtype=float)
    for n in range(num):
        top, left = n // 4 * (SIDE + HEAD) + HEAD, n % 4 * (SIDE + GAP)
        assert np.allclose(shown[top : top + SIDE, left : left + SIDE], (n + 1) / 10)
    assert np.isfinite(shown).sum() == num * SIDE * SIDE
    assert [each.text for each in chart.figure.layout.annotations] == words
    assert picture(chart).shape[:2] == shown.shape


def test_without_a_scale_each_tile_has_its_own():
    maps = np.stack([VALUES, 1000 * VALUES])
    shown = np.array(drawn(tiles_chart("a", ["1", "2"], maps, PIXELS, None, Look("light"))).z, dtype=float)
    tiles = [shown[HEAD:, left : left + SIDE] for left in (0, SIDE + GAP)]
    assert np.allclose(*tiles)


# ---- evidence


def test_removal_has_the_order_of_the_map_and_the_spread_of_random_ones():
    at = np.linspace(0, 1, 5)
    controls = np.stack([1 - at, 1 - at**2])
    curves = {"at": at, "deletion": 1 - at**0.5, "insertion": at**0.5}
    chart = removal_chart("plain", curves | {"deletion_random": controls, "insertion_random": controls}, "light")
    assert np.allclose(drawn(chart, "deletion").x, 100 * at)
    assert np.allclose(drawn(chart, "deletion, at random").y, controls.mean(0))
    assert np.allclose(drawn(chart, "deletion, at random low").y, 1 - at)
    assert np.allclose(drawn(chart, "deletion, at random high").y, 1 - at**2)
    assert chart.alt.endswith("deletion ends the first quarter at 50%, insertion ends the first quarter at 50%.")


def test_randomised_tells_what_is_left_from_head_to_stem():
    chart = randomised_chart("Left", ["head", "unit 1", "stem"], np.array([0.8, 0.2, -0.4]), "light")
    assert list(chart.figure.data[0].x) == ["head", "unit 1", "stem"]
    assert chart.figure.layout.yaxis.range[0] < -0.4
    assert chart.alt == "Left: 0.80 with a new head, -0.40 with all weights new."


def test_agreement_names_the_two_nets_that_agree_most():
    similarity = np.array([[1, 0.1, 0.2], [0.1, 1, 0.7], [0.2, 0.7, 1]])
    chart = agreement_chart("Agreement", ["a", "<i>b</i>", "c"], similarity, "dark")
    assert chart.alt == "Agreement: <i>b</i> and c agree most, 0.70."
    assert chart.figure.data[0].text[0][1] == "0.10"
    assert chart.figure.data[0].customdata[0][1] == "a and &lt;i&gt;b&lt;/i&gt;"
