"""All that can be looked into: the runs of a store, those that come with the lab, and checkpoints from elsewhere."""

import contextlib
import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from resnet_lab.checkpoints import (
    MAX_CHECKPOINT,
    State,
    check_fit,
    check_numbers,
    check_unpacked,
    is_akamaster,
    net_of,
    read_state,
)
from resnet_lab.config import Config, choices, short
from resnet_lab.data import DATASETS
from resnet_lab.files import StorageError, size_words
from resnet_lab.films import frames
from resnet_lab.inside.subjects import ORIGINS, Normalisation, Subject
from resnet_lab.library import Library
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig, RunConfig
from resnet_lab.runs import Run, checked_labels
from resnet_lab.store import Store
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_any, read_record, write_tensors

IMAGENET = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))  # akamaster trains on CIFAR-10 with it
DATA_BY_CLASSES = {10: DataConfig(name="cifar10"), 100: DataConfig(name="cifar100")}
SMALL_DATA = {"sample": "a sample of CIFAR-10", "synthetic": "synthetic patterns"}
AT_REST = ("done", "diverged", "stopped", "paused", "failed")
MARKS = {"run": "", "shipped": "s"}  # before a run's id
DETAILS: tuple[Callable[[Subject], str], ...] = (  # the first that differ tell subjects of the same title apart
    lambda subject: f"on {SMALL_DATA.get(subject.data.name, DATASETS[subject.data.name].title)}",
    lambda subject: f"{subject.steps:,} steps" if subject.steps else ORIGINS[subject.origin],
    lambda subject: f"seed {subject.seed}",
    lambda subject: ORIGINS[subject.origin],
    lambda subject: subject.id,
)


def subjects(store: Store, shipped: Store | None, home: Path) -> list[Subject]:
    """The runs first, newest first, then what comes with the lab and what was imported; no two titles are alike."""
    found = of_store(store, "run") + (of_store(shipped, "shipped") if shipped else []) + imported(home)
    return told_apart(found)


def of_store(store: Store, origin: str) -> list[Subject]:
    """Those that rest: with their final weights, else as their checkpoint has them."""
    found = []
    for run in store.runs(AT_REST):
        with contextlib.suppress(StorageError):  # it has neither, or a damaged checkpoint
            found.append(of_run(run, store, origin))
    return found


def net_ids(library: Library, runs: Sequence[Run]) -> list[str]:
    """What these runs are called among all that can be looked into."""
    return [f"{MARKS['shipped' if library.is_shipped(run.id) else 'run']}{run.id}" for run in runs]


def of_run(run: Run, store: Store, origin: str) -> Subject:
    """A shipped run has a mark before its id: the same run may have been imported into the store."""
    fields: dict[str, Any] = {"model": run.config.model, "data": run.config.data, "seed": run.seed, "origin": origin}
    fields["steps"] = run.config.recipe.steps
    title, path = run.title, store.run_folder(run.id) / WEIGHTS
    if not path.is_file():
        path = path.with_name(CHECKPOINT)
        title = f"{title}, as it stood after {read_record(path)['step']:,} steps"
    return Subject(id=f"{MARKS[origin]}{run.id}", title=title, weights=str(path), **fields)


def told_apart(found: list[Subject]) -> list[Subject]:
    """Titles that are alike get what differs: the data, the seed, where it comes from, or else the id."""
    titles = [subject.title for subject in found]
    for detail in DETAILS:
        ours = [detail(subject) for subject in found]
        alike = Counter(titles)
        kinds = Counter(title for title, _ in set(zip(titles, ours, strict=True)))
        titles = [
            f"{title}, {more}" if alike[title] > 1 and kinds[title] > 1 else title
            for title, more in zip(titles, ours, strict=True)
        ]
    return [subject.changed(title=title) for subject, title in zip(found, titles, strict=True)]


def film(subject: Subject) -> dict[int, Subject]:
    """The subject at moments of its run, by step and in order; the last is the subject itself."""
    path = Path(subject.weights)
    moments, last = {} if subject.origin == "checkpoint" else frames(path.parent), read_record(path).get("step", 0)
    earlier = {
        step: subject.changed(id=f"{subject.id}-{step}", title=f"{subject.title}, at step {step:,}", weights=str(frame))
        for step, frame in moments.items()
        if step < last  # a run may have gone on after its checkpoint
    }
    return earlier | {last: subject}


# Checkpoints from elsewhere.


