"""Blocks of a net that are cut with the mouse and with the keyboard, in the real browser."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from resnet_lab.inside.looked import import_checkpoint
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.weights import write_tensors
from tests.browser.conftest import free_port, served, settle, windows
from tests.processes import end_processes_of

Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A lab with two small nets, one of them plain."""
    home = tmp_path_factory.mktemp("home")
    for shortcut in ("identity", "none"):
        model = ModelConfig(depth=14, width=0.25, block={"shortcut": shortcut})
        record = {"model": model.model_dump(mode="json"), "data": {"name": "cifar10"}, "title": shortcut}
        write_tensors(home / f"{shortcut}.safetensors", dict(build_model(model).state_dict()), record)
        import_checkpoint(home / f"{shortcut}.safetensors", f"net {shortcut}", home)
    with served(home, free_port()) as address:
        yield address
    end_processes_of(home)


@pytest.fixture
def blocks(browser: Browser, address: str) -> Iterator[Open]:
    with windows(browser) as open_window:

        def open_page(query: str = "") -> Page:
            page = open_window(f"{address}/look?view=blocks&chart=none{query}", "light", 900)
            unit(page, 1).wait_for()
            return page

        yield open_page


def unit(page: Page, number: int, net: str = "identity"):
    return page.get_by_role("region", name=f"net {net}").get_by_role("button", name=re.compile(f"^Unit {number},"))


def cut(page: Page) -> str:
    found = re.search(r"[?&]cut=([\d.]*)", page.url)
    return found[1] if found else ""


def test_a_click_cuts_the_unit_of_all_nets_and_the_error_follows_at_once(blocks: Open):
    page = blocks("")
    for net in ("identity", "none"):
        expect(page.get_by_role("region", name=f"net {net}")).to_contain_text("as it is, on 1,000 test images")
    unit(page, 2).click()
    for net in ("identity", "none"):
        expect(unit(page, 2, net)).to_have_accessible_name("Unit 2, stage 1: restore")
        expect(page.get_by_role("region", name=f"net {net}")).to_contain_text("with unit 2 deleted:")
    assert cut(page) == "2"
    unit(page, 2, "none").click()
    expect(unit(page, 2)).to_have_accessible_name("Unit 2, stage 1: delete")
    settle(page)
    assert cut(page) == ""


def test_units_are_reached_and_cut_with_the_keyboard_and_the_focus_stays(blocks: Open):
    page = blocks("")
    unit(page, 1).focus()
    page.keyboard.press("ArrowRight")
    expect(unit(page, 2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(unit(page, 2)).to_have_attribute("aria-pressed", "true")
    expect(unit(page, 2)).to_be_focused()


def test_the_first_click_of_a_swap_picks_and_the_second_swaps(blocks: Open):
    page = blocks("&click=swap")
    unit(page, 1).click()
    expect(unit(page, 2)).to_have_accessible_name("Unit 2, stage 1: swap with unit 1")
    unit(page, 2).click()
    expect(unit(page, 1)).to_have_attribute("title", "Unit 1 is swapped with unit 2")
    expect(page.get_by_role("region", name="net none")).to_contain_text("with units 1 and 2 swapped:")


def test_a_link_brings_its_cuts_back_and_says_what_it_cannot_show(blocks: Open):
    page = blocks("&cut=3.99&scale=1x50&swap=x")
    expect(unit(page, 3)).to_have_attribute("title", "Unit 3 is deleted")
    expect(unit(page, 1)).to_have_attribute("title", "Unit 1 is scaled by 0.5")
    expect(page.get_by_text("There is no unit 99: the nets have at most 6.")).to_be_visible()
    expect(page.get_by_text("swap must be pairs of units, such as 2-3.5-6, but has 'x'.")).to_be_visible()
    page.get_by_role("button", name="Restore all").click()
    expect(unit(page, 3)).to_have_attribute("aria-pressed", "false")
    settle(page)
    assert cut(page) == ""


def test_nothing_is_cut_off_on_a_narrow_screen(blocks: Open):
    page = blocks("")
    expect(page.locator(".net-drawing")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = [button.bounding_box() for button in page.locator(".net-drawing button").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 900 for box in boxes)
