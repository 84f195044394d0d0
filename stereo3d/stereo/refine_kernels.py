"""The inner loops of the refinement, compiled by numba; each works on the rows ``first`` to ``end`` and holds no lock.

All images are float32 of one (rows, columns), that of the left raw image, unless said otherwise; NaN = no value there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Kernel = Callable[..., Any]

_TILE = 128
"""Pixels of a row that are summed side by side: the sums stay in the processor's nearest cache."""

f32 = np.float32
# NaN must stay NaN, so no full fast-math; sums may be reordered, which lets them be done eight at a time.
_MATH = {"reassoc", "contract", "arcp", "nsz"}


def compiled(function: Kernel) -> Kernel:
    """Compile on first use; keep the machine code on disk where a folder for it can be written to."""
    try:
        ready: Kernel = numba.njit(cache=True, nogil=True, fastmath=_MATH)(function)
    except RuntimeError:
        # Neither beside this file nor in the user's own cache: it is compiled anew in each process.
        ready = numba.njit(nogil=True, fastmath=_MATH)(function)
    return ready


inlined: Kernel = numba.njit(inline="always", nogil=True, fastmath=_MATH)


@compiled
def spline_rows(image: F32, out: F32, first: int, end: int) -> None:
    """Cubic B-spline coefficients along each row, which the spline through the pixels has (Unser 1999, box 2)."""
    columns = image.shape[1]
    z = math.sqrt(3.0) - 2.0
    up = np.empty(columns, np.float64)
    for y in range(first, end):
        total, power = 0.0, 1.0
        for k in range(min(columns, 24)):
            total += power * image[y, k]
            power *= z
        up[0] = total
        for x in range(1, columns):
            up[x] = image[y, x] + z * up[x - 1]
        last = (z / (z * z - 1.0)) * (up[columns - 1] + z * up[columns - 2])
        out[y, columns - 1] = 6.0 * last
        for x in range(columns - 2, -1, -1):
            last = z * (last - up[x])
            out[y, x] = 6.0 * last


@inlined
def right_pixel(grid: F32, step: float, u: float, v: float) -> tuple[float, float, float, float]:
    """Right raw pixel (x, y) at rectified pixel (u, v), and its change (x, y) for one px more of disparity; (-1, -1)
    outside.  ``grid`` (n, m, 2) holds every ``step``-th rectified pixel; linear between them."""
    u = f32(u / step)
    v = f32(v / step)
    if not (u >= 0 and v >= 0 and u < grid.shape[1] - 1 and v < grid.shape[0] - 1):
        return f32(-1), f32(-1), f32(0), f32(0)
    i, j = int(u), int(v)
    fu, fv = f32(u - i), f32(v - j)
    ax = grid[j, i, 0] + (grid[j + 1, i, 0] - grid[j, i, 0]) * fv
    bx = grid[j, i + 1, 0] + (grid[j + 1, i + 1, 0] - grid[j, i + 1, 0]) * fv
    ay = grid[j, i, 1] + (grid[j + 1, i, 1] - grid[j, i, 1]) * fv
    by = grid[j, i + 1, 1] + (grid[j + 1, i + 1, 1] - grid[j, i + 1, 1]) * fv
    return ax + (bx - ax) * fu, ay + (by - ay) * fu, (ax - bx) / step, (ay - by) / step


@inlined
def spline_weights(t: float) -> tuple[float, float, float, float]:
    """The cubic B-spline's four weights at the fraction t."""
    u, s = f32(1) - t, f32(1.0 / 6.0)
    return (
        s * u * u * u,
        s * (f32(4) - f32(3) * t * t * (f32(2) - t)),
        s * (f32(4) - f32(3) * u * u * (f32(2) - u)),
        s * t * t * t,
    )


@inlined
def spline_slopes(t: float) -> tuple[float, float, float, float]:
    """Their derivatives by t."""
    u, h = f32(1) - t, f32(0.5)
    return -h * u * u, h * (f32(3) * t * t - f32(4) * t), h * (f32(4) * u - f32(3) * u * u), h * t * t


@inlined
def _row(c: F32, y: int, x: int, w: tuple[float, float, float, float]) -> float:
    return w[0] * c[y, x - 1] + w[1] * c[y, x] + w[2] * c[y, x + 1] + w[3] * c[y, x + 2]


@inlined
def spline_value(
    c: F32, y: int, x: int, w: tuple[float, float, float, float], v: tuple[float, float, float, float]
) -> float:
    return (
        v[0] * _row(c, y - 1, x, w)
        + v[1] * _row(c, y, x, w)
        + v[2] * _row(c, y + 1, x, w)
        + v[3] * _row(c, y + 2, x, w)
    )


