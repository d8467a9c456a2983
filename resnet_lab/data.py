"""The data sets: a bundled sample of CIFAR-10, CIFAR-10 and CIFAR-100 where the user has them, and a synthetic one."""

import json
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from resnet_lab.config import check_choice
from resnet_lab.files import reason, replacing
from resnet_lab.known_facts import FACTS, checksums
from resnet_lab.sheets import SIDE, Images, read_sheets

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# fmt: off
CLASSES_100 = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
)
# fmt: on
MEAN, STD = FACTS["cifar10"].mean, FACTS["cifar10"].std
HOW_TO_GET = "`python -m resnet_lab data get {name}` or `python -m resnet_lab data import PATH`"
SAMPLE = Path(__file__).parent.parent / "assets" / "sample"


@dataclass(frozen=True)
class Dataset:
    """What is known before a byte is read; mean and deviation are those of all training pixels, by channel."""

    title: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sizes: dict[str, int]

    @property
    def num_classes(self) -> int:
        return len(self.classes)


DATASETS = {
    "sample": Dataset("A sample of CIFAR-10", CLASSES, MEAN, STD, {"train": 5_000, "test": 1_000}),
    "cifar10": Dataset("CIFAR-10", CLASSES, MEAN, STD, FACTS["cifar10"].sizes),
    "cifar100": Dataset(
        "CIFAR-100", CLASSES_100, FACTS["cifar100"].mean, FACTS["cifar100"].std, FACTS["cifar100"].sizes
    ),
    "synthetic": Dataset(
        "Synthetic patterns",
        tuple(f"pattern {label}" for label in range(10)),
        mean=(0.49124522, 0.50412708, 0.47954309),
        std=(0.20552964, 0.20907767, 0.20101717),
        sizes={"train": 2_000, "test": 500},
    ),
}


def home() -> Path:
    """Where the lab keeps what is the user's."""
    return Path(os.environ.get("RESNET_LAB_HOME", Path.home() / ".resnet_lab"))


def data_folder() -> Path:
    """Where the lab keeps the data sets that the user brought."""
    return home() / "data"


def load_images(name: str = "sample", split: str = "train", folder: Path | None = None) -> Images:
    """The images of one split, whole and as they were published, or one sentence that says what to do."""
    check_choice("data", name, DATASETS)
    check_choice("split", split, DATASETS[name].sizes)
    if name == "sample":
        return read_sheets(SAMPLE, split)
    if name == "synthetic":
        return synthetic_images(split)
    return read_kept(kept_file(name, folder), name, split)


def data_is_here(name: str, folder: Path | None = None) -> bool:
    path = place(name, folder)
    return path is None or path.exists()


def place(name: str, folder: Path | None = None) -> Path | None:
    """The file or folder of a data set, whether it is there or not; none for one that is made when it is needed."""
    check_choice("data", name, DATASETS)
    places = {"sample": SAMPLE, "synthetic": None}
    return places[name] if name in places else kept_file(name, folder)


def kept_file(name: str, folder: Path | None = None) -> Path:
    return (folder or data_folder()) / f"{name}.npz"


def keep(name: str, splits: dict[str, Images], source: str, folder: Path | None = None) -> Path:
    """The one local form: all of it in one uncompressed file, which is there as a whole or not at all."""
    path = kept_file(name, folder)
    provenance = {"data": name, "source": source, "checksums": {split: checksums(splits[split]) for split in splits}}
    arrays: dict[str, Any] = {"provenance": np.array(json.dumps(provenance))}
    for split, images in splits.items():
        arrays |= {f"{split}_pixels": images.pixels, f"{split}_labels": images.labels}
    with replacing(path) as file:
        np.savez(file, **arrays)
    return path


def read_kept(path: Path, name: str, split: str) -> Images:
    how = HOW_TO_GET.format(name=name)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            images = Images(arrays[f"{split}_pixels"], arrays[f"{split}_labels"])
            recorded = json.loads(str(arrays["provenance"]))["checksums"][split]
        is_whole = checksums(images) == FACTS[name].checksums.get(split, recorded)
    except FileNotFoundError:
        title = DATASETS[name].title
        raise ValueError(f"{title} is not in {path.parent}: get it with {how}, or use 'sample'.") from None
    except OSError as error:
        raise ValueError(f"{path} could not be read: {reason(error)}.") from None
    except (ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        is_whole = False
    if not is_whole:
        raise ValueError(f"{path} is damaged and is not used: get it again with {how}.")
    return images


def stratified(labels: np.ndarray, size: int) -> np.ndarray:
    """The indices, ascending, of the first images of each class, the classes as equal as possible."""
    if not 1 <= size <= len(labels):
        raise ValueError(f"The size must be from 1 to {len(labels)}, but is {size}.")
    by_class = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    rank = np.empty(len(labels), dtype=np.int64)  # how many images of its class stand before it
    rank[by_class] = np.arange(len(labels)) - np.repeat(starts, counts)
    return np.sort(np.lexsort((labels, rank))[:size])


def synthetic_images(split: str) -> Images:
    """A coarse pattern for each class, under noise: the same bytes on every machine."""
    size = DATASETS["synthetic"].sizes[split]
    labels = (np.arange(size) % 10).astype(np.uint8)
    grids = random_integers(0, 64, 192, (10, 3, 4, 4))
    patterns = grids.repeat(SIDE // 4, axis=2).repeat(SIDE // 4, axis=3)
    noise = random_integers({"train": 1, "test": 2}[split], -64, 64, (size, 3, SIDE, SIDE))
    return Images((patterns[labels] + noise).astype(np.uint8), labels)


def random_integers(seed: int, low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    """From the one generator of NumPy that is frozen for ever."""
    return np.random.RandomState(seed).randint(low, high, shape, dtype=np.int16)


def normalised(images: Images, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD) -> torch.Tensor:
    """What the nets take: floats of shape (N, 3, 32, 32)."""
    pixels = torch.from_numpy(images.pixels).float() / 255
    return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