def imported(home: Path) -> list[Subject]:
    """Newest first."""
    found = []
    for path in sorted(checkpoints(home).glob("*.safetensors"), key=lambda path: (-path.stat().st_mtime_ns, path.name)):
        with contextlib.suppress(ValueError):  # damaged or of another version of the lab: it can be imported again
            found.append(of_checkpoint(path))
    return found


def checkpoints(home: Path) -> Path:
    return home / "checkpoints"


def of_checkpoint(path: Path) -> Subject:
    record = read_record(path)
    try:
        fields: dict[str, Any] = {"title": record["title"], **read_kind(record)}
    except (KeyError, TypeError):
        raise ValueError(f"{path} is no checkpoint that the lab imported.") from None
    return Subject(id=f"c{path.stem}", origin="checkpoint", weights=str(path), **fields)


def read_kind(record: dict[str, Any]) -> dict[str, Any]:
    """What says how the weights are to be used: the net, its data and its normalisation."""
    parts: dict[str, type[Config]] = {"model": ModelConfig, "data": DataConfig}
    if "normalisation" in record:
        parts["normalisation"] = Normalisation
    return {name: part(**record[name]) for name, part in parts.items()}


def import_checkpoint(given: Path | bytes, name: str, home: Path) -> Subject:
    """From a file of PyTorch or of safetensors, by its content; kept in the lab's home, the same weights once."""
    title = name.strip() or "Imported checkpoint"
    checked_labels(name=title)
    size = len(given) if isinstance(given, bytes) else size_of(given)
    if size > MAX_CHECKPOINT:
        raise ValueError(f"{short(title)} has {size_words(size)}: at most {size_words(MAX_CHECKPOINT)} are taken.")
    with tempfile.TemporaryDirectory() as folder:
        path = given if isinstance(given, Path) else Path(folder) / "upload"
        if isinstance(given, bytes):
            path.write_bytes(given)
        try:
            kind, state = opened(path)
            check_shape(kind["model"])
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), short(title))) from None
    record = {"title": title} | {name: part.model_dump(mode="json") for name, part in kind.items()}
    kept = checkpoints(home) / f"{content_key(state, record)}.safetensors"
    if str(kept) not in {subject.weights for subject in imported(home)}:
        write_tensors(kept, state, record | {"source": given.name if isinstance(given, Path) else name})
    return of_checkpoint(kept)


def size_of(path: Path) -> int:
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    return path.stat().st_size


def opened(path: Path) -> tuple[dict[str, Any], State]:
    """Kind and weights. What the lab wrote says what it is; of anything else it is inferred."""
    state, record = read_bounded(path)
    if record is not None:
        return own(path, state, record)
    model, net = net_of(state, str(path))
    if model.num_classes not in DATA_BY_CLASSES:
        raise ValueError(f"{path} has {model.num_classes} classes: nets of {choices(DATA_BY_CLASSES)} are taken.")
    special = {"normalisation": IMAGENET} if is_akamaster(state) else {}
    return {"model": model, "data": DATA_BY_CLASSES[model.num_classes], **special}, dict(net.state_dict())


def read_bounded(path: Path) -> tuple[State, dict[str, Any] | None]:
    """A small file may claim to hold much: that is refused before it takes the memory."""
    if is_safetensors(path):
        state, record = read_any(path)
    else:
        check_unpacked(path)
        state, record = read_state(path), None
    check_numbers(state, path)
    return state, record


def own(path: Path, state: State, record: dict[str, Any]) -> tuple[dict[str, Any], State]:
    """The weights of a finished run of any lab, or a checkpoint that was imported there."""
    try:
        if "config" in record:
            config = RunConfig.from_json(record["config"])
            kind: dict[str, Any] = {"model": config.model, "data": config.data}
        else:
            kind = read_kind(record)
        with torch.device("meta"):  # whatever size is claimed
            net = build_model(kind["model"])
        check_fit(dict(net.state_dict()), state, {name: name for name in state})
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path} holds no final weights of a run: a checkpoint or a film does not say its net."
        ) from None
    return kind, {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def is_safetensors(path: Path) -> bool:
    """Eight bytes of a length, then JSON."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def check_shape(model: ModelConfig) -> None:
    if model.family != "cifar" or model.has_large_stem:
        raise ValueError("Nets for pictures of 32×32 pixels are taken, but this one is for larger ones.")


def content_key(state: State, record: dict[str, Any]) -> str:
    kind = [record[name] for name in ("model", "data", "normalisation") if name in record]
    digest = hashlib.sha256(repr(tuple(kind)).encode())
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:8]
