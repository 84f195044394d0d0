"""The pixels of planetary image files: plain arrays behind a label, all of which is checked before they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import ImageFileError
from stereo3d.image import Image
from stereo3d.read.pixels import check_size

_AXES = {"BSQ": "bls", "BIL": "lbs", "BIP": "lsb"}


@dataclass(frozen=True)
class Raster:
    """Where and how the pixels of an image lie in a file."""

    file: Path
    offset: int
    """First byte."""
    dtype: np.dtype[np.generic]
    """With its byte order; integers of 1, 2 or 4 bytes, floats of 4 or 8."""
    columns: int
    rows: int
    bands: int
    """1 for grey, 3 for red, green, blue."""
    order: str
    """BSQ: band by band; BIL: the bands' lines by turns; BIP: the bands' pixels by turns."""
    prefix: int = 0
    suffix: int = 0
    """Bytes before and after each record, that is each run of the fastest axis (each line, for BSQ and BIL)."""
    missing: tuple[float, ...] = ()
    """Pixel values that mean that there is no data; a float file's patterns of bits may be given as whole numbers."""


def check_raster(raster: Raster) -> None:
    """Raise ImageFileError for an image that is too small or large, neither grey nor RGB, or not all there."""
    check_size(raster.file, raster.columns, raster.rows)
    if raster.bands not in (1, 3):
        raise ImageFileError(f"the image has {raster.bands} bands", file=raster.file, expected="1 (grey) or 3 (colour)")
    if raster.order not in _AXES:
        raise ImageFileError(
            f"the bands are stored as '{raster.order[:20]}'", file=raster.file, expected="BSQ, BIL, BIP"
        )
    if not (0 <= raster.prefix <= 1 << 16 and 0 <= raster.suffix <= 1 << 16 and 0 <= raster.offset < 1 << 40):
        raise ImageFileError("the label's offsets are absurd", file=raster.file)
    size, end = raster.file.stat().st_size, raster.offset + _bytes(raster)
    if size < end:
        raise ImageFileError(
            f"has {size} bytes",
            file=raster.file,
            expected=f"{end} bytes, by its label",
            todo="the file is truncated: get it again",
        )


def read_raster(raster: Raster) -> Image:
    """The image: uint8, uint16, or float32 for what does not fit; pixels without data are zero and not valid.

    Raises ImageFileError as :func:`check_raster` does, and for an image in which all pixels are equal or missing.
    """
    check_raster(raster)
    counts = {"b": raster.bands, "l": raster.rows, "s": raster.columns}
    axes = _AXES[raster.order]
    slow, middle, fast = (counts[axis] for axis in axes)
    try:
        data = np.fromfile(raster.file, np.uint8, _bytes(raster), offset=raster.offset)
    except OSError as error:
        raise ImageFileError(f"cannot be read: {error.strerror or error}", file=raster.file) from error
    records = data.reshape(slow, middle, -1)
    body = np.ascontiguousarray(records[:, :, raster.prefix : raster.prefix + fast * raster.dtype.itemsize])
    values = body.view(raster.dtype).transpose([axes.index(axis) for axis in "lsb"])
    known = np.ones(values.shape, dtype=np.bool_)
    for constant in _constants(raster):
        known &= values != constant
    if raster.dtype.kind == "f":
        # Some programs mark missing pixels by the largest numbers there are.
        known &= np.abs(values) < 1e30
    valid: NDArray[np.bool_] = np.asarray(known.any(axis=2))
    pixels = _plain(values, known)
    inside = pixels[valid]
    if not valid.any() or inside.min() == inside.max():
        what = (
            "no pixel of the image holds data" if not valid.any() else f"every pixel of the image is {inside.flat[0]:g}"
        )
        raise ImageFileError(f"{what}: nothing to measure", file=raster.file, todo="give another image")
    return Image(pixels[..., 0] if raster.bands == 1 else pixels, valid)


def _bytes(raster: Raster) -> int:
    counts = {"b": raster.bands, "l": raster.rows, "s": raster.columns}
    slow, middle, fast = (counts[axis] for axis in _AXES[raster.order])
    return slow * middle * (raster.prefix + fast * raster.dtype.itemsize + raster.suffix)


def _constants(raster: Raster) -> list[np.generic]:
    """The values without data as the file's own numbers; those that it cannot hold are left out."""
    kind = raster.dtype.newbyteorder("=")
    found: list[np.generic] = []
    for value in raster.missing:
        if kind.kind != "f":
            limits = np.iinfo(str(kind))
            if value == int(value) and limits.min <= value <= limits.max:
                found.append(kind.type(int(value)))
            continue
        with np.errstate(over="ignore"):
            found.append(kind.type(value))
        if kind.itemsize == 4 and value == int(value) and 1 << 24 < value < 1 << 32:
            found.append(np.uint32(int(value)).view(np.float32))
    return found


def _plain(values: NDArray[np.generic], known: NDArray[np.bool_]) -> NDArray[np.generic]:
    """The values as uint8, uint16 or float32, zero where nothing is known."""
    if values.dtype == np.uint8:
        return np.where(known, values, np.uint8(0))
    if values.dtype.kind in "iu":
        inside = values[known]
        fits = inside.size == 0 or (inside.min() >= 0 and inside.max() <= 65535)
        return np.where(known, values, 0).astype(np.uint16 if fits else np.float32)
    return np.where(known, values, 0.0).astype(np.float32)
