"""What several test files share: threads, and the public checkpoint where there is one."""

import os
from pathlib import Path

import pytest
import torch

SHARED = Path(__file__).parent.parent.parent / "shared" / "reference"


@pytest.fixture(scope="module")
def one_thread():
    """Threads only wait for each other on tensors as small as the tests'."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(num_threads)


@pytest.fixture(scope="session")
def public_checkpoint():
    """akamaster's ResNet-20, from the folder in RESNET_LAB_REFERENCE or from shared/reference beside the project."""
    folders = [Path(folder) for folder in (os.environ.get("RESNET_LAB_REFERENCE"), SHARED) if folder]
    found = [folder / "akamaster_resnet20.th" for folder in folders if (folder / "akamaster_resnet20.th").is_file()]
    if not found:
        pytest.skip(
            f"akamaster_resnet20.th is not in {' or '.join(map(str, folders))} (RESNET_LAB_REFERENCE names one)"
        )
    return found[0]
