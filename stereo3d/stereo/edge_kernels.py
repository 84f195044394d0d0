"""The inner loops of what the refinement does beside depth steps; as in :mod:`stereo3d.stereo.refine_kernels`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stereo3d.stereo.refine_kernels import (
    F32,
    compiled,
    f32,
    in_spline,
    inlined,
    right_pixel,
    spline_value,
    spline_weights,
)


@compiled
def edges(
    disparity: F32, across: F32, down: F32, reach: int, jump: float, edge: NDArray[np.bool_], first: int, end: int
) -> None:
    """``edge``: whether within ``reach`` px a pixel lies off the plane of this one by more than ``jump`` px."""
    rows, columns = disparity.shape
    edge[first:end] = False
    for y in range(max(first, reach), min(end, rows - reach)):
        for oy in range(-reach, reach + 1, 2):
            for ox in range(-reach, reach + 1, 2):
                for x in range(reach, columns - reach):
                    off = disparity[y + oy, x + ox] - disparity[y, x] - across[y, x] * f32(ox) - down[y, x] * f32(oy)
                    edge[y, x] |= abs(off) > jump


@inlined
def _alike(left: F32, y: int, x: int, window: F32, likeness: float, weights: F32) -> float:
    """``weights`` (as ``window``) of the pixels about one, and their sum.

    Pixels count the more the more they look like the middle one (Yoon & Kweon 2006): they are of its surface.  Every
    other pixel, as on a chess-board, tells nearly as much as all of them, in half the time.
    """
    radius = window.shape[0] // 2
    total, l0 = f32(0), left[y, x]
    for oy in range(-radius, radius + 1):
        for ox in range(-radius, radius + 1):
            w = f32(0)
            if (ox + oy) % 2 == 0:
                w = window[oy + radius, ox + radius] * math.exp(-abs(left[y + oy, x + ox] - l0) / likeness)
                w = w if w >= f32(0.05) else f32(0)
            weights[oy + radius, ox + radius] = w
            total += w
    return total


@inlined
def _unlike(
    left: F32,
    spline: F32,
    u: F32,
    v: F32,
    grid: F32,
    step: float,
    y: int,
    x: int,
    plane: tuple[float, float, float],
    tone: tuple[float, float],
    weights: F32,
    most: float,
    enough: float,
) -> float:
    """Sum of absolute differences, DN, capped at ``most``, times ``weights``, of a window seen on a plane (height,
    slopes) of disparity; ``enough`` and no more once it is reached."""
    radius = weights.shape[0] // 2
    total = f32(0)
    for oy in range(-radius, radius + 1):
        for ox in range(-radius, radius + 1):
            w = weights[oy + radius, ox + radius]
            if w == 0:
                continue
            d = plane[0] + plane[1] * f32(ox) + plane[2] * f32(oy)
            qx, qy, _ex, _ey = right_pixel(grid, step, u[y + oy, x + ox] - d, v[y + oy, x + ox])
            if not in_spline(spline, qx, qy):
                return enough
            ix, iy = int(qx), int(qy)
            b = spline_value(spline, iy, ix, spline_weights(f32(qx - ix)), spline_weights(f32(qy - iy)))
            total += w * min(abs(left[y + oy, x + ox] - tone[0] * b - tone[1]), most)
            if total >= enough:
                return enough
    return total


@compiled
def reassign(
    left: F32,
    spline: F32,
    u: F32,
    v: F32,
    disparity: F32,
    across: F32,
    down: F32,
    edge: NDArray[np.bool_],
    grid: F32,
    step: float,
    gain: F32,
    offset: F32,
    window: F32,
    likeness: float,
    most: float,
    apart: float,
    better: float,
    out: F32,
    first: int,
    end: int,
) -> None:
    """Give each pixel beside a depth step to the surface that it looks most alike on; ``out`` is the new disparity.

    The surfaces are the planes of 16 neighbours, 3 and 6 px away, that differ by more than ``apart`` px here; another
    one must be better by the factor ``better``.
    """
    rows, columns = disparity.shape
    margin = 6 + window.shape[0] // 2
    tried = np.empty(4, np.float32)
    weights = np.empty(window.shape, np.float32)
    for y in range(max(first, margin), min(end, rows - margin)):
        for x in range(margin, columns - margin):
            d0 = disparity[y, x]
            if not (edge[y, x] and d0 == d0 and gain[y, x] == gain[y, x]):
                continue
            tone = (gain[y, x], offset[y, x])
            count, best = 0, f32(-1)
            for k in range(16):
                ring = 3 if k < 8 else 6
                place = k % 8 if k % 8 < 4 else k % 8 + 1
                oy, ox = ring * (place // 3 - 1), ring * (place % 3 - 1)
                px, py = across[y + oy, x + ox], down[y + oy, x + ox]
                here = disparity[y + oy, x + ox] - px * f32(ox) - py * f32(oy)
                new = abs(here - d0) > apart
                for i in range(count):
                    new = new and abs(tried[i] - here) > apart
                if not new or count == 4:
                    continue
                tried[count] = here
                count += 1
                if best < 0:
                    own = (d0, across[y, x], down[y, x])
                    worst = most * _alike(left, y, x, window, likeness, weights)
                    best = better * _unlike(left, spline, u, v, grid, step, y, x, own, tone, weights, most, worst)
                plane = (here, px, py)
                value = _unlike(left, spline, u, v, grid, step, y, x, plane, tone, weights, most, best)
                if value < best:
                    best = value
                    out[y, x] = here
