"""From disparity to XYZ: each matched pixel goes back to both raw frames, and the exact rays are intersected."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import pixel_grid
from stereo3d.observation import StereoPair
from stereo3d.stereo.disparity import Disparity, Reason, RectifiedPair, XyzMap, flag
from stereo3d.stereo.rectify import principal_column, reference_points
from stereo3d.stereo.rover import rover_volume
from stereo3d.stereo.uncertainty import range_sigma_m

Float = NDArray[np.float64]
F32 = NDArray[np.float32]
U16 = NDArray[np.uint16]

_MISS_PX = 2.0


def intersect(origins_a: Float, directions_a: Float, origins_b: Float, directions_b: Float) -> tuple[Float, Float]:
    """The points nearest to both of two rays and the gap between them.

    All arrays (..., 3), directions unit; returns points (..., 3), midway between the rays where they pass closest, and
    the gap (...), both in the unit of the origins.  NaN where the rays are parallel or meet behind an origin.
    """
    between = origins_b - origins_a
    cos = np.einsum("...i,...i->...", directions_a, directions_b)
    along_a = np.einsum("...i,...i->...", between, directions_a)
    along_b = np.einsum("...i,...i->...", between, directions_b)
    sin2 = 1.0 - cos * cos
    with np.errstate(divide="ignore", invalid="ignore"):
        s = (along_a - cos * along_b) / sin2
        t = (cos * along_a - along_b) / sin2
        s = np.where((sin2 > 1e-14) & (s > 0) & (t > 0), s, np.nan)
        on_a = origins_a + s[..., None] * directions_a
        on_b = origins_b + t[..., None] * directions_b
    return (on_a + on_b) / 2.0, np.linalg.norm(on_a - on_b, axis=-1)


def _sampled(disparity: Disparity, x: F32, y: F32) -> tuple[F32, U16]:
    """Disparity and reasons at rectified pixels (x, y): linear on a surface, nearest at its edge."""
    border = {"borderMode": cv2.BORDER_CONSTANT}
    nearest = cv2.remap(disparity.values, x, y, cv2.INTER_NEAREST, **border, borderValue=np.nan)
    linear = cv2.remap(disparity.values, x, y, cv2.INTER_LINEAR, **border, borderValue=np.nan)
    reason = cv2.remap(disparity.reason, x, y, cv2.INTER_NEAREST, **border, borderValue=int(Reason.OUTSIDE_OVERLAP))
    with np.errstate(invalid="ignore"):
        smooth = np.abs(linear - nearest) < 1.0
    return np.where(smooth, linear, nearest), reason


def triangulate(
    pair: StereoPair,
    rectified: RectifiedPair,
    disparity: Disparity,
    masks: U16,
    matching_sigma_px: float,
    max_sigma_share: float,
) -> XyzMap:
    """XYZ in ROVER_NAV for the pixel grid of the left raw image.

    ``masks``: (rows, columns) uint16 reasons known before matching (sky, vignette, rover), in the raw grid.
    ``matching_sigma_px``: one sigma of the disparity, px of the raw image.  Pixels whose range sigma exceeds
    ``max_sigma_share`` of the range are flagged BEYOND_RANGE.
    """
    left, right = pair.left.camera, pair.right.camera
    rows, columns = left.height, left.width
    reason = masks.copy()
    origins, directions = left.ray(pixel_grid(columns, rows))
    at = rectified.left_camera.project(reference_points(origins, directions))
    known = np.isfinite(at[..., 0])
    x, y = (np.where(known, at[..., i], -1e4).astype(np.float32) for i in (0, 1))
    values, why = _sampled(disparity, x, y)
    reason |= np.where(reason == 0, why, 0).astype(np.uint16)
    found = (reason == 0) & np.isfinite(values)
    flag(reason, (reason == 0) & ~found, Reason.NO_MATCH)

    d = values[found].astype(np.float64)
    shift = principal_column(rectified.left_camera) - principal_column(rectified.right_camera)
    partner = np.stack([at[found][:, 0] - d - shift, at[found][:, 1]], axis=1)
    origins_r, directions_r = right.ray(right.project(reference_points(*rectified.right_camera.ray(partner))))
    points, gap = intersect(origins[found], directions[found], origins_r, directions_r)
    range_m = np.linalg.norm(points - left.C, axis=1)
    stretch = np.abs(np.gradient(at[..., 0], axis=1))[found]
    sigma = range_sigma_m(range_m, d, matching_sigma_px * np.maximum(stretch, 1e-6))

    # A gap is told in pixels: what one pixel spans at that range.
    pixel_m = range_m / np.linalg.norm(np.cross(left.A, rectified.left_camera.H))
    xyz = np.full((rows, columns, 3), np.nan, dtype=np.float32)
    ranges, sigmas, gaps = (np.full((rows, columns), np.nan, dtype=np.float32) for _ in range(3))
    with np.errstate(invalid="ignore"):
        far = ~(d > 0) | ~(sigma <= max_sigma_share * range_m)
        apart = ~far & ~(gap <= _MISS_PX * pixel_m)
    where = np.flatnonzero(found)
    reason.reshape(-1)[where[far]] |= np.uint16(Reason.BEYOND_RANGE)
    reason.reshape(-1)[where[apart]] |= np.uint16(Reason.MISS_DISTANCE)
    good = ~far & ~apart
    volume = rover_volume(pair.left.mission)
    if volume is not None:
        own = good & volume.holds(points)
        reason.reshape(-1)[where[own]] |= np.uint16(Reason.ROVER)
        good &= ~own
    xyz.reshape(-1, 3)[where[good]] = points[good]
    for target, source in ((ranges, range_m), (sigmas, sigma), (gaps, gap)):
        target.reshape(-1)[where[good]] = source[good]
    return XyzMap(pair.frame, xyz, ranges, sigmas, gaps, reason)
