"""Batches against torchvision's transforms, pooling against torch's."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.transforms import functional as transforms

from resnet_lab.augmentation import Stream
from resnet_lab.batches import load_split, pooled
from resnet_lab.data import DATASETS, load_images, normalised
from resnet_lab.run_config import DataConfig, RecipeConfig

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SYNTHETIC = DATASETS["synthetic"]


def split_of(which="train", **fields):
    return load_split(DataConfig(**{"name": "synthetic"} | fields), which, CPU)


def usual(pixels, offset, is_flipped, crop, zeros):
    """The public pipeline for one image: RandomCrop with padding, RandomHorizontalFlip, ToTensor, Normalize."""

    def normalise(image):
        return transforms.normalize(image, SYNTHETIC.mean, SYNTHETIC.std)

    def crop_it(image):
        size = image.shape[-1]
        return transforms.crop(transforms.pad(image, [crop] * 4), *offset, size, size)

    image = pixels.float() / 255
    image = normalise(crop_it(image)) if zeros == "before" else crop_it(normalise(image))
    return transforms.hflip(image) if is_flipped else image


@pytest.mark.parametrize("zeros", ["before", "after"])
@pytest.mark.parametrize(("crop", "resolution"), [(4, 32), (2, 16), (0, 16)])
def test_a_training_batch_is_what_the_usual_transforms_make(zeros, crop, resolution):
    split = split_of(train_size=300, resolution=resolution)
    draw = Stream(3, len(split), crop, True, CPU).batch(250, 100)
    images, labels = split.training_batch(draw, RecipeConfig(crop=crop, crop_zeros=zeros))
    rows = zip(draw.indices, draw.offsets.tolist(), draw.flips.tolist(), strict=True)
    expected = [usual(split.pixels[index], offset, flip, crop, zeros) for index, offset, flip in rows]
    torch.testing.assert_close(images, torch.stack(expected), rtol=1e-5, atol=1e-5)
    assert torch.equal(labels, split.labels[draw.indices])
    assert images.dtype == torch.float32


def test_zeros_before_and_after_normalisation_differ_in_the_border_alone():
    split = split_of(train_size=50)
    draw = Stream(0, 50, 4, False, CPU).batch(0, 50)
    before, after = (split.training_batch(draw, RecipeConfig(crop_zeros=zeros))[0] for zeros in ("before", "after"))
    black = -torch.tensor(SYNTHETIC.mean) / torch.tensor(SYNTHETIC.std)
    is_border = after == 0
    assert 0.1 < is_border.double().mean() < 0.4
    assert torch.equal(before[~is_border], after[~is_border])
    torch.testing.assert_close(before[is_border], black.view(3, 1, 1).expand_as(before)[is_border])


@pytest.mark.parametrize("size", [4, 8, 16, 32])
def test_pooling_is_torchs_rounded(size):
    pixels = torch.from_numpy(load_images("synthetic", "test").pixels[:50])
    means = functional.avg_pool2d(pixels.double(), 32 // size)
    assert torch.equal(pooled(pixels, size), (means + 0.5).floor().to(torch.uint8))


def test_pooling_neither_overflows_nor_drifts():
    for value in (0, 1, 128, 254, 255):
        assert torch.equal(
            pooled(torch.full((1, 3, 32, 32), value, dtype=torch.uint8), 16).unique(), torch.tensor([value])
        )


@pytest.mark.parametrize("name", ["synthetic", "sample"])
def test_all_of_a_data_set_is_all_of_it_in_its_order(name):
    for which, size in DATASETS[name].sizes.items():
        split, images = split_of(which, name=name), load_images(name, which)
        assert len(split) == size
        assert np.array_equal(split.pixels.numpy(), images.pixels)
        assert np.array_equal(split.labels.numpy(), images.labels)


@pytest.mark.parametrize("size", [1, 9, 10, 105, 777, 1_000])
def test_a_part_of_a_data_set_has_as_many_of_each_class_as_can_be(size):
    counts = torch.bincount(split_of(name="sample", train_size=size).labels, minlength=10)
    assert counts.sum() == size
    assert counts.max() - counts.min() <= 1


def test_train_and_test_are_cut_by_their_own_sizes():
    fields = {"train_size": 130, "test_size": 70}
    assert (len(split_of("train", **fields)), len(split_of("test", **fields))) == (130, 70)


def test_whole_images_are_normalised_as_everywhere_in_the_lab():
    images, split = load_images("synthetic", "test"), split_of("test")
    expected = normalised(images, SYNTHETIC.mean, SYNTHETIC.std)
    torch.testing.assert_close(split.normalised(split.pixels), expected, rtol=1e-5, atol=1e-6)


def test_normalised_training_pixels_have_mean_0_and_deviation_1():
    split = split_of()
    pixels = split.normalised(split.pixels).double().transpose(0, 1).flatten(1)
    assert pixels.mean(1).abs().max() < 1e-4
    assert (pixels.std(1, correction=0) - 1).abs().max() < 1e-4


def test_pixels_stay_bytes():
    split = split_of(resolution=16, train_size=100)
    assert split.pixels.dtype == torch.uint8
    assert split.pixels.shape == (100, 3, 16, 16)
