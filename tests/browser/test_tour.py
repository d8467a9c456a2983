"""Home's living picture and the tour in a real browser: keys, the address, both languages, nothing cut."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import eventually, free_port, served, settle
from tests.processes import end_processes_of, know_machine
from tests.stories import TRIO, gallery_of

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def lab_with_gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A lab that comes with runs of three blocks."""
    folder = tmp_path_factory.mktemp("shipped")
    home = folder / "home"
    home.mkdir()
    know_machine(home)
    gallery = gallery_of(folder, [(block, error, {}) for block, error in TRIO])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "RESNET_LAB_GALLERY", str(gallery))
        with served(Path(home), free_port()) as address:
            yield address
    end_processes_of(home)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_picture_grows_once_and_stands_still_for_those_who_ask(browser: Browser, lab_with_gallery: str, motion):
    context = browser.new_context(reduced_motion=motion)
    page = context.new_page()
    page.goto(lab_with_gallery)
    curves = page.locator(".living-curves")
    expect(curves.locator("path")).to_have_count(3)
    style = "element => [getComputedStyle(element).animationName, getComputedStyle(element).animationIterationCount]"
    grows = ["living-growth", "1"] if motion == "no-preference" else ["none", "1"]
    assert curves.evaluate(style) == grows
    expect(page.get_by_role("img", name=re.compile("25.00% at step 20"))).to_be_visible()
    context.close()


def test_keys_lead_through_the_tour_and_a_reload_stays_where_one_is(visit: Visit):
    page = visit("tour")
    page.keyboard.press("n")
    page.get_by_role("heading", name="A way around every block").wait_for()
    expect(page).to_have_url(re.compile("step=2"))
    settle(page)
    page.reload()
    page.get_by_role("heading", name="A way around every block").wait_for()
    settle(page)
    page.keyboard.press("b")
    page.get_by_role("heading", name="Deeper plain nets get worse").wait_for()


def test_the_language_of_home_is_that_of_the_tour(visit: Visit):
    page = visit("")
    page.get_by_text("한국어").click()
    expect(page).to_have_url(re.compile("lang=ko"))
    page.get_by_role("link", name="둘러보기 시작").click()
    page.get_by_role("heading", name="일반 신경망은 깊어지면 오히려 나빠집니다").wait_for()
    expect(page).to_have_url(re.compile("tour.*lang=ko"))


def test_each_step_begins_at_its_top(visit: Visit):
    page = visit("tour")
    main = page.locator("[data-testid=stMain]")
    main.evaluate("element => element.scrollTo(0, 900)")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="A way around every block").wait_for()
    eventually(page, lambda: main.evaluate("element => element.scrollTop") == 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 900])
def test_nothing_is_cut_off(visit: Visit, scheme: str, width: int):
    page = visit("tour?step=3", scheme=scheme, width=width)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
