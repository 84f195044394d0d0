"""A picture of all directions about one point: the grid in which the maps of several pairs meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.frames import Float, Frame, locked


@dataclass(frozen=True, eq=False)
class SphereGrid:
    """Directions about ``centre`` in ENU: columns are steps of azimuth, clockwise, rows are steps of elevation, down.

    The azimuth counts from Y (north) to X (east); pixel (column, row) looks at azimuth ``first_azimuth_rad + column *
    step_rad`` and elevation ``top_rad - row * step_rad``.
    """

    frame: Frame
    centre: Float
    """(3,) float64, m, in ``frame``."""
    first_azimuth_rad: float
    top_rad: float
    step_rad: float
    columns: int
    rows: int
    closed: bool
    """The columns go all around: the one after the last is the first."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", locked(self.centre))
        if self.centre.shape != (3,):
            raise ValueError(f"centre must be (3,), got {self.centre.shape}")

    def place(self, points: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Column and row of points (..., 3), m, in ``frame``, and their range from the centre, m: (...) each.

        The column is not wrapped: it lies in [-half a turn, half a turn) about the middle column of the grid.
        """
        x, y, z = np.moveaxis(np.asarray(points) - self.centre, -1, 0)
        flat = np.hypot(x, y)
        middle = self.first_azimuth_rad + 0.5 * (self.columns - 1) * self.step_rad
        azimuth = np.arctan2(x, y) - middle
        azimuth -= 2.0 * np.pi * np.floor(azimuth / (2.0 * np.pi) + 0.5)
        column = 0.5 * (self.columns - 1) + azimuth / self.step_rad
        row = (self.top_rad - np.arctan2(z, flat)) / self.step_rad
        return column.astype(np.float32), row.astype(np.float32), np.hypot(flat, z).astype(np.float32)

    def directions(self) -> NDArray[np.float32]:
        """(rows, columns, 3) float32, unit, in ``frame``."""
        azimuth = self.first_azimuth_rad + self.step_rad * np.arange(self.columns)
        elevation = self.top_rad - self.step_rad * np.arange(self.rows)
        out = np.empty((self.rows, self.columns, 3), dtype=np.float32)
        out[..., 0] = np.cos(elevation)[:, None] * np.sin(azimuth)
        out[..., 1] = np.cos(elevation)[:, None] * np.cos(azimuth)
        out[..., 2] = np.sin(elevation)[:, None]
        return out


def grid_about(
    frame: Frame, centre: Float, directions: list[NDArray[np.float32]], step_rad: float, block: int
) -> SphereGrid:
    """The smallest grid that holds all ``directions``, lists of (n, 3) from ``centre`` in ``frame``.

    When they leave no gap of azimuth as wide as a tenth of a turn, the grid goes all around, its columns a multiple of
    ``block`` and its step not more than ``step_rad``; it begins where fewest directions lie.
    """
    turn = 2.0 * np.pi
    azimuth = np.concatenate([np.arctan2(d[:, 0], d[:, 1]) for d in directions]) % turn
    elevation = np.concatenate([np.arctan2(d[:, 2], np.hypot(d[:, 0], d[:, 1])) for d in directions])
    top, bottom = float(elevation.max()) + step_rad, float(elevation.min()) - step_rad
    around = np.sort(azimuth)
    gaps = np.diff(around, append=around[0] + turn)
    widest = int(np.argmax(gaps))
    if gaps[widest] < 0.1 * turn:
        columns = block * int(np.ceil(turn / (step_rad * block)))
        step = turn / columns
        count, edges = np.histogram(azimuth, bins=90, range=(0.0, turn))
        first = float(edges[int(np.argmin(count))])
        rows = int(np.ceil((top - bottom) / step)) + 1
        return SphereGrid(frame, centre, first, top, step, columns, rows, True)
    first = float(around[(widest + 1) % len(around)]) - step_rad
    columns = int(np.ceil((turn - gaps[widest]) / step_rad)) + 3
    rows = int(np.ceil((top - bottom) / step_rad)) + 1
    return SphereGrid(frame, centre, first, top, step_rad, columns, rows, False)
