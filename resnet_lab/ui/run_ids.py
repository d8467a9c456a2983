"""The runs that a page shows, as one parameter of its address."""

import re
from collections.abc import Iterable

RUNS = "runs"  # the parameter's name


def join_ids(ids: Iterable[str]) -> str:
    return ".".join(ids)  # browsers show a comma as %2C


def split_ids(text: str) -> list[str]:
    """Each once; commas and spaces are read too."""
    return list(dict.fromkeys(part for part in re.split(r"[\s,.]+", text) if part))
