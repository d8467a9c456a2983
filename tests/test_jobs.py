"""A long computation in slices."""

import torch

from resnet_lab.inside.jobs import Findings, Progress, finish


def count(most):
    for number in range(most):
        yield Progress(number, most)
    return Findings({"last": torch.tensor(most)}, {"words": "counted"})


def test_who_has_nobody_to_tell_gets_what_was_found_in_the_end():
    found = finish(count(3))
    assert (found.tensors["last"], found.record) == (3, {"words": "counted"})


def test_between_two_slices_it_can_be_given_up():
    job = count(3)
    assert next(job) == Progress(0, 3)
    job.close()
    assert list(job) == []
