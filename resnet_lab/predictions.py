"""What a trained net answers to each test image, kept beside its weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from resnet_lab.batches import Split, load_split
from resnet_lab.captures import in_recorder_thread
from resnet_lab.execution import Execution, find_device
from resnet_lab.files import StorageError
from resnet_lab.nets import build_model, layout
from resnet_lab.run_config import RunConfig
from resnet_lab.weights import read_tensors, write_tensors

PREDICTIONS = "predictions.safetensors"  # in a run's folder: of a finished run
BATCH = 500


@dataclass(frozen=True)
class Predictions:
    """One number for each test image, in the order of load_split."""

    labels: np.ndarray
    predicted: np.ndarray  # the class that is held for the most probable
    confidence: np.ndarray  # its probability

    def __len__(self) -> int:
        return len(self.labels)

    def fit(self, config: RunConfig) -> bool:
        """Whether they can be those of such a run."""
        classes = np.concatenate([self.labels, self.predicted])
        return len(self) == config.data.num_test and classes.max() < config.model.num_classes


def answers(
    model: nn.Module, split: Split, memory_format: torch.memory_format
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(logits in fp32, labels), a batch at a time; the model is in evaluation mode."""
    for pixels, labels in zip(split.pixels.split(BATCH), split.labels.split(BATCH), strict=True):
        yield model(split.normalised(pixels).contiguous(memory_format=memory_format)).float(), labels


def answered(model: nn.Module, split: Split, execution: Execution) -> Predictions:
    """As the test error is measured, image by image."""
    if execution.launch == "graph":  # there the algorithms are chosen already
        return in_recorder_thread(partial(answered_here, model, split, execution), torch.cuda.current_stream())
    return answered_here(model, split, execution)


def answered_here(model: nn.Module, split: Split, execution: Execution) -> Predictions:
    was_training, memory_format = model.training, layout(model, execution.layout)
    model.eval()
    with torch.no_grad(), execution.applied(), execution.autocast():
        likeliest = [logits.softmax(1).max(1) for logits, _ in answers(model, split, memory_format)]
    model.train(was_training)
    confidence, predicted = (torch.cat(parts).cpu().numpy() for parts in zip(*likeliest, strict=True))
    return Predictions(split.labels.cpu().numpy(), predicted, confidence)


def predict(config: RunConfig, weights: Path, device: str = "auto") -> Predictions:
    """From the weights of a finished run, computed as it was trained where they say how."""
    place = find_device(device)
    tensors, record = read_tensors(weights)
    model = build_model(config.model)
    model.load_state_dict(tensors)
    execution = Execution(**{"device": place.type} | record.get("execution", FP32)).on(place)
    split = load_split(config.data, "test", place)
    return answered(model.to(place).to(memory_format=layout(model, execution.layout)), split, execution)


FP32 = {"precision": "fp32", "threads": 1}


def write_predictions(folder: Path, predictions: Predictions) -> None:
    tensors = {
        "labels": torch.from_numpy(predictions.labels).to(torch.uint8),
        "predicted": torch.from_numpy(predictions.predicted).to(torch.uint8),
        "confidence": torch.from_numpy(predictions.confidence).half(),
    }
    write_tensors(folder / PREDICTIONS, tensors, {})


def read_predictions(folder: Path) -> Predictions | None:
    """None where there are none, as of a run that is not over."""
    path = folder / PREDICTIONS
    if not path.is_file():
        return None
    tensors, _ = read_tensors(path)
    shapes = {tuple(tensor.shape) for tensor in tensors.values()}
    if tensors.keys() != {"labels", "predicted", "confidence"} or len(shapes) != 1 or len(*shapes) != 1:
        raise StorageError(f"{path} holds no predictions of test images.")
    labels, predicted = (tensors[name].long().numpy() for name in ("labels", "predicted"))
    return Predictions(labels, predicted, tensors["confidence"].float().numpy())
