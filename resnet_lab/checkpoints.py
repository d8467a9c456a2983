"""Public checkpoints: their names recognised, their net inferred from the keys and shapes."""

import re
from pathlib import Path
from typing import Any, Literal

import torch

from resnet_lab.block_config import BlockConfig
from resnet_lab.model_config import IMAGENET_STAGES, ModelConfig
from resnet_lab.nets import ResNet, build_model

State = dict[str, torch.Tensor]

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
    state = {rename(key): tensor for key, tensor in read_state(Path(path)).items()}
    try:
        config = infer_config(state)
    except (KeyError, IndexError, ZeroDivisionError, ValueError) as error:
        raise ValueError(
            f"{path} holds no ResNet in the naming of akamaster, chenyaofo or torchvision: {error}."
        ) from None
    model = build_model(config)
    check_fit(model.state_dict(), state, f"{path} looks like a {config.title}")
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
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise ValueError(f"{path} holds no state dict of tensors.")
    return state


def rename(key: str) -> str:
    for pattern, ours in NAMES:
        key = re.sub(pattern, ours, key)
    return key


def infer_config(state: State) -> ModelConfig:
    """Option B writes a projection where the shape changes, C in every unit, A none; plain nets look like A."""
    units = sorted({key.rsplit(".branch", 1)[0] for key in state if ".branch." in key})
    counts = tuple(sum(unit.startswith(f"stages.{stage}.") for unit in units) for stage in range(len(units)))
    counts = tuple(count for count in counts if count)
    unit: Literal["basic", "bottleneck"] = "bottleneck" if f"{units[0]}.branch.conv3.weight" in state else "basic"
    family: Literal["cifar", "imagenet"] = "cifar" if len(counts) == 3 else "imagenet"
    stem = state["stem.conv1.weight"]
    num_projections = sum(key.endswith("match.conv1.weight") for key in state)
    return ModelConfig(
        family=family,
        depth=infer_depth(family, unit, counts),
        width=stem.shape[0] / (16 if family == "cifar" else 64),
        unit=unit,
        num_classes=state["head.weight"].shape[0],
        projection="A" if not num_projections else "C" if num_projections == len(units) else "B",
        block=BlockConfig(),
        stem=infer_stem(family, stem.shape[-1]),
        **infer_groups(state[f"{units[0]}.branch.conv2.weight"], unit, stem.shape[0]),
    )


def infer_depth(family: str, unit: str, counts: tuple[int, ...]) -> int:
    if family == "cifar":
        return (6 if unit == "basic" else 9) * counts[0] + 2
    known = (depth for (kind, depth), stages in IMAGENET_STAGES.items() if (kind, stages) == (unit, counts))
    depth = next(known, None)
    if depth is None:
        raise ValueError(f"its stages of {', '.join(map(str, counts))} {unit} units are of no known depth")
    return depth


def infer_stem(family: str, kernel: int) -> Literal["family", "small", "large"]:
    is_large = kernel == 7
    return "family" if is_large == (family == "imagenet") else "large" if is_large else "small"


def infer_groups(conv: torch.Tensor, unit: str, width: int) -> dict[str, Any]:
    inner, group_width = conv.shape[:2]
    if unit == "basic" or (inner, group_width) == (width, width):
        return {}
    return {"groups": inner // group_width, "group_width": group_width}


def check_fit(ours: State, theirs: State, title: str) -> None:
    missing = sorted(key for key in ours.keys() - theirs.keys() if not key.endswith("num_batches_tracked"))
    if missing:
        raise ValueError(f"{title}, but {missing[0]!r} is missing.")
    extra = sorted(theirs.keys() - ours.keys())
    if extra:
        raise ValueError(f"{title}, but {extra[0]!r} does not belong to one.")
    for key in sorted(ours.keys() & theirs.keys()):
        if ours[key].shape != theirs[key].shape:
            shapes = tuple(ours[key].shape), tuple(theirs[key].shape)
            raise ValueError(f"{title}, but {key!r} should have the shape {shapes[0]} and has {shapes[1]}.")
