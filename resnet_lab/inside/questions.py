"""What is asked of a net: a method, a target, a baseline and settings, validated once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from resnet_lab.config import check_choice
from resnet_lab.inside.baselines import BASELINES, baselines_for
from resnet_lab.inside.explainers import BATCH
from resnet_lab.inside.methods import METHODS, Method, read_settings
from resnet_lab.inside.targets import Aimed, Target


@dataclass(frozen=True)
class Question:
    """All that a map depends on besides net and picture."""

    method: str
    target: Target
    baseline: str
    settings: Mapping[str, float]

    @classmethod
    def read(
        cls, method: str, target: Mapping[str, Any], baseline: str = "black", settings: Mapping[str, Any] | None = None
    ) -> "Question":
        check_choice("method", method, METHODS)
        check_choice("baseline", baseline, BASELINES)
        return cls(method, Target.read(target), baseline, read_settings(settings or {}))

    @property
    def how(self) -> Method:
        return METHODS[self.method]

    @property
    def seed(self) -> int:
        return int(self.settings["seed"])

    @property
    def num_noisy(self) -> int:
        return int(self.settings["noise"]) if self.how.fits_noise else 0

    @property
    def completes(self) -> bool:
        """A mean over noisy copies adds up to something else."""
        return self.how.completes and not self.num_noisy

    @property
    def slices(self) -> list[int]:
        """How many noisy copies each slice takes; [0] is the picture itself."""
        each = max(1, BATCH // int(self.settings["steps"] if "steps" in self.how.settings else 1))
        return [min(each, self.num_noisy - done) for done in range(0, self.num_noisy, each)] or [0]

    def baselines(self, aimed: Aimed, pixels: torch.Tensor) -> torch.Tensor:
        """For one picture: as many as the method takes, the same for every net of one data set."""
        return baselines_for(self.baseline, aimed.net, pixels, self.seed, self.how.num_baselines)
