"""What the command lines of benchmarks take."""

import argparse


def add_save(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--save", action="store_true", help="also into benchmarks/results")


def positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"takes a whole number from 1 on, but was given {text!r}.")
    return int(text)
