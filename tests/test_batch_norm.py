"""Batch normalisation by rows of pixels is batch normalisation."""

import pytest
import torch
from torch import nn

from resnet_lab import build_model, preset
from resnet_lab.batch_norm import FEWEST_NUMBERS, NarrowBatchNorm, RowsNormalised, is_worth_it, widen_norms

SHAPES = [(128, 8, 16, 16), (64, 4, 32, 32), (70, 12, 18, 20), (48, 24, 16, 16)]


def images(shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(shape, generator=generator, dtype=torch.float64) + 0.5
    return x.to(dtype).to(memory_format=torch.channels_last)


def pair(channels, dtype=torch.float64):
    norm = nn.BatchNorm2d(channels, dtype=dtype)
    with torch.no_grad():
        norm.weight.uniform_(-2, 2)
        norm.bias.normal_()
    return norm, NarrowBatchNorm.like(nn.BatchNorm2d(channels, dtype=dtype)).requires_grad_()


def outcome(norm, x, readout):
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    y = norm(x)
    gradients = torch.autograd.grad((y * readout).sum(), [x, norm.weight, norm.bias])
    return [y.detach(), *gradients, norm.running_mean, norm.running_var]


@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_gradients_and_statistics_are_those_of_torch(shape):
    torch.manual_seed(0)
    x, readout = images(shape), torch.randn(shape, dtype=torch.float64)
    norm, narrow = pair(shape[1])
    narrow.load_state_dict(norm.state_dict())
    assert is_worth_it(x)
    for _ in range(2):  # the running statistics move on
        for ours, theirs in zip(outcome(narrow, x, readout), outcome(norm, x, readout), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    assert (narrow.num_batches_tracked, norm.num_batches_tracked) == (0, 2)  # who trains counts


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_less_exact_numbers_differ_by_their_rounding(dtype, tolerance):
    torch.manual_seed(0)
    x, readout = images(SHAPES[0], dtype), torch.randn(SHAPES[0]).to(dtype)
    norm, narrow = pair(8, torch.float32)
    narrow.load_state_dict(norm.state_dict())
    exact = nn.BatchNorm2d(8, dtype=torch.float64)
    exact.load_state_dict(norm.state_dict())
    truth = outcome(exact, x.double(), readout.double())
    for ours, theirs, true in zip(outcome(narrow, x, readout), outcome(norm, x, readout), truth, strict=True):
        assert (ours.dtype, ours.stride()) == (theirs.dtype, theirs.stride())
        assert (ours - true).abs().max() <= tolerance * true.abs().max()


def test_large_means_lose_no_variance():
    x = images(SHAPES[0], torch.float32) / 3 + 1000
    norm, narrow = pair(8, torch.float32)
    narrow(x)
    norm(x)
    torch.testing.assert_close(narrow.running_var, norm.running_var, rtol=1e-3, atol=0)


def test_a_model_keeps_its_weights_and_their_names():
    model = build_model(preset("minute", data="sample", depth=8).model)
    before = dict(model.state_dict(keep_vars=True))
    widened = widen_norms(model)
    after = dict(widened.state_dict(keep_vars=True))
    assert all(isinstance(module, NarrowBatchNorm) for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    assert list(before) == list(after)
    assert all(before[name] is after[name] for name in before)


def test_a_net_in_eval_mode_answers_as_before():
    model = build_model(preset("minute", data="sample", depth=8).model).eval()
    x = torch.randn(64, 3, 32, 32).to(memory_format=torch.channels_last)
    before = model(x)
    assert torch.equal(widen_norms(model)(x), before)
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(FEWEST_NUMBERS // (16 * 64), 16, 8, 8).to(memory_format=torch.channels_last),
        torch.zeros(FEWEST_NUMBERS // (8 * 64) - 1, 8, 8, 8).to(memory_format=torch.channels_last),
        torch.zeros(FEWEST_NUMBERS // (8 * 64), 8, 8, 8),
    ],
    ids=["sixteen channels", "a small tensor", "channels first"],
)
def test_where_torch_is_as_fast_it_is_asked(x):
    assert not is_worth_it(x)
    assert torch.isfinite(NarrowBatchNorm(x.shape[1])(x)).all()


def test_gradients_are_those_of_the_function():
    x = images((4, 3, 2, 3)).requires_grad_()
    weight, bias = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda *given: RowsNormalised.apply(*given, 1e-5)[0], (x, weight, bias))
