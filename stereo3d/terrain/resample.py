"""What one pair measured, as it looks from a common centre: a layer on the grid of all directions."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import Float, RigidTransform, locked
from stereo3d.stereo.disparity import Reason, XyzMap
from stereo3d.terrain.mesh import MeshSettings, clean_surface, pixel_angle, thinned
from stereo3d.terrain.resample_kernels import splat
from stereo3d.terrain.sphere import SphereGrid

FEATHER = 0.08
"""Towards the rim of what both eyes see the weight of a pair falls over this share of the width of its image."""
_LEAST_WEIGHT = 0.01


@dataclass(frozen=True, eq=False)
class Layer:
    """The measured surface of one pair on a part of a :class:`SphereGrid`, all float32, NaN = none."""

    rows: slice
    """Rows of the grid that the layer covers."""
    columns: NDArray[np.intp]
    """(n,) columns of the grid that it covers; on a closed grid they may pass the last and begin again."""
    values: NDArray[np.float32]
    """(rows, n, 5): inverse range from the centre, 1/m; its sigma; the part of sigma that differs from pixel to pixel;
    the weight (0 to 1) that falls towards the rim; and the picture's contrast (see :class:`XyzMap`), 1 when unknown."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", locked(self.values, np.float32))
        if self.values.shape != (self.rows.stop - self.rows.start, len(self.columns), 5):
            raise ValueError("values must be (rows, columns, 5)")

    def part(self) -> tuple[slice, NDArray[np.intp]]:
        """The index of the layer into arrays (rows, columns, ...) of the grid."""
        return self.rows, self.columns


def map_angle(xyz: XyzMap, centre: Float) -> float:
    """The angle between the rays of neighbouring pixels, rad; ``centre`` (3,) of the left camera in the map's frame."""
    offsets = xyz.xyz - centre.astype(np.float32)
    with np.errstate(invalid="ignore"):
        return pixel_angle(offsets / np.linalg.norm(offsets, axis=-1, keepdims=True))


def resample(
    xyz: XyzMap, centre: Float, grid_from_map: RigidTransform, grid: SphereGrid, settings: MeshSettings
) -> Layer | None:
    """The map of one pair as it looks from the centre of ``grid``; None when nothing of it is a surface.

    ``centre`` (3,): the left camera's, m, in the frame of the map.  Surfaces are cut at depth steps as for a mesh,
    before they are looked at from elsewhere; of several behind each other the nearest remains, and what turns its back
    to the centre does not count.
    """
    angle = map_angle(xyz, centre)
    step = max(1, int(grid.step_rad / angle + 0.25)) if angle > 0 else 1
    weight = rim_weight(xyz)
    if step > 1:
        xyz, weight = thinned(xyz, step), weight[step // 2 :: step, step // 2 :: step]
    part = clean_surface(xyz, centre, settings)
    if not part.keep.any():
        return None
    column, row, range_m = grid.place(grid_from_map.apply(xyz.xyz))
    if grid.closed:
        column = _unwrapped(column, grid.columns)
    missing = np.isnan(part.rho)
    for array in (column, row, range_m):
        array[missing] = np.nan
    noise = xyz.sigma_range_m if xyz.noise_range_m is None else xyz.noise_range_m
    rho = 1.0 / range_m
    contrast = np.ones_like(rho) if xyz.contrast is None else xyz.contrast
    values = np.stack([rho, xyz.sigma_range_m * rho * rho, noise * rho * rho, weight, contrast], axis=-1)

    first, last = int(np.floor(np.nanmin(column))), int(np.ceil(np.nanmax(column)))
    top, bottom = max(0, int(np.floor(np.nanmin(row)))), min(grid.rows - 1, int(np.ceil(np.nanmax(row))))
    if grid.closed:
        last = min(last, first + grid.columns - 1)
    else:
        first, last = max(first, 0), min(last, grid.columns - 1)
    place = np.stack([column - np.float32(first), row - np.float32(top)], axis=-1)
    out = np.full((bottom - top + 1, last - first + 1, 5), np.nan, dtype=np.float32)
    splat(place, values, part.steps.along_rows, part.steps.along_columns, part.keep, out)
    return Layer(slice(top, bottom + 1), np.arange(first, last + 1) % grid.columns, out)


def _unwrapped(column: NDArray[np.float32], around: int) -> NDArray[np.float32]:
    """Columns of a grid of ``around`` columns, each within half a turn of the direction that they have in the mean."""
    angle = column[np.isfinite(column)].astype(np.float64) * (2.0 * np.pi / around)
    mean = float(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())) * around / (2.0 * np.pi)
    out: NDArray[np.float32] = column - np.float32(around) * np.floor(
        (column - np.float32(mean)) / np.float32(around) + np.float32(0.5)
    )
    return out


def rim_weight(xyz: XyzMap) -> NDArray[np.float32]:
    """(rows, columns) float32, 0 to 1: how far a pixel lies inside of what both eyes see, as a share of the feather."""
    outside = np.uint16(Reason.OUTSIDE_OVERLAP | Reason.VIGNETTE)
    inside = np.pad(((xyz.reason & outside) == 0).astype(np.uint8), 1)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    width = max(2.0, FEATHER * xyz.reason.shape[1])
    out: NDArray[np.float32] = np.clip(distance / np.float32(width), _LEAST_WEIGHT, 1.0).astype(np.float32)
    return out
