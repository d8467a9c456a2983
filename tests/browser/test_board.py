"""The live chart in a real browser: what the user did to it stays while new points arrive."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from resnet_lab.ui import board
from resnet_lab.ui.board import ARRIVAL_SECONDS
from resnet_lab.ui.palette import SURFACE
from resnet_lab.ui.patches import patch
from tests.browser.conftest import PATIENCE, ROOT, eventually, free_port, settle, wait_for
from tests.test_board import any_change

TICK = 0.2


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of board_app.py, and the folder in which it looks for what to show."""
    folder = tmp_path_factory.mktemp("board")
    shutil.copy(ROOT / "tests/browser/board_app.py", folder / "app.py")
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    board.served.__wrapped__(folder / "static")
    port = free_port()
    options = [f"--server.port={port}", "--server.headless=true"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options, "--", str(folder)]
    env, log = os.environ | {"PYTHONPATH": str(ROOT)}, folder / "log"
    with log.open("w") as out, subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out) as server:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server, log)
        yield address, folder
        server.terminate()


@dataclass
class Charts:
    """A page of charts, and what it is told to show."""

    page: Page
    file: Path
    axis: str = "step"
    errors: list[str] = field(default_factory=list)
    received: list[int] = field(default_factory=list)

    def show(self, traces: dict[str, int], names: tuple[str, ...] = ("loss",), tick: float | None = TICK) -> None:
        """Traces by their number of points."""
        curves = {name: [(7 * i) % 11 + len(name) for i in range(count)] for name, count in traces.items()}
        charts = {name: {"traces": curves, "alt": f"{name}: {traces}", "wide": name == "wide"} for name in names}
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps({"tick": tick, "axis": self.axis, "charts": charts}))
        part.replace(self.file)

    def arrives(self, traces: dict[str, int], names: tuple[str, ...] = ("loss",), tick: float | None = TICK) -> None:
        self.show(traces, names, tick)
        eventually(self.page, lambda: self.drawn(names[0]) == traces)

    def node(self, code: str, name: str = "loss"):
        return self.page.evaluate(f"(node => {code})(document.querySelector('[data-chart={name}] [role=img]'))")

    def drawn(self, name: str = "loss") -> dict[str, int]:
        pairs = self.node("node?.calcdata?.map(points => [points[0].trace.name, points[0].trace.y.length]) ?? []", name)
        return dict(pairs)

    def range(self) -> list[float]:
        return self.node("[...node._fullLayout.xaxis.range]")

    def zoom(self) -> list[float]:
        self.drag()
        eventually(self.page, lambda: self.node("!node._fullLayout.xaxis.autorange"))
        return self.range()

    def drag(self, during: Callable[[], None] = lambda: None) -> None:
        box = self.page.locator("[data-chart=loss] .nsewdrag").bounding_box()
        assert box
        x, y = box["x"], box["y"] + box["height"] / 2
        self.page.mouse.move(x + 0.3 * box["width"], y)
        self.page.mouse.down()
        self.page.mouse.move(x + 0.5 * box["width"], y, steps=3)
        during()
        self.page.mouse.move(x + 0.6 * box["width"], y, steps=3)
        self.page.mouse.up()

    def runs(self, what: str) -> int:
        words = self.page.get_by_text(re.compile(rf"^{what} \d+$")).inner_text()
        return int(words.split()[1])

    def ticks(self, count: int = 2) -> None:
        goal = self.runs("fragment") + count
        eventually(self.page, lambda: self.runs("fragment") >= goal)


@pytest.fixture
def charts(browser: Browser, harness: tuple[str, Path], request: pytest.FixtureRequest) -> Iterator[Charts]:
    """One chart of one trace of 30 points, which ticks."""
    address, folder = harness
    context = browser.new_context(color_scheme="light", viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    shown = Charts(page, folder / f"{request.node.name}.json")
    page.on("console", lambda message: message.type == "error" and shown.errors.append(message.text))
    page.on("pageerror", lambda error: shown.errors.append(str(error)))
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: shown.received.append(len(frame))))
    shown.show({"a": 30})
    page.goto(f"{address}/?file={shown.file.name}")
    eventually(page, lambda: shown.drawn() == {"a": 30})
    yield shown
    assert page.locator("[data-testid='stException']").count() == 0
    assert shown.errors == []
    context.close()


