"""Several nets of one shape as one: side by side in the channels, their convolutions as groups of one."""

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from resnet_lab.batch_norm import batch_counts, widen_norms
from resnet_lab.learner import Learner
from resnet_lab.nets import ResNet
from resnet_lab.optimizers import build_optimizer
from resnet_lab.projections import ZeroPad, ZeroPadEnd


class OneNet:
    """What these learners would do one after the other, in one step of one net."""

    def __init__(self, learners: Sequence[Learner]):
        self.learners, self.execution = learners, learners[0].execution
        self.model = widen_norms(joined([learner.model for learner in learners])).train()
        self.layout = learners[0].layout
        self.model.to(memory_format=self.layout)
        self.batch_counts = batch_counts(self.model)
        self.optimizer = build_optimizer(self.model, learners[0].config.recipe)
        self.losses = torch.zeros(len(learners))  # of the last step

    def learn(self, step: int) -> None:
        recipe = self.learners[0].config.recipe
        batches = []
        for learner in self.learners:
            learner.turn_to(step)
            draw = learner.stream.draw(learner.position, recipe.batch_size)
            batches.append(learner.train.training_batch(draw, recipe))
        images, labels = (list(parts) for parts in zip(*batches, strict=True))
        with self.execution.autocast():
            logits = self.model(torch.cat(images, 1).contiguous(memory_format=self.layout)).float()
        losses = [functional.cross_entropy(*pair) for pair in zip(logits.unbind(1), labels, strict=True)]
        self.optimizer.lr.copy_(self.learners[0].optimizer.lr)
        self.optimizer.forget_gradients()
        torch.stack(losses).sum().backward()  # no net has a part in the loss of another
        self.optimizer.step()
        torch._foreach_add_(self.batch_counts, 1)
        self.losses = torch.stack(losses).detach()


def joined(models: Sequence[ResNet]) -> nn.Module:
    """(N, nets * 3, S, S) -> (N, nets, classes); new weights, which begin with theirs."""
    found = copy.deepcopy(models[0])
    for name, module in models[0].named_modules():
        same = [model.get_submodule(name) for model in models]
        if isinstance(module, nn.Conv2d):
            found.set_submodule(name, joined_convolutions(same))
        elif isinstance(module, nn.BatchNorm2d):
            found.set_submodule(name, joined_norms(same))
        elif isinstance(module, ZeroPad | ZeroPadEnd):
            found.set_submodule(name, Each(module, len(models)))
    found.head = Heads([model.head for model in models])
    return found


def joined_convolutions(convs: Sequence[nn.Conv2d]) -> nn.Conv2d:
    first, count = convs[0], len(convs)
    widths = count * first.in_channels, count * first.out_channels
    how = {"groups": count * first.groups, "bias": first.bias is not None}
    found = nn.Conv2d(*widths, first.kernel_size, first.stride, first.padding, **how)
    found.load_state_dict(joined_states(convs))
    return found


def joined_norms(norms: Sequence[nn.BatchNorm2d]) -> nn.BatchNorm2d:
    found = nn.BatchNorm2d(len(norms) * norms[0].num_features, norms[0].eps, norms[0].momentum)
    found.load_state_dict(joined_states(norms))
    return found


def joined_states(modules: Sequence[nn.Module]) -> dict[str, torch.Tensor]:
    """What is there a channel, net after net; what is there a module, as in the first."""
    states = [module.state_dict() for module in modules]
    return {
        name: torch.cat([state[name] for state in states]) if value.dim() else value
        for name, value in states[0].items()
    }


class Each(nn.Module):
    """The same module for the channels of each net."""

    def __init__(self, module: nn.Module, count: int):
        super().__init__()
        self.module, self.count = module, count

    def forward(self, x):
        return torch.cat([self.module(part) for part in x.chunk(self.count, 1)], 1)


class Heads(nn.Module):
    """(N, nets * channels) -> (N, nets, classes)"""

    def __init__(self, heads: Sequence[nn.Linear]):
        super().__init__()
        self.weight = nn.Parameter(torch.stack([head.weight.detach().T for head in heads]))
        self.bias = nn.Parameter(torch.stack([head.bias.detach() for head in heads]).unsqueeze(1))

    def forward(self, x):
        x = x.unflatten(1, self.weight.shape[:2]).transpose(0, 1)  # (nets, N, channels)
        return torch.baddbmm(self.bias, x, self.weight).transpose(0, 1)
