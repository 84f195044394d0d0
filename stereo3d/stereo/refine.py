"""Sub-pixel matches by least squares, from each pixel of the left raw image to where the right raw image shows it.

No image is resampled but for the right one's spline at the places asked for.  The right image is warped to the left one
along the disparity known so far, so a window follows the ground's own shape instead of being taken for flat; a
Gauss-Newton step then moves each pixel by what its window wants (gain and offset are those of a wider one), and the
smoothed shape is taken for the next.  Pixels of another surface (a rock's edge) are left out of a window, and a pixel
beside a depth step may change to the surface that it looks more alike on, which undoes the matcher's fattening of
rocks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CAHV, pixel_grid
from stereo3d.image import Image
from stereo3d.observation import StereoPair
from stereo3d.stereo.disparity import Disparity, Matches, Reason, RectifiedPair, flag
from stereo3d.stereo.least_squares import GRID_STEP, MOST_MOVE_PX, WINDOW, Search, Work
from stereo3d.stereo.rectify import on_nodes, principal_column, reference_points

F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]
U16 = NDArray[np.uint16]

_LEAST_ALIKE = 0.45
"""Correlation of the eyes' images, of the window that tells gain and offset, below which there is nothing but noise."""
_MAX_NOISE_PX = 0.3
"""Sigma from the noise alone, px of the raw image, beyond which a window holds too little texture."""
_RELIEF_PARALLAX, _RELIEF_POWER, _RELIEF_LIMITS = 0.035, 0.12, (0.8, 1.35)
"""The farther the ground, the more relief of its own lies under one window, which the noise does not tell: sigma grows
with distance to this power, from what it is at 12 m of a Navcam.  Fitted as the above."""


