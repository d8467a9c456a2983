"""Batch normalisation for few channels on a CPU: the same function, faster where several threads share the work."""

from typing import Any, Self, TypeVar

import torch
from torch import nn
from torch.nn import functional

# torch's kernel keeps the sums of each thread side by side: where they do not fill a cache line, 16 numbers of fp32,
# the threads wait for each other. With 2 of them, a way there and back takes a third to a fifth of the time in rows.
LINE = 16
Model = TypeVar("Model", bound=nn.Module)
FEWEST_NUMBERS = 2**18  # in a smaller tensor there is nothing to gain


class NarrowBatchNorm(nn.BatchNorm2d):
    """Takes each row of pixels for one pixel of many channels, and merges what belongs to one channel.

    Who trains counts the batches (`batch_counts`), of all layers at once: on a GPU each would be a launch.
    """

    @classmethod
    def like(cls, norm: nn.BatchNorm2d) -> Self:
        """With its parameters and statistics, not copies of them."""
        narrow = cls(norm.num_features, norm.eps, norm.momentum)
        narrow.load_state_dict(norm.state_dict(keep_vars=True), assign=True)
        return narrow.train(norm.training)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        assert self.momentum is not None, "the lab's nets have no cumulative mean"
        if not is_worth_it(x):
            statistics = self.running_mean, self.running_var
            return functional.batch_norm(x, *statistics, self.weight, self.bias, True, self.momentum, self.eps)
        y, mean, var = RowsNormalised.apply(x, self.weight, self.bias, self.eps)
        num_values = x.numel() // x.shape[1]
        var = var * (num_values / (num_values - 1))
        for name, value in (("running_mean", mean), ("running_var", var)):
            self.get_buffer(name).lerp_(value.detach(), self.momentum)
        return y


def widen_norms(model: Model) -> Model:
    """The same model; its batch normalisations are now computed as above."""
    for parent in model.modules():
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, NarrowBatchNorm.like(child))
    return model


def batch_counts(model: nn.Module) -> list[torch.Tensor]:
    """Of all its batch normalisations; torch keeps such numbers, and uses them where there is no momentum."""
    return [buffer for name, buffer in model.named_buffers() if name.endswith("num_batches_tracked")]


def is_worth_it(x: torch.Tensor) -> bool:
    is_like_rows = x.is_contiguous(memory_format=torch.channels_last)
    return x.device.type == "cpu" and is_like_rows and x.shape[1] % LINE != 0 and x.numel() >= FEWEST_NUMBERS


class RowsNormalised(torch.autograd.Function):
    """(y, mean, variance) of the batch"""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float) -> Any:
        width = x.shape[3]
        rows = as_rows(x)
        unused = weight.new_zeros(2, rows.shape[1])  # running statistics, which make the result as exact as they are
        told = torch.batch_norm_update_stats(rows, unused[0], unused[1], 0)
        means, variances = (each.view(width, -1) for each in told)
        mean, var = means.mean(0), variances.mean(0) + means.var(0, correction=0)
        ctx.save_for_backward(x, weight, mean, var)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, var)
        return as_pixels(affine(rows, weight, bias, mean, var, eps), width), mean, var

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """dx = w / std (dy - mean(dy) - x̂ mean(dy x̂)), and the gradients of w and b"""
        x, weight, mean, var = ctx.saved_tensors
        width, num_values = x.shape[3], x.numel() // x.shape[1]
        rows, fixed = as_rows(x), [each.repeat(width) for each in (weight, mean, var)]
        told = (as_rows(gradients[0]), rows, *fixed, None, None, False, ctx.eps, [True] * 3)
        dx, *sums = torch.ops.aten.native_batch_norm_backward(*told)  # dx as if mean and variance were constants
        dweight, dbias = (each.view(width, -1).sum(0) for each in sums)
        scale = -weight * (var + ctx.eps).rsqrt() / num_values
        dx += affine(rows, scale * dweight, scale * dbias, mean, var, ctx.eps)
        return as_pixels(dx, width), dweight, dbias, None


def affine(
    rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, mean: torch.Tensor, var: torch.Tensor, eps: float
) -> torch.Tensor:
    """weight (x - mean) / std + bias"""
    w, b, m, v = (each.repeat(rows.shape[1] // len(weight)) for each in (weight, bias, mean, var))
    return torch.native_batch_norm(rows, w, b, m, v, False, 0, eps)[0]


def as_rows(x: torch.Tensor) -> torch.Tensor:
    """(images, channels, height, width) -> (images, width * channels, height, 1), no number moved"""
    images, channels, height, width = x.shape
    return x.permute(0, 2, 3, 1).reshape(images, height, 1, width * channels).permute(0, 3, 1, 2)


def as_pixels(rows: torch.Tensor, width: int) -> torch.Tensor:
    images, channels, height, _ = rows.shape
    return rows.permute(0, 2, 3, 1).reshape(images, height, width, channels // width).permute(0, 3, 1, 2)
