"""Which cells of a pixel grid belong to a piece of surface that is wide and large enough to be believed."""

from __future__ import annotations

import cv2
import numpy as np

from stereo3d.terrain.steps import Array, Mask, Steps

NARROW = (2, 5)
"""Rows and columns of cells that a surface has at least between two cuts: a narrower strip of it lies across a step
that was not found there."""
FAR_SHARE = 0.015
"""Where the usual noise is more than this share of the range, ground frays along the line of sight ..."""
FAR_NARROW = (2, 31)
"""... and has at least so many rows and columns of cells."""
FAR_ISLAND = 20
"""Pieces that lie there altogether are to be so many times as large as others."""
USUAL_RAD = 0.00135
"""The angle of a pixel (a Navcam frame of 1280 columns) that both are told for: of coarser pixels fewer are asked for,
so that a small picture keeps its ground."""
HOLE = 400
"""Holes of fewer cells do not make what is around them narrow."""


def sound_cells(rho: Array, sigma: Array, steps: Steps, min_island_px: int, pixel_angle_rad: float) -> Mask:
    """(rows - 1, columns - 1): the cells of the pixel grid that belong to a piece of at least ``min_island_px`` cells.

    ``rho`` (rows, columns), 1/m, NaN = none, its ``sigma``, and the ``steps`` at which it is cut; a pixel is
    ``pixel_angle_rad`` wide.
    """
    whole = ~np.isnan(rho)
    cells = whole[:-1, :-1] & whole[:-1, 1:] & whole[1:, :-1] & whole[1:, 1:]
    cells &= ~(steps.along_rows[:-1] | steps.along_rows[1:])
    cells &= ~(steps.along_columns[:, :-1] | steps.along_columns[:, 1:])
    if not cells.size:
        return cells
    wide = _opened(cells, NARROW)
    known = sigma[np.isfinite(sigma)]
    usual = np.median(known) if known.size else np.nan
    far = wide & (np.float32(FAR_SHARE) * rho[:-1, :-1] < usual)
    fineness = min(1.0, USUAL_RAD / pixel_angle_rad) if pixel_angle_rad > 0 else 1.0
    columns = max(NARROW[1], round(fineness * FAR_NARROW[1]))
    wide &= ~far | _opened(_without_holes(wide), (FAR_NARROW[0], columns))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(wide.astype(np.uint8), connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA]
    near = np.bincount(labels[wide & ~far], minlength=count) > 0
    large = area >= np.where(near, 1.0, max(1.0, FAR_ISLAND * fineness**2)) * min_island_px
    large[0] = False
    kept = large[labels]
    # Half a cell at the rim of a piece belongs to it; of a strip or a small piece no half is left either.
    rim = cv2.dilate(kept.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) > 0
    return kept | (rim & ~cells)  # type: ignore[no-any-return]


def _opened(cells: Mask, size: tuple[int, int]) -> Mask:
    """The cells of every rectangle of ``size`` (rows, columns) that is whole."""
    # By hand: OpenCV's own opening with sides of an even length moves what it leaves by a pixel.
    kernel = np.ones(size, np.uint8)
    whole = cv2.erode(cells.astype(np.uint8), kernel, anchor=(0, 0), borderValue=0)
    out: Mask = cv2.dilate(whole, kernel, anchor=(size[1] - 1, size[0] - 1), borderValue=0) > 0
    return out


def _without_holes(cells: Mask) -> Mask:
    """``cells`` with every hole closed that is small."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~cells).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < HOLE
    small[0] = False
    return cells | small[labels]  # type: ignore[no-any-return]
