"""Depth steps are found where depth steps, and nowhere on sloping ground."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import CAHV, pixel_grid
from stereo3d.frames import Frame
from stereo3d.stereo.truth import STEP_PX, Truth, depth_steps, disparity_scale

FRAME = Frame.rover(1, 1)


def _rig(width: int = 80, height: int = 60, focal: float = 60.0, horizon: float = 10.0) -> tuple[CAHV, CAHV]:
    """Two pinholes 1.5 m above the ground, 0.4 m apart, that look forward."""
    a = np.array([1.0, 0.0, 0.0])
    h = focal * np.array([0.0, 1.0, 0.0]) + width / 2 * a
    v = focal * np.array([0.0, 0.0, 1.0]) + horizon * a
    left, right = (CAHV(FRAME, width, height, [0, y, -1.5], a, h, v) for y in (-0.2, 0.2))
    return left, right


def test_disparity_scale_is_baseline_times_focal_length() -> None:
    assert disparity_scale(*_rig(horizon=30.0)) == pytest.approx(0.4 * 60.0, rel=1e-3)


def test_plane_has_no_step_and_a_wall_has_one() -> None:
    left, right = _rig()
    _, ray = left.ray(pixel_grid(80, 60))
    with np.errstate(divide="ignore"):
        plane = np.where(ray[..., 2] > 0, 1.5 / ray[..., 2], np.nan)
    assert not depth_steps(plane, left, right).any()
    wall = plane.copy()
    wall[40:50, 30:40] = 1.0  # the ground there is 2 m away or more
    steps = depth_steps(wall, left, right)
    rows, columns = np.nonzero(steps)
    assert (rows.min(), columns.min(), columns.max()) == (39 - STEP_PX, 29 - STEP_PX, 40 + STEP_PX)
    assert steps[38, 35]
    assert not steps[20].any()


def test_arrays_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one"):
        Truth(FRAME, np.ones((4, 5)), np.ones((4, 4, 3)), np.ones((4, 5), bool), np.ones((4, 5), bool))
