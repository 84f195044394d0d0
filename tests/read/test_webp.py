"""WebP images with records of the raw feed: lossless ones come back bit by bit, hostile ones are one line."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from stereo3d.errors import ImageFileError, Stereo3dError
from stereo3d.read import read_observation, read_scene
from stereo3d.read.pixels import image_size


def as_webp(raw, **options: object) -> Path:
    """Replace the PNG of a raw image by a WebP."""
    path = raw.path.with_suffix(".webp")
    PIL.Image.fromarray(raw.pixels).save(path, **options)
    raw.path.unlink()
    return path


def claiming(kind: bytes, width: int, height: int) -> bytes:
    """The head of a WebP file of that size, without its data."""
    if kind == b"VP8X":
        body = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(5)
    else:
        body = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def test_lossless_pair_is_read_bit_by_bit(pair: tuple) -> None:
    paths = [as_webp(raw, lossless=True) for raw in pair]
    only = read_scene([paths[0].parent]).pairs[0]
    for observation, raw, path in zip((only.left, only.right), pair, paths, strict=True):
        assert np.array_equal(observation.image.pixels, raw.pixels)
        assert observation.path == str(path)


@pytest.mark.parametrize(("options", "kind"), [({"lossless": True}, b"VP8L"), ({}, b"VP8 "), ({"icc": 1}, b"VP8X")])
def test_size_of_every_kind_of_file(tmp_path: Path, options: dict, kind: bytes) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (77, 130, 3), dtype=np.uint8)
    if "icc" in options:
        from PIL import ImageCms

        options = {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
    PIL.Image.fromarray(pixels).save(tmp_path / "image.webp", **options)
    assert (tmp_path / "image.webp").read_bytes()[12:16] == kind
    assert image_size(tmp_path / "image.webp") == (130, 77)


@pytest.mark.parametrize("kind", [b"VP8X", b"VP8L", b"VP8 "])
def test_claim_of_a_huge_canvas_allocates_nothing(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "bomb.webp"
    path.write_bytes(claiming(kind, 16000, 9000))
    tracemalloc.start()
    try:
        with pytest.raises(ImageFileError, match="claims to be 16000 x 9000 px"):
            image_size(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 0.99])
def test_truncated_file_is_one_line(pair: tuple, share: float, one_line: Callable[[Stereo3dError], str]) -> None:
    path = as_webp(pair[0], lossless=True)
    data = path.read_bytes()
    path.write_bytes(data[: max(13, int(share * len(data)))])
    with pytest.raises(ImageFileError) as caught:
        read_observation(path)
    assert str(path) in one_line(caught.value)
