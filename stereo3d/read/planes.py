"""Maps in the left image's pixel grid, read back from TIFF: XYZ and its sigma, from us or from any other program.

Tags are read and held against what is expected before anything is allocated, and compressed strips are measured before
they are decoded: a small file that claims, or unfolds to, something huge is refused.
"""

from __future__ import annotations

import logging
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import ImageFileError, MissingFileError

Float32 = NDArray[np.float32]

_RAW, _DEFLATE = 1, (8, 32946)
_SLACK_BYTES = 1 << 20
_SILENCE = logging.NullHandler()


def read_xyz(path: Path, shape: tuple[int, int]) -> Float32:
    """An XYZ map (rows, columns, 3), m, of ``shape`` (rows, columns); NaN = none.

    A pixel of which any number is missing has none; neither has one of exactly (0, 0, 0), as other programs mark it.
    Errors as of :func:`read_planes`.
    """
    xyz = read_planes(path, 3, shape)
    none = ~np.isfinite(xyz).all(axis=-1) | (xyz == 0).all(axis=-1)
    if none.any():
        xyz = np.where(none[..., None], np.float32(np.nan), xyz)
    return xyz


def read_planes(path: Path, count: int, shape: tuple[int, int]) -> Float32:
    """``count`` planes of float32 or float64: interleaved, one after the other, or one to a page, as
    (rows, columns, count) float32.

    Raises MissingFileError, or ImageFileError when it is no such TIFF of ``shape`` (rows, columns), is compressed other
    than by deflate, or holds more than it should.
    """
    import tifffile

    # It tells of each damaged tag; one error is enough.
    logging.getLogger("tifffile").addHandler(_SILENCE)
    rows, columns = shape
    expected = f"{count} x float32 of {columns} x {rows} px"
    if not path.is_file():
        raise MissingFileError("no such file", file=path, expected=f"a TIFF with {expected}")
    # Data that deflate cannot reduce grow by a few bytes; tags and a legend are small.
    if path.stat().st_size > 2 * 8 * count * rows * columns + _SLACK_BYTES:
        raise ImageFileError("is far larger than such a map", file=path, expected=expected)
    whole: set[tuple[int, ...]] = {(count, rows, columns), (rows, columns, count)}
    if count == 1:
        whole.add((rows, columns))
    try:
        with tifffile.TiffFile(path) as file:
            first = file.pages[0]
            pages = [first]
            if first.shape not in whole and first.shape == (rows, columns):
                pages += [file.pages[k] for k in range(1, count) if k < len(file.pages)]
            for page in pages:
                _check(page, path, whole if len(pages) == 1 else {(rows, columns)}, expected)
            if len(pages) not in (1, count):
                raise ImageFileError(f"has {len(pages)} planes", file=path, expected=expected)
            data = np.stack([p.asarray() for p in pages]) if len(pages) > 1 else first.asarray()
    except ImageFileError:
        raise
    except Exception as error:  # whatever a broken TIFF makes the decoder raise
        raise ImageFileError(f"cannot be read as TIFF: {str(error)[:200]}", file=path, expected=expected) from error
    if data.size != count * rows * columns:
        raise ImageFileError(f"holds {data.size} numbers", file=path, expected=expected)
    if data.shape != (rows, columns, count):
        data = np.moveaxis(data.reshape(count, rows, columns), 0, -1)
    return data.astype(np.float32, copy=False)


def _check(page: Any, path: Path, shapes: set[tuple[int, ...]], expected: str) -> None:
    """Raise ImageFileError unless the page's tags are as expected and its strips unfold to no more than they say."""
    kind = np.dtype(page.dtype) if page.dtype is not None else None
    # NumPy holds None to be equal to float64.
    if kind is None or kind not in (np.dtype(np.float32), np.dtype(np.float64)) or page.shape not in shapes:
        size = " x ".join(str(n) for n in page.shape[:4])[:80]
        raise ImageFileError(f"holds {kind or 'no numbers'} of shape {size}", file=path, expected=expected)
    strip_bytes = math.prod(page.chunks) * kind.itemsize
    if math.prod(page.chunked) * strip_bytes > 2 * page.size * kind.itemsize + _SLACK_BYTES:
        raise ImageFileError("has strips larger than the image", file=path, expected=expected)
    if page.compression == _RAW:
        return
    if page.compression not in _DEFLATE:
        raise ImageFileError(
            f"is compressed as {str(getattr(page.compression, 'name', page.compression))[:40]}",
            file=path,
            expected="no compression, or deflate",
            todo="write it anew without compression",
        )
    handle = page.parent.filehandle
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        handle.seek(offset)
        unfolded = zlib.decompressobj()
        if len(unfolded.decompress(handle.read(length), strip_bytes + 1)) > strip_bytes:
            raise ImageFileError("unfolds to more than it says", file=path, expected=expected)
