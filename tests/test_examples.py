"""What a net is measured on: stratified, of its own data, and the words say what it is."""

import pytest
import torch

from resnet_lab.data import load_images, stratified
from resnet_lab.inside.examples import examples
from resnet_lab.run_config import DataConfig


@pytest.mark.parametrize("split", ["train", "test"])
def test_they_are_the_first_of_each_class(split):
    found, images = examples(DataConfig(name="synthetic"), 50, split), load_images("synthetic", split)
    at = stratified(images.labels, 50)
    assert (found.pixels.numpy() == images.pixels[at]).all()
    assert found.pixels.dtype == torch.uint8
    assert found.labels.tolist() == images.labels[at].tolist()
    assert found.labels.dtype == torch.int64
    assert found.labels.bincount().tolist() == [5] * 10


def test_the_bundled_sample_stands_in_for_cifar10_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_HOME", str(tmp_path))
    assert examples(DataConfig(), 20).words == "20 test images of the bundled sample"
    assert examples(DataConfig(), 10_000).words == "1,000 test images of the bundled sample"
    with pytest.raises(ValueError, match="CIFAR-100 is not in"):
        examples(DataConfig(name="cifar100"), 20)


def test_batches_hold_all_of_them_in_order_from_0_to_1():
    found = examples(DataConfig(name="synthetic"), 150)
    pixels, labels = zip(*found.batches(), strict=True)
    assert [len(each) for each in labels] == [128, 22]
    assert torch.cat(labels).equal(found.labels)
    assert (torch.cat(pixels) * 255).round().to(torch.uint8).equal(found.pixels)


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="num_images must be at least 1, but is 0"):
        examples(DataConfig(name="synthetic"), 0)
