"""The arithmetic behind the expected lines of the X-ray, held against random numbers."""

import itertools
import math

import pytest
import torch

from resnet_lab import BlockConfig, ModelConfig
from resnet_lab.expectations import NORMALISED, RECTIFIED, Moments, expect, last_conv_gain, rectified
from resnet_lab.nets import unit_shapes
from resnet_lab.placements import PLACEMENTS
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.signals import MEASURES

SIGNALS = [Moments(1), Moments(4), Moments(1, 0.5), Moments(1, -0.5), Moments(2, 1.2), Moments(0.5, -0.7)]
VARIANTS = list(itertools.product(PLACEMENTS, SHORTCUTS))


def net(placement="full_preact", shortcut="identity", arguments=None, **fields):
    block = BlockConfig(placement=placement, shortcut=shortcut, shortcut_args=arguments or {})
    return ModelConfig(block=block, **fields)


def sample(moments, seed=0):
    """A million Gaussian values with these moments, in opposite pairs, so that their mean is exact."""
    sigma = math.sqrt(moments.square - moments.mean**2)
    half = torch.randn(500_000, generator=torch.Generator().manual_seed(seed))
    return moments.mean + sigma * torch.cat([half, -half])


def is_close(moments, values):
    found = values.square().mean().item(), values.mean().item()
    return (moments.square, moments.mean) == pytest.approx(found, rel=0.01, abs=0.005)


@pytest.mark.parametrize("x", SIGNALS)
def test_scaling_a_signal_scales_its_moments(x):
    for factor in (0.5, -1, 2):
        assert is_close(x * factor, sample(x) * factor)


@pytest.mark.parametrize(("x", "f"), [*itertools.product(SIGNALS, SIGNALS)])
def test_adding_independent_signals_adds_their_moments(x, f):
    assert is_close(x + f, sample(x, seed=0) + sample(f, seed=1))


@pytest.mark.parametrize("x", SIGNALS)
def test_rectifying_a_gaussian_signal_has_the_moments_of_relu(x):
    assert is_close(rectified(x), sample(x).relu())


def test_half_the_mean_square_of_a_normalised_signal_passes_a_relu():
    assert rectified(NORMALISED).square == pytest.approx(RECTIFIED.square) == pytest.approx(0.5)
    assert rectified(NORMALISED).mean == pytest.approx(RECTIFIED.mean)
    assert is_close(RECTIFIED, sample(NORMALISED).relu())


def test_what_is_positive_already_passes_a_relu_unchanged():
    assert rectified(Moments(1.0001, 1)).square == pytest.approx(1.0001)
    assert rectified(Moments(1.0001, 1)).mean == pytest.approx(1)


def test_what_is_negative_does_not_pass_a_relu():
    assert rectified(Moments(1.0001, -1)).square == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("pixels", [8, 16, 32])
def test_the_gain_of_a_convolution_counts_the_zeros_around_the_image(pixels):
    config = net(width=4)
    shape = next(shape for shape in unit_shapes(config) if 32 >> shape.stage == pixels)
    conv = torch.nn.Conv2d(shape.channels, shape.channels, 3, padding=1, bias=False)
    generator = torch.Generator().manual_seed(0)
    torch.nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu", generator=generator)
    with torch.no_grad():
        y = conv(torch.randn(16, shape.channels, pixels, pixels, generator=generator).relu())
    assert y.square().mean().item() == pytest.approx(last_conv_gain(config, shape, pixels), rel=0.05)


@pytest.mark.parametrize(("placement", "shortcut"), VARIANTS)
def test_something_is_expected_of_each_unit_or_of_none(placement, shortcut):
    for depth in (8, 20, 110):
        expected = expect(net(placement, shortcut, depth=depth), 32)
        assert set(expected) == set(MEASURES)
        assert all(values is None or len(values) == (depth - 2) // 2 for values in expected.values())


@pytest.mark.parametrize("stage", range(3))
def test_the_mean_square_of_full_preactivation_is_expected_to_rise_evenly_within_a_stage(stage):
    squares = expect(net(depth=56), 32)["mean_square"][9 * stage : 9 * stage + 9]
    steps = [after - before for before, after in itertools.pairwise(squares)]
    assert steps == pytest.approx([steps[0]] * 8)
    assert 0.8 < steps[0] < 1


def test_scaling_is_expected_to_hold_the_mean_square_where_identity_lets_it_grow():
    identity, scaled = (
        expect(net(shortcut=key, depth=56), 32)["mean_square"] for key in ("identity", "constant_scaling")
    )
    assert max(scaled) < 1 < 5 < max(identity)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_nothing_is_calculated_behind_dropout_whose_mean_lies_in_values_too_rare_for_a_batch(placement):
    expected = expect(net(placement, "dropout", arguments={"p": 0.95}, depth=1202), 32)
    assert not any(expected.values())


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_plain_net_is_expected_to_hand_on_nothing_through_its_shortcuts(placement):
    expected = expect(net(placement, "none"), 32)
    assert expected["shortcut_signal"] == expected["shortcut_share"] == [0] * 9
