"""What a height map says about its surface: slope, shading, roughness under a wheel.  Rasters are north up."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_BAND_ROWS = 512
_LEAST_DISC_PX = 13
"""A plane has three unknowns; of fewer heights than this the deviation says little."""


def gradient(height_m: Float32, resolution_m: float) -> tuple[Float64, Float64]:
    """(d height / d east, d height / d north), each (rows, columns), by the weights of Horn 1981, as gdaldem has them.

    NaN where one of the nine heights is missing, and at the border.
    """
    kernel = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / (8.0 * resolution_m)
    # Whether NaN times a weight of zero spreads is up to cv2: the holes are widened for certain.
    z = np.pad(height_m.astype(np.float64), 1, constant_values=np.nan)
    east = cv2.filter2D(z, cv2.CV_64F, kernel)[1:-1, 1:-1]
    north = cv2.filter2D(z, cv2.CV_64F, -kernel.T)[1:-1, 1:-1]
    hole = cv2.dilate(np.isnan(z).astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)[1:-1, 1:-1] > 0
    return np.where(hole, np.nan, east), np.where(hole, np.nan, north)


def slope_deg(height_m: Float32, resolution_m: float) -> Float32:
    """(rows, columns) float32, degrees from the horizontal; NaN as in :func:`gradient`."""
    return np.degrees(np.arctan(np.hypot(*gradient(height_m, resolution_m)))).astype(np.float32)


def hillshade(
    height_m: Float32, resolution_m: float, azimuth_deg: float = 315.0, elevation_deg: float = 45.0
) -> Float32:
    """(rows, columns) float32, 1 (dark) to 255: 1 + 254 times the cosine between normal and sun, as gdaldem has it.

    The sun stands at ``azimuth_deg`` clockwise from north and ``elevation_deg``; no cast shadows.  NaN as in
    :func:`gradient`.
    """
    east, north = gradient(height_m, resolution_m)
    azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
    toward = np.cos(elevation) * (np.sin(azimuth) * east + np.cos(azimuth) * north)
    cosine = (np.sin(elevation) - toward) / np.sqrt(1.0 + east**2 + north**2)
    shade: Float32 = (1.0 + 254.0 * np.maximum(cosine, 0.0)).astype(np.float32)
    return shade


def disc(diameter_m: float, resolution_m: float) -> NDArray[np.bool_]:
    """(k, k) bool, k odd: the pixels whose centres lie in a disc about the middle one's."""
    reach = int(diameter_m / 2.0 / resolution_m)
    offset = np.arange(-reach, reach + 1) * resolution_m
    return np.asarray(np.hypot(offset[:, None], offset) <= diameter_m / 2.0 + 1e-9)


def roughness(height_m: Float32, resolution_m: float, diameter_m: float) -> Float32:
    """(rows, columns) float32, m: RMS deviation of the heights in a disc from the plane fitted to them.

    NaN where the height is missing, where less than half of the disc is known, and everywhere where the disc holds
    fewer than thirteen pixels (the map is too coarse for it).
    """
    known_in = disc(diameter_m, resolution_m).astype(np.float64)
    out = np.full(height_m.shape, np.nan, dtype=np.float32)
    if known_in.sum() < _LEAST_DISC_PX or not np.isfinite(height_m).any():
        return out
    reach = known_in.shape[0] // 2
    level = float(np.median(height_m[np.isfinite(height_m)]))
    padded = np.pad(height_m, reach, constant_values=np.nan)
    for top in range(0, height_m.shape[0], _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, height_m.shape[0])
        part = padded[top : bottom + 2 * reach].astype(np.float64) - level
        out[top:bottom] = _deviation(part, known_in)[reach:-reach, reach:-reach]
    return out


def _deviation(z: Float64, inside: Float64) -> Float32:
    """Of ``z`` (rows, columns) about each pixel; sums over the disc ``inside`` are filters with its moments."""
    known = np.isfinite(z)
    weight, z = known.astype(np.float64), np.where(known, z, 0.0)
    # Lengths in units of the disc's radius keep the normal equations in balance.
    line = np.linspace(-1.0, 1.0, inside.shape[0])
    x, y = line[None, :] * inside, line[:, None] * inside

    def total(of: Float64, kernel: Float64) -> Float64:
        return np.asarray(cv2.filter2D(of, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT))

    n = np.rint(total(weight, inside))
    enough = known & (n >= max(0.5 * inside.sum(), _LEAST_DISC_PX))
    n = np.where(enough, n, 1.0)
    mx, my, mz = (t / n for t in (total(weight, x), total(weight, y), total(z, inside)))
    xx = total(weight, x * line) / n - mx * mx
    xy = total(weight, x * line[:, None]) / n - mx * my
    yy = total(weight, y * line[:, None]) / n - my * my
    xz, yz = total(z, x) / n - mx * mz, total(z, y) / n - my * mz
    zz = total(z * z, inside) / n - mz * mz
    determinant = np.where(enough, xx * yy - xy * xy, 1.0)
    explained = (yy * xz * xz - 2.0 * xy * xz * yz + xx * yz * yz) / determinant
    return np.where(enough, np.sqrt(np.maximum(zz - explained, 0.0)), np.nan).astype(np.float32)
