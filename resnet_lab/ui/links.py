"""What is shown, as one parameter of the address: sending the link opens the same block."""

import base64
import zlib
from typing import Self

from pydantic import model_validator

from resnet_lab.block_config import BlockConfig
from resnet_lab.config import Config, short
from resnet_lab.model_config import ModelConfig

VERSION = "1"
MAX_LENGTH = 2_000
MAX_JSON = 20_000


class View(Config):
    """What the Build page shows: a net, the block it is compared with, the depth of the X-ray."""

    model: ModelConfig = ModelConfig()
    baseline: BlockConfig = BlockConfig()
    xray_depth: int | None = None  # None: the net's own

    @model_validator(mode="after")
    def check_the_depth(self) -> Self:
        self.xrayed()
        return self

    def xrayed(self) -> ModelConfig:
        """The net that the X-ray looks at."""
        return self.model.changed(depth=self.model.depth if self.xray_depth is None else self.xray_depth)


def encode(view: View) -> str:
    packed = zlib.compress(view.to_json().encode(), 9)
    return f"{VERSION}.{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def decode(link: str) -> View:
    """The view, or one sentence that says what is wrong with the link."""
    if len(link) > MAX_LENGTH:
        raise ValueError(f"The link is too long: {len(link):,} characters, and at most {MAX_LENGTH:,} are allowed.")
    version, _, packed = link.partition(".")
    if version != VERSION or not packed:
        raise ValueError(f"The link {short(link, 20)} does not start with '{VERSION}.', as links of this lab do.")
    text = unpack(packed)
    try:
        return View.from_json(text)
    except ValueError as error:
        raise ValueError(f"The link asks for something that cannot be built: {error}") from None


def unpack(packed: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(raw, MAX_JSON).decode()
    except (ValueError, zlib.error):
        text = ""
    if not text or not unpacker.eof:
        raise ValueError("The link is damaged or cut off: its content cannot be unpacked.")
    return text
