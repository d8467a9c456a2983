"""Pictures of one's own: what they become, and that whatever is wrong is told in one sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lab.augmentation import Stream, crop_and_flip, padded
from resnet_lab.data import load_images
from resnet_lab.inside.uploads import MAX_BYTES, augmented, keep_upload, read_upload, upload_file, uploaded
from tests.sentences import is_one_sentence, refusal

ORIENTATION = 0x112


def noise(width, height, bands=3):
    shape = (height, width, bands) if bands > 1 else (height, width)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def encoded(picture, form="PNG", **how):
    content = io.BytesIO()
    picture.save(content, form, **how)
    return content.getvalue()


def kept(content, folder):
    return read_upload(keep_upload(content, folder), folder)


def halves(width, height):
    """Red on the left, blue on the right."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def test_a_picture_of_32_by_32_pixels_is_kept_as_it_is(tmp_path):
    picture = noise(32, 32)
    assert np.array_equal(kept(encoded(picture), tmp_path), np.asarray(picture).transpose(2, 0, 1))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(640, 480), (33, 900), (7, 5), (1, 1)])
def test_every_form_and_size_becomes_32_by_32(form, size, tmp_path):
    pixels = kept(encoded(noise(*size), form), tmp_path)
    assert (pixels.shape, pixels.dtype) == ((3, 32, 32), np.uint8)


def test_a_damaged_kept_picture_is_mended_by_uploading_it_again(tmp_path):
    content = encoded(noise(32, 32))
    ref = keep_upload(content, tmp_path)
    whole = read_upload(ref, tmp_path)
    for damaged in (b"", upload_file(ref, tmp_path).read_bytes()[:100], encoded(noise(8, 8)), encoded(halves(32, 32))):
        upload_file(ref, tmp_path).write_bytes(damaged)
        assert keep_upload(content, tmp_path) == ref
        assert np.array_equal(read_upload(ref, tmp_path), whole)


def test_the_middle_square_is_taken(tmp_path):
    pixels = np.zeros((64, 192, 3), dtype=np.uint8)
    pixels[:, 64:128] = 255
    red, *_ = kept(encoded(Image.fromarray(pixels)), tmp_path)
    assert red[:, 1:-1].min() > 250  # the outermost columns ring


def test_a_large_picture_is_averaged_and_not_sampled(tmp_path):
    pixels = np.indices((512, 512)).sum(0) % 2 * 255
    small = kept(encoded(Image.fromarray(pixels.astype(np.uint8))), tmp_path)
    assert np.abs(small.astype(int) - 127).max() < 10


@pytest.mark.parametrize(("orientation", "red"), [
    (1, np.s_[:, :14]), (3, np.s_[:, 18:]), (6, np.s_[:14]), (8, np.s_[18:]),
])  # fmt: skip
def test_a_photograph_is_turned_as_its_camera_was(orientation, red, tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    pixels = kept(encoded(halves(64, 64), "JPEG", exif=exif, quality=100), tmp_path)
    assert pixels[0][red].min() > 230
    assert pixels[2][red].max() < 25


def test_nothing_but_pixels_is_kept(tmp_path):
    exif = Image.Exif()
    exif[0x010E], exif[0x8825] = "my garden", {1: "N", 2: (52.0, 31.0, 12.0)}
    ref = keep_upload(encoded(halves(64, 64), "JPEG", exif=exif, comment=b"my garden"), tmp_path)
    content = upload_file(ref, tmp_path).read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        assert (picture.format, picture.size, picture.info, dict(picture.getexif())) == ("PNG", (32, 32), {}, {})
    assert b"garden" not in content


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_colours_becomes_three_channels(mode, tmp_path):
    grey = Image.new("L", (40, 40), 255)
    picture = Image.new("I;16", (40, 40), 65535) if mode == "I;16" else grey.convert(mode)
    pixels = kept(encoded(picture, "JPEG" if mode == "CMYK" else "PNG"), tmp_path)
    assert pixels.min() > 240


def test_what_is_transparent_becomes_white(tmp_path):
    assert kept(encoded(Image.new("RGBA", (40, 40), (0, 0, 0, 0))), tmp_path).min() == 255


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("white", "black")]
    for form in ("PNG", "WEBP"):
        content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert kept(content, tmp_path).min() > 250


