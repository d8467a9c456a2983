"""What speaks for a map, and what against it."""

from collections.abc import Mapping
from typing import Any

from resnet_lab.inside.attributions import change, completeness_delta, values
from resnet_lab.inside.doubts import doubts
from resnet_lab.inside.faithfulness import NOISY_EACH, NUM_NOISY, infidelity, sensitivity
from resnet_lab.inside.jobs import Findings, Job
from resnet_lab.inside.questions import Question
from resnet_lab.inside.removals import RANDOM_ORDERS, areas, removals
from resnet_lab.inside.sanity import agreement, randomised
from resnet_lab.inside.slices import progress, told
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import Subject, open_subject
from resnet_lab.inside.targets import aim

__all__ = ["agreement", "doubts", "evidence", "randomised"]


def evidence(
    subject: Mapping[str, Any],
    picture: str,
    method: str,
    target: Mapping[str, Any],
    baseline: str = "black",
    settings: Mapping[str, Any] | None = None,
) -> Job:
    """Completeness, infidelity, sensitivity, deletion and insertion; and the doubts that follow from them."""
    question, pixels = Question.read(method, target, baseline, settings), pixels_of([picture])
    aimed, steps = aim(open_subject(Subject(**subject)), pixels, question.target), progress(step_words(question))
    found = yield from told(values(aimed, pixels, question), steps)
    unfaithful = yield from told(infidelity(aimed, pixels, question, found), steps)
    sensitive = yield from told(sensitivity(aimed, pixels, question), steps)
    pixel_map = found.sum(1)[0]
    removed = yield from told(removals(aimed, pixels, pixel_map, question.seed), steps)
    record = {
        "map_is_finite": bool(pixel_map.isfinite().all()),
        "delta": completeness_delta(found, aimed, pixels, question),
        "change": change(aimed, pixels, question.baselines(aimed, pixels)),
        "infidelity": unfaithful,
        "sensitivity": sensitive,
        **areas(removed),
    }
    return Findings(removed | {"map": pixel_map}, record | {"doubts": doubts(record)})


def step_words(question: Question) -> list[str]:
    """One for each slice of the four parts."""
    return [
        *["The map"] * len(question.slices),
        *["Covering squares of the picture"] * 2,
        *["Adding noise that nobody sees"] * (NUM_NOISY // NOISY_EACH),
        *["Deleting and inserting pixels"] * (1 + RANDOM_ORDERS),
    ]
