"""The Build page as a person meets it."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Page, expect

from resnet_lab import BlockConfig, ModelConfig
from resnet_lab.cards import PLACEMENT_CARDS, SHORTCUT_CARDS
from resnet_lab.pictures import picture
from resnet_lab.placements import PLACEMENTS
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.ui.links import View, decode, encode
from tests.browser.conftest import eventually, settle

Visit = Callable[..., Page]


def labels(page: Page) -> list[str]:
    """What is written in the large diagram and is not struck out."""
    texts = page.locator(".st-key-drawn svg.block-diagram text:not([style*='line-through'])")
    return [text for text in texts.all_text_contents() if text not in ("x", "y", "+", "×")]


def expected_labels(block: BlockConfig) -> list[str]:
    drawn = picture(ModelConfig(block=block))
    lanes = (drawn.pre, drawn.match, drawn.path, drawn.gate, drawn.branch, drawn.after)
    return sorted(item.text.removeprefix("× ") for lane in lanes for item in lane)


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label)
    box.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # a list closes when the page scrolls under it
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def view_of(page: Page) -> View:
    return decode(parse_qs(urlparse(page.url).query)["build"][0])


def test_every_shortcut_can_be_toggled_and_is_drawn(visit: Visit):
    page = visit()
    for key, shortcut in list(SHORTCUTS.items())[::-1]:
        choose(page, "Shortcut", f"{shortcut.figure} {shortcut.title}")
        eventually(page, lambda key=key: sorted(labels(page)) == expected_labels(BlockConfig(shortcut=key)))


def test_every_placement_can_be_toggled_and_is_drawn(visit: Visit):
    page = visit()
    for key, placement in list(PLACEMENTS.items())[::-1]:
        choose(page, "Placement of BN and ReLU", f"{placement.figure} {placement.title}")
        eventually(page, lambda key=key: sorted(labels(page)) == expected_labels(BlockConfig(placement=key)))


@pytest.mark.parametrize("width", [1440, 900])
def test_a_click_anywhere_on_a_card_loads_it(visit: Visit, width: int):
    page = visit(width=width)
    for group, cards in (("shortcuts", SHORTCUT_CARDS), ("placements", PLACEMENT_CARDS)):
        for key, card in cards.items():
            settle(page)
            page.locator(f".st-key-card_{group}_{key}").click(position={"x": 12, "y": 20})
            eventually(page, lambda card=card: view_of(page).model.block == card.block)


def test_a_card_can_be_loaded_with_the_keyboard(visit: Visit):
    page = visit()
    button = page.get_by_role("button", name="2(e) 1×1 conv shortcut")
    button.focus()
    page.keyboard.press("Enter")
    settle(page)
    eventually(page, lambda: view_of(page).model.block.shortcut == "conv")


def test_a_user_goes_from_2a_to_2c_sees_the_gate_its_cost_and_what_it_does_at_depth_110(visit: Visit):
    page = visit()
    page.get_by_role("button", name="2(a) Identity").click()
    settle(page)
    assert not any("bias" in label for label in labels(page))
    page.get_by_role("button", name="2(c) Exclusive gating").click()
    settle(page)
    eventually(page, lambda: {"conv 1×1, bias −6", "σ", "1 − g", "g"} <= set(labels(page)))
    choose(page, "Depth", "110")
    expect(page.locator(".st-key-said")).to_contain_text("98,784 more parameters")
    expect(page.locator("[data-chart=shortcut_signal]")).to_contain_text("after unit 54", timeout=120_000)
    other = visit(f"build?{urlparse(page.url).query}")
    assert view_of(other).model.depth == 110
    assert view_of(other) == view_of(page)
    eventually(other, lambda: labels(other) == labels(page))


def test_a_reload_keeps_everything_that_was_set(visit: Visit):
    page = visit()
    choose(page, "Shortcut", "2(d) Shortcut-only gating")
    choose(page, "Compared with", "2(f) Dropout shortcut")
    page.get_by_role("radio", name="Bottleneck").click()
    eventually(page, lambda: view_of(page).model.unit == "bottleneck")
    settle(page)
    before = view_of(page)
    page.reload()
    page.get_by_role("heading", name="The same net in plain PyTorch").wait_for()
    settle(page)
    assert view_of(page) == before
    assert before.model.block.shortcut == "shortcut_only_gating"
    assert before.baseline.shortcut == "dropout"


def test_a_slot_can_be_assembled_by_clicking(visit: Visit):
    page = visit()
    box = page.get_by_role("combobox", name="Before the first convolution")
    for op in ("GN", "SiLU"):
        box.click()
        page.get_by_role("option", name=op, exact=True).click()
        settle(page)
    eventually(page, lambda: view_of(page).model.block.ops.pre == "gn silu")
    eventually(page, lambda: {"GN", "SiLU"} <= set(labels(page)))


def test_a_typed_depth_that_does_not_exist_says_what_is_allowed(visit: Visit):
    page = visit()
    box = page.get_by_role("combobox", name="Depth", exact=True)
    box.fill("21")
    box.press("Enter")
    settle(page)
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("6n+2")
    expect(alert).to_contain_text("20 and 26")


@pytest.mark.parametrize(
    "link", ["build?build=nonsense", "build?build=1.eNqr", "build?build=1.%00%ff", f"build?build=1.{'A' * 6000}"]
)
def test_a_broken_link_opens_the_first_block_and_says_what_was_wrong(visit: Visit, link: str):
    page = visit(link)
    expect(page.get_by_test_id("stAlert")).to_contain_text("The link")
    assert view_of(page) == View()


def test_the_code_can_be_copied_and_downloaded(visit: Visit):
    page = visit()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this file").click()
    source = download.value.path().read_text()
    compile(source, "net.py", "exec")
    assert download.value.suggested_filename == "resnet20_original_identity.py"
    shown = page.get_by_test_id("stCode").first.inner_text()
    assert "class Unit(nn.Module):" in shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 900])
def test_nothing_is_cut_and_every_picture_has_words(visit: Visit, scheme: str, width: int):
    view = View(model=ModelConfig(block=BlockConfig(shortcut="exclusive_gating")))
    page = visit(f"build?build={encode(view)}", scheme=scheme, width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    charts = page.locator(".board figure[data-drawn]")
    expect(charts).to_have_count(5)
    for svg in page.locator("svg.block-diagram").all():
        assert len(svg.get_attribute("aria-label") or "") > 20
        drawn, room = svg.evaluate("svg => [svg, svg.parentElement.parentElement].map(one => one.clientWidth)")
        assert 0 < drawn <= room + 1
    for chart in charts.all():
        assert chart.bounding_box()["x"] + chart.bounding_box()["width"] <= width


def test_zoom_in_the_x_ray_survives_a_change_of_the_block(visit: Visit):
    page = visit()
    chart = page.locator("[data-chart=mean_square]")
    area = chart.locator(".nsewdrag")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 52, steps=4)
    page.mouse.up()
    axis = "(({ range, autorange }) => ({ range, autorange }))(figure.firstChild._fullLayout.xaxis)"
    shown = f"figure => {axis}"
    eventually(page, lambda: not chart.evaluate(shown)["autorange"])
    zoomed, draws = chart.evaluate(shown)["range"], chart.get_attribute("data-drawn")
    page.get_by_role("button", name="2(c) Exclusive gating").click()
    eventually(page, lambda: chart.get_attribute("data-drawn") != draws)
    assert chart.evaluate(shown)["range"] == zoomed


def contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_diagram_is_legible(visit: Visit, scheme: str):
    view = View(model=ModelConfig(block=BlockConfig(placement="full_preact", shortcut="exclusive_gating")))
    page = visit(f"build?build={encode(view)}", scheme=scheme)
    colours = "element => getComputedStyle(element)"
    texts = page.locator(".st-key-drawn svg text:not([style*='line-through'])")
    ink = texts.first.evaluate(f"{colours}.fill")
    for fill in {box.evaluate(f"{colours}.fill") for box in page.locator(".st-key-drawn svg rect").all()}:
        assert contrast(ink, fill) > 4.5
    ground = page.locator(".stApp").evaluate(f"{colours}.backgroundColor")
    for line in {path.evaluate(f"{colours}.stroke") for path in page.locator(".st-key-drawn svg path").all()}:
        assert contrast(line, ground) > 3


def test_four_tabs_opened_at_once_all_show_the_block(visit: Visit, lab: str):
    first = visit()
    tabs = [first.context.new_page() for _ in range(4)]
    for tab in tabs:
        tab.goto(f"{lab}/build", wait_until="commit")
    for tab in tabs:
        tab.get_by_role("heading", name="The same net in plain PyTorch").wait_for()
        eventually(tab, lambda tab=tab: tab.locator(".board figure[data-drawn]").count() == 5)


def test_the_last_of_many_quick_clicks_wins(visit: Visit):
    page = visit(f"build?build={encode(View(model=ModelConfig(depth=56)))}")
    names = ["2(b) Constant scaling", "2(d) Shortcut-only gating", "4(e) Full pre-activation", "2(f) Dropout shortcut"]
    for name in names * 3:
        page.get_by_role("button", name=name).click()
        page.wait_for_timeout(150)
    eventually(page, lambda: view_of(page).model == ModelConfig(depth=56, block=BlockConfig(shortcut="dropout")))
    settle(page)
    expect(page.get_by_role("combobox", name="Shortcut")).to_have_value("2(f) Dropout shortcut")


def test_back_and_forward_walk_through_the_blocks(visit: Visit):
    page = visit()
    for name in ("2(c) Exclusive gating", "2(e) 1×1 conv shortcut"):
        page.get_by_role("button", name=name).click()
        settle(page)
    for step, shortcut in ((page.go_back, "exclusive_gating"), (page.go_forward, "conv")):
        step()
        eventually(page, lambda shortcut=shortcut: view_of(page).model.block.shortcut == shortcut)
        eventually(
            page, lambda shortcut=shortcut: sorted(labels(page)) == expected_labels(BlockConfig(shortcut=shortcut))
        )