def test_the_same_picture_is_kept_once_whatever_its_file(tmp_path):
    refs = {keep_upload(encoded(noise(32, 32), form, **how), tmp_path) for form, how in
            [("PNG", {}), ("PNG", {"compress_level": 1}), ("WEBP", {"lossless": True})]}  # fmt: skip
    assert uploaded(tmp_path) == [*refs]
    assert len(refs) == 1
    assert len(list((tmp_path / "uploads").iterdir())) == 1


def bomb(width, height):
    """A PNG whose header promises more pixels than its data hold."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


BAD = {
    "nothing": b"",
    "text": b"<svg></svg>",
    "code": b"#!/bin/sh\necho",
    "a GIF": encoded(noise(40, 40), "GIF"),
    "a TIFF": encoded(noise(40, 40), "TIFF"),
    "a PNG cut off": encoded(noise(40, 40))[:500],
    "a JPEG of its header alone": encoded(noise(40, 40), "JPEG")[:100],
    "a WebP cut off": encoded(noise(40, 40), "WEBP")[:200],
    "20 million and more pixels": bomb(5000, 4001),
    "100 million pixels": bomb(10_000, 10_000),
    "4 billion pixels": bomb(65_000, 65_000),
    "more pixels than there are numbers": bomb(2**31 - 1, 2**31 - 1),
    "many bytes": encoded(noise(32, 32)) + bytes(MAX_BYTES),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_what_is_wrong_is_told_in_one_sentence_and_nothing_is_kept(content, tmp_path):
    assert is_one_sentence(refusal(keep_upload, content, tmp_path))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("size", [(5000, 4001), (10_000, 10_000), (65_000, 65_000)])
def test_a_bomb_is_known_by_its_header(size, tmp_path):
    assert "at most 20 million" in refusal(keep_upload, bomb(*size), tmp_path)


@pytest.mark.parametrize("ref", ["u12345678", "u1234567", "u../../../x", "u1234567G", ""])
def test_a_picture_that_is_not_kept_is_told(ref, tmp_path):
    assert is_one_sentence(refusal(read_upload, ref, tmp_path))


def test_a_kept_picture_that_was_damaged_or_exchanged_is_told(tmp_path):
    path = upload_file(keep_upload(encoded(noise(40, 40)), tmp_path), tmp_path)
    for content in (b"", path.read_bytes()[:900], encoded(noise(40, 40))):
        path.write_bytes(content)
        assert is_one_sentence(refusal(read_upload, f"u{path.stem}", tmp_path))


# What training does to a picture.


@pytest.mark.parametrize(("crop", "flip"), [(0, False), (0, True), (4, False), (4, True), (16, True)])
def test_an_augmented_picture_is_the_one_that_training_would_see(crop, flip):
    pixels = load_images("synthetic", "test").pixels[3]
    seen = augmented(pixels, crop, flip, seed=5, number=9)
    assert (seen.shape, seen.dtype) == ((9, 3, 32, 32), np.uint8)
    stream = Stream(5, 1, crop, flip, torch.device("cpu"))
    for epoch in range(9):
        draw = stream.batch(epoch, 1)
        expected = crop_and_flip(padded(torch.from_numpy(pixels.copy())[None], crop), draw, crop)
        assert np.array_equal(seen[epoch], expected[0].numpy())


def test_without_crop_and_flip_the_picture_stays_and_with_them_it_moves():
    pixels = load_images("synthetic", "test").pixels[3]
    assert all(np.array_equal(seen, pixels) for seen in augmented(pixels, 0, False, 0, 3))
    flips = augmented(pixels, 0, True, 0, 20)
    assert {seen.tobytes() for seen in flips} == {pixels.tobytes(), pixels[:, :, ::-1].tobytes()}
    assert len({seen.tobytes() for seen in augmented(pixels, 4, True, 0, 20)}) > 10
