"""How fast the pages are: python -m benchmarks.pages [--answers N] [--save]

Before a store of 50 runs of 200 epochs with all probes, of which one is in training: a real browser opens Compare and
waits for new points; then 20 viewers tick at once, sessions without a browser (parts/viewers.py), since 20 browsers
would take the cores that the server is measured on; then one of them asks N times without a pause, while the server's
memory is watched: 3,600 answers are an hour before one open page. --save: also into benchmarks/results.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.parts.made_up_runs import NUM_RUNS, add, tell
from benchmarks.parts.results import RESULTS, Results, body, markdown, where_and_when
from benchmarks.parts.viewers import Viewer, watch_all
from resnet_lab.files import CHECKOUT
from resnet_lab.runs import Run
from resnet_lab.store import Store
from resnet_lab.ui.run_ids import RUNS, join_ids

try:
    from playwright.sync_api import Browser, Page, sync_playwright

    from tests.browser.chromium import launch
    from tests.browser.conftest import free_port
    from tests.processes import end_processes_of
except ModuleNotFoundError as error:
    missing = str(error.name).partition(".")[0]
    sys.exit(f"This benchmark needs what the tests need, and {missing} is missing: `make test` sets it up.")

PACKAGES = ("streamlit", "plotly", "playwright", "numpy")
ROUNDS, NUM_EVENTS, NUM_TICKS = 5, 10, 20
VIEWERS, WATCHED, EVENT_SECONDS = 20, 30.0, 0.3  # how many, for how many seconds, with a new point so often
SHOWN = 10  # runs, but for the opening
SOON = 120_000  # milliseconds that the browser waits for anything
CHARTS = ":nth-match(.board figure[data-drawn], 3)"  # all of the view that is opened
BARE = Path(__file__).parent / "parts" / "bare_page.py"
LAST_STEP = """
() => Math.max(...document.querySelector('[data-chart=loss] .js-plotly-plot').data.map(trace => trace.x.at(-1)))
"""
Row = tuple[str, str, float]  # what, its unit, how much


@dataclass
class Lab:
    """A running server, the runs it shows, and the last of them, which is in training."""

    address: str
    server: psutil.Process
    store: Store
    runs: list[Run]
    told: int = 0

    def tell(self) -> int:
        """A new loss; the step that it is of."""
        self.told += 1
        return tell(self.store, self.runs[-1], self.told)

    def cpu(self) -> float:
        """Seconds that the server has used."""
        times = self.server.cpu_times()
        return times.user + times.system

    def memory(self) -> float:
        return self.server.memory_info().rss / 2**20

    def link(self, number: int) -> str:
        return f"{self.address}/compare?{RUNS}={self.ids(number)}"

    def ids(self, number: int) -> str:
        return join_ids(run.id for run in self.runs[-number:])

    def viewer(self, page: str) -> Viewer:
        return Viewer(self.address.replace("http", "ws", 1), page, f"{RUNS}={self.ids(SHOWN)}")


def main(num_answers: int, save: bool) -> None:
    where = where_and_when(PACKAGES)
    with tempfile.TemporaryDirectory() as folder, Store(None, Path(folder)) as store:
        runs = [add(store, number) for number in range(NUM_RUNS)]
        with served(Path(folder)) as (address, server):
            lab = Lab(address, server, store, runs)
            rows = [("Load of the machine before, all cores", "%", psutil.cpu_percent(3))]
            with sync_playwright() as playwright:
                browser = launch(playwright)
                rows += measured_openings(browser, lab)
                page = opened(browser, lab.link(SHOWN))
                rows += measured_pixels(page, lab)
                rows += measured_ticks(page, lab)
                browser.close()
            rows += [row for name in ("compare", "train") for row in measured_viewers(lab, name)]
            rows += measured_memory(lab, num_answers)
    found = results(rows, where)
    print(found.page())
    if save:
        found.save(RESULTS, "pages")


# ---- the server and the browser


@contextmanager
def served(home: Path, script: Path = CHECKOUT / "app.py") -> Iterator[tuple[str, psutil.Process]]:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", "--server.headless=true"]
    env = os.environ | {"RESNET_LAB_HOME": str(home)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=quiet, stderr=quiet) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}", psutil.Process(server.pid)
        finally:
            server.kill()
            end_processes_of(home)  # the Train page starts a supervisor


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:  # refused, or too busy to answer in time
            time.sleep(0.2)
    sys.exit("The lab does not answer.")


def opened(browser: Browser, address: str, drawn: str = CHARTS) -> Page:
    """In a browser that has nothing of the lab yet."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.set_default_timeout(SOON)
    page.goto(address)
    page.locator(drawn).first.wait_for()
    return page


# ---- one browser


def measured_openings(browser: Browser, lab: Lab) -> list[Row]:
    rows = measured_floor(browser)
    for number in (SHOWN, NUM_RUNS):
        first, *others = (timed_openings(browser, lab.link(number)) for _ in range(ROUNDS + 1))
        what = f"Compare with {number} runs opens"
        new, known = (statistics.median(times) for times in zip(*others, strict=True))
        rows.append((f"{what} for the first time", "s", first[0]))
        rows.append((f"{what} in a browser that is new here, median of {ROUNDS}", "s", new))
        rows.append((f"{what} in a browser that was here before, median of {ROUNDS}", "s", known))
    return rows


