"""`bench`: one of the benchmarks, on this machine."""

import argparse
import subprocess
import sys

from resnet_lab.files import CHECKOUT

BENCHMARKS = {
    "time_to": "how soon a loss or an error is reached",
    "throughput": "training speed beside the usual public pipeline",
    "probes": "what the probes cost",
    "first_points": "how soon after a click the first curves are there",
    "pages": "how fast the pages are with 50 runs",
    "gpu": "whether the GPU path agrees with the plain one, and how fast",
    "xray": "what the X-ray costs",
    "looks": "how soon Look inside has its maps",
    "error_rates": "how often the verdicts of the Papers page are wrong",
    "ways": "what each way to compute on a CPU gains",
    "batched_seeds": "whether several seeds of one net are faster as one net",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="BENCHMARK", required=True)
    for name, words in BENCHMARKS.items():
        # no argument begins with such a character: all that follow are the benchmark's, --help too
        benchmark = actions.add_parser(name, help=words, add_help=False, prefix_chars="\0")
        benchmark.add_argument("arguments", nargs=argparse.REMAINDER)
        benchmark.set_defaults(benchmark=name)


def run(options: argparse.Namespace) -> int:
    """In a process of its own, which nothing that was imported here slows down."""
    command = [sys.executable, "-m", f"benchmarks.{options.benchmark}", *options.arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode
