"""Finds a Chromium for the browser tests: Playwright's own, else the system's, else Debian's package."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]
FOUND = Path(sys.prefix) / "chromium"  # which one was found, for the tests


def launch(playwright: Playwright) -> Browser:
    path = FOUND.read_text().strip() if FOUND.exists() else ""
    return playwright.chromium.launch(executable_path=path or None, args=ARGUMENTS)


def main() -> None:
    for path in candidates():
        FOUND.write_text(path)
        if starts():
            print(f"Browser tests use {path or 'the Chromium of Playwright'}.")
            return
    sys.exit("No Chromium could be found or installed: install one with your system's packages and try again.")


def candidates() -> Iterator[str]:
    yield ""
    if run([sys.executable, "-m", "playwright", "install", "chromium"]):
        yield ""
    yield from installed()
    apt = ["apt-get"] if os.geteuid() == 0 else ["sudo", "-n", "apt-get"]
    if shutil.which(apt[0]) and run([*apt, "update"]) and run([*apt, "install", "-y", "chromium"]):
        yield from installed()


def installed() -> Iterator[str]:
    return (path for path in map(shutil.which, NAMES) if path)


def run(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=300, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def starts() -> bool:
    try:
        with sync_playwright() as playwright:
            launch(playwright).close()
    except Error:
        return False
    return True


if __name__ == "__main__":
    main()
