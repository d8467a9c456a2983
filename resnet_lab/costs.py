"""What a net costs, before it is trained: parameters, multiply-adds, memory of a training step."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from resnet_lab.blocks import Unit
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import ResNet, short_net
from resnet_lab.threads import PROCESS_WIDE


@dataclass(frozen=True)
class PartCost:
    """One part of the net; memory is what autograd keeps for the backward pass of one image."""

    parameters: int = 0
    multiply_adds: int = 0
    image_bytes: int = 0

    def __add__(self, other: "PartCost") -> "PartCost":
        return PartCost(
            self.parameters + other.parameters,
            self.multiply_adds + other.multiply_adds,
            self.image_bytes + other.image_bytes,
        )

    def __mul__(self, times: int) -> "PartCost":
        return PartCost(self.parameters * times, self.multiply_adds * times, self.image_bytes * times)


@dataclass(frozen=True)
class Cost:
    """multiply_adds are of one image forward; activation_bytes of a training step at this batch, in fp32."""

    parts: dict[str, PartCost]  # stem, stage 1, ..., head
    batch: int

    @property
    def total(self) -> PartCost:
        return sum(self.parts.values(), PartCost())

    @property
    def parameters(self) -> int:
        return self.total.parameters

    @property
    def multiply_adds(self) -> int:
        return self.total.multiply_adds

    @property
    def activation_bytes(self) -> int:
        return self.total.image_bytes * self.batch


def cost(config: ModelConfig, batch: int = 128, resolution: int | None = None) -> Cost:
    """Exact, and instant at any depth: units of one shape cost the same, so each shape is measured once."""
    return Cost(measure_parts(config, resolution or config.resolution), batch)


@lru_cache(maxsize=512)
def measure_parts(config: ModelConfig, resolution: int) -> dict[str, PartCost]:
    short = measure_short(config, resolution)
    parts = {"stem": short["stem"]}
    for stage, count in enumerate(config.units_per_stage):
        others = short[f"{stage}.1"] * (count - 1) if count > 1 else PartCost()
        parts[f"stage {stage + 1}"] = short[f"{stage}.0"] + others
    return parts | {"head": short["head"]}


def measure_short(config: ModelConfig, resolution: int) -> dict[str, PartCost]:
    """Run a net of at most two units a stage on the meta device, part by part."""
    model, signal = short_net(config), torch.zeros(2, 3, resolution, resolution, device="meta")
    kept = Kept(model, batch=len(signal))
    parts = {}
    for name, part in named_parts(model):
        before = kept.image_bytes
        hooks = saved_tensors_hooks(kept.pack, lambda tensor: tensor)
        with PROCESS_WIDE, FlopCounterMode(display=False) as counter, hooks:
            signal = part(signal)
        parameters = sum(parameter.numel() for parameter in part.parameters())
        multiply_adds = counter.get_total_flops() // 2 // len(signal)
        parts[name] = PartCost(parameters, multiply_adds, kept.image_bytes - before)
    return parts


def named_parts(model: ResNet) -> list[tuple[str, nn.Module]]:
    units = [(name, unit) for name, unit in model.stages.named_modules() if isinstance(unit, Unit)]
    head = nn.Sequential(model.final, model.pool, nn.Flatten(1), model.head)
    return [("stem", model.stem), *units, ("head", head)]


class Kept:
    """Sums what autograd keeps for the backward pass, each storage once, parameters aside."""

    def __init__(self, model: nn.Module, batch: int):
        self.batch, self.image_bytes = batch, 0
        self.storages = {p.untyped_storage()._cdata: p.untyped_storage() for p in model.parameters()}

    def pack(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        is_per_image = tensor.dim() > 1 and tensor.shape[0] == self.batch
        if is_per_image and storage._cdata not in self.storages:
            self.storages[storage._cdata] = storage
            self.image_bytes += storage.nbytes() // self.batch
        return tensor
