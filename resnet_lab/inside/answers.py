"""What trained nets answer to pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from resnet_lab.inside.jobs import Findings, Job, Progress
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import Subject, open_subject

BATCH = 64  # pictures in a slice


def answers(subjects: Sequence[Mapping[str, Any]], pictures: Sequence[str]) -> Job:
    """tensors "probabilities_0", "probabilities_1", ...: (pictures, classes) of each net."""
    batches, told = pixels_of(pictures).split(BATCH), {}
    for place, fields in enumerate(subjects):
        subject = Subject(**fields)
        net, parts = open_subject(subject), []
        for number, batch in enumerate(batches):
            done = place * len(batches) + number
            yield Progress(done, len(subjects) * len(batches), f"Asks {subject.title}")
            with torch.no_grad():
                parts.append(net(batch).softmax(1))
        told[f"probabilities_{place}"] = torch.cat(parts)
    return Findings(told)
