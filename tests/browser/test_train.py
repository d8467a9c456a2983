"""The Train page in a real browser: from a click to finished runs, and all that may happen in between."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from resnet_lab.presets import preset
from resnet_lab.queueing import waiting
from resnet_lab.runs import Run
from resnet_lab.store import Store
from tests.browser.conftest import PATIENCE, eventually, free_port, served, settle
from tests.processes import end_processes_of, short, train_here

Visit = Callable[..., Page]
TRAINING = 600_000  # milliseconds that the three nets of the first comparison may take on a busy machine
POINTS = "Array.from(document.querySelector('.js-plotly-plot')?.data || []).map(trace => trace.x.length)"
LONG = {"data": "sample", "depth": 8, "steps": 100_000, "loss_every": 5, "probe_every": 0, "evaluate_every": 1000}


@pytest.fixture
def store(lab_home: Path) -> Iterator[Store]:
    with Store(None, lab_home) as store:
        yield store
        for run in store.runs():
            with contextlib.suppress(ValueError):
                store.delete(run.id)


def points(page: Page) -> list[int]:
    """Of the curves in the first chart."""
    return page.evaluate(POINTS)


def zoom(page: Page) -> list[float] | None:
    return page.evaluate("document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range.slice()")


def act(page: Page, what: str, run: Run) -> Locator:
    """The button of a run."""
    return page.locator(f".st-key-{what}_{run.id} button").first


def worker_of(run: Run, store: Store) -> psutil.Process:
    return psutil.Process(store.run(run.id).pid)


def test_a_first_comparison_from_the_click_to_three_finished_runs(visit: Visit, store: Store):
    page = visit("")
    page.get_by_role("button", name="Train the three").click()
    page.wait_for_url(re.compile("train"))
    page.wait_for_function(
        f"() => {{ const n = {POINTS}; return n.length == 3 && Math.min(...n) > 3 }}", timeout=TRAINING
    )

    page.evaluate("Plotly.relayout(document.querySelector('.js-plotly-plot'), {'xaxis.range': [12, 34]})")
    before = points(page)
    eventually(page, lambda: points(page) > before)
    assert zoom(page) == [12, 34], "new points took the zoom away"

    page.reload()
    eventually(page, lambda: len(points(page)) == 3 and min(points(page)) >= min(before))
    expect(page.get_by_text("All 400 steps are done.")).to_have_count(3, timeout=TRAINING)
    eventually(page, lambda: points(page) == [40, 40, 40])
    assert [run.status for run in store.runs()] == ["done"] * 3


def test_what_draws_charts_is_fetched_before_there_is_one(visit: Visit):
    page = visit("")
    page.wait_for_function("window.Plotly !== undefined")
    assert page.locator(".board").count() == 0


def test_what_one_tab_does_the_other_shows(visit: Visit, store: Store):
    run = store.add(preset("minute", **LONG))
    first, second = visit("train"), visit("train")
    for page in (first, second):
        eventually(page, lambda page=page: sum(points(page)) > 3)
    act(first, "pause", run).click()
    for page in (first, second):
        expect(act(page, "play_arrow", run)).to_be_visible()
    assert store.run(run.id).status == "paused"
    act(second, "play_arrow", run).click()
    expect(act(second, "pause", run)).to_be_visible()
    act(second, "stop", run).click()
    expect(act(second, "pause", run)).not_to_be_visible()
    assert store.run(run.id).status == "stopped"


def test_the_queue_is_reordered_in_one_action_and_the_menu_stays_open_while_the_page_ticks(visit: Visit, store: Store):
    runs = store.add_many([preset("minute", **LONG).changed(seed=seed) for seed in range(6)])
    last, page = runs[-1], visit("train")
    page.get_by_role("button", name=f"Change its place in the queue: {last.config.title}, seed 5").first.click()
    page.wait_for_timeout(2500)
    page.get_by_text("Train first").click()
    eventually(page, lambda: waiting(store)[0].id == last.id)
    for run in runs:
        name = re.compile(rf"^(Stop|Cancel): .*seed {run.seed}$")
        page.get_by_role("button", name=name).first.click()  # while lines move up, one may be there twice for a moment
        eventually(page, lambda run=run: store.run(run.id).status == "stopped")


def test_a_finished_run_is_trained_on_from_its_line(visit: Visit, store: Store):
    run = train_here(store, short())
    page = visit(f"train?runs={run.id}")
    page.get_by_role("button", name="Train longer").click()
    steps = page.get_by_label("Steps in all")
    steps.fill("33")
    steps.press("Enter")
    page.get_by_role("button", name="Train on").click()
    expect(page.get_by_role("button", name="Train on")).to_have_count(0)
    expect(page.get_by_text("All 33 steps are done.")).to_be_visible(timeout=TRAINING)


def test_nothing_ticks_when_nothing_runs(visit: Visit, store: Store):
    store.add(preset("minute", data="sample", depth=8))
    store.delete(store.runs()[0].id)
    page = visit("train")
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append("frame")))
    page.reload()
    page.get_by_role("heading", name="Train").first.wait_for()
    settle(page)
    before = len(sent)
    page.wait_for_timeout(3000)
    assert before
    assert len(sent) == before


def test_a_killed_worker_and_a_killed_server_lose_nothing(browser: Browser, tmp_path: Path):
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    with Store(None, home) as store:
        run = store.add(preset("minute", **LONG))
        with served(home, port) as address:
            page.goto(f"{address}/train")
            eventually(page, lambda: sum(points(page)) > 3)
            worker_of(run, store).kill()
            before = sum(points(page))
            eventually(page, lambda: sum(points(page)) > before + 3)
        told = len(store.events(run.id))
        eventually(page, lambda: len(store.events(run.id)) > told)  # no server, and it goes on
        with served(home, port):
            eventually(page, lambda: sum(points(page)) > before + 10)  # the page finds the server again by itself
        page.close()
    end_processes_of(home)


def test_several_variants_are_started_from_the_form(visit: Visit, store: Store):
    page = visit("train")
    page.get_by_text("Change the recipe, the data or the device").click()
    steps = page.get_by_label("Steps", exact=True)
    steps.fill("3")
    steps.press("Enter")
    settle(page)
    expect(page.get_by_text("3 blocks × 1 depth × 1 seed")).to_be_visible()
    page.get_by_role("button", name="Train 3 runs").click()
    expect(page.get_by_text("All 3 steps are done.")).to_have_count(3, timeout=TRAINING)
    assert {run.config.recipe.steps for run in store.runs()} == {3}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("train?runs=nonsense", "There is no run nonsense"),
        ("train?like=nonsense", "There is no run 'nonsense'"),
        ("train?build=nonsense", "does not start with"),
    ],
)
def test_a_broken_link_says_what_is_wrong(visit: Visit, path: str, words: str):
    expect(visit(path).get_by_test_id("stAlert").first).to_contain_text(words)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 900])
@pytest.mark.parametrize("path", ["", "train"])
def test_nothing_is_cut_off(visit: Visit, path: str, scheme: str, width: int):
    page = visit(path, scheme=scheme, width=width)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
