"""The forecasts of the Papers page."""

from resnet_lab.ui.shared import Shared


def forecasts(lab: Shared) -> None:
    """To be written."""
