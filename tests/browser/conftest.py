"""The lab in a server of its own, and a real browser that looks at it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launch

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running lab."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    log = tmp_path_factory.mktemp("lab") / "log"
    with log.open("w") as out, subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=out, stderr=out) as server:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server, log)
        yield address
        server.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, f"the lab did not start:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail(f"the lab does not answer:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, lab: str) -> Iterator[Callable[..., Page]]:
    """visit("?build=...", scheme="dark", width=900) opens a page, waits for it, and says so if it breaks."""
    contexts = []

    def open_page(path: str = "", scheme: str = "light", width: int = 1440) -> Page:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 1000})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(lab + "/" + path)
        page.get_by_role("heading", name="The same net in plain PyTorch").wait_for()
        settle(page)
        return page

    yield open_page
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
    """What a click leads to holds within the time that a person would wait."""
    for _ in range(200):
        if is_true():
            return
        page.wait_for_timeout(100)
    assert is_true()
