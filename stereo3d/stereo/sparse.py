"""Sparse matches between two raw images: features, gated by the cameras, refined to a few hundredths of a pixel.

The images are read as delivered; nothing is resampled but small windows of the right one.  A 3 x 3 binomial filter goes
first: its response is zero at the period of two pixels, so a Bayer mosaic becomes its own luminance without a shift.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, inside
from stereo3d.frames import Float, locked
from stereo3d.stereo.match import contrast_normalised

F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]

_FEATURE_SIDE_PX = 800
"""Features are sought in an image reduced to at most this long side (by whole factors), then refined upwards."""
_FEATURES = 6000
_EDGE_PX = 6
_GATE_RAD = np.radians(0.7)
"""How far from the epipolar plane a match may lie: more than any correction that is believed."""
_BEHIND_RAD = np.radians(0.5)
"""How far beyond infinity a match may lie: an error in vergence shows there."""
_BAND = 256
_HALF_WINDOW_PX = 7
_ITERATIONS = 6
_MAX_SHIFT_PX = 2.5
_MAX_SIGMA_PX = 0.15


@dataclass(frozen=True, eq=False)
class Matches:
    """The same points in a left and a right image."""

    left: Float
    """(n, 2) float64, pixels (column, row) of the left image."""
    right: Float
    """(n, 2) float64, pixels of the right image."""

    def __post_init__(self) -> None:
        if self.left.ndim != 2 or self.left.shape[1] != 2 or self.left.shape != self.right.shape:
            raise ValueError(f"matches must be two (n, 2) arrays, got {self.left.shape} and {self.right.shape}")
        for name in ("left", "right"):
            object.__setattr__(self, name, locked(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, which: Bool | slice) -> Matches:
        return Matches(self.left[which], self.right[which])


@dataclass(frozen=True, eq=False)
class _Features:
    at: Float
    """(n, 2), px of the full image."""
    descriptors: F32
    """(n, 128), unit."""
    around: Float
    """(n,), rad: the angle about the baseline."""
    along: Float
    """(n,), rad: the angle to the baseline."""


def find_matches(
    left: F32,
    right: F32,
    left_camera: CameraModel,
    right_camera: CameraModel,
    left_usable: Bool,
    right_usable: Bool,
    min_range_m: float = 1.0,
) -> Matches:
    """SIFT features (Lowe 2004) matched both ways within the cameras' gate, then refined by least squares.

    ``left``, ``right``: (rows, columns) float32, any DN, each with the camera and mask of exactly these pixels.  A
    match lies within 0.7 degrees of the epipolar plane and between ``min_range_m`` and infinity.
    """
    reduction = 1
    while max(*left.shape, *right.shape) > _FEATURE_SIDE_PX * reduction:
        reduction *= 2
    axes = baseline_axes(left_camera, right_camera)

    def features(image: F32, usable: Bool, camera: CameraModel) -> tuple[F32, _Features]:
        smooth = binomial(image)
        return smooth, _features(smooth, usable, camera, axes, reduction)

    with ThreadPoolExecutor(max_workers=2) as pool:
        eyes = pool.map(features, (left, right), (left_usable, right_usable), (left_camera, right_camera))
        (left, a), (right, b) = eyes
    baseline = float(np.linalg.norm(right_camera.C - left_camera.C))
    pairs = _best_both_ways(a, b, baseline / min_range_m)
    found = Matches(a.at[pairs[:, 0]], b.at[pairs[:, 1]])
    warp = np.broadcast_to(np.eye(2), (len(found), 2, 2))
    while reduction > 1 and len(found):
        # Features are known to half a reduced pixel: the next finer level but one reaches them.
        reduction //= 2
        found, warp = refined(_reduced(left, reduction), _reduced(right, reduction), found, warp, reduction)
    if len(found):
        found = found[inside(left_camera, found.left, _EDGE_PX) & inside(right_camera, found.right, _EDGE_PX)]
    return found


def binomial(image: F32) -> F32:
    """The image through the 3 x 3 binomial filter 1 2 1, which passes nothing at the period of two pixels."""
    kernel = np.array([0.25, 0.5, 0.25], dtype=np.float32)
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT_101))


def baseline_axes(left: CameraModel, right: CameraModel) -> Float:
    """Rows: X along the baseline from the left eye to the right one, Y downwards in the image, Z forward."""
    x = (right.C - left.C) / np.linalg.norm(right.C - left.C)
    middle = np.array([(left.width - 1) / 2.0, (left.height - 1) / 2.0])
    z = left.ray(middle)[1] + right.ray(np.array([(right.width - 1) / 2.0, (right.height - 1) / 2.0]))[1]
    z = z - (z @ x) * x
    z /= np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z])


def _reduced(image: F32, reduction: int) -> F32:
    if reduction == 1:
        return image
    rows, columns = (n // reduction for n in image.shape)
    cut = image[: rows * reduction, : columns * reduction]
    return np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA))


def _features(image: F32, usable: Bool, camera: CameraModel, axes: Float, reduction: int) -> _Features:
    small = _reduced(image, reduction)
    valid = _reduced(usable.astype(np.float32), reduction) > 0.99
    even = contrast_normalised(small, valid)
    # Features at the mask's edge would be features of the mask.
    mask = cv2.erode(valid.astype(np.uint8), np.ones((9, 9), np.uint8))
    keys, descriptors = cv2.SIFT.create(_FEATURES, contrastThreshold=0.02).detectAndCompute(even, mask)
    if descriptors is None:
        return _Features(np.empty((0, 2)), np.empty((0, 128), np.float32), np.empty(0), np.empty(0))
    # Key points count from pixel centres, as we do; reduced pixels hold several.
    at = (np.array([k.pt for k in keys], dtype=np.float64) + 0.5) * reduction - 0.5
    d = camera.ray(at)[1] @ axes.T
    around, along = np.arctan2(d[:, 1], d[:, 2]), np.arccos(np.clip(d[:, 0], -1.0, 1.0))
    norm = np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-6)
    order = np.argsort(around)
    order = order[np.isfinite(around[order])]
    return _Features(at[order], (descriptors / norm)[order], around[order], along[order])


def _best_both_ways(a: _Features, b: _Features, most_parallax: float) -> Int:
    """(n, 2) indices of features that are each other's best within the gate; both sorted by ``around``."""
    best_b = np.full(len(a.at), -1, dtype=np.int64)
    score_b = np.full(len(b.at), -1.0, dtype=np.float32)
    best_a = np.full(len(b.at), -1, dtype=np.int64)
    for start in range(0, len(a.at), _BAND):
        band = slice(start, min(start + _BAND, len(a.at)))
        first = np.searchsorted(b.around, a.around[band.start] - _GATE_RAD)
        end = np.searchsorted(b.around, a.around[band.stop - 1] + _GATE_RAD)
        if first == end:
            continue
        score = a.descriptors[band] @ b.descriptors[first:end].T
        parallax = b.along[first:end] - a.along[band, None]
        # The gate in range: parallax = baseline sin(along) / range.
        allowed = (parallax > -_BEHIND_RAD) & (parallax < most_parallax)
        allowed &= np.abs(b.around[first:end] - a.around[band, None]) < _GATE_RAD
        score[~allowed] = -1.0
        of_a = score.argmax(axis=1)
        best_b[band] = np.where(score[np.arange(len(of_a)), of_a] > 0, of_a + first, -1)
        of_b, rows = score.max(axis=0), score.argmax(axis=0)
        better = of_b > score_b[first:end]
        best_a[first:end][better] = rows[better] + band.start
        score_b[first:end][better] = of_b[better]
    i = np.flatnonzero(best_b >= 0)
    i = i[best_a[best_b[i]] == i]
    return np.stack([i, best_b[i]], axis=1)


