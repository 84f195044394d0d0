"""Depth steps: which neighbouring pixels do not lie on one surface.

All tests work on inverse range.  Along a row or a column of the image the inverse range of a plane is linear in the
pixel, at whatever slant it is seen, and its noise is the same near and far (it is disparity by another name).  So far
flat ground seen at two degrees, where neighbours differ by metres, is no step, and the edge of a rock is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE = 4
"""Pixels on either side of an edge over which the slope of the surface is taken."""
SMEAR = 3
"""Matching smears a step over about this many pixels: an edge is also judged over such a span."""
CHAIN = 8
"""Faint steps count from this length on, px."""


@dataclass(frozen=True, eq=False)
class Steps:
    """Edges of the pixel grid that no triangle may use."""

    along_rows: Mask
    """(rows, columns - 1): between (row, column) and (row, column + 1)."""
    along_columns: Mask
    """(rows - 1, columns): between (row, column) and (row + 1, column)."""


def find_steps(rho: Array, tolerance: Array, pixel_angle_rad: float, grazing_rad: float) -> Steps:
    """The depth steps of a map of inverse range ``rho`` (rows, columns), 1/m, NaN = none.

    An edge is a step when the difference over it leaves the interval that the slopes on its two sides span by more
    than ``tolerance`` (rows, columns), 1/m.  Sideways, where level ground hardly changes, a face is also cut when the
    line of sight meets it at less than ``grazing_rad`` and the difference is more than twice the tolerance: such a
    sheet joins the side of a rock to the ground behind it.
    """
    across, sure_across = _steps_along_last_axis(rho, tolerance, pixel_angle_rad, grazing_rad)
    turned = np.ascontiguousarray(rho.T), np.ascontiguousarray(tolerance.T)
    down, sure_down = (mask.T for mask in _steps_along_last_axis(*turned, pixel_angle_rad, None))
    chained = _chained(_ends(across, down), _ends(sure_across, sure_down))
    return Steps(across & chained[:, :-1], np.ascontiguousarray(down & chained[:-1]))


def _ends(across: Mask, down: Mask) -> Mask:
    """(rows, columns): pixels at an end of one of the edges."""
    out = np.zeros((across.shape[0], down.shape[1]), dtype=np.bool_)
    out[:, :-1] |= across
    out[:, 1:] |= across
    out[:-1] |= down
    out[1:] |= down
    return out


def _chained(candidates: Mask, sure: Mask) -> Mask:
    """The candidates whose connected piece is at least ``CHAIN`` px long or holds one beyond doubt.

    The edge of a rock is a chain; noise, and the small terraces that matching leaves on smooth ground, are not.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8), connectivity=8)
    keep = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) >= CHAIN
    keep |= np.bincount(labels[sure], minlength=count) > 0
    keep[0] = False
    return keep[labels]  # type: ignore[no-any-return]


def _steps_along_last_axis(
    rho: Array, tolerance: Array, pixel_angle_rad: float, grazing_rad: float | None
) -> tuple[Mask, Mask]:
    """Candidates and those beyond doubt, (rows, columns - 1); with ``grazing_rad`` also the faces seen edge on."""
    rows, columns = rho.shape
    n = columns - 1
    if n < 1:
        return np.zeros((rows, 0), dtype=np.bool_), np.zeros((rows, 0), dtype=np.bool_)
    lead = SIDE + 2
    padded = np.full((rows, columns + 2 * lead), np.nan, dtype=np.float32)
    padded[:, lead : lead + columns] = rho

    def at(j: int) -> Array:
        """The value j pixels right of each edge's left pixel."""
        return padded[:, lead + j : lead + j + n]

    limit = np.fmax(tolerance[:, :-1], tolerance[:, 1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        edge = at(1) - at(0)
        own = _excess(edge, at(0) - at(-SIDE), at(1 + SIDE) - at(1), 1.0 / SIDE)
        span = at(2) - at(-1)
        wide = _excess(span, at(-1) - at(-1 - SIDE), at(2 + SIDE) - at(2), SMEAR / SIDE)
        wide[~(wide > limit)] = 0.0
        spread = wide.copy()
        spread[:, 1:] = np.maximum(spread[:, 1:], wide[:, :-1])
        spread[:, :-1] = np.maximum(spread[:, :-1], wide[:, 1:])
        # A share of a smeared step still stands out from the slopes beside it; edges next to a sharp one do not.
        cut = (own > limit) | (own > 0.15 * np.where(spread > 0, spread, np.inf))
        if grazing_rad is not None:
            reach = at(4) - at(-3)
            steep = np.abs(reach) > 2.0 * limit
            steep &= at(0) * (7.0 * pixel_angle_rad) < np.tan(grazing_rad) * np.abs(reach)
            cut |= steep & (span * np.sign(reach) > 0.5 * SMEAR / 7.0 * np.abs(reach))
        return cut, own > 2.0 * limit


def _excess(difference: Array, left: Array, right: Array, scale: float) -> Array:
    """How far ``difference`` leaves the interval between ``left`` and ``right`` times ``scale``; NaN counts as 0."""
    low, high = np.fmin(left, right), np.fmax(left, right)
    missing = np.isnan(low)
    low[missing] = 0.0
    high[missing] = 0.0
    out = np.fmax(difference - scale * high, scale * low - difference)
    return np.fmax(out, np.float32(0.0))
