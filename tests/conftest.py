"""What several test files share: threads, and the public checkpoint where there is one."""

import os
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """Threads only wait for each other on tensors as small as the tests'."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(num_threads)


@pytest.fixture(scope="session")
def public_checkpoint():
    """akamaster's ResNet-20, from the folder that RESNET_LAB_REFERENCE names."""
    path = Path(os.environ.get("RESNET_LAB_REFERENCE", ".")) / "akamaster_resnet20.th"
    if not path.is_file():
        pytest.skip("RESNET_LAB_REFERENCE names no folder with akamaster_resnet20.th")
    return path
