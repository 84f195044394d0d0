"""From matches to XYZ: the exact rays of both raw pixels are intersected."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, pixel_grid
from stereo3d.image import Image
from stereo3d.observation import StereoPair
from stereo3d.stereo.disparity import Matches, Reason, XyzMap, flag
from stereo3d.stereo.rover import body_in_picture, rover_volume, seen_past
from stereo3d.stereo.uncertainty import range_sigma_m, vergence_range_sigma_m

Float = NDArray[np.float64]

_MISS_PX = 2.0
_CONTRAST_PX = 6.0
"""Sigma of the Gaussian window that the picture's contrast is told over."""
_BAND_ROWS = 128
_THREADS = 2


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


def triangulate(
    pair: StereoPair,
    matches: Matches,
    max_sigma_share: float,
    vergence_sigma_rad: float = 0.0,
    body: NDArray[np.bool_] | None = None,
) -> XyzMap:
    """XYZ in ROVER_NAV for the pixel grid of the left raw image: the exact rays of each match, intersected.

    ``vergence_sigma_rad``: one sigma of the angle between the eyes, which the pictures themselves cannot tell.  It is
    part of the sigma, but moves the whole picture alike; pixels whose own noise exceeds ``max_sigma_share`` of the
    range are flagged BEYOND_RANGE.  ``body`` (rows, columns): pixels whose rays meet the rover's envelope; they are
    ROVER, whatever they matched, unless ground is seen past it there.
    """
    left = pair.left.camera
    shape = (left.height, left.width)
    reason = matches.reason.copy()
    xyz = np.full((*shape, 3), np.nan, dtype=np.float32)
    ranges, sigmas, noises, gaps = (np.full(shape, np.nan, dtype=np.float32) for _ in range(4))
    baseline = pair.right.camera.C - left.C
    volume = rover_volume(pair.left.mission)
    pixel_rad = pixel_angle_rad(left)
    grid = pixel_grid(left.width, min(_BAND_ROWS, left.height))

    def one(top: int) -> None:
        band = slice(top, top + _BAND_ROWS)
        found = reason[band] == 0
        if not found.any():
            return
        pixels = grid[: found.shape[0]][found] + (0.0, top)
        origins, directions = left.ray(pixels)
        points, gap = intersect(origins, directions, *pair.right.camera.ray(matches.right[band][found]))
        range_m = np.linalg.norm(points - left.C, axis=1)
        d, sigma_px = (a[band][found].astype(np.float64) for a in (matches.disparity_px, matches.sigma_px))
        noise = range_sigma_m(range_m, d, sigma_px)
        sigma = np.hypot(noise, vergence_range_sigma_m(points - left.C, baseline, vergence_sigma_rad))
        why = np.zeros(len(d), dtype=np.uint16)
        with np.errstate(invalid="ignore"):
            flag(why, ~(d > 0) | ~(noise <= max_sigma_share * range_m), Reason.BEYOND_RANGE)
            # A gap is told in pixels: what one pixel spans at that range.
            flag(why, (why == 0) & ~(gap <= _MISS_PX * pixel_rad * range_m), Reason.MISS_DISTANCE)
        if volume is not None:
            flag(why, (why == 0) & volume.holds(points), Reason.ROVER)
        reason[band][found] = why
        for target, source in ((xyz, points), (ranges, range_m), (sigmas, sigma), (noises, noise), (gaps, gap)):
            source[why != 0] = np.nan
            target[band][found] = source

    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        list(pool.map(one, range(0, left.height, _BAND_ROWS)))
    if volume is not None:
        own = (reason & np.uint16(Reason.ROVER)) > 0
        if body is not None:
            hidden = body & ~seen_past(volume, xyz, body)
            reason[hidden] = reason[hidden] & np.uint16(Reason.SKY | Reason.VIGNETTE) | np.uint16(Reason.ROVER)
            own |= hidden
        own |= body_in_picture(volume, xyz, own)
        flag(reason, own, Reason.ROVER)
        for target in (xyz, ranges, sigmas, noises, gaps):
            target[own] = np.nan
    contrast = relative_contrast(pair.left.image, reason == 0)
    return XyzMap(pair.frame, xyz, ranges, sigmas, gaps, reason, noises, contrast)


def relative_contrast(image: Image, ground: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(rows, columns) float32: the contrast along rows about each pixel, over its median on ``ground``; NaN elsewhere.

    It is the root mean square of the slope of the luminance, over about as much as a match is made of; of a picture
    without any it is 1.
    """
    slope = cv2.Sobel(np.nan_to_num(image.luminance), cv2.CV_32F, 1, 0, ksize=1)
    square = np.maximum(cv2.GaussianBlur(slope * slope, (0, 0), _CONTRAST_PX), np.float32(0.0))
    contrast = np.where(ground, np.sqrt(square), np.float32(np.nan)).astype(np.float32)
    usual = np.median(contrast[ground]) if ground.any() else np.float32(0.0)
    return contrast / usual if usual > 0 else np.where(ground, np.float32(1.0), contrast)


def pixel_angle_rad(camera: CameraModel) -> float:
    """The angle between the rays of two neighbouring pixels in the middle of the frame."""
    middle = np.array([camera.width / 2.0, camera.height / 2.0])
    _, rays = camera.ray(middle + np.array([[0.0, 0.0], [1.0, 0.0]]))
    return float(np.arccos(np.clip(rays[0] @ rays[1], -1.0, 1.0)))
