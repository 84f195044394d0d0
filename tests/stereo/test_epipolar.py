"""The epipolar residual: a row shift put in is measured."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.stereo.epipolar import epipolar_residual


@pytest.mark.parametrize("shift", [0.0, 0.4, -1.0])
def test_a_row_shift_is_measured(floor, shift):
    rectified = floor.result.rectified
    before = epipolar_residual(rectified)
    rows, columns = rectified.right.shape
    y = np.arange(rows, dtype=np.float32)[:, None].repeat(columns, 1) + np.float32(shift)
    x = np.arange(columns, dtype=np.float32)[None].repeat(rows, 0)
    moved = replace(rectified, right=cv2.remap(rectified.right, x, y, cv2.INTER_CUBIC))
    after = epipolar_residual(moved)
    assert before.matches > 100
    assert abs(before.median_px) < 0.05
    # Content moved up by ``shift`` rows: the left row is larger by as much.
    assert after.median_px - before.median_px == pytest.approx(shift, abs=0.06)


def test_empty_pictures_have_no_residual(floor):
    rectified = floor.result.rectified
    empty = replace(rectified, left=np.full_like(rectified.left, 50), right=np.full_like(rectified.right, 50))
    found = epipolar_residual(empty)
    assert found.matches == 0
    assert np.isnan(found.median_px)
