"""What is published about CIFAR-10 and CIFAR-100: data that differ from it are refused, whatever their source."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from resnet_lab.config import short
from resnet_lab.sheets import Images

BATCH = 10_000  # images a file, as published


@dataclass(frozen=True)
class Facts:
    """Of a data set as a whole; the checksums are ours, of each batch of 10,000 images with their labels."""

    title: str
    sizes: dict[str, int]
    num_classes: int
    mean: tuple[float, ...]  # of all training pixels, by channel
    std: tuple[float, ...]
    first_labels: dict[str, list[int]]
    checksums: dict[str, list[str]]


FACTS = {
    "cifar10": Facts(
        title="CIFAR-10",
        sizes={"train": 50_000, "test": 10_000},
        num_classes=10,
        mean=(0.49139968, 0.48215841, 0.44653091),
        std=(0.24703223, 0.24348513, 0.26158784),
        first_labels={"train": [6, 9, 9, 4, 1, 1, 2, 7, 8, 3], "test": [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]},
        checksums={
            "train": [
                "ba52cb2d72c412975d7556bb26bd094956f1c002d1937053f6f1252f2ac17114",
                "350ff9000489d02f2568c0dcf4912ffdbae9e50932147905fb1b8159ad54f0ac",
                "a2b8653fc457df407af6c38b7e0d1a12530f3b5f81fce9f81516efd065daf722",
                "133e6292c377755074c305db8a684d48d5397372cb0aba34f52b4335eab35d97",
                "eb08cdc11fd1267ef871cf4790f193684b3f556d13317be68f4eb374a078ea87",
            ],
            "test": ["9a4c74f5c8b6f2c4e13d3a1dfb43a5a8cda8a9da515e99fd620d2013a1a6287a"],
        },
    ),
    "cifar100": Facts(
        title="CIFAR-100",
        sizes={"train": 50_000, "test": 10_000},
        num_classes=100,
        mean=(0.50707516, 0.48654887, 0.44091784),
        std=(0.26733429, 0.25643846, 0.27615047),
        first_labels={"train": [19, 29, 0, 11, 1, 86, 90, 28, 23, 31], "test": [49, 33, 72, 51, 71, 92, 15, 14, 23, 0]},
        checksums={},  # our own are not known: its home site could not be reached
    ),
}

# of the pickled files, as torchvision knows them: only these are unpickled
PICKLE_MD5S = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
}


def verified(name: str, splits: dict[str, Images]) -> dict[str, Images]:
    """The same images in the published order, or one sentence that says what is not as published."""
    facts = FACTS[name]
    for split in facts.sizes:
        check_counts(facts, split, splits[split])
    check_mean_and_deviation(facts, splits["train"])
    ordered = {split: in_published_order(facts, split, splits[split]) for split in facts.sizes}
    for split, images in ordered.items():
        check_first_labels(facts, split, images)
    return ordered


def check_counts(facts: Facts, split: str, images: Images) -> None:
    size = facts.sizes[split]
    for what, count in (("images", len(images.pixels)), ("labels", len(images))):
        if count != size:
            raise ValueError(f"{facts.title} has {size} {split} {what}, but here are {count}.")
    each = size // facts.num_classes
    for label, count in enumerate(np.bincount(images.labels, minlength=facts.num_classes).tolist()):
        if count != (each if label < facts.num_classes else 0):
            raise ValueError(
                f"{facts.title} has {each} {split} images a class, but here {count} have the label {label}."
            )


def check_mean_and_deviation(facts: Facts, images: Images) -> None:
    """From the histogram of each channel, which is exact and cheap."""
    values = np.arange(256) / 255
    for channel, published in enumerate(zip(facts.mean, facts.std, strict=True)):
        shares = np.bincount(images.pixels[:, channel].reshape(-1), minlength=256) / images.pixels[:, channel].size
        mean = shares @ values
        if not np.allclose((mean, np.sqrt(shares @ (values - mean) ** 2)), published, rtol=0, atol=1e-6):
            raise ValueError(f"The training pixels do not have the mean and standard deviation of {facts.title}.")


def check_first_labels(facts: Facts, split: str, images: Images) -> None:
    first, found = facts.first_labels[split], images.labels[:10].tolist()
    if found != first:
        raise ValueError(f"The first {split} labels of {facts.title} are {first}, but here are {short(found)}.")


def in_published_order(facts: Facts, split: str, images: Images) -> Images:
    """Hugging Face's files hold the five batches in the order of the archive: 4, 3, 2, 5, 1."""
    if split not in facts.checksums:
        return images
    found = dict(zip(checksums(images), batches(images), strict=True))
    if set(found) != set(facts.checksums[split]):
        raise ValueError(f"The {split} images are not those of {facts.title}, or not in their order.")
    ordered = [found[checksum] for checksum in facts.checksums[split]]
    return Images(np.concatenate([b.pixels for b in ordered]), np.concatenate([b.labels for b in ordered]))


def checksums(images: Images) -> list[str]:
    return [batch.checksum for batch in batches(images)]


def batches(images: Images) -> Iterator[Images]:
    for start in range(0, len(images), BATCH):
        yield Images(images.pixels[start : start + BATCH], images.labels[start : start + BATCH])
