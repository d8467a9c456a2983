"""How fast this device is at what a user is about to ask for."""

import time

import torch

from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model, layout

IMAGES, ROUNDS = 32, 3


@torch.no_grad()
def seconds_per_image(model: ModelConfig, resolution: int) -> float:
    """About, of an answer of this net: the fastest of a few short tries on the threads that torch has here."""
    net = build_model(model).eval()
    net = net.to(memory_format=layout(net))
    pixels = torch.zeros(IMAGES, 3, resolution, resolution)
    net(pixels)
    tries = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        net(pixels)
        tries.append(time.perf_counter() - begin)
    return min(tries) / IMAGES