@inlined
def in_spline(c: F32, x: float, y: float) -> bool:
    return x >= 1 and y >= 1 and x <= c.shape[1] - 3 and y <= c.shape[0] - 3


@compiled
def warp(
    u: F32, v: F32, disparity: F32, spline: F32, grid: F32, step: float, out: F32, slope: F32, first: int, end: int
) -> None:
    """The right image as the left eye would see it, ``out``, and its change for one px more of disparity, ``slope``.

    ``spline`` (right rows, right columns): B-spline coefficients of the right raw image.  ``u``, ``v``: rectified right
    pixel of disparity 0; ``grid``, ``step``: see :func:`right_pixel`.
    """
    for y in range(first, end):
        for x in range(disparity.shape[1]):
            out[y, x] = np.nan
            slope[y, x] = np.nan
            qx, qy, ex, ey = right_pixel(grid, step, u[y, x] - disparity[y, x], v[y, x])
            if not in_spline(spline, qx, qy):
                continue
            ix, iy = int(qx), int(qy)
            tx, ty = f32(qx - ix), f32(qy - iy)
            wx, wy, sx, sy = spline_weights(tx), spline_weights(ty), spline_slopes(tx), spline_slopes(ty)
            out[y, x] = spline_value(spline, iy, ix, wx, wy)
            slope[y, x] = ex * spline_value(spline, iy, ix, sx, wy) + ey * spline_value(spline, iy, ix, wx, sy)


@compiled
def partners(u: F32, v: F32, disparity: F32, grid: F32, step: float, out: F32, first: int, end: int) -> None:
    """Right raw pixel (x, y) of each left one, ``out`` (rows, columns, 2); NaN without disparity."""
    for y in range(first, end):
        for x in range(disparity.shape[1]):
            qx, qy, _ex, _ey = right_pixel(grid, step, u[y, x] - disparity[y, x], v[y, x])
            out[y, x, 0] = qx if qx >= 0 else f32(np.nan)
            out[y, x, 1] = qy if qx >= 0 else f32(np.nan)


@compiled
def _add_plane(d: F32, d0: F32, weight: float, ox: float, oy: float, limit: float, sums: F32, n: int) -> None:
    """Add one neighbour (ox, oy) of ``n`` pixels in a row to the sums of their planes."""
    for i in range(n):
        q = d[i] - d0[i]
        near = abs(q) < limit
        w = weight if near else f32(0)
        q = q if near else f32(0)
        sums[0, i] += w
        sums[1, i] += w * ox
        sums[2, i] += w * oy
        sums[3, i] += w * ox * ox
        sums[4, i] += w * ox * oy
        sums[5, i] += w * oy * oy
        sums[6, i] += w * q
        sums[7, i] += w * q * ox
        sums[8, i] += w * q * oy


@compiled
def planes(
    disparity: F32,
    soft: F32,
    same: float,
    grow: float,
    height: F32,
    across: F32,
    down: F32,
    first: int,
    end: int,
) -> None:
    """The plane through the disparities about each pixel: ``height`` there, slopes ``across`` and ``down``, px.

    Weighted by ``soft`` (odd, odd); those that differ by over ``same`` + ``grow`` x distance are another surface's.
    """
    rows, columns = disparity.shape
    r = soft.shape[0] // 2
    sums = np.empty((9, _TILE), np.float32)
    height[first:end], across[first:end], down[first:end] = np.nan, np.nan, np.nan
    for y in range(max(first, r), min(end, rows - r)):
        for left in range(r, columns - r, _TILE):
            n = min(_TILE, columns - r - left)
            sums[:] = f32(0)
            middle = disparity[y, left : left + n]
            for oy in range(-r, r + 1):
                for ox in range(-r, r + 1):
                    d = disparity[y + oy, left + ox : left + ox + n]
                    limit = same + grow * f32(abs(ox) + abs(oy))
                    _add_plane(d, middle, soft[oy + r, ox + r], f32(ox), f32(oy), limit, sums, n)
            for i in range(n):
                if np.isnan(middle[i]):
                    continue
                t, sx, sy, sxx, sxy, syy = sums[0, i], sums[1, i], sums[2, i], sums[3, i], sums[4, i], sums[5, i]
                e, ex, ey = sums[6, i], sums[7, i], sums[8, i]
                a, b, c = sxx * syy - sxy * sxy, sx * syy - sxy * sy, sx * sxy - sxx * sy
                det = t * a - sx * b + sy * c
                z, px, py = e / t, f32(0), f32(0)
                if det > f32(1e-3) * t * t * t:
                    z = (e * a - ex * b + ey * c) / det
                    px = (t * (ex * syy - ey * sxy) - e * b + sy * (sx * ey - sy * ex)) / det
                    py = (t * (sxx * ey - sxy * ex) - sx * (sx * ey - sy * ex) + e * c) / det
                height[y, left + i], across[y, left + i], down[y, left + i] = middle[i] + z, px, py


