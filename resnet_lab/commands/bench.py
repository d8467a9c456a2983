"""`bench`: one of the benchmarks, on this machine."""

import argparse
import subprocess
import sys

from resnet_lab.files import CHECKOUT

BENCHMARKS = {
    "throughput": "training speed beside the usual public pipeline",
    "probes": "what the probes cost",
    "xray": "what the X-ray costs",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="BENCHMARK", required=True)
    for name, words in BENCHMARKS.items():
        actions.add_parser(name, help=words, description=words).set_defaults(benchmark=name)


def run(options: argparse.Namespace) -> int:
    """In a process of its own, which nothing that was imported here slows down."""
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{options.benchmark}"], cwd=CHECKOUT, check=False
    ).returncode
