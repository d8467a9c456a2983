"""The Home page without a browser: the living picture of real runs, the ways in, the language."""

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.cards import PLACEMENT_CARDS, SHORTCUT_CARDS
from resnet_lab.curves import Curve
from resnet_lab.ui.living_picture import BOTTOM, LEFT, RIGHT, TOP, fitting, living_picture, ticks
from resnet_lab.ui.palette import RUNS
from resnet_lab.ui.strings import TEXTS
from tests.processes import store
from tests.stories import gallery_of, shipped_gallery

__all__ = ["shipped_gallery", "store"]

APP = str(Path(__file__).parent.parent / "app.py")


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=180)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def told(app: AppTest) -> str:
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def titles(app: AppTest) -> list[str]:
    return [each.value for each in app.subheader]


def test_without_shipped_runs_the_block_itself_stands_in_their_place(store):
    app = opened()
    assert TEXTS["home.diagram"].en in told(app)
    assert 'class="block-diagram"' in told(app)
    assert "living-picture" not in told(app)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_way_in_is_offered_in_both_languages(store, language):
    app = opened(lang=language)
    ways = ["home.tour", "home.build", "home.watch", "home.look"]
    assert titles(app) == [getattr(TEXTS[key], language) for key in ways]
    assert app.button(key="first").label == getattr(TEXTS["home.watch.go"], language)
    assert getattr(TEXTS["chart.early"], language) in told(app)


def test_the_language_is_kept_in_the_address(store):
    app = opened()
    app.segmented_control(key="language_choice").set_value("ko").run()
    assert app.query_params["lang"] in ("ko", ["ko"])
    assert TEXTS["home.promise"].ko in told(app)


def test_an_unknown_language_is_said_and_the_page_is_english(store):
    app = opened(lang="xx")
    assert "The address asks for the language 'xx'" in told(app)
    assert TEXTS["home.promise"].en in told(app)


def test_the_picture_is_of_the_shipped_runs_and_says_what_they_are(store, shipped_gallery):
    app = opened()
    assert "living-picture" in told(app)
    for error in ("40.00%", "30.00%", "25.00%"):
        assert error in told(app)
    assert "n = 1" in told(app)
    assert "20 steps of 128 images (0.512 epochs), 5,000 training images" in told(app)
    assert "Trained on a test's machine." in told(app)
    assert TEXTS["chart.early"].en in told(app)


def test_runs_of_different_budgets_are_not_in_one_picture(store, tmp_path, monkeypatch):
    blocks = {"none": 40.0, "identity": 30.0}
    nets = [(SHORTCUT_CARDS[name].block, error, {}) for name, error in blocks.items()]
    longer = [(PLACEMENT_CARDS["full_preact"].block, 11.0, {"steps": 40})]
    monkeypatch.setenv("RESNET_LAB_GALLERY", str(gallery_of(tmp_path, nets + longer)))
    words = told(opened())
    assert "40.00%" in words
    assert "11.00%" not in words


# ---- the drawing


def curve(errors: list[float]) -> Curve:
    return Curve("a", ("a",), np.arange(1.0, len(errors) + 1), np.array(errors))


def test_a_curve_is_drawn_where_its_numbers_are():
    curves = [curve([80.0, 40.0, 10.0]), curve([70.0, np.nan, 20.0])]
    svg = living_picture(curves, RUNS[:2], "Error < 100", "step", "Two curves.")
    paths = re.findall(r'<path d="(M[^"]+L[^"]+)"', svg)
    points = [[tuple(map(float, point.split())) for point in path[1:].split(" L")] for path in paths]
    assert [len(each) for each in points] == [3, 2]
    scale = fitting(curves)
    assert points[0][-1] == pytest.approx((RIGHT, scale.y(10.0)), abs=0.06)
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for each in points for x, y in each)
    assert 'aria-label="Two curves."' in svg
    assert "Error &lt; 100" in svg


@pytest.mark.parametrize(("low", "high"), [(8.0, 70.0), (50.0, 85.0), (5.0, 95.0)])
def test_ticks_lie_within_the_picture_and_apart(low, high):
    scale = fitting([curve([high, low])])
    heights = [scale.y(tick) for tick in ticks(scale)]
    assert len(heights) >= 3
    assert all(TOP <= y <= BOTTOM for y in heights)
    assert min(-np.diff(heights)) >= 20
