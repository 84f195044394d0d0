"""Rectification: rows align, infinity has no disparity, nothing is lost in the middle."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import CAHV, pixel_grid
from stereo3d.errors import PairError
from stereo3d.frames import Frame
from stereo3d.stereo.rectify import (
    focal_px,
    principal_column,
    raw_pixels,
    rectified_cameras,
    rectify,
)


def test_a_point_lies_in_one_row_of_both_eyes(floor):
    rectified = floor.result.rectified
    points = floor.truth.xyz[floor.truth.both_eyes][::50]
    left, right = rectified.left_camera.project(points), rectified.right_camera.project(points)
    assert np.abs(left[:, 1] - right[:, 1]).max() < 1e-9
    disparity = left[:, 0] - right[:, 0]
    disparity -= principal_column(rectified.left_camera) - principal_column(rectified.right_camera)
    assert disparity.min() > 0
    # b f / z, with z along the common axis.
    baseline = np.linalg.norm(rectified.right_camera.C - rectified.left_camera.C)
    depth = (points - rectified.left_camera.C) @ rectified.left_camera.A
    assert np.allclose(disparity, baseline * focal_px(rectified.left_camera) / depth, rtol=1e-9)


def test_the_two_cameras_share_orientation_focal_length_and_rows(floor):
    left, right = floor.result.rectified.left_camera, floor.result.rectified.right_camera
    assert np.allclose(left.A, right.A, atol=1e-15)
    assert np.allclose(left.V, right.V, atol=1e-9)
    assert left.height == right.height
    assert np.array_equal(left.C, floor.pair.left.camera.C)
    assert np.array_equal(right.C, floor.pair.right.camera.C)


@pytest.mark.parametrize("eye", ["left", "right"])
def test_no_resolution_is_lost_in_the_middle_of_the_frame(floor, eye):
    camera = getattr(floor.pair, eye).camera
    rectified = getattr(floor.result.rectified, f"{eye}_camera")
    middle = np.array([(camera.width - 1) / 2, (camera.height - 1) / 2])
    around = middle + np.array([[-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]])
    origins, directions = camera.ray(around)
    at = rectified.project(origins + 20 * directions)
    per_raw_pixel = np.stack([at[1] - at[0], at[3] - at[2]], axis=1)
    smallest = np.linalg.svd(per_raw_pixel, compute_uv=False).min()
    assert 1 - 1e-4 < smallest < 1.1


def test_resampled_pictures_show_the_raw_ones(floor):
    """A rectified pixel has the brightness of the raw pixel that its ray belongs to."""
    rectified, raw = floor.result.rectified, floor.pair.left.image.luminance
    source = raw_pixels(rectified.left_camera, floor.pair.left.camera)
    seen = rectified.left_valid & (source[..., 0] > 2) & (source[..., 1] > 2)
    column, row = np.rint(source[seen]).astype(int).T
    assert np.corrcoef(rectified.left[seen], raw[row, column])[0, 1] > 0.97


def test_what_has_no_partner_is_not_computed(floor):
    """The columns of each rectified image end where the other eye ends, give or take the largest disparity."""
    left, right = floor.pair.left.camera, floor.pair.right.camera.crop(0, 0, 200, 384)
    near, far = (rectified_cameras(left, right, m) for m in (1.0, 1000.0))
    reach = np.linalg.norm(right.C - left.C) * focal_px(near[0])
    assert 0.9 * reach < near[0].width - far[0].width < reach + 2
    # At long range both eyes keep the same strip of sky and ground: what the cropped one sees.
    assert abs(far[0].width - far[1].width) <= 2


def test_masked_pixels_are_not_valid(floor):
    shape = floor.known.shape
    half = np.ones(shape, dtype=bool)
    half[:, : shape[1] // 2] = False
    rectified = rectify(floor.pair, half, np.ones(shape, dtype=bool))
    source = raw_pixels(rectified.left_camera, floor.pair.left.camera)
    with np.errstate(invalid="ignore"):
        masked = source[..., 0] < shape[1] // 2 - 1
    assert masked.any()
    assert not rectified.left_valid[masked].any()
    assert rectified.left_valid.any()


def _camera(center, forward=(1.0, 0.0, 0.0), right=(0.0, 1.0, 0.0)) -> CAHV:
    a, h = np.array(forward), np.array(right)
    v = np.cross(a, h)
    return CAHV(Frame.rover(1, 2), 320, 240, np.array(center), a, 200 * h + 159.5 * a, 200 * v + 119.5 * a)


def test_rectified_pixels_of_a_parallel_linear_rig_are_the_raw_ones():
    left, right = _camera((0, 0, 0)), _camera((0, 0.4, 0))
    rectified, _ = rectified_cameras(left, right, 1.0)
    at = raw_pixels(rectified, left)
    step = at - pixel_grid(rectified.width, rectified.height)
    assert np.allclose(step, step[0, 0], atol=1e-9)


def test_a_rig_without_baseline_is_refused():
    with pytest.raises(PairError, match="no baseline"):
        rectified_cameras(_camera((0, 0, 0)), _camera((0, 0, 0)), 1.0)


def test_frames_that_look_apart_are_refused():
    with pytest.raises(PairError):
        rectified_cameras(_camera((0, 0, 0)), _camera((0, 0.4, 0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)), 1.0)


def test_cameras_that_look_along_their_baseline_are_refused():
    with pytest.raises(PairError, match="along their baseline"):
        rectified_cameras(_camera((0, 0, 0)), _camera((0.4, 0, 0)), 1.0)
