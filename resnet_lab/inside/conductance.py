"""Conductance (Dhamdhere et al. 2018): how much of the change from baseline to picture flows through each branch."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from resnet_lab.inside.baselines import baselines_for
from resnet_lab.inside.explainers import BATCH
from resnet_lab.inside.jobs import Findings, Job
from resnet_lab.inside.slices import Slices, progress, told
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import Subject, open_subject
from resnet_lab.inside.targets import Aimed, Target, aim

STEPS = 32


def conductance(
    subjects: Sequence[Mapping[str, Any]], picture: str, target: Mapping[str, Any], baseline: str = "black"
) -> Job:
    """Through the branch of each unit: in the target's unit, and as a share of the whole change.

    All of the change passes through each unit; what does not come through its branch comes through its shortcut.
    "channels_0_2": of the third unit of the first net, the share that comes through each channel of its branch.
    """
    asked, pixels = Target.read(target), pixels_of([picture])
    opened = [Subject(**subject) for subject in subjects]
    nets = [open_subject(subject) for subject in opened]
    steps = progress(
        [
            f"Unit {number} of {one.title}"
            for one, net in zip(opened, nets, strict=True)
            for number in range(1, len(net.net.units) + 1)
        ]
    )
    tensors: dict[str, torch.Tensor] = {}
    changes = []
    for index, net in enumerate(nets):
        aimed, baselines = aim(net, pixels, asked), baselines_for(baseline, net, pixels, seed=0)
        with torch.no_grad():
            whole = aimed(pixels) - aimed(baselines)
        through = yield from told(through_branches(aimed, pixels, baselines), steps)
        units = torch.stack([channels.sum() for channels in through])
        tensors |= {f"unit_{index}": units, f"share_{index}": units / whole}
        tensors |= {f"channels_{index}_{place}": channels / whole for place, channels in enumerate(through)}
        changes.append(float(whole))
    return Findings(tensors, {"changes": changes})


def through_branches(aimed: Aimed, pixels: torch.Tensor, baselines: torch.Tensor) -> Slices[list[torch.Tensor]]:
    """For each unit (channels,): the conductance of what its branch adds, summed over the picture"""
    from captum.attr import LayerConductance

    found = []
    for unit in aimed.net.net.units:
        yield
        inputs = pixels.detach().clone().requires_grad_()
        layer = LayerConductance(aimed, unit.branch)
        each = layer.attribute(inputs, baselines, n_steps=STEPS, internal_batch_size=BATCH)
        found.append(each.detach().sum((0, 2, 3)))
    return found
