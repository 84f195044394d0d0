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