def refined(left: F32, right: F32, matches: Matches, warp: Float, reduction: int = 1) -> tuple[Matches, Float]:
    """Least-squares matching of square windows with an affine warp, gain and offset; what does not settle is left out.

    ``left`` and ``right`` are the images reduced by ``reduction``, the matches are in px of the full images; ``warp``
    (n, 2, 2) is the linear part from left to right to begin with, and is returned for the matches that are kept.

    The inverse compositional form (Baker & Matthews 2004): gradients are those of the left window, taken on its own
    pixels; the right one is sampled by cubic convolution.
    """
    half = _HALF_WINDOW_PX
    start = (matches.left + 0.5) / reduction - 0.5
    centre = np.rint(start)
    shape = np.array(left.shape[::-1])
    keep = ((centre >= half + 1) & (centre <= shape - half - 2)).all(axis=1)
    centre, start, linear = centre[keep], start[keep], np.array(warp[keep])
    at = (matches.right[keep] + 0.5) / reduction - 0.5 + np.einsum("nij,nj->ni", linear, centre - start)
    began = at.copy()
    v, u = (g.ravel().astype(np.float64) for g in np.mgrid[-half : half + 1, -half : half + 1])
    offsets = np.stack([u, v])
    index = (
        centre[:, 1].astype(np.int64)[:, None] + v.astype(np.int64),
        centre[:, 0].astype(np.int64)[:, None] + u.astype(np.int64),
    )
    template = left[index]
    gx = (left[index[0], index[1] + 1] - left[index[0], index[1] - 1]) / 2
    gy = (left[index[0] + 1, index[1]] - left[index[0] - 1, index[1]]) / 2
    template, spread = _normalised(template)
    gx, gy = gx / spread, gy / spread
    uu, vv = (o.astype(np.float32) / half for o in (u, v))
    design = np.stack([gx, gy, gx * uu, gx * vv, gy * uu, gy * vv, template, np.ones_like(template)], axis=1)
    normal = np.matmul(design, design.transpose(0, 2, 1)).astype(np.float64)
    # A window with too little texture has no inverse; the ridge keeps it harmless and its sigma throws it out.
    inverse = np.linalg.inv(normal + 1e-6 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(8))
    step = np.zeros((len(at), 2))
    for _ in range(_ITERATIONS):
        places = at[:, :, None] + linear @ offsets
        window = cv2.remap(
            right,
            places[:, 0].astype(np.float32),
            places[:, 1].astype(np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        window, _ = _normalised(window)
        error = window - template
        p = np.einsum("nij,nj->ni", inverse, np.matmul(design, error[:, :, None])[:, :, 0].astype(np.float64))
        # Window and template agree when the template is warped by p: compose the inverse.
        change = np.linalg.inv(np.eye(2) + np.clip(p[:, 2:6].reshape(-1, 2, 2) / half, -0.3, 0.3))
        linear = linear @ change
        step = -np.einsum("nij,nj->ni", linear, np.clip(p[:, :2], -1.0, 1.0))
        at = at + step
    correlation = np.einsum("ni,ni->n", window, template) / template.shape[1]
    # Filtered noise is alike over two pixels each way, so a window counts a quarter of its pixels.
    variance = np.maximum(2.0 * (1.0 - correlation), 1e-6) * 4.0
    sigma = np.sqrt(variance[:, None] * np.stack([inverse[:, 0, 0], inverse[:, 1, 1]], axis=1)).max(axis=1)
    good = sigma < _MAX_SIGMA_PX
    good &= (np.abs(step) < 0.05).all(axis=1) & (np.abs(at - began) < _MAX_SHIFT_PX).all(axis=1)
    found = Matches(*((a[good] + 0.5) * reduction - 0.5 for a in (centre, at)))
    return found, linear[good]


def _normalised(windows: F32) -> tuple[F32, F32]:
    """Windows (n, pixels) with mean 0 and standard deviation 1; and what they were divided by, (n, 1)."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.maximum((centred * centred).mean(axis=1, keepdims=True), 1e-6))
    return centred / spread, spread