def test_zoom_survives_new_points_which_arrive(charts: Charts):
    zoomed = charts.zoom()
    charts.arrives({"a": 40})
    charts.arrives({"a": 55})
    assert charts.range() == pytest.approx(zoomed)
    assert charts.node("node._fullData[0].x.at(-1)") == 54


def test_the_zoom_goes_when_the_axis_means_something_else_and_a_hidden_trace_stays_hidden(charts: Charts):
    charts.arrives({"a": 30, "b": 30})
    charts.page.locator(".legendtoggle").first.click()
    eventually(charts.page, lambda: charts.node("node._fullData[0].visible") == "legendonly")
    charts.zoom()
    charts.axis = "seconds"
    charts.show({"a": 30, "b": 30})
    eventually(charts.page, lambda: charts.node("node._fullLayout.xaxis.autorange"))
    assert charts.node("node._fullData[0].visible") == "legendonly"


def test_a_zoom_that_is_drawn_while_points_arrive_is_completed(charts: Charts):
    charts.drag(during=lambda: charts.arrives({"a": 40}))
    eventually(charts.page, lambda: charts.node("!node._fullLayout.xaxis.autorange"))
    low, high = charts.range()
    assert 5 < low < 15 < high < 30


def test_a_hidden_trace_stays_hidden_while_others_come_move_and_go(charts: Charts):
    charts.arrives({"a": 30, "b": 30})
    charts.page.locator(".legendtoggle").first.click()
    hidden = "node._fullData.filter(trace => trace.visible === 'legendonly').map(trace => trace.name)"
    eventually(charts.page, lambda: charts.node(hidden) == ["a"])
    for names in ("ba", "cba", "ab"):
        charts.show(dict.fromkeys(names, 35))
        eventually(charts.page, lambda names=names: charts.node("node.data.map(trace => trace.name)") == list(names))
        assert charts.node(hidden) == ["a"]


def test_the_words_at_the_mouse_stay(charts: Charts):
    box = charts.page.locator(".nsewdrag").bounding_box()
    assert box
    charts.page.mouse.move(box["x"] + 200, box["y"] + 100)
    charts.page.locator(".hovertext").wait_for()
    charts.arrives({"a": 31})
    expect(charts.page.locator(".hovertext")).to_have_count(1)


def test_a_tick_runs_the_fragment_and_not_the_page(charts: Charts):
    charts.ticks(3)
    assert charts.runs("page") == 1


def test_where_nothing_is_new_nothing_is_drawn_and_next_to_nothing_travels(charts: Charts):
    charts.ticks()
    draws, charts.received[:] = charts.node("node.parentElement.dataset.drawn"), []
    before = charts.runs("fragment")
    charts.ticks(3)
    assert charts.node("node.parentElement.dataset.drawn") == draws
    assert sum(charts.received) < 2500 * (charts.runs("fragment") - before + 1)


def test_only_the_new_points_travel(charts: Charts):
    charts.arrives({"a": 5000})
    charts.ticks()
    charts.received.clear()
    charts.arrives({"a": 5010})
    assert max(charts.received) < 1200
    assert charts.node("node._fullData[0].y.slice(0, 12)") == [(7 * i) % 11 + 1 for i in range(12)]


def test_a_run_of_the_whole_page_shows_the_truth_and_keeps_the_zoom(charts: Charts):
    zoomed = charts.zoom()
    charts.page.get_by_role("button", name="Again").click()
    eventually(charts.page, lambda: charts.runs("page") == 2)
    charts.arrives({"a": 45})
    assert charts.range() == pytest.approx(zoomed)


@pytest.mark.parametrize("tick", [TICK, None])
def test_a_click_on_the_page_sends_only_what_changed(charts: Charts, tick: float | None):
    charts.arrives({"a": 5000}, tick=tick)
    charts.page.wait_for_timeout(1000 * ARRIVAL_SECONDS)
    charts.show({"a": 5010}, tick=tick)
    charts.received.clear()
    charts.page.get_by_role("button", name="Again").click()
    eventually(charts.page, lambda: charts.drawn() == {"a": 5010})
    assert max(charts.received) < 1500
    assert charts.node("node._fullData[0].y.slice(0, 12)") == [(7 * i) % 11 + 1 for i in range(12)]


