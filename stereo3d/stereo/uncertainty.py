"""From the matcher's uncertainty to that of the range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def range_sigma_m(range_m: Float, disparity_px: Float, sigma_px: Float) -> Float:
    """One sigma of the range, m, for one of the disparity, px; arrays of one shape.

    range = baseline focal / (disparity cos) makes sigma_range = range / disparity sigma_px, which is the well-known
    range^2 / (baseline focal) sigma_px, written so that it holds off the axis too.  NaN where disparity is not
    positive.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(disparity_px > 0, range_m / disparity_px * sigma_px, np.nan)


def vergence_range_sigma_m(offsets: Float, baseline: Float, sigma_rad: float) -> Float:
    """One sigma of the range, m, for one of the angle between the eyes, rad.

    ``offsets``: points (..., 3) from the left camera, m; ``baseline``: (3,), m.  It is range^2 over the part of the
    baseline across the line of sight: how far the meeting point of two rays moves when one of them turns.
    """
    range_m = np.linalg.norm(offsets, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma: Float = range_m**3 / np.linalg.norm(np.cross(offsets, baseline), axis=-1) * sigma_rad
    return sigma
