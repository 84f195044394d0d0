"""Colours of a texture between its pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_COLUMNS = 4096
_ROWS = 8192


def sample_texture(image: NDArray[np.uint8], uv: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(n, 3) uint8: bilinear samples of ``image`` (rows, columns, 3) at ``uv`` (n, 2) as OpenGL has them.

    Beyond the centres of the outermost pixels these are continued.
    """
    # From (0 to 1, v up, edges of the image) to pixels (first centre at 0).
    x = uv[:, 0] * image.shape[1] - 0.5
    y = (1.0 - uv[:, 1]) * image.shape[0] - 0.5
    # cv2.remap takes maps of fewer than 32768 rows and columns: n is folded to fit.
    rows = -(-len(x) // _COLUMNS)
    maps = np.zeros((2, rows * _COLUMNS), dtype=np.float32)
    maps[:, : len(x)] = x, y
    out = np.empty((rows * _COLUMNS, 3), dtype=np.uint8)
    for start in range(0, rows * _COLUMNS, _ROWS * _COLUMNS):
        part = slice(start, start + _ROWS * _COLUMNS)
        map_x, map_y = maps[:, part].reshape(2, -1, _COLUMNS)
        sampled = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        out[part] = sampled.reshape(-1, 3)
    return out[: len(x)]