def test_quick_clicks_lose_nothing(charts: Charts):
    for count in range(31, 46):
        pages = charts.runs("page")
        charts.show({"a": count})
        charts.page.get_by_role("button", name="Again").click(click_count=1 + count % 3)
        charts.page.wait_for_timeout(37 * (count % 5))
        eventually(charts.page, lambda pages=pages: charts.runs("page") > pages)
        eventually(charts.page, lambda count=count: charts.drawn() == {"a": count})


def test_charts_come_go_and_change_places_and_the_others_stay_as_they_are(charts: Charts):
    zoomed = charts.zoom()
    charts.page.evaluate("document.querySelector('[data-chart=loss]').mine = true")
    order = "[...document.querySelectorAll('.board figure')].map(figure => figure.dataset.chart)"
    for names in (("error", "loss"), ("loss", "wide", "error"), ("wide", "loss")):
        charts.show({"a": 30}, names)
        eventually(charts.page, lambda names=names: charts.page.evaluate(order) == list(names))
        for name in names:
            eventually(charts.page, lambda name=name: charts.drawn(name) == {"a": 30})
    assert charts.page.evaluate("document.querySelector('[data-chart=loss]').mine")
    assert charts.range() == pytest.approx(zoomed)
    boxes = {name: charts.page.locator(f"[data-chart={name}]").bounding_box() for name in ("loss", "wide")}
    assert boxes["wide"]["width"] == charts.page.locator(".board").bounding_box()["width"]


def test_charts_that_leave_the_page_leave_nothing_behind(charts: Charts):
    charts.page.evaluate("window.left = document.querySelector('[data-chart=loss] [role=img]')")
    charts.page.get_by_text("Charts", exact=True).click()
    expect(charts.page.locator(".board")).to_have_count(0)
    eventually(charts.page, lambda: charts.page.evaluate("window.left._fullLayout === undefined"))
    pages = charts.runs("page")
    charts.page.wait_for_timeout(1000 * 4 * TICK)
    assert charts.runs("page") == pages
    charts.page.get_by_text("Charts", exact=True).click()
    eventually(charts.page, lambda: charts.drawn() == {"a": 30})
    charts.arrives({"a": 35})


def test_a_reload_shows_everything_again(charts: Charts):
    charts.arrives({"a": 40})
    charts.page.reload()
    eventually(charts.page, lambda: charts.drawn() == {"a": 40})
    charts.arrives({"a": 50})


def test_without_a_tick_nothing_runs(charts: Charts):
    charts.arrives({"a": 40}, tick=None)
    runs = charts.runs("fragment")
    charts.page.wait_for_timeout(1000 * 5 * TICK)
    assert charts.runs("fragment") == runs


def test_a_hidden_tab_does_not_tick_and_catches_up_when_it_is_shown(charts: Charts):
    hide = "hidden => {Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    hide += "document.dispatchEvent(new Event('visibilitychange'))}"
    charts.page.evaluate(hide, True)
    charts.page.wait_for_timeout(1000 * 2 * TICK)
    runs = charts.runs("fragment")
    charts.show({"a": 60})
    charts.page.wait_for_timeout(1000 * 5 * TICK)
    assert charts.runs("fragment") == runs
    charts.page.evaluate(hide, False)
    eventually(charts.page, lambda: charts.drawn() == {"a": 60})


@pytest.mark.parametrize("tick", [TICK, None])
def test_charts_follow_the_theme_and_keep_the_zoom(charts: Charts, tick: float | None):
    zoomed = charts.zoom()
    charts.arrives({"a": 31}, tick=tick)
    for theme in ("Dark", "Light"):
        charts.page.get_by_test_id("stMainMenu").click()
        charts.page.get_by_test_id("stMainMenuPopover").get_by_text(theme).last.click()
        charts.page.keyboard.press("Escape")
        ground = SURFACE.of(theme.lower())
        eventually(charts.page, lambda ground=ground: charts.node("node._fullLayout.plot_bgcolor") == ground)
    charts.page.emulate_media(color_scheme="dark")
    charts.page.get_by_test_id("stMainMenu").click()
    charts.page.get_by_test_id("stMainMenuPopover").get_by_text("System").last.click()
    eventually(charts.page, lambda: charts.node("node._fullLayout.plot_bgcolor") == SURFACE.dark)
    assert charts.range() == pytest.approx(zoomed)


def test_a_chart_fills_the_width_that_there_is(charts: Charts):
    for width in (1440, 700, 1100):
        charts.page.set_viewport_size({"width": width, "height": 900})
        room = charts.page.locator(".board").bounding_box
        eventually(charts.page, lambda room=room: abs(charts.node("node._fullLayout.width") - room()["width"]) < 2)


