"""Training as most public trainers do it: PIL transforms in a DataLoader; NCHW, eager, as torch is by itself."""

from collections.abc import Callable, Iterator

import torch
from PIL import Image
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torchvision import transforms

from resnet_lab import build_model
from resnet_lab.data import MEAN, STD, load_images
from resnet_lab.presets import preset

EPOCH = 50_000  # images


class PilImages(Dataset):
    """As torchvision's CIFAR10: a PIL image and a label at a time."""

    def __init__(self, data: str, transform: Callable):
        images = load_images(data, "train")
        self.pixels, self.labels = images.pixels.transpose(0, 2, 3, 1).copy(), images.labels.astype(int).tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def usual_loader(num_workers: int, batch_size: int, device: torch.device, data: str) -> DataLoader:
    """Each epoch begins with new workers, so it is as long with the sample, over and over, as with all of CIFAR-10."""
    transform = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    images = PilImages(data, transform)
    epoch: Dataset = ConcatDataset([images] * (EPOCH // len(images)))
    is_pinned = device.type == "cuda"
    return DataLoader(epoch, batch_size=batch_size, shuffle=True, num_workers=num_workers, pin_memory=is_pinned)


def usual_steps(num_workers: int, batch_size: int, device: torch.device, data: str) -> Iterator[str]:
    """The usual loop on ResNet-20, a step at a time; each says how it was computed."""
    loader = usual_loader(num_workers, batch_size, device, data)
    model = build_model(preset("paper").model).to(device).train()
    criterion = nn.CrossEntropyLoss().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    running_loss = 0.0
    while True:
        for images, labels in loader:
            images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            yield f"{usual_precision(device)}, eager"


def usual_precision(device: torch.device) -> str:
    """What torch takes for fp32 in the convolutions."""
    return "tf32" if device.type == "cuda" and torch.backends.cudnn.allow_tf32 else "fp32"