def measured_floor(browser: Browser) -> list[Row]:
    """What Streamlit itself takes."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), BARE) as (address, _):
        _, *others = (timed_openings(browser, address, "canvas") for _ in range(ROUNDS + 1))
    new, known = (statistics.median(times) for times in zip(*others, strict=True))
    what = "A page of Streamlit with one table and nothing else opens"
    return [
        (f"{what} in a browser that is new here, median of {ROUNDS}", "s", new),
        (f"{what} in a browser that was here before, median of {ROUNDS}", "s", known),
    ]


def timed_openings(browser: Browser, address: str, drawn: str = CHARTS) -> tuple[float, float]:
    """In a new browser, and then once more."""
    start = time.perf_counter()
    page = opened(browser, address, drawn)
    opened_at = time.perf_counter()
    page.reload()
    page.locator(drawn).first.wait_for()
    taken = opened_at - start, time.perf_counter() - opened_at
    page.context.close()
    return taken


def measured_pixels(page: Page, lab: Lab) -> list[Row]:
    """From an event in the store to the point in the chart."""
    delays = []
    for _ in range(NUM_EVENTS):
        time.sleep(0.37)  # at any time between two ticks
        start = time.perf_counter()
        until_drawn(page, lab.tell())
        delays.append(time.perf_counter() - start)
    return [
        (f"From event to pixel, median of {NUM_EVENTS}", "s", statistics.median(delays)),
        (f"From event to pixel, slowest of {NUM_EVENTS}", "s", max(delays)),
    ]


def until_drawn(page: Page, step: int) -> None:
    page.wait_for_function(f"({LAST_STEP.strip()})() >= {step}")


def measured_ticks(page: Page, lab: Lab) -> list[Row]:
    """Each tick brings one new point of one run."""
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable")
    busy, cpu = browser_seconds(metrics), lab.cpu()
    versions = set()
    for _ in range(NUM_TICKS):
        until_drawn(page, lab.tell())
        versions.add(page.locator(".board").first.get_attribute("data-version"))
    return [
        ("A tick of one browser costs the server", "CPU ms", 1000 * (lab.cpu() - cpu) / len(versions)),
        ("A tick costs the browser", "CPU ms", 1000 * (browser_seconds(metrics) - busy) / len(versions)),
    ]


def browser_seconds(metrics: Any) -> float:
    told = metrics.send("Performance.getMetrics")["metrics"]
    return next(each["value"] for each in told if each["name"] == "TaskDuration")


# ---- many viewers


def measured_viewers(lab: Lab, page: str) -> list[Row]:
    """All look at the same runs, as in a lecture."""
    rows, costs = [], []
    for number in (1, VIEWERS):
        viewers = [lab.viewer(page) for _ in range(number)]
        start = Start(viewers, lab)
        with telling(lab):
            watch_all(viewers, start.is_over)
        ticks = sorted(seconds for each in viewers for seconds in each.ticks)
        cpu = lab.cpu() - start.cpu
        costs.append(1000 * cpu / len(ticks))
        who = f"{page.capitalize()}, {number} viewer{'s' if number > 1 else ''}"
        rows += [
            (f"{who}: slowest tick of {len(ticks)}", "s", ticks[-1]),
            (f"{who}: median tick", "s", statistics.median(ticks)),
            (f"{who}: a tick costs the server", "CPU ms", costs[-1]),
            (f"{who}: the server keeps busy", "cores", cpu / WATCHED),
        ]
    return [
        *rows,
        (f"{page.capitalize()}: a tick among {VIEWERS} viewers against one alone", "times", costs[1] / costs[0]),
    ]


class Start:
    """Counts from the moment when all have opened the page."""

    def __init__(self, viewers: list[Viewer], lab: Lab):
        self.viewers, self.lab = viewers, lab
        self.cpu, self.when = 0.0, 0.0

    def is_over(self) -> bool:
        if not self.when and all(each.opened for each in self.viewers):
            self.cpu, self.when = self.lab.cpu(), time.perf_counter()
            for each in self.viewers:
                each.ticks.clear()
        return bool(self.when) and time.perf_counter() > self.when + WATCHED


@contextmanager
def telling(lab: Lab) -> Iterator[None]:
    """New points arrive all the while."""
    is_enough = threading.Event()

    def go_on() -> None:
        while not is_enough.wait(EVENT_SECONDS):
            lab.tell()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        is_enough.set()
        thread.join()


def measured_memory(lab: Lab, num_answers: int) -> list[Row]:
    """A new point is told before each question; the page shows several at once, so not every answer has some."""
    viewer, before = lab.viewer("train"), lab.memory()

    def is_over() -> bool:
        lab.tell()
        return len(viewer.ticks) >= num_answers

    watch_all([viewer], is_over, pause=0.0)
    return [
        (f"The server's memory before {num_answers:,} answers on Train", "MiB", before),
        (f"The server's memory after {num_answers:,} answers on Train", "MiB", lab.memory()),
        ("Of these answers, with new points", "", viewer.news),
    ]


# ---- what is told


def results(rows: list[Row], where: dict[str, Any]) -> Results:
    numbers = [(what, unit, round(value, 3 if value < 10 else 1)) for what, unit, value in rows]
    table = markdown(["", ""], [(what, f"{value:,g} {unit}") for what, unit, value in numbers])
    measured = [{"what": what, "unit": unit, "value": value} for what, unit, value in numbers]
    return Results("Speed of the pages", where, body(__doc__), table, {"measured": measured})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=3600)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    main(options.answers, options.save)
