"""What several test files share: threads, and where they are there the public checkpoint and all of CIFAR-10."""

import os
from pathlib import Path

import pytest
import torch

from resnet_lab.data import data_is_here, load_images


@pytest.fixture(scope="session", autouse=True)
def nothing_shipped(tmp_path_factory):
    """In the labs of tests, unless they bring a gallery of their own: what is there is what a test has put there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_LAB_GALLERY", str(tmp_path_factory.mktemp("no-gallery")))
        yield


@pytest.fixture(scope="module")
def one_thread():
    """Threads only wait for each other on tensors as small as the tests'."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(num_threads)


@pytest.fixture(autouse=True)
def threads_as_before():
    """Whatever a test does with them: the last digits of the next ones depend on their number."""
    num_threads = torch.get_num_threads()
    yield
    torch.set_num_threads(num_threads)


@pytest.fixture(scope="session")
def public_checkpoint():
    """akamaster's ResNet-20, from the folder that RESNET_LAB_REFERENCE names."""
    path = Path(os.environ.get("RESNET_LAB_REFERENCE", ".")) / "akamaster_resnet20.th"
    if not path.is_file():
        pytest.skip("RESNET_LAB_REFERENCE names no folder with akamaster_resnet20.th")
    return path


@pytest.fixture(scope="session")
def full_cifar10():
    """Both splits, where `python -m resnet_lab data get cifar10` has kept them."""
    if not data_is_here("cifar10"):
        pytest.skip("CIFAR-10 is not here: `python -m resnet_lab data get cifar10`")
    return {split: load_images("cifar10", split) for split in ("train", "test")}