def _search(pair: StereoPair, cameras: tuple[CAHV, CAHV]) -> Search:
    left, camera = pair.left.camera, cameras[1]

    def seen(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        return cameras[0].project(reference_points(*left.ray(pixels)))

    at = on_nodes(seen, left.width, left.height)
    stretch: F32 = np.abs(np.gradient(at[..., 0], axis=1)).astype(np.float32)
    np.nan_to_num(at, copy=False, nan=-1e4)
    shift = np.float32(principal_column(cameras[0]) - principal_column(camera))
    coarse = pixel_grid(camera.width // GRID_STEP + 2, camera.height // GRID_STEP + 2) * float(GRID_STEP)
    grid = pair.right.camera.project(reference_points(*camera.ray(coarse))).astype(np.float32)
    u: F32 = at[..., 0] - shift
    return Search(
        u, np.ascontiguousarray(at[..., 1]), stretch, at, grid, float(np.linalg.norm(np.cross(camera.A, camera.H)))
    )


def _sampled(disparity: Disparity, at: F32) -> tuple[F32, U16]:
    """Disparity and reasons at rectified pixels (..., 2): linear on a surface, nearest at its edge."""
    x, y, border = at[..., 0].copy(), at[..., 1].copy(), {"borderMode": cv2.BORDER_CONSTANT}
    nearest = cv2.remap(disparity.values, x, y, cv2.INTER_NEAREST, **border, borderValue=np.nan)
    linear = cv2.remap(disparity.values, x, y, cv2.INTER_LINEAR, **border, borderValue=np.nan)
    reason = cv2.remap(disparity.reason, x, y, cv2.INTER_NEAREST, **border, borderValue=int(Reason.OUTSIDE_OVERLAP))
    with np.errstate(invalid="ignore"):
        smooth = np.abs(linear - nearest) < 1.0
    return np.where(smooth, linear, nearest), reason


def _start(disparity: Disparity, masks: U16, at: F32) -> tuple[F32, U16]:
    """Disparity to start from and reasons (rows, columns), sampled where each left pixel lies in ``disparity``."""
    values, why = _sampled(disparity, at)
    reason = masks | np.where(masks == 0, why, 0).astype(np.uint16)
    flag(reason, (reason == 0) & ~np.isfinite(values), Reason.NO_MATCH)
    return np.where(reason == 0, values, np.nan).astype(np.float32), reason


def whole_matches(
    pair: StereoPair, rectified: RectifiedPair, disparity: Disparity, masks: U16, sigma_px: float
) -> Matches:
    """The matcher's own disparity as matches of the left raw image's pixels, without refinement.

    ``masks``: (rows, columns) uint16, reasons known before matching (sky, vignette, rover), in the left raw grid.
    ``sigma_px``: one sigma of the matcher, px of the raw image.
    """
    from stereo3d.stereo import refine_kernels as kernels

    search = _search(pair, (rectified.left_camera, rectified.right_camera))
    values, reason = _start(disparity, masks, search.at)
    right = np.empty((*values.shape, 2), dtype=np.float32)
    kernels.partners(search.u, search.v, values, search.grid, GRID_STEP, right, 0, values.shape[0])
    return _matches(right, values, np.float32(sigma_px) * np.maximum(search.stretch, np.float32(1e-6)), reason)


def _matches(right: F32, values: F32, sigma: F32, reason: U16) -> Matches:
    flag(reason, (reason == 0) & ~np.isfinite(right[..., 0]), Reason.OUTSIDE_OVERLAP)
    none = reason != 0
    return Matches(
        np.where(none[..., None], np.float32(np.nan), right),
        np.where(none, np.float32(np.nan), values),
        np.where(none, np.float32(np.nan), sigma),
        reason,
    )


def refine(
    pair: StereoPair,
    rectified: RectifiedPair,
    disparity: Disparity,
    masks: U16,
    progress: Callable[[float], None] | None = None,
    threads: int = 2,
) -> Matches:
    """Sub-pixel matches of the left raw image's pixels with a sigma each, starting from a disparity good to 1 px.

    ``masks``: (rows, columns) uint16, reasons known before matching (sky, vignette, rover), in the left raw grid.
    ``progress`` is called with the share done.
    """
    search = _search(pair, (rectified.left_camera, rectified.right_camera))
    values, reason = _start(disparity, masks, search.at)
    return _refined(pair, search, values, reason, progress, threads)


def refine_finer(
    pair: StereoPair,
    cameras: tuple[CAHV, CAHV],
    coarse: Matches,
    masks: U16,
    progress: Callable[[float], None] | None = None,
    threads: int = 2,
) -> Matches:
    """Sub-pixel matches of a pair from those of the same pair at half the size.

    ``cameras``: the rectified cameras, at twice the size of those that ``coarse`` counts its disparity in.  ``masks``:
    as for :func:`refine`.
    """
    rows, columns = masks.shape
    # A pixel of the half-size image holds two: its centre lies between theirs.
    at = np.empty((rows, columns, 2), dtype=np.float32)
    at[..., 0] = np.arange(columns, dtype=np.float32) / 2 - 0.25
    at[..., 1] = np.arange(rows, dtype=np.float32)[:, None] / 2 - 0.25
    np.clip(at[..., 0], 0, coarse.reason.shape[1] - 1, out=at[..., 0])
    np.clip(at[..., 1], 0, coarse.reason.shape[0] - 1, out=at[..., 1])
    values, reason = _start(Disparity(coarse.disparity_px * np.float32(2), coarse.reason), masks, at)
    del at
    return _refined(pair, _search(pair, cameras), values, reason, progress, threads)


def _refined(
    pair: StereoPair,
    search: Search,
    values: F32,
    reason: U16,
    progress: Callable[[float], None] | None,
    threads: int,
) -> Matches:
    work = Work(pair, search, values, threads)
    wide = partial(work.step, wide=True)
    steps: tuple[Callable[[], None], ...] = (work.step, work.reassign, wide, wide)
    for number, step in enumerate(steps, start=1):
        step()
        if progress is not None:
            progress(number / 4)
    sigma = work.sigma_px(search.stretch) * _relief(work.cut(work.values) / np.float32(search.focal_px))
    flag(reason, (reason == 0) & (_saturated(pair.left.image) > 0.5), Reason.SATURATED)
    with np.errstate(invalid="ignore"):
        lost = ~(work.cut(work.noise) <= _MAX_NOISE_PX * search.stretch) | ~(work.cut(work.alike) > _LEAST_ALIKE)
        flag(reason, (reason == 0) & lost, Reason.LOW_TEXTURE)
        wandered = ~(np.abs(work.cut(work.last)) < MOST_MOVE_PX)
        flag(reason, (reason == 0) & wandered, Reason.NOT_CONVERGED)
    return _matches(work.partners(), work.cut(work.values), sigma, reason)


def _relief(parallax: F32) -> F32:
    """What sigma is multiplied by for ground of this ``parallax`` (rows, columns), baseline / distance."""
    with np.errstate(invalid="ignore"):
        share = np.maximum(parallax, np.float32(1e-6)) / np.float32(_RELIEF_PARALLAX)
        return np.clip(share ** np.float32(-_RELIEF_POWER), *_RELIEF_LIMITS).astype(np.float32)


def _saturated(image: Image) -> F32:
    """Share of each pixel's window, 0 to 1, in which a channel stands at the top of an integer image's scale."""
    pixels: NDArray[Any] = image.pixels
    if pixels.dtype.kind != "u":
        return np.zeros(pixels.shape[:2], dtype=np.float32)
    top: Bool = np.equal(pixels, np.iinfo(pixels.dtype).max)
    full = (top if top.ndim == 2 else top.any(axis=2)).astype(np.float32)
    size = 2 * WINDOW[0] + 1
    share: F32 = cv2.blur(full, (size, size))
    return share