@compiled
def products(
    left: F32,
    warped: F32,
    slope: F32,
    trust: F32,
    usual: F32,
    gain: F32,
    offset: F32,
    detail: float,
    weight: F32,
    pull: F32,
    hold: F32,
    power: F32,
    first: int,
    end: int,
) -> None:
    """What each pixel brings to the windows about it, 0 where it has no partner.

    With error = left - gain warped - offset, DN, and slope in left DN per px of disparity: ``pull`` = weight slope
    error, ``hold`` = weight slope^2, ``power`` = weight error^2.  ``weight`` is the pixel's trust, less where ground
    detail of ``detail`` px would stand out from the ``usual`` residual, DN^2: steep pixels err by more than noise.
    """
    for y in range(first, end):
        for x in range(left.shape[1]):
            h = gain[y, x] * slope[y, x]
            known = h == h
            h = h if known else f32(0)
            e = left[y, x] - gain[y, x] * warped[y, x] - offset[y, x] if known else f32(0)
            w = trust[y, x] / (f32(1) + detail * detail * h * h / usual[y, x]) if known else f32(0)
            weight[y, x] = w
            pull[y, x] = w * h * e
            hold[y, x] = w * h * h
            power[y, x] = w * e * e


@compiled
def _add_window(
    d: F32,
    weight: F32,
    pull: F32,
    hold: F32,
    power: F32,
    d0: F32,
    bell: float,
    limit: float,
    sums: F32,
    n: int,
) -> None:
    """Add one neighbour of ``n`` pixels in a row to the sums of their windows."""
    for i in range(n):
        # Selected, not branched over, so that eight pixels go at a time; NaN is never near.
        near = abs(d[i] - d0[i]) < limit
        b = bell if near else f32(0)
        w = b * weight[i]
        sums[0, i] += w
        sums[1, i] += w * w
        sums[2, i] += b * pull[i]
        sums[3, i] += b * hold[i]
        sums[4, i] += b * power[i]


@compiled
def solve(
    disparity: F32,
    weight: F32,
    pull: F32,
    hold: F32,
    power: F32,
    window: F32,
    same: float,
    grow: float,
    move: F32,
    sigma: F32,
    first: int,
    end: int,
) -> None:
    """One Gauss-Newton step of least-squares matching for each pixel, over a window that follows the ground's shape.

    error = slope move in the least-squares sense (Gruen 1985; gain and offset are known, see :func:`products`), with
    weights ``window`` (odd, odd) and none for pixels of another surface, as in :func:`planes`.  Fills ``move`` (px)
    and ``sigma`` (px, of white noise the size of the residual).
    """
    rows, columns = disparity.shape
    r = window.shape[0] // 2
    sums = np.empty((5, _TILE), np.float32)
    move[first:end], sigma[first:end] = np.nan, np.nan
    for y in range(max(first, r), min(end, rows - r)):
        for x0 in range(r, columns - r, _TILE):
            n = min(_TILE, columns - r - x0)
            sums[:] = f32(0)
            d0 = disparity[y, x0 : x0 + n]
            for oy in range(-r, r + 1):
                for ox in range(-r, r + 1):
                    row, x = y + oy, x0 + ox
                    _add_window(
                        disparity[row, x : x + n],
                        weight[row, x : x + n],
                        pull[row, x : x + n],
                        hold[row, x : x + n],
                        power[row, x : x + n],
                        d0,
                        window[oy + r, ox + r],
                        same + grow * f32(abs(ox) + abs(oy)),
                        sums,
                        n,
                    )
            for i in range(n):
                t, h = sums[0, i], sums[3, i]
                if not (t > f32(1) and h > f32(1e-3) * t):
                    continue
                shift = sums[2, i] / h
                move[y, x0 + i] = shift
                noise = max(sums[4, i] - shift * sums[2, i], f32(0))
                sigma[y, x0 + i] = math.sqrt(noise * sums[1, i] / (t * h)) / math.sqrt(t)
