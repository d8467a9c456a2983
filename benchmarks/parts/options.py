"""What the command lines of benchmarks take."""

import argparse


def positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"takes a whole number from 1 on, but was given {text!r}.")
    return int(text)
