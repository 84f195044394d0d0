"""Maps in the left image's pixel grid as TIFF files that GIS programs, OpenCV and tifffile read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

_DTYPES = (np.float32, np.uint16)
_GDAL_NODATA = 42113
_COPYRIGHT = 33432
_STRIP_ROWS = 64


def write_raster(path: Path, array: NDArray[np.generic], description: str, credit: str = "") -> None:
    """Write (rows, columns) or (rows, columns, bands) of float32 (NaN = none, and marked so for GDAL) or uint16.

    Bands are interleaved, so that readers give back the same shape.  ``description`` (ASCII) says what the values are,
    with unit and frame; ``credit`` (ASCII) whom to credit.  zlib at its quickest level: half the size is won there, and
    little more at any price.
    Raises ValueError for another shape or type.
    """
    if array.ndim not in (2, 3) or array.dtype.type not in _DTYPES:
        raise ValueError(f"a raster is (rows, columns[, bands]) of float32 or uint16, got {array.dtype} {array.shape}")
    tags = [(_GDAL_NODATA, "s", 0, "nan", True)] if array.dtype == np.float32 else []
    tags += [(_COPYRIGHT, "s", 0, credit, True)] if credit else []
    tifffile.imwrite(
        path,
        array,
        photometric="minisblack",
        planarconfig="contig" if array.ndim == 3 else None,
        compression="zlib",
        compressionargs={"level": 1},
        rowsperstrip=_STRIP_ROWS,
        description=description,
        metadata=None,
        software="stereo3d",
        extratags=tags,
    )
