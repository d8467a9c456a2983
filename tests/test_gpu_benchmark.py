"""The benchmark of the GPU, as far as a CPU can tell."""

import copy

import pytest
import torch
from torch._dynamo.utils import counters

from benchmarks.gpu import fuse, net, traffic
from resnet_lab.learner import fresh_model

pytestmark = pytest.mark.usefixtures("one_thread")


def test_what_a_step_moves_grows_with_the_depth_as_was_estimated_for_an_h200():
    """At its full speed that takes less than the estimates, which allow for what no kernel reaches."""
    estimates = {20: 0.17, 56: 0.49, 110: 0.97}  # ms
    least = {depth: 1000 * traffic(net(depth), "bf16") / 4.8e12 for depth in estimates}
    for depth, estimate in estimates.items():
        assert least[depth] / least[20] == pytest.approx(estimate / estimates[20], rel=0.05)
        assert estimate / 2 < least[depth] < estimate
    assert traffic(net(20), "fp32") == 2 * traffic(net(20), "bf16")


@pytest.mark.filterwarnings("default")  # torch's compiler has some of its own
def test_fused_units_compute_what_they_did_and_those_of_one_shape_share_their_code():
    plain = fresh_model(net(26)).train()
    fused = copy.deepcopy(plain)
    counters.clear()
    fuse(fused, backend="aot_eager")
    images = torch.randn(4, 3, 32, 32)
    for model in (plain, fused):
        for _ in range(2):
            model(images).square().sum().backward()
    for one, other in zip(plain.parameters(), fused.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    assert counters["stats"]["unique_graphs"] <= 6 < len(fused.units)
