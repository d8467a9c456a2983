"""What is shown, as one parameter of the address: sending the link opens the same block."""

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from resnet_lab.block_config import BlockConfig
from resnet_lab.config import Config
from resnet_lab.model_config import ModelConfig

VERSION = "1"
MAX_LENGTH = 2_000
MAX_JSON = 20_000


@dataclass(frozen=True)
class View:
    """What the Build page shows: a net, the block it is compared with, the depth of the X-ray."""

    model: ModelConfig = field(default_factory=ModelConfig)
    baseline: BlockConfig = field(default_factory=BlockConfig)
    xray_depth: int | None = None  # None: the net's own


def encode(view: View) -> str:
    content: dict[str, Any] = {
        "model": json.loads(view.model.to_json()),
        "baseline": json.loads(view.baseline.to_json()),
    }
    if view.xray_depth is not None:
        content["xray_depth"] = view.xray_depth
    packed = zlib.compress(json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), 9)
    return f"{VERSION}.{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def decode(text: str) -> View:
    """The view, or one sentence that says what is wrong with the link."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"The link is too long: {len(text):,} characters, and at most {MAX_LENGTH:,} are allowed.")
    version, _, packed = text.partition(".")
    if version != VERSION or not packed:
        raise ValueError(f"The link does not start with '{VERSION}.', so it was not made by this version of the lab.")
    content = unpack(packed)
    unknown = sorted(content.keys() - {"model", "baseline", "xray_depth"})
    if unknown:
        raise ValueError(f"The link holds {unknown[0]!r}, which this version of the lab does not know.")
    model = read(ModelConfig, content.get("model", {}))
    baseline = read(BlockConfig, content.get("baseline", {}))
    depth = content.get("xray_depth")
    if depth is not None:
        read(ModelConfig, json.loads(model.to_json()) | {"depth": depth})
    return View(model, baseline, depth)


def unpack(packed: str) -> dict[str, Any]:
    try:
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        text = zlib.decompressobj().decompress(raw, MAX_JSON)
        content = json.loads(text)
    except (ValueError, RecursionError, zlib.error):
        raise ValueError("The link is damaged or cut off: its content cannot be unpacked.") from None
    if not isinstance(content, dict):
        raise ValueError("The link is damaged: it holds no block.")
    return content


def read(kind: type[Config], fields: Any) -> Any:
    if not isinstance(fields, dict):
        raise ValueError(f"The link is damaged: its {kind.__name__} is not an object of fields.")
    try:
        return kind(**fields)
    except ValueError as error:
        raise ValueError(f"The link asks for something that cannot be built: {error}") from None
