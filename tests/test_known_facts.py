"""What is published about CIFAR: the real data agree with it, anything else is refused in one sentence."""

import re

import numpy as np
import pytest
from torchvision import datasets

from resnet_lab.known_facts import BATCH, FACTS, PICKLE_MD5S, batches, checksums, verified
from resnet_lab.sheets import Images
from tests.sentences import is_one_sentence, refusal


def black(size):
    """As many black images, in no memory."""
    return np.broadcast_to(np.zeros((), dtype=np.uint8), (size, 3, 32, 32))


def blank(name):
    """Images without content under labels that are right in number, per class and at the beginning."""
    facts = FACTS[name]
    return {split: Images(black(size), labels_for(facts, split, size)) for split, size in facts.sizes.items()}


def labels_for(facts, split, size):
    first = facts.first_labels[split]
    rest = np.repeat(np.arange(facts.num_classes), size // facts.num_classes).tolist()
    for label in first:
        rest.remove(label)
    return np.array(first + rest, dtype=np.uint8)


def told_of(name, **others):
    text = refusal(verified, name, blank(name) | others)
    assert is_one_sentence(text), text
    assert FACTS[name].title in text
    return text


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_another_number_of_images_or_labels_is_refused_by_both_numbers(name, split):
    images = blank(name)[split]
    for other in (
        Images(images.pixels[:7], images.labels),
        Images(images.pixels, images.labels[:7]),
        Images(images.pixels[:0], images.labels),
    ):
        text = told_of(name, **{split: other})
        assert str(FACTS[name].sizes[split]) in text
        assert split in text


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("label", [0, 99, 255])
def test_another_number_of_images_a_class_is_refused(name, label):
    images = blank(name)["test"]
    labels = images.labels.copy()
    labels[-1] = label
    if labels[-1] == images.labels[-1]:
        labels[-1] = 0
    text = told_of(name, test=Images(images.pixels, labels))
    assert re.search(r"test images a class, but here \d+ have the label", text)


@pytest.mark.parametrize("name", FACTS)
def test_pixels_of_another_mean_are_refused(name):
    assert "mean" in told_of(name)


def test_the_md5s_of_the_pickled_files_are_those_of_torchvision():
    published = [*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list]
    published += [*datasets.CIFAR100.train_list, *datasets.CIFAR100.test_list]
    assert dict(published) == PICKLE_MD5S


def test_the_real_cifar_10_is_as_published_and_stays_as_it_is(full_cifar10):
    again = verified("cifar10", full_cifar10)
    for split, images in full_cifar10.items():
        assert np.array_equal(again[split].pixels, images.pixels)
        assert np.array_equal(again[split].labels, images.labels)


def test_the_mean_and_deviation_are_those_of_the_pixels(full_cifar10):
    pixels, facts = full_cifar10["train"].pixels, FACTS["cifar10"]
    for channel in range(3):
        values = pixels[:, channel].astype(np.float32) / 255
        assert values.mean(dtype=np.float64) == pytest.approx(facts.mean[channel], abs=1e-6)
        assert values.std(dtype=np.float64) == pytest.approx(facts.std[channel], abs=1e-6)


def in_order(images, order):
    parts = list(batches(images))
    return Images(
        np.concatenate([parts[i - 1].pixels for i in order]), np.concatenate([parts[i - 1].labels for i in order])
    )


def test_batches_in_the_order_of_the_archive_are_brought_into_the_published_order(full_cifar10):
    train = in_order(full_cifar10["train"], [4, 3, 2, 5, 1])
    assert train.labels[:10].tolist() != FACTS["cifar10"].first_labels["train"]
    again = verified("cifar10", full_cifar10 | {"train": train})
    assert checksums(again["train"]) == FACTS["cifar10"].checksums["train"]


@pytest.mark.parametrize("order", [[1, 2, 3, 4, 4], [1, 1, 1, 1, 1]])
def test_a_batch_that_comes_twice_is_refused(full_cifar10, order):
    told(full_cifar10 | {"train": in_order(full_cifar10["train"], order)})


def told(splits):
    text = refusal(verified, "cifar10", splits)
    assert is_one_sentence(text), text
    return text


def test_images_of_the_right_mean_but_shuffled_are_refused(full_cifar10):
    images = full_cifar10["train"]
    assert "order" in told(full_cifar10 | {"train": Images(images.pixels[::-1], images.labels[::-1])})


def test_a_single_changed_test_pixel_is_refused(full_cifar10):
    pixels = full_cifar10["test"].pixels.copy()
    pixels[BATCH - 1, 2, 31, 31] ^= 1
    assert "test" in told(full_cifar10 | {"test": Images(pixels, full_cifar10["test"].labels)})


def test_two_exchanged_labels_are_refused(full_cifar10):
    images = full_cifar10["test"]
    labels = images.labels.copy()
    labels[[20, 21]] = labels[[21, 20]]
    assert labels[20] != labels[21]
    assert "test" in told(full_cifar10 | {"test": Images(images.pixels, labels)})


def test_shuffled_images_of_cifar_100_are_refused_by_their_first_labels():
    """Without our own checksums for it, the labels tell the order."""
    from resnet_lab.known_facts import check_first_labels

    text = refusal(check_first_labels, FACTS["cifar100"], "test", Images(black(10), np.arange(10, dtype=np.uint8)))
    assert is_one_sentence(text), text
    assert "49, 33, 72" in text
