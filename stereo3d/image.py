"""An image: pixels and the mask of those that hold data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import locked

_DTYPES = (np.uint8, np.uint16, np.float32)
_MOSAIC_SHARE = 0.5
"""How one-sided an alternation must be to be a mosaic's: 1 for a mosaic, under 0.1 for real scenes."""


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels with a mask.  Pixel (column x, row y); the centre of the first pixel is (0, 0)."""

    pixels: NDArray[np.generic]
    """(rows, columns) grey or (rows, columns, 3) RGB; uint8, uint16 or float32, in DN."""
    valid: NDArray[np.bool_]
    """(rows, columns) bool, False where the instrument delivered no data."""

    def __post_init__(self) -> None:
        pixels, valid = np.asarray(self.pixels), np.asarray(self.valid)
        if pixels.dtype.type not in _DTYPES:
            raise ValueError(f"pixels must be uint8, uint16 or float32, got {pixels.dtype}")
        if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
            raise ValueError(f"pixels must be (rows, columns) or (rows, columns, 3), got {pixels.shape}")
        if valid.shape != pixels.shape[:2] or valid.dtype != np.bool_:
            raise ValueError(f"valid must be bool {pixels.shape[:2]}, got {valid.dtype} {valid.shape}")
        object.__setattr__(self, "pixels", locked(pixels, pixels.dtype.type))
        object.__setattr__(self, "valid", locked(valid, np.bool_))

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @cached_property
    def is_mosaic(self) -> bool:
        """Whether these are the raw values of a Bayer mosaic: grey pixels that alternate all over the frame.

        Told by the second differences along rows and columns (blind to slopes): multiplied by the signs of a pattern of
        period two they keep one sign in a mosaic and cancel in any scene.
        """
        if self.pixels.ndim != 2 or min(self.pixels.shape) < 16:
            return False
        # Some rows, and some columns, of any parity are enough.
        rows, columns = np.arange(0, self.height, 5), np.arange(0, self.width, 5)
        along = _alternation(self.pixels[rows].astype(np.float32))
        down = _alternation(self.pixels[:, columns].T.astype(np.float32))
        across = along * (1 - 2 * (rows % 2)).astype(np.float32)[:, None]
        return any(abs(np.median(r)) > _MOSAIC_SHARE * np.median(np.abs(r)) for r in (along, down, across))

    @cached_property
    def grey(self) -> NDArray[np.float32]:
        """(rows, columns) float32, DN: grey (a mosaic too) as it is, colour with red and blue once, green twice.

        Equal to what the Bayer mosaic gathered (one red, two green, one blue), so the noise is the lowest.
        """
        if self.pixels.ndim == 2:
            out = self.pixels.astype(np.float32)
        else:
            out = self.pixels.astype(np.float32) @ np.array([0.25, 0.5, 0.25], dtype=np.float32)
        out.flags.writeable = False
        return out

    @cached_property
    def luminance(self) -> NDArray[np.float32]:
        """(rows, columns) float32, DN: as ``grey``, but a mosaic is passed through the 3 x 3 binomial filter 1 2 1.

        That gathers one red, two green and one blue at every pixel and leaves nothing of the mosaic's pattern.
        """
        if not self.is_mosaic:
            return self.grey
        out = _one_two_one(_one_two_one(self.grey).T).T.copy()
        out.flags.writeable = False
        return out

    @property
    def rgb8(self) -> NDArray[np.uint8]:
        """(rows, columns, 3) uint8 for display and texture; 16-bit and float data are stretched over their range."""
        pixels = self.pixels
        if pixels.dtype != np.uint8:
            data = pixels.astype(np.float32)
            known = np.isfinite(data)
            inside = data[self.valid & (known if data.ndim == 2 else known.all(axis=2))]
            low, high = np.percentile(inside, [0.1, 99.9]) if inside.size else (0.0, 1.0)
            pixels = np.clip((np.where(known, data, low) - low) * (255.0 / max(float(high - low), 1e-9)), 0, 255)
            pixels = pixels.astype(np.uint8)
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels  # type: ignore[return-value]


def _alternation(lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Second differences along the last axis, times the signs + - + -."""
    second = 2 * lines[:, 1:-1] - lines[:, :-2] - lines[:, 2:]
    second[:, 1::2] *= -1
    return second.astype(np.float32)


def _one_two_one(lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """The binomial filter 1 2 1 along the last axis; borders are mirrored, which keeps the mosaic's parity."""
    wide = np.pad(lines, ((0, 0), (1, 1)), mode="reflect")
    out: NDArray[np.float32] = 0.25 * wide[:, :-2] + 0.5 * wide[:, 1:-1] + 0.25 * wide[:, 2:]
    return out
