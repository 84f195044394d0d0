"""Decode PNG, JPEG and WebP files of unknown origin: sizes are checked before anything is allocated."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from stereo3d.errors import ImageFileError, MissingFileError, Stereo3dError
from stereo3d.image import Image

MIN_SIDE_PX = 64
MAX_SIDE_PX = 8192
"""The whole Navcam sensor is 5120 x 3840; panoramas are not single images."""

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"
_MAX_WEBP_BYTES = 1 << 28
"""The decoder takes a whole WebP file into memory; a lossless one of 8192 x 8192 px has at most about so much."""


def is_webp(start: bytes) -> bool:
    """Whether a file that begins so is WebP."""
    return start[:4] == b"RIFF" and start[8:12] == b"WEBP"


def first_bytes(path: Path, count: int = 32) -> bytes:
    """The first bytes of a regular file.  Raises MissingFileError, or ImageFileError when it cannot be read."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(count)
        there = path.exists()
    except (OSError, ValueError) as error:
        raise ImageFileError(f"cannot be read: {_reason(error)}", file=path) from error
    if there:
        raise ImageFileError("is not a regular file", file=path, expected="an image file")
    raise MissingFileError("no such file", file=path, todo="check the path")


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) in px from the file's header; nothing is decoded.

    Raises MissingFileError, or ImageFileError for what is no PNG, JPEG or WebP, or is smaller than 64 or larger than
    8192 px.
    """
    with _opened(path) as opened:
        return opened.size


def read_image(path: Path) -> Image:
    """Decode a PNG, JPEG or WebP: grey or RGB, uint8, or uint16 for a 16-bit grey PNG.

    Three equal channels (a raw Bayer mosaic as the raw feed stores it) are one grey channel; transparency is ignored.
    Raises what :func:`image_size` raises, and ImageFileError for a truncated or an all-black file.
    """
    with _opened(path) as opened:
        start = first_bytes(path)
        if start.startswith(PNG_MAGIC) and start[24] == 16 and start[25] not in (0, 4):
            raise ImageFileError("is a 16-bit colour PNG", file=path, expected="8-bit colour, or 8- or 16-bit grey")
        opened.load()
        if opened.mode.startswith("I"):
            pixels: NDArray[np.generic] = np.asarray(opened).astype(np.uint16)
        elif opened.mode in ("L", "RGB"):
            pixels = np.asarray(opened)
        elif opened.mode in ("1", "LA", "P", "PA", "RGBA"):
            pixels = np.asarray(opened.convert("L" if opened.mode in ("1", "LA") else "RGB"))
        else:
            raise ImageFileError(f"has colours of kind {opened.mode}", file=path, expected="grey or RGB")
    if pixels.ndim == 3 and (pixels[..., :1] == pixels[..., 1:]).all():
        pixels = pixels[..., 0]
    low, high = pixels.min(), pixels.max()
    if low == high:
        what = "the image is all-black" if high == 0 else f"every pixel of the image is {high}"
        raise ImageFileError(f"{what}: nothing to measure", file=path, todo="give another image")
    return Image(pixels, np.ones(pixels.shape[:2], dtype=np.bool_))


@contextmanager
def _opened(path: Path) -> Iterator[PIL.Image.Image]:
    """The file with its header read and its size checked; whatever Pillow raises becomes an ImageFileError."""
    start = first_bytes(path)
    if not (start.startswith((PNG_MAGIC, JPEG_MAGIC)) or is_webp(start)):
        raise ImageFileError("is empty" if not start else "is not a PNG, JPEG or WebP image", file=path)
    try:
        if start.startswith(PNG_MAGIC) and len(start) >= 26:
            check_size(path, *struct.unpack(">II", start[16:24]))
        if is_webp(start):
            check_size(path, *_webp_size(start))
            if path.stat().st_size > _MAX_WEBP_BYTES:
                raise ImageFileError("is too large", file=path, expected=f"at most {_MAX_WEBP_BYTES >> 20} MB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(path, formats=("PNG", "JPEG", "WEBP")) as opened:
                check_size(path, *opened.size)
                yield opened
    except Stereo3dError:
        raise
    except PIL.Image.DecompressionBombError as error:  # Pillow's own limit, met before ours by a JPEG
        raise ImageFileError("claims to be too large", file=path, expected=_LIMITS) from error
    except Exception as error:  # decoders raise almost anything on damaged files
        raise ImageFileError(
            f"cannot be decoded ({_reason(error)})", file=path, todo="the file is truncated or damaged: get it again"
        ) from error


_LIMITS = f"{MIN_SIDE_PX} to {MAX_SIDE_PX} px along each side"


def check_size(path: Path, width: int, height: int) -> None:
    """Raise ImageFileError unless both sides are 64 to 8192 px."""
    if min(width, height) < MIN_SIDE_PX or max(width, height) > MAX_SIDE_PX:
        verb = "is" if max(width, height) <= MAX_SIDE_PX else "claims to be"
        raise ImageFileError(f"the image {verb} {width} x {height} px", file=path, expected=_LIMITS)


def _webp_size(start: bytes) -> tuple[int, int]:
    """(width, height), px, that the head of a WebP file claims: the decoder allocates its canvas before it tells.

    The container's three kinds of first chunk: RFC 9649, sections 2.5 to 2.7 and 3.4.
    """
    kind = start[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:30], "little")
    bits = int.from_bytes(start[21:25] if kind == b"VP8L" else start[26:30], "little")
    if kind == b"VP8L":
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return bits & 0x3FFF, bits >> 16 & 0x3FFF


def _reason(error: Exception) -> str:
    """What the system or a decoder said, without the path that our message has already."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:200] or type(error).__name__
