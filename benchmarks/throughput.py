"""Training speed beside the usual public pipeline: python -m benchmarks.throughput

ResNet-20, batches of 128, real CIFAR-10. The usual pipeline is written as most public trainers write it: PIL transforms
in a DataLoader with 0, 2 and 4 workers, the best of the three taken; NCHW, fp32. The lab's trainer has all probes on.
Every measurement is a process of its own, and they take turns; the ratio is that of each turn.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from resnet_lab import build_model
from resnet_lab.data import MEAN, STD, data_is_here, load_images
from resnet_lab.environment import cpu_name
from resnet_lab.execution import keep_freed_memory
from resnet_lab.presets import preset
from resnet_lab.trainer import Trainer

STEPS, WARM_UP, BATCH = 100, 15, 128
LOADERS = {f"loader, {workers} workers": workers for workers in (0, 2, 4)}
LAB = "lab, probes on"


class PilImages(Dataset):
    """As torchvision's CIFAR10: a PIL image and a label at a time."""

    def __init__(self, transform: Callable):
        images = load_images("cifar10", "train")
        self.pixels, self.labels = images.pixels.transpose(0, 2, 3, 1).copy(), images.labels.astype(int).tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def loader_steps(num_workers: int) -> Iterator[None]:
    """The usual loop, a step at a time."""
    transform = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    loader = DataLoader(PilImages(transform), batch_size=BATCH, shuffle=True, num_workers=num_workers)
    model = build_model(preset("paper").model).train()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    running_loss = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
        yield


def lab_steps() -> Iterator[None]:
    """The lab's trainer as a worker runs it, with one probe within the steps that are timed."""
    keep_freed_memory()
    trainer = Trainer(preset("paper", probe_every=STEPS, loss_every=50), "cpu")
    trainer.advance()  # chooses the precision
    while True:
        trainer.advance()
        trainer.take()
        yield


def measure(contender: str) -> float:
    """Images a second."""
    steps = lab_steps() if contender == LAB else loader_steps(LOADERS[contender])
    for _ in range(WARM_UP):
        next(steps)
    start = time.perf_counter()
    for _ in range(STEPS):
        next(steps)
    return STEPS * BATCH / (time.perf_counter() - start)


def measure_apart(contender: str) -> float:
    command = [sys.executable, "-m", "benchmarks.throughput", "--one", contender]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=[LAB, *LOADERS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(measure(options.one))
        return
    if not data_is_here("cifar10"):
        sys.exit("CIFAR-10 is not here: get it with `python -m resnet_lab data get cifar10`.")
    print(f"{cpu_name()}, {platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{STEPS} steps of {BATCH} images, {options.rounds} rounds; images/s\n")
    print(f"{LAB:>16} " + " ".join(f"{name:>18}" for name in LOADERS) + f"{'ratio to best':>16}", flush=True)
    ratios = []
    for _ in range(options.rounds):
        lab, *loaders = (measure_apart(contender) for contender in (LAB, *LOADERS))
        ratios.append(lab / max(loaders))
        print(f"{lab:16.0f} " + " ".join(f"{rate:18.0f}" for rate in loaders) + f"{ratios[-1]:16.2f}", flush=True)
    print(f"\nratio: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
