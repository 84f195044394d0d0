"""The nearest pinhole of a camera: square pixels and no skew, as programs of pictures have it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stereo3d.camera.cahv import CAHV
from stereo3d.camera.model import CameraModel, Float, pixel_grid

FIELD_LIMIT_DEG = 65.0
"""What lies further off the axis than this, along a side, is cut: a pinhole's picture grows beyond all bounds."""
_STEP_PX = 1.0


def square_pinholes(cameras: Sequence[CameraModel], most_px: int = 4096) -> list[CAHV]:
    """A pinhole for each of ``cameras``, at its centre C, along its axis A, level with its rows.

    All have one size and one focal length, so that one size of picture serves them all: the focal length of the
    finest camera at its axis (smaller if the picture would be more than ``most_px`` wide or high), and the size that
    holds the largest frame as a whole, but for ``FIELD_LIMIT_DEG``.  Each frame lies in the middle of its picture;
    the principal point is where that puts it, outside of it even for a tile from a corner of the sensor.
    """
    axes = [_axes(camera) for camera in cameras]
    focal = max(_focal_px(camera, turned) for camera, turned in zip(cameras, axes, strict=True))
    fields = [_field(camera, turned) for camera, turned in zip(cameras, axes, strict=True)]
    span = np.max([high - low for low, high in fields], axis=0)
    focal = min(focal, (most_px - 2) / float(span.max()))
    # Even numbers: video programs ask for them.
    width, height = (2 * int(np.ceil(focal * float(s) / 2.0)) for s in span)
    pinholes = []
    for camera, (right, down, forward), (low, high) in zip(cameras, axes, fields, strict=True):
        column, row = (np.array([width, height]) - 1.0) / 2.0 - focal * (low + high) / 2.0
        h, v = focal * right + column * forward, focal * down + row * forward
        pinholes.append(CAHV(camera.frame, width, height, camera.C, forward, h, v))
    return pinholes


def raw_pixels(pinhole: CAHV, camera: CameraModel, distance_m: float = 10.0) -> Float:
    """(height, width, 2) px: where ``camera`` sees what the pixels of its ``pinhole`` see, NaN where it does not.

    A CAHVORE's entrance pupil moves by about a millimetre over the field, so the answer depends on how far away the
    point is: ``distance_m`` from C, m.  At 2 m it is 0.3 px off in the corners of a Navcam frame of 1280 px.
    """
    _, directions = pinhole.ray(pixel_grid(pinhole.width, pinhole.height))
    return camera.project(pinhole.C + distance_m * directions)


def _axes(camera: CameraModel) -> Float:
    """(3, 3) rows right, down, forward, unit: forward is A, right runs along the pixels' rows there."""
    forward = camera.A / np.linalg.norm(camera.A)
    along = _slopes(camera)[0]
    along = along - (along @ forward) * forward
    right = along / np.linalg.norm(along)
    return np.stack([right, np.cross(forward, right), forward])


def _slopes(camera: CameraModel) -> Float:
    """(2, 3): how the unit ray turns per pixel along the row, and along the column, at the axis A; rad."""
    center = camera.project(camera.C + 10.0 * camera.A / np.linalg.norm(camera.A))
    shift = _STEP_PX * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    _, rays = camera.ray(center + shift)
    return (rays[0::2] - rays[1::2]) / (2.0 * _STEP_PX)


def _focal_px(camera: CameraModel, axes: Float) -> float:
    """Pixels to a radian at the axis: the geometric mean of along the rows and along the columns."""
    slopes = _slopes(camera) @ axes[:2].T
    return float(1.0 / np.sqrt(abs(np.linalg.det(slopes))))


def _field(camera: CameraModel, axes: Float) -> tuple[Float, Float]:
    """(2,) and (2,): the least and the largest tangents off the axis, along the rows and the columns, of the frame."""
    x, y = np.linspace(-0.5, camera.width - 0.5, 65), np.linspace(-0.5, camera.height - 0.5, 65)
    border = [np.stack([x, np.full(65, edge)], 1) for edge in (y[0], y[-1])]
    border += [np.stack([np.full(65, edge), y], 1) for edge in (x[0], x[-1])]
    _, rays = camera.ray(np.concatenate(border))
    limit = np.tan(np.radians(FIELD_LIMIT_DEG))
    across, forward = rays @ axes[:2].T, rays @ axes[2]
    known = np.isfinite(forward)
    if not known.any():
        return np.array([-limit, -limit]), np.array([limit, limit])
    # Beside and behind the camera: beyond the limit on its side.
    tangents = across[known] / np.maximum(forward[known, None], 1e-9)
    return np.clip(tangents.min(axis=0), -limit, limit), np.clip(tangents.max(axis=0), -limit, limit)
