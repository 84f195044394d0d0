"""Rectification: both eyes resampled once to row-aligned linear cameras.

The common orientation has its X axis along the baseline, so that a point lies in one row of both images; its Z axis is
the mean viewing direction of the two frames' middles, made perpendicular to the baseline.  The cameras are exact:
pixels are projected through the full model of their eye.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CAHV, CameraModel, inside, pixel_grid
from stereo3d.errors import PairError, StereoError
from stereo3d.observation import Observation, StereoPair
from stereo3d.stereo.disparity import RectifiedPair

Float = NDArray[np.float64]

_REFERENCE_M = (1.0, 100.0)

_BORDER_STEP_PX = 8
_NODE_PX = 4
_MAX_PIXELS = 1 << 27


@dataclass(frozen=True)
class _Extent:
    """Range of tangents x/z and y/z that a frame sees in the rectified orientation."""

    x0: float
    x1: float
    y0: float
    y1: float


def _axes(left: CameraModel, right: CameraModel) -> Float:
    """Rows: X (along the baseline, to the right), Y (down the image), Z (forward)."""
    baseline = right.C - left.C
    length = float(np.linalg.norm(baseline))
    if not length > 1e-3:
        raise PairError("the two cameras stand at one place: there is no baseline", expected="a stereo rig")
    x = baseline / length
    forward = np.zeros(3)
    for camera in (left, right):
        middle = np.array([(camera.width - 1) / 2.0, (camera.height - 1) / 2.0])
        forward += camera.ray(middle)[1]
    z = forward - (forward @ x) * x
    if not np.linalg.norm(z) > 0.2 * np.linalg.norm(forward):
        raise PairError("the cameras look along their baseline: such images cannot be rectified")
    z /= np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z])


def _extent(camera: CameraModel, axes: Float) -> _Extent:
    """The tangents that the frame's border sees; directions at more than 80 degrees from Z are left out."""
    w, h = camera.width - 1, camera.height - 1
    xs = np.linspace(0, w, max(w // _BORDER_STEP_PX, 2))
    ys = np.linspace(0, h, max(h // _BORDER_STEP_PX, 2))
    border = np.concatenate(
        [
            np.stack([xs, np.zeros_like(xs)], 1),
            np.stack([xs, np.full_like(xs, h)], 1),
            np.stack([np.zeros_like(ys), ys], 1),
            np.stack([np.full_like(ys, w), ys], 1),
        ]
    )
    d = camera.ray(border)[1] @ axes.T
    d = d[np.isfinite(d).all(axis=1) & (d[:, 2] > 0.17)]
    if not len(d):
        raise PairError("the frames look away from each other: there is no overlap")
    tx, ty = d[:, 0] / d[:, 2], d[:, 1] / d[:, 2]
    return _Extent(float(tx.min()), float(tx.max()), float(ty.min()), float(ty.max()))


def _focal_px(camera: CameraModel, axes: Float) -> float:
    """The focal length at which the rectified image keeps the frame's resolution at its middle, px.

    That is the largest number of raw pixels that one unit of rectified tangent spans there.
    """
    x, y = (camera.width - 1) / 2.0, (camera.height - 1) / 2.0
    step = 0.5
    around = np.array([[x - step, y], [x + step, y], [x, y - step], [x, y + step]])
    d = camera.ray(around)[1] @ axes.T
    t = d[:, :2] / d[:, 2:]
    tangents_per_px = np.stack([t[1] - t[0], t[3] - t[2]], axis=1) / (2 * step)
    return float(1.0 / np.linalg.svd(tangents_per_px, compute_uv=False).min())


def rectified_cameras(left: CameraModel, right: CameraModel, min_range_m: float) -> tuple[CAHV, CAHV]:
    """The two linear cameras: one orientation and focal length, the same rows, columns cut to the overlap.

    ``min_range_m`` bounds the disparity and thereby the columns that can have a partner.  Raises PairError when the
    frames do not overlap.
    """
    axes = _axes(left, right)
    focal = max(_focal_px(left, axes), _focal_px(right, axes))
    el, er = _extent(left, axes), _extent(right, axes)
    reach = float(np.linalg.norm(right.C - left.C)) / min_range_m
    y0, y1 = max(el.y0, er.y0), min(el.y1, er.y1)
    # A left tangent x has its partner at x - disparity / focal, between x - reach and x.
    left_x = max(el.x0, er.x0), min(el.x1, er.x1 + reach)
    right_x = max(er.x0, el.x0 - reach), min(er.x1, el.x1)
    height = int(np.floor((y1 - y0) * focal)) + 1
    cameras = []
    for camera, (x0, x1) in ((left, left_x), (right, right_x)):
        width = int(np.floor((x1 - x0) * focal)) + 1
        if width < 16 or height < 16:
            raise PairError("the two frames hardly overlap", expected="the left and right image of one shot")
        if width * height > _MAX_PIXELS:
            raise StereoError(f"rectified images of {width} x {height} px are too large")
        # Whole-pixel offsets from the axis, so that disparity needs no fraction between the two cameras.
        column, row = round(-x0 * focal), round(-y0 * focal)
        cameras.append(
            CAHV(
                left.frame,
                width,
                height,
                C=camera.C,
                A=axes[2],
                H=focal * axes[0] + column * axes[2],
                V=focal * axes[1] + row * axes[2],
            )
        )
    return cameras[0], cameras[1]


def principal_column(camera: CAHV) -> float:
    """The column of a rectified camera's axis, px: disparity is counted from it, so that infinity has none."""
    return float(camera.H @ camera.A)


def focal_px(camera: CAHV) -> float:
    """Focal length of a rectified camera, px."""
    return float(np.linalg.norm(np.cross(camera.A, camera.H)))


def reference_points(origins: Float, directions: Float) -> Float:
    """The point (..., 3), m, on each ray in ROVER_NAV that stands for it between a raw frame and its rectified image.

    It matters for a moving entrance pupil only (E not zero), where a ray's image depends on how far the point is: rows
    align exactly for these points.  So they lie where ground is expected, on the plane through the rover's wheels, at
    1 to 100 m.  Triangulation goes back through the same points, so that XYZ is exact whatever the true ground is.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        along = -origins[..., 2] / directions[..., 2]
    along = np.clip(np.where(directions[..., 2] > 0, along, np.inf), *_REFERENCE_M)
    return origins + along[..., None] * directions


def on_nodes(of: Callable[[Float], Float], width: int, height: int) -> NDArray[np.float32]:
    """A smooth function of the pixel, (..., 2) -> (..., 2), at each of width x height pixels: (rows, columns, 2).

    It is evaluated at every ``_NODE_PX``-th pixel and interpolated by cubic convolution (Keys 1981), which for a lens
    is exact to a ten-thousandth of a pixel.  NaN within two nodes of where it is not defined.
    """
    columns, rows = (n // _NODE_PX + 4 for n in (width, height))
    nodes = of((pixel_grid(columns, rows) - 1.0) * _NODE_PX).astype(np.float32)
    for axis, count in ((0, height), (1, width)):
        nodes = np.moveaxis(nodes, axis, 0)
        parts = [nodes[k : k + nodes.shape[0] - 3] for k in range(4)]
        dense = np.empty((parts[0].shape[0], _NODE_PX, *nodes.shape[1:]), dtype=np.float32)
        for phase in range(_NODE_PX):
            t = phase / _NODE_PX
            weights = (
                ((2 - t) * t - 1) * t / 2,
                ((3 * t - 5) * t * t + 2) / 2,
                ((4 - 3 * t) * t + 1) * t / 2,
                (t - 1) * t * t / 2,
            )
            dense[:, phase] = sum(np.float32(w) * p for w, p in zip(weights, parts, strict=True))
        nodes = np.moveaxis(dense.reshape(-1, *nodes.shape[1:])[:count], 0, axis)
    return np.ascontiguousarray(nodes)


def raw_pixels(rectified: CAHV, camera: CameraModel) -> NDArray[np.float32]:
    """Where each pixel of the rectified image lies in the raw image: (rows, columns, 2), px; NaN outside the model."""

    def source(pixels: Float) -> Float:
        return camera.project(reference_points(*rectified.ray(pixels)))

    return on_nodes(source, rectified.width, rectified.height)


def _resampled(
    observation: Observation, rectified: CAHV, usable: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    source = raw_pixels(rectified, observation.camera)
    valid = inside(observation.camera, source.astype(np.float64))
    source[~valid] = -1e4
    x, y = (np.ascontiguousarray(source[..., k]) for k in range(2))
    image = cv2.remap(observation.image.luminance, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    ok = cv2.remap(usable.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return image, (ok > 0) & valid


def rectify(
    pair: StereoPair,
    left_usable: NDArray[np.bool_],
    right_usable: NDArray[np.bool_],
    min_range_m: float = 1.0,
) -> RectifiedPair:
    """Resample both eyes (Lanczos, 8 x 8 pixels) to the cameras of :func:`rectified_cameras`.

    ``left_usable`` and ``right_usable``: (rows, columns) bool in the raw grids, False where nothing shall be matched.
    """
    cameras = rectified_cameras(pair.left.camera, pair.right.camera, min_range_m)
    with ThreadPoolExecutor(max_workers=2) as pool:
        (left, left_valid), (right, right_valid) = pool.map(
            _resampled, (pair.left, pair.right), cameras, (left_usable, right_usable)
        )
    return RectifiedPair(left, right, left_valid, right_valid, *cameras)
