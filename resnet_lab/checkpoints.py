"""Public checkpoints: their names recognised, their net inferred from the keys and shapes."""

import re
import zipfile
from pathlib import Path
from typing import Any, Literal

import torch

from resnet_lab.block_config import BlockConfig
from resnet_lab.families import FAMILIES, IMAGENET_STAGES, layers_per_n
from resnet_lab.files import size_words
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import ResNet, build_model

State = dict[str, torch.Tensor]
MAX_CHECKPOINT = 200_000_000  # bytes, of what comes from a stranger

# Public name -> ours. akamaster writes linear and shortcut, chenyaofo and torchvision fc and downsample.
NAMES: list[tuple[str, Any]] = [
    (r"^module\.", ""),
    (r"^(conv1|bn1)\.", r"stem.\1."),
    (r"^(fc|linear)\.", "head."),
    (r"^layer(\d)\.(\d+)\.(conv\d|bn\d)\.", lambda m: f"stages.{int(m[1]) - 1}.{m[2]}.branch.{m[3]}."),
    (r"^layer(\d)\.(\d+)\.(?:downsample|shortcut)\.0\.", lambda m: f"stages.{int(m[1]) - 1}.{m[2]}.match.conv1."),
    (r"^layer(\d)\.(\d+)\.(?:downsample|shortcut)\.1\.", lambda m: f"stages.{int(m[1]) - 1}.{m[2]}.match.bn1."),
]


def load_checkpoint(path: str | Path) -> tuple[ModelConfig, ResNet]:
    """The configuration and the net, in evaluation mode, from a file in one of the public namings."""
    return net_of(read_state(Path(path)), str(path))


def net_of(theirs: State, source: str) -> tuple[ModelConfig, ResNet]:
    """The configuration and the net of a state dict in one of the public namings, or in ours."""
    names = {rename(name): name for name in theirs}
    state = {ours: theirs[name] for ours, name in names.items()}
    try:
        config = infer_config(state)
        with torch.device("meta"):  # whatever size is claimed
            check_fit(dict(build_model(config).state_dict()), state, names)
    except ValueError as error:
        raise ValueError(f"{source} holds no ResNet that the lab knows: {str(error).rstrip('.')}.") from None
    model = build_model(config)
    model.load_state_dict(state, strict=False)
    return config, model.eval()


def read_state(path: Path) -> State:
    """Tensors alone: a file that holds code is refused."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}.") from None
    except Exception:  # torch raises whatever its unpickler met in a damaged file
        raise ValueError(f"{path} is damaged or is not a PyTorch checkpoint of tensors alone.") from None
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(map(is_named_tensor, state.items())):
        raise ValueError(f"{path} holds no state dict of named tensors.")
    return state


def check_unpacked(path: Path) -> None:
    """Of an archive, before any of it is read."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\3\4":  # as torch asks
            return
    try:
        with zipfile.ZipFile(path) as archive:
            num = sum(member.file_size for member in archive.infolist())
    except Exception:  # zipfile raises whatever it met; what it cannot list could be of any size
        raise ValueError(f"{path} is damaged or is not a PyTorch checkpoint of tensors alone.") from None
    check_bytes(num, path)


def check_numbers(state: State, path: Path) -> None:
    """A tensor may say the one number that it holds any number of times."""
    check_bytes(sum(4 * tensor.numel() for tensor in state.values()), path)


def check_bytes(num: int, path: Path) -> None:
    if num > MAX_CHECKPOINT:
        raise ValueError(
            f"{path} unpacks to {size_words(num)} of numbers: at most {size_words(MAX_CHECKPOINT)} are taken."
        )


def is_akamaster(state: State) -> bool:
    """By the name of the head, which chenyaofo, torchvision and the lab call otherwise."""
    return any(re.match(r"(module\.)?linear\.", name) for name in state)


def is_named_tensor(entry: tuple[object, object]) -> bool:
    return isinstance(entry[0], str) and isinstance(entry[1], torch.Tensor)


def rename(key: str) -> str:
    for pattern, ours in NAMES:
        key = re.sub(pattern, ours, key)
    return key


def infer_config(state: State) -> ModelConfig:
    """Option A writes no projection, B one where the shape changes, C one in every unit; plain nets look like A."""
    units = {key.rsplit(".branch", 1)[0] for key in state if ".branch." in key}
    counts = tuple(count for stage in range(9) if (count := sum(unit.startswith(f"stages.{stage}.") for unit in units)))
    if len(counts) not in (3, 4):
        raise ValueError("its names are not those of akamaster, chenyaofo or torchvision")
    unit: Literal["basic", "bottleneck"] = "bottleneck" if "stages.0.0.branch.conv3.weight" in state else "basic"
    family: Literal["cifar", "imagenet"] = "cifar" if len(counts) == 3 else "imagenet"
    stem, head = (shape_of(state, f"{part}.weight", length) for part, length in (("stem.conv1", 4), ("head", 2)))
    keeps_shape = "stages.0.0" if unit == "basic" else "stages.0.1"
    has_projections = any(key.endswith("match.conv1.weight") for key in state)
    return ModelConfig(
        family=family,
        depth=infer_depth(family, unit, counts),
        width=stem[0] / FAMILIES[family].widths[0],
        unit=unit,
        num_classes=head[0],
        projection="C" if f"{keeps_shape}.match.conv1.weight" in state else "B" if has_projections else "A",
        block=BlockConfig(),
        stem=infer_stem(family, kernel=stem[-1]),
        **infer_groups(shape_of(state, "stages.0.0.branch.conv2.weight", 4), unit, width=stem[0]),
    )


def shape_of(state: State, key: str, num_sizes: int) -> tuple[int, ...]:
    if key not in state:
        raise ValueError(f"its {key!r}, as the lab calls it, is missing")
    shape = tuple(state[key].shape)
    if len(shape) != num_sizes or 0 in shape:
        raise ValueError(f"its {key!r}, as the lab calls it, should have {num_sizes} sizes above 0, but has {shape}")
    return shape


def infer_depth(family: str, unit: str, counts: tuple[int, ...]) -> int:
    if family == "cifar":
        return layers_per_n(unit) * counts[0] + 2
    for (kind, depth), stages in IMAGENET_STAGES.items():
        if (kind, stages) == (unit, counts):
            return depth
    raise ValueError(f"its stages of {', '.join(map(str, counts))} {unit} units are of no known depth")


def infer_stem(family: str, kernel: int) -> Literal["family", "small", "large"]:
    is_large = kernel == 7
    return "family" if is_large == FAMILIES[family].has_large_stem else "large" if is_large else "small"


def infer_groups(conv: tuple[int, ...], unit: str, width: int) -> dict[str, Any]:
    inner, group_width = conv[:2]
    if unit == "basic" or (inner, group_width) == (width, width):
        return {}
    return {"groups": inner // group_width, "group_width": group_width}


def check_fit(ours: State, theirs: State, names: dict[str, str]) -> None:
    """Says what does not fit in the names of the file."""
    missing = sorted(key for key in ours.keys() - theirs.keys() if not key.endswith("num_batches_tracked"))
    if missing:
        raise ValueError(f"what the lab calls {missing[0]!r} is missing")
    extra = sorted(theirs.keys() - ours.keys())
    if extra:
        raise ValueError(f"{names[extra[0]]!r} does not belong to one")
    for key in sorted(ours.keys() & theirs.keys()):
        if ours[key].shape != theirs[key].shape:
            shapes = tuple(ours[key].shape), tuple(theirs[key].shape)
            raise ValueError(f"{names[key]!r} should have the shape {shapes[0]}, but has {shapes[1]}")
