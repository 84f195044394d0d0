"""Contour lines of a height map.  contourpy traces them: it needs numpy alone, and it is what matplotlib draws with."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import StereoError
from stereo3d.terrain.maps import Grid, step_from

_LEAST_LENGTH_PX = 12.0
_SIMPLER_PX = 0.2
"""A line is drawn with as few points as keep within this many pixels of it."""
_LINES_WANTED = 15
_MOST_LEVELS = 2000


@dataclass(frozen=True, eq=False)
class Contour:
    """One line of one height; a closed one ends where it begins.  Higher ground lies to its left."""

    elevation_m: float
    points: NDArray[np.float64]
    """(n, 2) float64, m: east, north in the frame of the map."""


def choose_interval(elevation_m: NDArray[np.float32]) -> float:
    """The step of 1-2-5, m, that gives about fifteen lines between the 2nd and 98th percentiles of the heights."""
    known = elevation_m[np.isfinite(elevation_m)]
    low, high = np.percentile(known, [2.0, 98.0]) if known.size else (0.0, 0.0)
    return step_from(max(float(high - low) / _LINES_WANTED, 0.005))


def contour_lines(
    elevation_m: NDArray[np.float32], grid: Grid, interval_m: float, smooth_m: float = 0.0
) -> list[Contour]:
    """The lines at whole multiples of ``interval_m``, lowest first; pieces shorter than a dozen pixels are left out.

    ``smooth_m`` (one sigma of a Gaussian) takes the noise of the heights off the lines before they are traced; holes
    stay holes.  Raises StereoError when the interval asks for thousands of levels.
    """
    import contourpy

    if not interval_m > 0.0:
        raise ValueError(f"interval_m must be positive, got {interval_m}")
    known = np.isfinite(elevation_m)
    if not known.any() or min(elevation_m.shape) < 2:
        return []
    first, last = np.ceil(elevation_m[known].min() / interval_m), np.floor(elevation_m[known].max() / interval_m)
    if last - first > _MOST_LEVELS:
        raise StereoError(
            f"contours every {interval_m:g} m would be {last - first:.0f} levels",
            expected=f"at most {_MOST_LEVELS}",
            todo="ask for a larger interval",
        )
    height = _smoothed(elevation_m, known, smooth_m / grid.resolution_m)
    tracer = contourpy.contour_generator(
        grid.east_of_columns, grid.north_of_rows, np.ma.masked_array(height, ~known), name="serial"
    )
    out = []
    for level in np.arange(first, last + 1) * interval_m:
        for line in tracer.lines(float(level)):
            line = np.asarray(line, dtype=np.float64)
            length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
            if length >= _LEAST_LENGTH_PX * grid.resolution_m:
                # The rows run southward, which turns the sense of contourpy's lines round.
                out.append(Contour(round(float(level), 6), _simpler(line[::-1], _SIMPLER_PX * grid.resolution_m)))
    return out


def _smoothed(height: NDArray[np.float32], known: NDArray[np.bool_], sigma_px: float) -> NDArray[np.float64]:
    """``height`` averaged over its known neighbours."""
    filled = np.where(known, height, 0.0).astype(np.float64)
    if sigma_px < 0.3:
        return filled
    weight = cv2.GaussianBlur(known.astype(np.float64), (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT)
    total = cv2.GaussianBlur(filled, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT)
    return np.where(known, total / np.maximum(weight, 1e-9), 0.0)


def _simpler(line: NDArray[np.float64], tolerance_m: float) -> NDArray[np.float64]:
    """Douglas and Peucker's; the ends stay, and so a closed line stays closed."""
    middle = line.mean(axis=0)
    kept = cv2.approxPolyDP((line - middle).astype(np.float32)[:, None, :], tolerance_m, closed=False)
    out: NDArray[np.float64] = kept[:, 0, :].astype(np.float64) + middle
    out[0], out[-1] = line[0], line[-1]
    return out
