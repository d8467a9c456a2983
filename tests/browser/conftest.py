"""The lab in a server of its own, and a real browser that looks at it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import launch
from tests.processes import end_processes_of, know_machine

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120_000  # milliseconds
HEADINGS = {  # by which a page is known to be there: the last ones
    "": "Look inside",
    "tour": "On from here",
    "build": "The same net in plain PyTorch",
    "train": "Train",
    "compare": "Compare",
    "look": "Look inside",
    "papers": "The papers on trial",
}


@pytest.fixture(scope="session")
def lab_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home of the running lab; no process of it is left afterwards."""
    home = tmp_path_factory.mktemp("home")
    know_machine(home)
    yield home
    end_processes_of(home)


@pytest.fixture(scope="session")
def lab(lab_home: Path) -> Iterator[str]:
    """The address of a running lab."""
    with served(lab_home, free_port()) as address:
        yield address


@contextmanager
def served(home: Path, port: int) -> Iterator[str]:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    env, log = os.environ | {"RESNET_LAB_HOME": str(home)}, home / "server.log"
    with log.open("a") as out, subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, server, log)
            yield address
        finally:
            server.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the lab did not start:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:  # refused, or too busy to answer in time
            time.sleep(0.2)
    pytest.fail(f"the lab does not answer:\n{log.read_text()}")


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    """What is expected comes when it comes."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, lab: str) -> Iterator[Callable[..., Page]]:
    """visit("build?build=...", scheme="dark", width=900) opens a page, waits for it, and says so if it breaks."""
    with windows(browser) as open_window:

        def open_page(path: str = "build", scheme: str = "light", width: int = 1440) -> Page:
            page = open_window(f"{lab}/{path}", scheme, width)
            page.get_by_role("heading", name=HEADINGS[path.split("?")[0]]).first.wait_for()
            settle(page)
            return page

        yield open_page


@contextmanager
def windows(browser: Browser) -> Iterator[Callable[[str, str, int], Page]]:
    """Opens addresses, each as a visitor of its own; a page that broke fails the test."""
    contexts = []

    def open_window(address: str, scheme: str, width: int) -> Page:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 1000})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        return page

    yield open_window
    for context in contexts:
        for page in context.pages:
            assert page.locator("[data-testid='stException']").count() == 0
        context.close()


def settle(page: Page) -> None:
    """Until the script has run and stays at rest; a click takes a moment to reach the server."""
    at_rest = page.locator("[data-testid='stApp'][data-test-script-state='notRunning']")
    calm = 0
    while calm < 4:
        at_rest.wait_for()
        page.wait_for_timeout(100)
        calm = calm + 1 if at_rest.count() else 0


def eventually(page: Page, is_true: Callable[[], bool]) -> None:
    """What a click leads to holds, however busy the machine is."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not is_true():
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)
