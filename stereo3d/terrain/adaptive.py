"""Triangles on a pixel grid, as coarse as the measured surface allows, without a crack.

The hierarchy is that of right triangles bisected at their longest side (4-8 meshes; Lindstrom et al. 1996, "Real-time,
continuous level of detail rendering of height fields").  A square of side s = 2, 4, ... px has a centre; with the
centre in use it is four triangles (kind A), each with one side of the square as its longest side.  With the middle of
that side in use, the triangle becomes two (kind B), each of which is half of a square of side s / 2 and is split
again by that square's centre.  A point may be used only when the points that it splits a triangle between are: this
closure makes the mesh free of T-junctions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.terrain.steps import Array, Mask, Steps

# Corners and middles of the sides of a square, clockwise from the top left, in units of half its side (row, column).
_CORNERS = ((0, 0), (0, 2), (2, 2), (2, 0))
_MIDDLES = ((0, 1), (1, 2), (2, 1), (1, 0))
_CENTRE = (1, 1)
Node = tuple[int, int]


@dataclass(frozen=True, eq=False)
class GridTriangles:
    """The triangles chosen on a pixel grid."""

    rows: NDArray[np.int32]
    """(m, 3) int32, grid row of each corner; corners run counter-clockwise as the image is seen."""
    columns: NDArray[np.int32]
    """(m, 3) int32, grid column of each corner."""
    legs: NDArray[np.int32]
    """(m,) int32, px, the size of the triangle: half the side of the square that it belongs to (kind B: a quarter)."""


def triangulate(
    rho: Array,
    sigma: Array,
    steps: Steps,
    keep: Mask,
    error_sigma: float,
    block: int,
    fine: Mask | None = None,
) -> tuple[GridTriangles, dict[int, Array]]:
    """Triangles over the measured pixels of ``rho`` (rows, columns), 1/m, NaN = none.

    ``sigma`` (rows, columns) is the sigma of ``rho``; a triangle is split while some pixel under it is further than
    ``error_sigma * sigma`` from its plane.  No triangle touches a missing pixel, crosses one of ``steps``, or lies in a
    cell (rows - 1, columns - 1) that ``keep`` excludes.  ``block`` (a power of two, px) is the largest square.
    Pixels of ``fine`` (rows, columns) are all corners, each at its own measured place: two meshes join there.

    Returns the triangles, and for each half width w in px the map of ``rho`` averaged over 2 w + 1 px squares, which
    is what a corner of triangles of that size stands for (see :func:`half_width`).
    """
    rows, columns = rho.shape
    across, down = -(-(columns - 1) // block) or 1, -(-(rows - 1) // block) or 1
    shape = (down * block + 1, across * block + 1)

    # Without the pixels at a step, or of a cell left out: any triangle that touches one goes down to single pixels.
    solid = rho.copy()
    hit = np.zeros(rho.shape, dtype=np.bool_)
    hit[:, :-1] |= steps.along_rows
    hit[:, 1:] |= steps.along_rows
    hit[:-1] |= steps.along_columns
    hit[1:] |= steps.along_columns
    for corner in (hit[:-1, :-1], hit[:-1, 1:], hit[1:, :-1], hit[1:, 1:]):
        corner |= ~keep
    if fine is not None:
        hit |= fine
    solid[hit] = np.nan
    means = _local_means(solid, sorted({half_width(s // 2) for s in _sizes(block)} | {0, 1, 2}))

    limits = np.full(shape, np.nan, dtype=np.float32)
    limits[:rows, :columns] = sigma * np.float32(error_sigma)
    maps = {}
    for width, mean in means.items():
        maps[width] = np.full(shape, np.nan, dtype=np.float32)
        maps[width][:rows, :columns] = mean
    fails = {}
    for s in _sizes(block):
        # The surface that a triangle is compared with is itself averaged a little: its noise is no relief.
        target = maps[{2: 0, 4: 1}.get(s, 2)]
        limit = limits[s // 2 :: s, s // 2 :: s]
        fails[s, "A"] = [_fails(target, maps[half_width(s // 2)], limit, s, t) for t in _triangles_a()]
        if s > 2:
            fails[s, "B"] = [_fails(target, maps[half_width(s // 4)], limit, s, t) for t in _triangles_b()]
    _inherit(fails, block)
    used = _refine(shape, block, fails)
    return _leaves(used, block, rho, steps, keep), means | {0: rho}


def half_width(leg: int) -> int:
    """Half width w of the (2 w + 1) px square that a corner of triangles of size ``leg`` or more stands for.

    The square lies inside the triangles around the corner.
    """
    return leg // 2


def _sizes(block: int) -> list[int]:
    return [2**k for k in range(block.bit_length() - 1, 0, -1)]


def _local_means(rho: Array, half_widths: list[int]) -> dict[int, Array]:
    """Averages of ``rho`` over squares; where a square holds a missing pixel, the pixel itself."""
    missing = np.isnan(rho)
    filled = np.where(missing, np.float32(0.0), rho)
    outside = missing.astype(np.uint8)
    out = {}
    for w in half_widths:
        mean = rho
        if w:
            size = (2 * w + 1, 2 * w + 1)
            mean = cv2.blur(filled, size, borderType=cv2.BORDER_REPLICATE)
            touched = cv2.dilate(outside, np.ones(size, np.uint8), borderValue=1) > 0
            mean[touched] = rho[touched]
        out[w] = mean
    return out


def _triangles_a() -> Iterator[tuple[Node, Node, Node]]:
    for k in range(4):
        yield _CENTRE, _CORNERS[(k + 1) % 4], _CORNERS[k]


def _triangles_b() -> Iterator[tuple[Node, Node, Node]]:
    """Two of each side: 2 k holds corner k, 2 k + 1 holds corner k + 1."""
    for k in range(4):
        yield _CENTRE, _MIDDLES[k], _CORNERS[k]
        yield _CENTRE, _CORNERS[(k + 1) % 4], _MIDDLES[k]


def _fails(target: Array, nodes: Array, limit: Array, s: int, triangle: tuple[Node, Node, Node]) -> Mask:
    """For each square of side ``s``: is some pixel of this triangle further than ``limit`` from its plane?"""
    down, across = limit.shape
    half = s // 2

    def pick(array: Array, row: int, column: int) -> Array:
        return array[row : row + (down - 1) * s + 1 : s, column : column + (across - 1) * s + 1 : s]

    at = [(r * half, c * half) for r, c in triangle]
    (r0, c0), (r1, c1), (r2, c2) = at
    area = (r1 - r0) * (c2 - c0) - (r2 - r0) * (c1 - c0)
    base, first, second = (np.ascontiguousarray(pick(nodes, r, c)) for r, c in at)
    first, second = first - base, second - base
    worst = np.zeros_like(limit)
    for r in range(min(r0, r1, r2), max(r0, r1, r2) + 1):
        for c in range(min(c0, c1, c2), max(c0, c1, c2) + 1):
            u = ((r - r0) * (c2 - c0) - (r2 - r0) * (c - c0)) / area
            v = ((r1 - r0) * (c - c0) - (r - r0) * (c1 - c0)) / area
            if u < -1e-9 or v < -1e-9 or u + v > 1 + 1e-9:
                continue
            gap = pick(target, r, c) - base
            gap -= np.float32(u) * first
            gap -= np.float32(v) * second
            np.maximum(worst, np.abs(gap, out=gap), out=worst)
    with np.errstate(invalid="ignore"):
        return ~(worst <= limit)


def _inherit(fails: dict[tuple[int, str], list[Mask]], block: int) -> None:
    """A part of a triangle that is good enough is good enough.

    Its own test may still fail on noise, as its corners are averages over fewer pixels; without this rule one forced
    split would spread over the whole image.
    """
    for s in _sizes(block):
        if s == 2:
            break
        for k in range(4):
            fails[s, "B"][2 * k] &= fails[s, "A"][k]
            fails[s, "B"][2 * k + 1] &= fails[s, "A"][k]
        for k, (row, column) in enumerate(_CORNERS):
            # The diagonal from corner k to the centre parts two triangles; each holds two sides of the inner square.
            for parent, sides in ((2 * k, (k, k + 1)), (2 * k - 1, (k + 2, k + 3))):
                for side in sides:
                    inner = fails[s // 2, "A"][side % 4]
                    inner[row // 2 :: 2, column // 2 :: 2] &= fails[s, "B"][parent % 8]


class _Used:
    """Which points of the hierarchy are in use, as views into one grid."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.grid = np.zeros(shape, dtype=np.bool_)

    def centres(self, s: int) -> Mask:
        return self.grid[s // 2 :: s, s // 2 :: s]

    def middles(self, s: int) -> tuple[Mask, Mask, Mask, Mask]:
        """Middles of the top, right, bottom and left sides of the squares of side ``s``; neighbours share them."""
        flat, upright = self.grid[::s, s // 2 :: s], self.grid[s // 2 :: s, ::s]
        return flat[:-1], upright[:, 1:], flat[1:], upright[:, :-1]


def _refine(shape: tuple[int, int], block: int, fails: dict[tuple[int, str], list[Mask]]) -> _Used:
    """Split triangles from the largest down until none that fails is left, keeping the closure."""
    used = _Used(shape)
    used.centres(block)[:] = True
    count = -1
    while (now := int(np.count_nonzero(used.grid))) != count:
        count = now
        for s in _sizes(block):
            centre, middles = used.centres(s), used.middles(s)
            for middle, fail in zip(middles, fails[s, "A"], strict=True):
                middle |= centre & fail
            if s == 2:
                continue
            inner = used.centres(s // 2)
            for k, middle in enumerate(middles):
                live = centre & middle
                for corner, fail in ((k, fails[s, "B"][2 * k]), ((k + 1) % 4, fails[s, "B"][2 * k + 1])):
                    row, column = _CORNERS[corner]
                    inner[row // 2 :: 2, column // 2 :: 2] |= live & fail
        _close(used, block)
    return used


def _close(used: _Used, block: int) -> None:
    """Bring into use what the points in use depend on, from small squares to large."""
    for s in reversed(_sizes(block)):
        centre, middles = used.centres(s), used.middles(s)
        for middle in middles:
            centre |= middle
        if s == block:
            continue
        parents = used.middles(2 * s)
        for k, (row, column) in enumerate(_CORNERS):
            inner = centre[row // 2 :: 2, column // 2 :: 2]
            for parent in (parents[k], parents[k - 1]):  # the two sides that meet in corner k
                parent |= inner


def _leaves(used: _Used, block: int, rho: Array, steps: Steps, keep: Mask) -> GridTriangles:
    """The triangles that are not split, less those that may not be."""
    found: list[tuple[NDArray[np.int32], NDArray[np.int32], int]] = []
    rows, columns = rho.shape
    whole = ~np.isnan(rho)

    def add(mask: Mask, s: int, triangle: tuple[Node, Node, Node], leg: int, wanted: Callable[..., Mask]) -> None:
        squares = np.argwhere(mask).astype(np.int32) * s
        nodes = np.array(triangle, dtype=np.int32) * (s // 2)
        r, c = squares[:, :1] + nodes[:, 0], squares[:, 1:] + nodes[:, 1]
        inside = (r.max(axis=1, initial=0) < rows) & (c.max(axis=1, initial=0) < columns)
        r, c = r[inside], c[inside]
        ok = wanted(r, c)
        found.append((r[ok], c[ok], leg))

    def coarse(r: NDArray[np.int32], c: NDArray[np.int32]) -> Mask:
        """All of it is measured, kept and without a step, or it would have been split."""
        return keep[r.min(axis=1), c.min(axis=1)]  # type: ignore[no-any-return]

    def finest(r: NDArray[np.int32], c: NDArray[np.int32]) -> Mask:
        """Half of one cell: (centre, side, corner) or turned; its two legs are edges of the grid."""
        top, left = r.min(axis=1), c.min(axis=1)
        ok = whole[r, c].all(axis=1) & keep[top, left]
        # Two of the three corners share a row: the level leg lies in it; likewise the upright one in a column.
        level, upright = (r.sum(axis=1) - 3 * top) // 2, (c.sum(axis=1) - 3 * left) // 2
        cut = steps.along_rows[top + level, left] | steps.along_columns[top, left + upright]
        return ok & ~cut  # type: ignore[no-any-return]

    for s in _sizes(block):
        centre, middles = used.centres(s), used.middles(s)
        a, b = list(_triangles_a()), list(_triangles_b())
        for k, middle in enumerate(middles):
            add(centre & ~middle, s, a[k], s // 2, coarse)
            live = centre & middle
            for corner, triangle in ((k, b[2 * k]), ((k + 1) % 4, b[2 * k + 1])):
                if s == 2:
                    add(live, s, triangle, 0, finest)
                    continue
                row, column = _CORNERS[corner]
                split = used.centres(s // 2)[row // 2 :: 2, column // 2 :: 2]
                add(live & ~split, s, triangle, s // 4, coarse)
    return GridTriangles(
        np.concatenate([r for r, _, _ in found]),
        np.concatenate([c for _, c, _ in found]),
        np.concatenate([np.full(len(r), leg, dtype=np.int32) for r, _, leg in found]),
    )
