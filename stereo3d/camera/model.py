"""The protocol that all camera models follow, and what the three models share.

A pixel is (column x, row y) with the centre of the first pixel at (0, 0).  Every method takes any leading shape:
one point, an image of points, or a list of them run through one code path.  What a model cannot map is NaN.

Sources of the formulas: Yakimovsky & Cunningham 1978 (CAHV); Gennery 2001, "Least-squares camera calibration
including lens distortion and automatic editing of calibration points" (CAHVOR); Gennery 2006, "Generalized camera
calibration including fish-eye lenses", IJCV 68 (CAHVORE).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.frames import Frame, RigidTransform

Float = NDArray[np.float64]

CHUNK = 1 << 13
"""Points per pass: the temporaries of one pass stay in the processor's cache."""


class CameraModel(Protocol):
    """What the rest of the program asks of a camera."""

    @property
    def frame(self) -> Frame:
        """The frame of C, A, H, V, O and of all points and rays."""
        ...

    @property
    def width(self) -> int:
        """Columns of the image that the model belongs to."""
        ...

    @property
    def height(self) -> int:
        """Rows of the image that the model belongs to."""
        ...

    @property
    def C(self) -> Float:
        """(3,) centre of projection, m, in ``frame``."""
        ...

    @property
    def A(self) -> Float:
        """(3,) axis: the normal of the image plane, as published (not exactly unit)."""
        ...

    def project(self, points: ArrayLike) -> Float:
        """Points (..., 3) in ``frame``, m, to pixels (..., 2); NaN where the model has no image of the point."""
        ...

    def ray(self, pixels: ArrayLike) -> tuple[Float, Float]:
        """Pixels (..., 2) to ray origins (..., 3), m, and unit directions (..., 3); NaN where there is no ray."""
        ...

    def crop(self, left: float, top: float, width: int, height: int) -> Self:
        """The model of the part of the image whose first pixel is (left, top)."""
        ...

    def binned(self, factor: int) -> Self:
        """The model of the image after averaging blocks of factor x factor pixels."""
        ...

    def row_scaled(self, factor: float) -> Self:
        """The model with its vertical focal length times ``factor``; principal row and all columns stay."""
        ...

    def moved(self, to_from_frame: RigidTransform) -> Self:
        """The same camera in another frame."""
        ...


def in_chunks(
    array: ArrayLike, dimension: int, out_dimensions: tuple[int, ...], kernel: Callable[..., None]
) -> list[Float]:
    """Run ``kernel`` over (..., dimension), ``CHUNK`` rows at a time, whatever the leading shape.

    ``kernel(rows (n, dimension), out_1 (n, d_1), out_2 (n, d_2), ...)`` fills the outputs; returns them as
    (..., d_1), (..., d_2), ...  Raises ValueError when the last axis is not ``dimension`` long.
    """
    array = np.asarray(array, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != dimension:
        raise ValueError(f"the last axis must have {dimension} elements, got shape {array.shape}")
    flat = array.reshape(-1, dimension)
    outs = [np.empty((flat.shape[0], d)) for d in out_dimensions]
    with np.errstate(all="ignore"):
        for start in range(0, flat.shape[0], CHUNK):
            part = slice(start, start + CHUNK)
            kernel(flat[part], *(out[part] for out in outs))
    return [out.reshape(*array.shape[:-1], out.shape[1]) for out in outs]


def pixel_grid(width: int, height: int) -> Float:
    """The centres (height, width, 2) of all pixels of an image."""
    grid = np.empty((height, width, 2))
    grid[..., 0] = np.arange(width)
    grid[..., 1] = np.arange(height)[:, None]
    return grid


def inside(camera: CameraModel, pixels: Float, margin: float = 0.0) -> NDArray[np.bool_]:
    """Which pixels (..., 2) lie within the image, at least ``margin`` px from its outermost pixel centres."""
    x, y = pixels[..., 0], pixels[..., 1]
    with np.errstate(invalid="ignore"):
        return (x >= margin) & (y >= margin) & (x <= camera.width - 1 - margin) & (y <= camera.height - 1 - margin)


def fold(r: Float) -> float:
    """The largest chi^2 up to which chi (1 + r0 + r1 chi^2 + r2 chi^4) grows; beyond it the model folds back.

    ``r`` is (r0, r1, r2) with r0 > -1; infinity when it grows for ever.
    """
    # The first positive zero of the derivative in s = chi^2, 5 r2 s^2 + 3 r1 s + (1 + r0), without cancellation.
    a, b, c = 5.0 * float(r[2]), 3.0 * float(r[1]), 1.0 + float(r[0])
    square = b * b - 4.0 * a * c
    slope = math.sqrt(square) - b if square >= 0.0 else 0.0
    return 2.0 * c / slope if slope > 0.0 else math.inf


def field_limit(r: Float, end: float = math.inf) -> float:
    """The largest chi^2 of a model: ``end`` (of its projection), the :func:`fold`, or chi' = 1e5, always finite.

    chi' = 1e5 is 0.6 milli-degrees short of a right angle in the distorted image; nearer to it a polynomial that
    grows for ever would leave no digits in the pixel to come back from.
    """
    limit, high = min(fold(r), end), 1.0
    while high < limit and _distorted(np.array(high), r) < 1e10:
        high *= 2.0
    high = min(high, limit)
    if _distorted(np.array(high), r) <= 1e10:
        return high
    return float(_bisected(np.array([1e10]), r, high)[0])


def undistorted(t: Float, r: Float, limit: float) -> Float:
    """Solve chi (1 + r0 + r1 chi^2 + r2 chi^4) = chi' for chi^2, given t = chi'^2 (n,); overwrites ``t``.

    NaN where there is no solution below ``limit``, the model's :func:`field_limit`.
    """
    q0, r1, r2 = 1.0 + r[0], r[1], r[2]
    t[~(t < _distorted(np.array(limit), r))] = np.nan
    # Newton's method for s (q0 + r1 s + r2 s^2)^2 = t, from the first terms of the inverse series.
    s: Float = t / (q0 * q0)
    s *= np.clip(1.0 - (2.0 * r1 / q0) * s, 0.25, 4.0)
    for _ in range(10):
        slope = r1 + r2 * s
        q = q0 + s * slope
        slope += r2 * s
        step = (s * q * q - t) / (q * (q + 2.0 * s * slope))
        s -= step
        # A step over the fold would land on the far branch, where the answer is another ray.
        np.clip(s, 0.0, limit, out=s)
        if not (np.abs(step) > 1e-9 * (1.0 + s)).any():
            break
    missed = np.flatnonzero(~(np.abs(_distorted(s, r) - t) <= 1e-14 * (1.0 + t)) & np.isfinite(t))
    if missed.size:
        s[missed] = _bisected(t[missed], r, limit)
    return s


def _distorted(s: Float, r: Float) -> Float:
    q = 1.0 + r[0] + s * (r[1] + r[2] * s)
    out: Float = s * q * q
    return out


def _bisected(t: Float, r: Float, limit: float) -> Float:
    """The same solution for the few points where Newton's method wanders: it is known to lie below ``limit``."""
    low, high = np.zeros_like(t), np.full_like(t, limit)
    while True:
        middle: Float = 0.5 * (low + high)
        if ((middle == low) | (middle == high)).all():
            break
        above = ~(_distorted(middle, r) < t)
        high = np.where(above, middle, high)
        low = np.where(above, low, middle)
    return middle
