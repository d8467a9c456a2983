"""With what a run was trained: the versions and the machine that another one would have to match."""

import os
import platform
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from resnet_lab.files import CHECKOUT

PACKAGES = ("torchvision", "numpy")


def describe_environment(device: str | torch.device) -> dict[str, Any]:
    """For JSON."""
    device = torch.device(device)
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # with the build that it is
        **{name: installed(name) for name in PACKAGES},
        "resnet_lab": lab_version(CHECKOUT),
        "commit": commit(CHECKOUT),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        **this_machine(device.type),
    }


def this_machine(device: str) -> dict[str, object]:
    """As the environment of a run has it, without what may change from day to day."""
    gpu = torch.cuda.get_device_name() if device == "cuda" else ""
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "device": device, "gpu": gpu}


def installed(package: str) -> str:
    """Its version, or nothing where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def lab_version(checkout: Path) -> str:
    project = checkout / "pyproject.toml"
    return tomllib.loads(project.read_text())["project"]["version"] if project.is_file() else installed("resnet-lab")


def commit(checkout: Path) -> str:
    """Of the checkout that the code runs from, '+changes' where it differs; nothing where there is no checkout."""
    if not (checkout / ".git").exists():  # a folder inside someone else's checkout is not ours
        return ""
    head = git(checkout, "rev-parse", "--short=12", "HEAD")
    return head + ("+changes" if head and git(checkout, "status", "--porcelain") else "")


def git(checkout: Path, *arguments: str) -> str:
    """What git says, or nothing where it is missing or refuses."""
    try:
        answer = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


def cpu_name(facts: Path = Path("/proc/cpuinfo")) -> str:
    """As Linux tells it; elsewhere what the platform says."""
    lines = facts.read_text().splitlines() if facts.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
