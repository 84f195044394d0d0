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
SMEARS = (3, 5)
"""Matching smears a step over about so many pixels: an edge is also judged over such spans."""

WEAK = 0.7
"""What hangs together with a step is one from this share of the tolerance on."""
SHARE = 0.15
"""An edge within a smeared step belongs to it from this share of the whole on."""
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
    weak_across, across, sure_across = _steps_along_last_axis(rho, tolerance, pixel_angle_rad, grazing_rad)
    turned = np.ascontiguousarray(rho.T), np.ascontiguousarray(tolerance.T)
    weak_down, down, sure_down = (mask.T for mask in _steps_along_last_axis(*turned, pixel_angle_rad, None))
    chained = _chained(_ends(across, down), _ends(sure_across, sure_down))
    reached = _reached(_ends(weak_across, weak_down), chained)
    return Steps(weak_across & reached[:, :-1], np.ascontiguousarray(weak_down & reached[:-1]))


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


def _reached(weak: Mask, strong: Mask) -> Mask:
    """The connected pieces of ``weak`` that hold something of ``strong`` (hysteresis; Canny 1986).

    Along a silhouette the jump shrinks to nothing where the rock meets the ground: cut only where it is beyond doubt,
    it leaves threads of surface across the shadow.
    """
    count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    keep = np.zeros(count, dtype=np.bool_)
    keep[labels[strong]] = True
    keep[0] = False
    return keep[labels]  # type: ignore[no-any-return]


def _steps_along_last_axis(
    rho: Array, tolerance: Array, pixel_angle_rad: float, grazing_rad: float | None
) -> tuple[Mask, Mask, Mask]:
    """What may continue a step, candidates, and those beyond doubt, (rows, columns - 1) each; with ``grazing_rad``
    also the faces seen edge on."""
    rows, columns = rho.shape
    n = columns - 1
    if n < 1:
        return (np.zeros((rows, 0), dtype=np.bool_),) * 3
    lead = SIDE + 1 + SMEARS[-1] // 2
    padded = np.full((rows, columns + 2 * lead), np.nan, dtype=np.float32)
    padded[:, lead : lead + columns] = rho

    def at(j: int) -> Array:
        """The value j pixels right of each edge's left pixel."""
        return padded[:, lead + j : lead + j + n]

    limit = np.fmax(tolerance[:, :-1], tolerance[:, 1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        edge = at(1) - at(0)
        own = _excess(edge, at(0) - at(-SIDE), at(1 + SIDE) - at(1), 1.0 / SIDE)
        spread = np.zeros_like(own)
        for reach in SMEARS:
            far = reach // 2
            span = at(1 + far) - at(-far)
            wide = _excess(span, at(-far) - at(-far - SIDE), at(1 + far + SIDE) - at(1 + far), reach / SIDE)
            wide[~(wide > WEAK * limit)] = 0.0
            spread = np.maximum(spread, _dilated(wide, far))
        # A share of a smeared step still stands out from the slopes beside it; edges next to a sharp one do not.
        weak = (own > WEAK * limit) | (own > SHARE * np.where(spread > 0, spread, np.inf))
        cut = weak & ((own > limit) | (spread > limit))
        if grazing_rad is not None:
            rise = at(4) - at(-3)
            steep = np.abs(rise) > 2.0 * limit
            steep &= at(0) * (7.0 * pixel_angle_rad) < np.tan(grazing_rad) * np.abs(rise)
            edge_on = steep & ((at(2) - at(-1)) * np.sign(rise) > 0.5 * 3.0 / 7.0 * np.abs(rise))
            cut |= edge_on
            weak |= edge_on
        return weak, cut, own > 2.0 * limit


def _dilated(values: Array, by: int) -> Array:
    """The largest of ``by`` values to either side in a row."""
    return cv2.dilate(values, np.ones((1, 2 * by + 1), np.uint8)) if by else values


def _excess(difference: Array, left: Array, right: Array, scale: float) -> Array:
    """How far ``difference`` leaves the interval between ``left``, ``right`` (both times ``scale``) and 0; NaN counts
    as 0.  What changes less than its surroundings is the face of a rock, no step."""
    low, high = np.fmin(np.fmin(left, right), np.float32(0.0)), np.fmax(np.fmax(left, right), np.float32(0.0))
    out = np.fmax(difference - scale * high, scale * low - difference)
    return np.fmax(out, np.float32(0.0))
