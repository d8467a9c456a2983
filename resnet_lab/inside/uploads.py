"""Pictures of one's own: what comes in is untrusted, what is kept is 32×32 pixels and nothing else."""

import contextlib
import hashlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from resnet_lab.augmentation import Draw, crop_and_flip, draw_epoch, padded
from resnet_lab.files import replacing, size_words
from resnet_lab.sheets import SIDE, read_picture

UPLOAD = re.compile(r"u[0-9a-f]{8}", re.ASCII)
FORMATS = ("PNG", "JPEG", "WEBP")  # by content; a file's name says nothing
MAX_BYTES, MAX_PIXELS = 5_000_000, 20_000_000


def keep_upload(content: bytes, folder: Path) -> str:
    """The reference of the picture, kept as a PNG in the lab's home, or one sentence that says what is wrong."""
    pixels = read_own(content)
    ref = f"u{hashlib.sha256(pixels.tobytes()).hexdigest()[:8]}"
    path = upload_file(ref, folder)
    if not is_kept(ref, pixels, folder):
        with replacing(path) as file:
            Image.fromarray(pixels.transpose(1, 2, 0).copy()).save(file, "PNG")
    return ref


def is_kept(ref: str, pixels: np.ndarray, folder: Path) -> bool:
    """Whole: a damaged one is written again."""
    with contextlib.suppress(ValueError):
        return np.array_equal(read_upload(ref, folder), pixels)
    return False


def upload_file(ref: str, folder: Path) -> Path:
    if not UPLOAD.fullmatch(ref):
        raise ValueError(f"{ref!r} is no uploaded picture: that is a u and eight digits from 0 to f.")
    return folder / "uploads" / f"{ref[1:]}.png"


def read_upload(ref: str, folder: Path) -> np.ndarray:
    """uint8 of (3, 32, 32)"""
    path = upload_file(ref, folder)
    if not path.is_file():
        raise ValueError(f"The uploaded picture {ref} is not in this lab: upload it again.")
    pixels = read_picture(path)
    if pixels.shape != (SIDE, SIDE, 3):
        raise ValueError(f"{path} should have {SIDE}×{SIDE} pixels: upload the picture again.")
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def uploaded(folder: Path) -> list[str]:
    """Those that are kept, newest first."""
    found = [path for path in (folder / "uploads").glob("*.png") if UPLOAD.fullmatch(f"u{path.stem}")]
    return [f"u{path.stem}" for path in sorted(found, key=lambda path: (-path.stat().st_mtime_ns, path.name))]


def read_own(content: bytes) -> np.ndarray:
    """The middle square of the first frame, upright, as uint8 of (3, 32, 32)."""
    if len(content) > MAX_BYTES:
        raise ValueError(f"The picture has {size_words(len(content))}: at most {size_words(MAX_BYTES)} are taken.")
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            opened(content) as picture,
        ):
            if picture.width * picture.height > MAX_PIXELS:  # known from the header, before one is decoded
                raise Image.DecompressionBombError
            upright = ImageOps.exif_transpose(picture)
            small = ImageOps.fit(on_white(upright), (SIDE, SIDE), Image.Resampling.LANCZOS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError("The picture has too many pixels: at most 20 million are taken.") from None
    except Exception:  # Pillow raises whatever its decoder met in a damaged file
        raise ValueError("The file is damaged or is no picture: PNG, JPEG and WebP are taken.") from None
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=FORMATS)


def on_white(picture: Image.Image) -> Image.Image:
    """In three colours; what is transparent would otherwise be of any colour."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    colours = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")


def augmented(pixels: np.ndarray, crop: int, flip: bool, seed: int, number: int) -> np.ndarray:
    """The picture as training would see it in as many epochs: (number, 3, 32, 32), uint8; the padding is black."""
    draws = [draw_epoch(seed, epoch, 1, crop, flip) for epoch in range(number)]
    draw = Draw(*(torch.cat(parts) for parts in zip(*(draw.parts for draw in draws), strict=True)))
    images = padded(torch.from_numpy(pixels.copy())[None].expand(number, -1, -1, -1), crop)
    return crop_and_flip(images, draw, crop).contiguous().numpy()
