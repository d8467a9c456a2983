"""Does a map foretell what changes do to the net, and does it hold still when nothing seems to change?"""

from functools import partial

import torch

from resnet_lab.inside.attributions import values
from resnet_lab.inside.questions import Question
from resnet_lab.inside.segments import SIDE
from resnet_lab.inside.slices import Slices, at_once
from resnet_lab.inside.targets import Aimed
from resnet_lab.threads import random_numbers

SQUARE = 8  # side of what is covered, in pixels
NUM_SQUARES = 64
RADIUS = 0.02  # of the noise that nobody sees: 5 of 255 levels, as Captum has it
NUM_NOISY, NOISY_EACH = 8, 2  # noisy pictures in all, and in one slice


def squares(num: int) -> torch.Tensor:
    """(num, 1, 32, 32): 1 in a square at a random place, else 0"""
    top, left = torch.randint(SIDE - SQUARE + 1, (2, num, 1))
    along = torch.arange(SIDE)
    rows, columns = ((start <= along) & (along < start + SQUARE) for start in (top, left))
    return (rows[:, :, None] & columns[:, None, :]).float()[:, None]


def infidelity(aimed: Aimed, pixels: torch.Tensor, question: Question, found: torch.Tensor) -> Slices[float | None]:
    """E[(map · I - Δ)²] / E[Δ²] for covered squares I (Yeh et al. 2019): 0 foretells every Δ, 1 none of them.

    The map is scaled as fits best, so that gradients, shares and Grad-CAM can be compared. None if no Δ is not 0.
    """
    from captum.metrics import infidelity as loss

    yield
    baseline = question.baselines(aimed, pixels)[:1]

    def cover(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the map is multiplied by, and the covered pictures."""
        masks = squares(len(inputs)).expand_as(inputs)
        covered = masks * (inputs - baseline)
        return covered if question.how.is_gradient else masks, inputs - covered

    measured = partial(loss, aimed, cover, pixels, n_perturb_samples=NUM_SQUARES)
    with random_numbers(question.seed, pixels.device), torch.no_grad():
        missed = float(measured(attributions=found, normalize=True))
    yield
    with random_numbers(question.seed, pixels.device), torch.no_grad():  # the same squares; an empty map foretells no Δ
        whole = float(measured(attributions=torch.zeros_like(found)))
    return missed / whole if whole else None


def sensitivity(aimed: Aimed, pixels: torch.Tensor, question: Question) -> Slices[float]:
    """max |map(x + noise) - map(x)| / |map(x)| (Yeh et al. 2019), everything else drawn alike"""
    from captum.metrics import sensitivity_max

    def explain(pictures: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        """Captum hands over, and takes, one tensor in a tuple."""
        return (torch.cat([at_once(values(aimed, picture, question)) for picture in pictures[0].split(1)]),)

    largest = 0.0
    for index in range(NUM_NOISY // NOISY_EACH):
        yield
        with random_numbers(question.seed + index, pixels.device):
            found = sensitivity_max(explain, pixels, perturb_radius=RADIUS, n_perturb_samples=NOISY_EACH)
        largest = max(largest, float(found))
    return largest
