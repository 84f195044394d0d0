"""A layer: one frame of a panorama, resampled onto the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import locked
from stereo3d.observation import Eye

_PLANES = {"pixels": np.float32, "valid": np.bool_, "position": np.float32, "weight": np.float32}


@dataclass(frozen=True, eq=False)
class Layer:
    """One frame resampled onto the canvas: only the rectangle of the canvas that it covers.

    Raises ValueError when the planes differ in size or lie left of or above the canvas.
    """

    name: str
    """Product id of the frame."""
    eye: Eye
    """Of the frame: each eye has a vignetting of its own."""
    column: int
    row: int
    """Of the first pixel on the canvas; a layer never wraps around a full circle."""
    pixels: NDArray[np.float32]
    """(rows, columns) or (rows, columns, 3), DN of the frame on its own linear scale; 0 where not valid."""
    valid: NDArray[np.bool_]
    """(rows, columns): the frame has data there: inside, not black with vignetting, not a rover that is hidden."""
    position: NDArray[np.float32]
    """(rows, columns, 2): the source pixel right of and below the frame's centre, over half the frame's diagonal."""
    weight: NDArray[np.float32]
    """(rows, columns), 0 to 1: goodness (distance to the frame's edge, resolution, no doubt about parallax)."""

    def __post_init__(self) -> None:
        for name, dtype in _PLANES.items():
            object.__setattr__(self, name, locked(getattr(self, name), dtype))
        shape = self.valid.shape
        if self.pixels.ndim not in (2, 3) or (self.pixels.ndim == 3 and self.pixels.shape[2] != 3):
            raise ValueError(f"pixels must be (rows, columns) or (rows, columns, 3), got {self.pixels.shape}")
        if any(getattr(self, name).shape[:2] != shape for name in _PLANES) or self.column < 0 or self.row < 0:
            raise ValueError("the planes of a layer must be of one size and lie on the canvas")

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.valid.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.valid.shape[1])
