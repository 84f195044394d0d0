"""Covariance of single XYZ points, by moving the match in the right raw image and intersecting the exact rays again."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.observation import StereoPair
from stereo3d.stereo.disparity import Matches, XyzMap
from stereo3d.stereo.triangulate import intersect

Float = NDArray[np.float64]

_STEP_PX = 0.01


def xyz_covariance(pair: StereoPair, matches: Matches, xyz: XyzMap, pixels: ArrayLike) -> Float:
    """Covariance (..., 3, 3), m^2, ROVER_NAV, of the points at whole pixels (..., 2), (column, row), of the left image.

    The pixel itself is exact: XYZ is that of the ray through its centre.  The match is uncertain along its row by what
    ``xyz.noise_range_m`` says, and by as much across, each carried to the point by the derivative of the rays'
    intersection; the doubt about vergence (what ``sigma_range_m`` holds beyond the noise) lies along the line of sight.
    NaN where there is no XYZ.  Raises IndexError outside the image.
    """
    at = np.asarray(pixels, dtype=np.int64)
    column, row = at[..., 0], at[..., 1]
    if at.size and not (at.min() >= 0 and column.max() < xyz.reason.shape[1] and row.max() < xyz.reason.shape[0]):
        raise IndexError("a pixel lies outside the image")
    origins, directions = pair.left.camera.ray(at)
    match = matches.right[row, column].astype(np.float64)

    def moved(by: tuple[float, float]) -> Float:
        return intersect(origins, directions, *pair.right.camera.ray(match + np.array(by)))[0]

    along = (moved((_STEP_PX, 0.0)) - moved((-_STEP_PX, 0.0))) / (2 * _STEP_PX)
    across = (moved((0.0, _STEP_PX)) - moved((0.0, -_STEP_PX))) / (2 * _STEP_PX)
    total = xyz.sigma_range_m[row, column].astype(np.float64)
    noise = total if xyz.noise_range_m is None else xyz.noise_range_m[row, column].astype(np.float64)
    sigma_px = noise / np.linalg.norm(along, axis=-1)
    steady = np.sqrt(np.maximum(total**2 - noise**2, 0.0))
    parts = (along * sigma_px[..., None], across * sigma_px[..., None], directions * steady[..., None])
    out: Float = np.sum([p[..., :, None] * p[..., None, :] for p in parts], axis=0)
    out[~xyz.measured[row, column]] = np.nan
    return out
