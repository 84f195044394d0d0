"""The inner loops of bringing a map into another grid of directions, compiled by numba; they hold no lock."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stereo3d.stereo.refine_kernels import F32, compiled, inlined

Bools = NDArray[np.bool_]

LARGEST = 48
"""Triangles that span more of the new pixels than this are left out: they were seen almost edge on."""


@inlined
def _fill(place: F32, values: F32, a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], out: F32) -> None:
    """The triangle a, b, c (row, column), counter-clockwise as seen, into ``out``; what is nearer stays."""
    xa, ya = place[a[0], a[1], 0], place[a[0], a[1], 1]
    xb, yb = place[b[0], b[1], 0], place[b[0], b[1], 1]
    xc, yc = place[c[0], c[1], 0], place[c[0], c[1], 1]
    area = (xc - xa) * (yb - ya) - (xb - xa) * (yc - ya)
    left, right = min(xa, xb, xc), max(xa, xb, xc)
    top, bottom = min(ya, yb, yc), max(ya, yb, yc)
    if area > 1e-6 and right - left < LARGEST and bottom - top < LARGEST:  # else it is seen from behind, or edge on
        x0, x1 = max(0, math.ceil(left)), min(out.shape[1] - 1, math.floor(right))
        y0, y1 = max(0, math.ceil(top)), min(out.shape[0] - 1, math.floor(bottom))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                wb = ((xc - xa) * (y - ya) - (x - xa) * (yc - ya)) / area
                wc = ((x - xa) * (yb - ya) - (xb - xa) * (y - ya)) / area
                wa = 1.0 - wb - wc
                if wa < -1e-4 or wb < -1e-4 or wc < -1e-4:
                    continue
                rho = wa * values[a[0], a[1], 0] + wb * values[b[0], b[1], 0] + wc * values[c[0], c[1], 0]
                if not (rho <= out[y, x, 0]):
                    for k in range(values.shape[2]):
                        out[y, x, k] = (
                            wa * values[a[0], a[1], k] + wb * values[b[0], b[1], k] + wc * values[c[0], c[1], k]
                        )


@compiled
def splat(place: F32, values: F32, across: Bools, down: Bools, keep: Bools, out: F32) -> None:
    """Draw a map, two triangles for each four neighbouring pixels, into another grid.

    ``place`` (rows, columns, 2): where each pixel lies (column, row) in the new grid, NaN = no value; ``values``
    (rows, columns, n), of which the first is the inverse range; ``across`` (rows, columns - 1) and ``down``
    (rows - 1, columns): edges that are steps; ``keep`` (rows - 1, columns - 1): cells to draw.  ``out`` (new rows, new
    columns, n), NaN where nothing is drawn yet.
    """
    rows, columns = place.shape[:2]
    for y in range(rows - 1):
        for x in range(columns - 1):
            if not keep[y, x]:
                continue
            p = math.isfinite(values[y, x, 0])
            q = math.isfinite(values[y, x + 1, 0])
            r = math.isfinite(values[y + 1, x, 0])
            s = math.isfinite(values[y + 1, x + 1, 0])
            top, bottom = not across[y, x], not across[y + 1, x]
            left, right = not down[y, x], not down[y, x + 1]
            falling = abs(values[y, x, 0] - values[y + 1, x + 1, 0]) <= abs(values[y, x + 1, 0] - values[y + 1, x, 0])
            if p and q and r and s:
                rising = not falling
            else:
                rising, falling = (p and q and r) or (q and r and s), (p and r and s) or (p and q and s)
            if falling:
                if p and r and s and left and bottom:
                    _fill(place, values, (y, x), (y + 1, x), (y + 1, x + 1), out)
                if p and q and s and top and right:
                    _fill(place, values, (y, x), (y + 1, x + 1), (y, x + 1), out)
            if rising:
                if p and q and r and top and left:
                    _fill(place, values, (y, x), (y + 1, x), (y, x + 1), out)
                if q and r and s and right and bottom:
                    _fill(place, values, (y, x + 1), (y + 1, x), (y + 1, x + 1), out)
