"""Holes of a range image closed on request: what lies between known ground is guessed, and its faces say so."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.terrain.mesh import CleanSurface
from stereo3d.terrain.steps import Array, Mask, Steps


def filled(part: CleanSurface, directions: Array, closed: bool) -> tuple[CleanSurface, Mask, Mask]:
    """``part`` without a hole that known ground encloses, and without a step: one sheet.

    ``directions`` (rows, columns, 3): unit, of the pixels; ``closed``: the last column is the first once more.  In a
    hole the inverse range is that around it, smoothed.  What is open to the first or last row, as sky is, and to the
    first or last column of a grid that does not close, stays open.

    Returns the surface, which pixels (rows, columns) were filled, and which lie at a step or a cell left out that is
    bridged.
    """
    rho = part.rho.copy()
    used = np.zeros(rho.shape, dtype=np.bool_)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            used[rows, columns] |= part.keep
    rho[~used] = np.nan
    holes = _enclosed(np.isnan(rho), closed)
    guess = _pulled(rho)
    rho[holes] = guess[holes]
    offsets = np.where(holes[..., None], directions / rho[..., None], part.offsets).astype(np.float32)
    at_step = np.zeros(rho.shape, dtype=np.bool_)
    across, down = part.steps.along_rows, part.steps.along_columns
    at_step[:, :-1] |= across
    at_step[:, 1:] |= across
    at_step[:-1] |= down
    at_step[1:] |= down
    for corner in (at_step[:-1, :-1], at_step[:-1, 1:], at_step[1:, :-1], at_step[1:, 1:]):
        corner |= ~part.keep
    none = Steps(np.zeros_like(across), np.zeros_like(down))
    sheet = replace(part, offsets=offsets, rho=rho, steps=none, keep=np.ones_like(part.keep))
    return sheet, holes, at_step


def _enclosed(missing: Mask, closed: bool) -> Mask:
    """(rows, columns): the missing pixels that are not connected with a border of the grid."""
    count, labels = cv2.connectedComponents(missing.astype(np.uint8), connectivity=8)
    open_ = np.zeros(count, dtype=np.bool_)
    for line in (labels[0], labels[-1]) if closed else (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        open_[line] = True
    if closed:
        # What reaches over the seam is open when either of its parts is.
        while True:
            pairs = np.unique(np.stack([labels[:, 0], labels[:, -1]], axis=1), axis=0)
            pairs = pairs[(pairs > 0).all(axis=1)]
            spread = open_[pairs].any(axis=1) & ~open_[pairs].all(axis=1)
            if not spread.any():
                break
            open_[pairs[spread]] = True
    open_[0] = True
    return ~open_[labels]  # type: ignore[no-any-return]


def _pulled(values: Array) -> Array:
    """``values`` with NaN replaced by averages over the smallest of blocks of 2, 4, 8, ... pixels that has any."""
    known = np.isfinite(values).astype(np.float32)
    levels = [(np.where(known > 0, values, np.float32(0.0)), known)]
    while min(levels[-1][0].shape) > 1:
        total, weight = levels[-1]
        size = (-(-total.shape[1] // 2), -(-total.shape[0] // 2))
        even = [cv2.copyMakeBorder(a, 0, a.shape[0] % 2, 0, a.shape[1] % 2, cv2.BORDER_CONSTANT) for a in levels[-1]]
        total, weight = (cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in even)
        levels.append((total, weight))
    out = np.zeros_like(levels[-1][0])
    for total, weight in reversed(levels):
        out = cv2.resize(out, total.shape[::-1], interpolation=cv2.INTER_LINEAR)
        with np.errstate(invalid="ignore", divide="ignore"):
            out = np.where(weight > 0, total / weight, out).astype(np.float32)
    return out


def bridges(rows: NDArray[np.int32], columns: NDArray[np.int32], holes: Mask, part: CleanSurface) -> Mask:
    """(m,): which triangles (m, 3) of the sheet were not measured: a corner was filled, or a side crosses a step."""
    out: Mask = np.any(holes[rows, columns], axis=1)
    small = (np.ptp(rows, axis=1) == 1) & (np.ptp(columns, axis=1) == 1)
    r, c = rows[small], columns[small]
    top, left = r.min(axis=1), c.min(axis=1)
    level, upright = (r.sum(axis=1) - 3 * top) // 2, (c.sum(axis=1) - 3 * left) // 2
    out[small] |= part.steps.along_rows[top + level, left] | part.steps.along_columns[top, left + upright]
    out[small] |= ~part.keep[top, left]
    return out
