"""The tables of the Papers page."""

from resnet_lab.ui.shared import Shared


def tables(lab: Shared) -> None:
    """To be written."""
