"""The claims of the Papers page."""

from resnet_lab.ui.shared import Shared


def claims(lab: Shared) -> None:
    """To be written."""
