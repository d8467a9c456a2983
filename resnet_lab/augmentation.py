"""Random crops and flips of whole batches: every image by its own draw, each draw a function of where it stands."""

import hashlib
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Draw:
    """For each image of a batch: which one, where its crop begins, whether it is flipped."""

    indices: torch.Tensor  # (B,)
    offsets: torch.Tensor  # (B, 2), rows and columns, from 0 to 2 crop
    flips: torch.Tensor  # (B,), 0 or 1

    @property
    def parts(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.indices, self.offsets, self.flips


class Stream:
    """The training images in shuffled order, epoch after epoch: a function of (seed, epoch, position).

    Two epochs are on the device, the even ones in the first half of the window and the odd ones in the second.
    """

    def __init__(self, seed: int, num_images: int, crop: int, flip: bool, device: torch.device):
        self.seed, self.num_images, self.crop, self.flip, self.device = seed, num_images, crop, flip, device
        first = draw_epoch(seed, 0, num_images, crop, flip)
        self.window = Draw(*(torch.cat([part, part]).to(device) for part in first.parts))
        self.held = [0, 0]  # the epochs of the halves
        self.steps = torch.arange(num_images, device=device)

    def batch(self, start: int, size: int) -> Draw:
        """The draws from position `start` of the stream on."""
        self.prepare(start, size)
        return self.draw(torch.tensor(start, device=self.device), size)

    def prepare(self, start: int, size: int) -> None:
        """Have the one or two epochs in the window that such a batch touches."""
        for epoch in {start // self.num_images, (start + size - 1) // self.num_images}:
            if self.held[epoch % 2] != epoch:
                self.held[epoch % 2] = epoch
                first = epoch % 2 * self.num_images
                drawn = draw_epoch(self.seed, epoch, self.num_images, self.crop, self.flip)
                for part, new in zip(self.window.parts, drawn.parts, strict=True):
                    source = new.pin_memory() if self.device.type == "cuda" else new  # else the host waits for the GPU
                    part[first : first + self.num_images].copy_(source, non_blocking=True)

    def draw(self, start: torch.Tensor, size: int) -> Draw:
        """The same behind a number on the device, once they are prepared."""
        places = (start + self.steps[:size]) % (2 * self.num_images)
        return Draw(*(part[places] for part in self.window.parts))


def draw_epoch(seed: int, epoch: int, num_images: int, crop: int, flip: bool) -> Draw:
    """Drawn on the CPU, so that every device sees the same images."""
    generator = torch.Generator().manual_seed(mixed(seed, "epoch", epoch))
    return Draw(
        torch.randperm(num_images, generator=generator),
        torch.randint(0, 2 * crop + 1, (num_images, 2), generator=generator),
        torch.randint(0, 1 + flip, (num_images,), generator=generator),
    )


def mixed(*parts: object) -> int:
    """One seed from several numbers, so that neighbours have nothing in common; torch's generator takes 32 bits."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


def crop_and_flip(images: torch.Tensor, draw: Draw, crop: int) -> torch.Tensor:
    """Images of (B, C, S + 2 crop, S + 2 crop) -> (B, C, S, S), in one gather."""
    channels, side = images.shape[1], images.shape[-1]
    size = side - 2 * crop
    steps = torch.arange(size, device=images.device)
    rows = draw.offsets[:, :1] + steps
    columns = draw.offsets[:, 1:] + torch.where(draw.flips[:, None] > 0, size - 1 - steps, steps)
    places = (rows[:, :, None] * side + columns[:, None, :]).flatten(1)  # (B, S * S)
    pixels = images.flatten(2).gather(2, places[:, None].expand(-1, channels, -1))
    return pixels.unflatten(2, (size, size)).contiguous(memory_format=torch.channels_last)


def padded(images: torch.Tensor, crop: int) -> torch.Tensor:
    """Zeros on every side."""
    return functional.pad(images, (crop,) * 4)
