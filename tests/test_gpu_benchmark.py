"""The benchmark of the GPU, as far as a CPU can tell."""

import pytest

from benchmarks.gpu import net, traffic

pytestmark = pytest.mark.usefixtures("one_thread")


def test_what_a_step_moves_grows_with_the_depth_as_was_estimated_for_an_h200():
    """At its full speed that takes less than the estimates, which allow for what no kernel reaches."""
    estimates = {20: 0.17, 56: 0.49, 110: 0.97}  # ms
    least = {depth: 1000 * traffic(net(depth), "bf16") / 4.8e12 for depth in estimates}
    for depth, estimate in estimates.items():
        assert least[depth] / least[20] == pytest.approx(estimate / estimates[20], rel=0.05)
        assert estimate / 2 < least[depth] < estimate
    assert traffic(net(20), "fp32") == 2 * traffic(net(20), "bf16")