def test_a_chart_has_words_and_can_be_reached_by_keyboard(charts: Charts):
    charts.arrives({"a": 33})
    chart = charts.page.get_by_role("img", name="loss: {'a': 33}")
    chart.focus()
    charts.page.keyboard.press("Tab")
    assert charts.page.evaluate("document.activeElement.closest('.modebar') !== null")


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_can_be_saved(charts: Charts, kind: str):
    charts.page.locator("[data-chart=loss]").hover()
    with charts.page.expect_download() as download:
        charts.page.locator(f"[data-title='Save as {kind.upper()}']").click()
    assert download.value.suggested_filename == f"loss.{kind}"
    content = download.value.path().read_bytes()
    if kind == "svg":
        assert content.startswith(b"<svg")
        assert b">step</text>" in content
    else:
        assert content.startswith(b"\x89PNG")


def test_what_was_skipped_or_lost_is_asked_for(charts: Charts):
    charts.arrives({"a": 31}, tick=None)
    settle(charts.page)
    asked = charts.page.evaluate(
        """async file => {
            const { default: show } = await import(file);
            const asked = [], parentElement = document.createElement("div");
            document.querySelector(".board").parentElement.append(parentElement);
            const state = { plotly: "app/static/none.js", min_width: 400, order: [], charts: {} };
            const send = (version, base, patch) => show({
                parentElement,
                data: new TextEncoder().encode(JSON.stringify({ version, base, patch, tick: null, theme: "light" })),
                setTriggerValue: (name, value) => asked.push(value.version),
            });
            send("1", null, { set: state });
            send("2", "1", null);
            send("4", "3", null);
            send("5", null, { set: state });
            send("6", "5", null);
            send("6", "5", null);
            send("8", "5", null);
            send("9", "6", null);
            return asked;
        }""",
        board_file(charts),
    )
    assert asked == ["2", "8"], "a patch of what came last or of what that was made from can be applied, of no other"


def test_an_answer_that_got_lost_is_asked_for_again_but_not_at_once(charts: Charts):
    charts.arrives({"a": 31}, tick=None)
    settle(charts.page)
    charts.page.clock.install()
    charts.page.evaluate(
        """async file => {
            const { default: show } = await import(file);
            const parentElement = document.createElement("div");
            document.querySelector(".board").parentElement.append(parentElement);
            const state = { plotly: "app/static/none.js", min_width: 400, order: [], charts: {} };
            const message = { version: "1", base: null, patch: { set: state }, tick: 1, theme: "light" };
            window.asked = 0;
            const setTriggerValue = () => { window.asked += 1; };
            show({ parentElement, data: new TextEncoder().encode(JSON.stringify(message)), setTriggerValue });
        }""",
        board_file(charts),
    )
    counts = []
    for milliseconds in (900, 200, 14_000, 2_000):
        charts.page.clock.run_for(milliseconds)
        counts.append(charts.page.evaluate("window.asked"))
    assert counts == [0, 1, 1, 2]


def board_file(charts: Charts) -> str:
    return next(f"/app/static/{path.name}" for path in (charts.file.parent / "static").glob("board-*.js"))


def test_the_browser_applies_patches_as_they_are_meant(charts: Charts):
    cases = [any_change(seed) for seed in range(2000)]
    changes = [[old, patch(old, new)] for old, new in cases]
    made = charts.page.evaluate(
        "([file, cases]) => import(file).then(({ apply }) => cases.map(([old, change]) => apply(old, change)))",
        [board_file(charts), changes],
    )
    for (old, new), value in zip(cases, made, strict=True):
        assert value == new, (old, new)


@pytest.mark.parametrize("lost", ["board-*.js", "plotly-*.js"])
def test_where_a_file_does_not_come_the_page_says_so(charts: Charts, lost: str):
    charts.page.route(f"**/{lost}", lambda route: route.abort())
    charts.page.reload()
    sentence = r"The charts cannot be shown: app/static/\S+\.js could not be loaded from the server\."
    expect(charts.page.get_by_text(re.compile(sentence))).to_be_visible()
    charts.page.unroute_all()
    charts.page.reload()
    eventually(charts.page, lambda: charts.drawn() == {"a": 30})
    charts.errors.clear()
