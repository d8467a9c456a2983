"""The Compare page as a person meets it: runs chosen with the mouse, links, labels, deletion, files."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Browser, Page, expect

from resnet_lab.events import Step
from resnet_lab.store import Store
from tests.browser.conftest import eventually, free_port, served, settle, windows
from tests.stores import config
from tests.test_compare_page import BLOCKS, trained

Open = Callable[..., Page]
ROW, HEADER = 40, 38  # pixels of the table


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with served(home, free_port()) as address:
        yield address


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """An older run and a launch of three, and nothing that another test has left."""
    with Store(None, home) as store:
        for run in store.runs():
            store.change(run.id, status="done")
            store.delete(run.id)
        for run in store.runs(deleted=True):
            store.purge(run.id)
        now = [1000.0]
        store.clock = lambda: now[0]
        trained(store, config(shortcut="dropout"), name="old one")
        now[0] += 60
        for name, slope in BLOCKS:
            trained(store, config(shortcut=name), slope)
        yield store


@pytest.fixture
def ids(store: Store) -> list[str]:
    """From the oldest to the newest."""
    return [run.id for run in sorted(store.runs(), key=lambda run: run.colour)]


@pytest.fixture
def compare(browser: Browser, address: str, store: Store) -> Iterator[Open]:
    """compare("?runs=...", scheme="dark") opens the page, waits for its charts, and says so if it breaks."""
    with windows(browser) as open_window:

        def open_page(query: str = "", scheme: str = "light", width: int = 1440) -> Page:
            page = open_window(f"{address}/compare{query}", scheme, width)
            drawn(page)
            return page

        yield open_page


def drawn(page: Page) -> None:
    """Until the charts stand and the page is at rest."""
    page.get_by_role("heading", name="Compare").wait_for()
    page.locator(".board figure[data-drawn]").first.wait_for()
    settle(page)


def shown(page: Page) -> list[str]:
    return parse_qs(urlparse(page.url).query).get("runs", [""])[0].split(".")


def legend(page: Page, chart: str = "loss") -> list[str]:
    return page.locator(f"[data-chart={chart}] .legendtext").all_text_contents()


def tick_row(page: Page, row: int) -> None:
    """Ticks or unticks a row of the table, counted from the newest run."""
    grid = page.get_by_test_id("stDataFrame")
    grid.scroll_into_view_if_needed()
    frame = grid.bounding_box()
    assert frame
    page.mouse.click(frame["x"] + 18, frame["y"] + HEADER + ROW * (row + 0.5))
    settle(page)


def test_runs_are_chosen_in_the_table_and_a_reload_keeps_them(compare: Open, ids: list[str]):
    page = compare()
    assert shown(page) == ids[1:]
    expect(page.locator("[data-chart=loss] .legendtext")).to_have_count(3)
    tick_row(page, 3)
    eventually(page, lambda: shown(page) == [*ids[1:], ids[0]])
    tick_row(page, 1)
    eventually(page, lambda: len(shown(page)) == 3 and shown(page)[-1] == ids[0])
    before = shown(page)
    eventually(page, lambda: "old one" in legend(page))
    page.reload()
    drawn(page)
    assert shown(page) == before
    eventually(page, lambda: "old one" in legend(page) and len(legend(page)) == 3)


def test_a_link_shows_a_colleague_the_same(compare: Open, ids: list[str]):
    query = f"?runs={ids[1]}.{ids[3]}&view=gradients&x=epoch&seeds=sem&by=variant&baseline={ids[1]}"
    page = compare(query)
    assert parse_qs(urlparse(page.url).query) == parse_qs(query[1:])
    expect(page.locator("[data-chart=by_size]")).to_be_visible()
    expect(page.get_by_role("combobox", name="Baseline")).to_have_value(re.compile(ids[1]))


def test_a_search_is_in_the_address_and_a_reload_keeps_it(compare: Open):
    page = compare()
    page.get_by_role("textbox", name="Search").fill("old")
    page.get_by_role("textbox", name="Search").press("Enter")
    eventually(page, lambda: parse_qs(urlparse(page.url).query).get("search") == ["old"])
    page.reload()
    drawn(page)
    expect(page.get_by_role("textbox", name="Search")).to_have_value("old")


def test_a_broken_link_says_what_is_wrong_and_shows_the_rest(compare: Open, ids: list[str]):
    page = compare(f"?runs={ids[2]},gone&x=fortnight")
    alerts = page.get_by_test_id("stAlert")
    expect(alerts).to_have_count(2)
    expect(alerts.first).to_contain_text("'gone'")
    expect(alerts.last).to_contain_text("'fortnight'")
    assert shown(page) == [ids[2]]


def test_back_returns_to_what_was_shown_before(compare: Open, ids: list[str]):
    page = compare(f"?runs={ids[1]}.{ids[2]}")
    page.get_by_role("radio", name="Cost").click()
    page.locator("[data-chart=parameters]").wait_for()
    settle(page)
    page.get_by_role("radio", name="Inside").click()
    page.locator("[data-chart=update_ratio]").wait_for()
    settle(page)
    page.go_back()
    page.locator("[data-chart=parameters]").wait_for()
    settle(page)
    assert "view=cost" in page.url


def test_a_run_is_named_tagged_and_noted(compare: Open, store: Store, ids: list[str]):
    page = compare(f"?runs={ids[1]}")
    page.get_by_role("button", name="Name, tags, note").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("my *plain* net")
    dialog.get_by_label("Note").fill("for the lecture")
    dialog.get_by_label("New tags").fill("first week, exam")
    dialog.get_by_role("button", name="Keep").click()
    eventually(page, lambda: store.run(ids[1]).name == "my *plain* net")
    assert (store.run(ids[1]).notes, store.run(ids[1]).tags) == ("for the lecture", ("exam", "first week"))
    eventually(page, lambda: page.get_by_role("dialog").count() == 0)


def test_tags_are_switched_for_all_chosen_runs_and_those_of_some_stay(compare: Open, store: Store, ids: list[str]):
    store.edit(ids[1], tags=["exam", "mine"])
    store.edit(ids[2], tags=["exam"])
    store.edit(ids[3], tags=["*later*"])
    page = compare(f"?runs={ids[1]}.{ids[2]}")
    page.get_by_role("button", name="Name, tags, note").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="exam").click()
    dialog.get_by_role("button", name="*later*").click()
    dialog.get_by_role("button", name="Keep").click()
    eventually(page, lambda: store.run(ids[2]).tags == ("*later*",))
    assert store.run(ids[1]).tags == ("*later*", "mine")


def test_delete_can_be_undone_after_a_reload(compare: Open, store: Store, ids: list[str]):
    page = compare(f"?runs={ids[1]}.{ids[2]}")
    page.get_by_role("button", name="Delete").click()
    eventually(page, lambda: len(store.runs()) == 2)
    page.reload()
    drawn(page)
    page.get_by_role("button", name="Undo: bring back 2 runs").click()
    eventually(page, lambda: {run.id for run in store.runs()} == set(ids))
    eventually(page, lambda: {ids[1], ids[2]} <= set(shown(page)))


def test_a_run_in_training_grows_before_ones_eyes(compare: Open, store: Store, ids: list[str]):
    going = trained(store, config(seed=9), status="running")
    page = compare(f"?runs={ids[1]}.{going.id}")

    def last_step() -> float:
        return page.locator("[data-chart=loss] .js-plotly-plot").first.evaluate(
            "plot => Math.max(...plot.data.map(trace => trace.x[trace.x.length - 1]))"
        )

    assert last_step() == 200
    store.append(going.id, [(1000, Step(400, 80.0, 1.0, 0.1, 1000.0, 0.0))])
    eventually(page, lambda: last_step() == 400)


def test_the_report_opens_from_the_disk_with_the_network_off(
    compare: Open, browser: Browser, ids: list[str], tmp_path: Path
):
    page = compare(f"?runs={ids[1]}.{ids[2]}")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report, HTML").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    context = browser.new_context(offline=True, color_scheme="dark")
    report, problems, asked = context.new_page(), [], []
    report.on("pageerror", lambda error: problems.append(str(error)))
    report.on("request", lambda request: asked.append(request.url))
    report.goto(path.as_uri())
    report.locator(".chart .main-svg").first.wait_for()
    assert report.locator(".chart .main-svg").count() >= 10
    assert (
        report.locator("[aria-label^='What'][aria-label*='takes the images for'] .main-svg .heatmaplayer").count() == 2
    )
    assert report.locator("tbody tr").count() == 4
    assert report.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 27)"
    assert problems == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


@pytest.mark.parametrize("width", [1440, 900])
def test_the_legend_shows_all_of_twelve_runs_with_long_names(compare: Open, store: Store, width: int):
    names = [f"exclusive gating with a bias of {bias} at the start of the training" for bias in range(12)]
    many = [trained(store, config(seed=seed), name=name) for seed, name in enumerate(names)]
    page = compare(f"?runs={'.'.join(run.id for run in many)}", width=width)
    chart = page.locator("[data-chart=loss]")
    expect(chart.locator(".legendtext")).to_have_count(12)
    frame, plot = chart.locator(".legend .bg").bounding_box(), chart.locator(".nsewdrag").bounding_box()
    last = chart.locator(".legendtext").last.bounding_box()
    assert frame
    assert plot
    assert last
    assert last["y"] + last["height"] <= frame["y"] + frame["height"] <= plot["y"]
    assert plot["height"] > 150


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_the_numbers_can_be_downloaded(compare: Open, ids: list[str], ending: str):
    page = compare(f"?runs={ids[1]}")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_test_id("stPopoverBody").locator(f".st-key-export_{ending} button").first.click()
    assert download.value.suggested_filename == f"runs.{ending}"
    assert download.value.path().stat().st_size > 1000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 900])
@pytest.mark.parametrize("view", ["curves", "two", "mistakes"])
def test_nothing_is_cut(compare: Open, ids: list[str], scheme: str, width: int, view: str):
    page = compare(f"?runs={ids[1]}.{ids[2]}&view={view}", scheme=scheme, width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for chart in page.locator(".board figure[data-drawn]").all():
        frame = chart.bounding_box()
        assert frame
        assert frame["x"] >= 0
        assert frame["x"] + frame["width"] <= width
