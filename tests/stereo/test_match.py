"""Matching: known shifts are found, what cannot be known is missing with a reason."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stereo3d.camera import CAHV
from stereo3d.frames import Frame
from stereo3d.stereo.disparity import Reason, RectifiedPair
from stereo3d.stereo.match import contrast, contrast_normalised, match, noise_dn

ROWS, COLUMNS = 240, 400


def _texture(rng, rows, columns, sigma=1.2):
    out = cv2.GaussianBlur(rng.normal(size=(rows, columns)).astype(np.float32), (0, 0), sigma)
    return 120 + 30 * out / out.std()


def _pair(left, right, left_column=0.0, right_column=0.0):
    """A rectified pair whose axes lie in the given columns; focal length 300 px, baseline 0.4 m."""
    cameras = []
    for center, column, image in ((0.0, left_column, left), (0.4, right_column, right)):
        a, h, v = np.eye(3)
        cameras.append(
            CAHV(
                Frame.rover(1, 2),
                image.shape[1],
                image.shape[0],
                np.array([0, center, 0]),
                a,
                300 * h + column * a,
                300 * v + 100 * a,
            )
        )
    ones = [np.ones(i.shape, dtype=bool) for i in (left, right)]
    return RectifiedPair(left.astype(np.float32), right.astype(np.float32), *ones, *cameras)


@pytest.mark.parametrize(("shift", "left_column", "right_column"), [(23.0, 0, 0), (7.5, 30, 12), (0.0, 0, 0)])
def test_a_known_shift_is_found_whatever_the_columns_of_the_axes(shift, left_column, right_column):
    rng = np.random.default_rng(1)
    wide = _texture(rng, ROWS, COLUMNS + 200)
    at = np.arange(COLUMNS, dtype=np.float32)[None].repeat(ROWS, 0)
    rows = np.arange(ROWS, dtype=np.float32)[:, None].repeat(COLUMNS, 1)
    left = cv2.remap(wide, at + 100, rows, cv2.INTER_CUBIC)
    # The same point: its column from the axis is smaller by the disparity in the right image.
    right = cv2.remap(wide, at + 100 + shift + left_column - right_column, rows, cv2.INTER_CUBIC)
    disparity = match(_pair(left, right, left_column, right_column))
    found = disparity.values[:, 100:-40]
    assert np.isfinite(found).mean() > 0.97
    # The matcher is known to lean towards whole pixels by up to 0.15 px.
    assert abs(np.nanmedian(found) - shift) < 0.16
    assert np.nanpercentile(np.abs(found - shift), 95) < 0.5


def test_near_and_far_are_both_reached():
    """Disparity from 1 px at the top to 120 px at the bottom, as on level ground."""
    rng = np.random.default_rng(2)
    rows, columns = 480, 640
    wide = _texture(rng, rows, columns + 400)
    y = np.arange(rows, dtype=np.float32)[:, None].repeat(columns, 1)
    x = np.arange(columns, dtype=np.float32)[None].repeat(rows, 0)
    truth = 1 + 119 * y / (rows - 1)
    left = cv2.remap(wide, x + 150, y, cv2.INTER_CUBIC)
    right = cv2.remap(wide, x + 150 + truth, y, cv2.INTER_CUBIC)
    disparity = match(_pair(left, right))
    inner = np.s_[10:-10, 130:-20]
    error = np.abs(disparity.values - truth)[inner]
    assert np.isfinite(error).mean() > 0.97
    assert np.nanpercentile(error, 98) < 0.5


def test_gain_offset_gamma_and_fall_off_do_not_matter():
    rng = np.random.default_rng(3)
    wide = np.clip(_texture(rng, ROWS, COLUMNS + 60), 1, 255)
    left, right = wide[:, :COLUMNS], wide[:, 20 : COLUMNS + 20]
    fall = 0.4 + 0.6 * np.linspace(1, 0, COLUMNS, dtype=np.float32)
    dull = (255 * (right / 255) ** 1.6) * fall + 8
    disparity = match(_pair(left, dull))
    found = disparity.values[:, 40:-30]
    assert np.isfinite(found).mean() > 0.95
    assert np.nanpercentile(np.abs(found - 20), 95) < 0.5


def test_nothing_is_matched_where_there_is_nothing_to_match():
    rng = np.random.default_rng(4)
    left = np.full((ROWS, COLUMNS), 100.0) + rng.normal(0, 0.5, (ROWS, COLUMNS))
    right = np.full((ROWS, COLUMNS), 100.0) + rng.normal(0, 0.5, (ROWS, COLUMNS))
    disparity = match(_pair(left, right))
    assert np.isfinite(disparity.values).mean() < 0.02
    assert (disparity.reason[~np.isfinite(disparity.values)] != 0).all()


def test_every_missing_pixel_has_a_reason_and_no_other(floor):
    disparity = floor.result.disparity
    assert np.array_equal(np.isfinite(disparity.values), disparity.reason == 0)


def test_pixels_hidden_from_the_right_eye_are_told(floor):
    """Ground that only the left eye sees must mostly be missing, because left and right do not agree there."""
    xyz, truth = floor.result.xyz, floor.truth
    hidden = truth.ground & ~truth.both_eyes & (truth.range_m < 15) & (floor.known == 0)
    hidden &= (xyz.reason & np.uint16(Reason.OUTSIDE_OVERLAP)) == 0
    assert hidden.sum() > 300
    kept = xyz.measured & hidden
    both = truth.both_eyes & (truth.range_m < 15)
    assert kept.sum() / hidden.sum() < 0.6 * xyz.measured[both].mean()


def test_ground_hidden_from_one_eye_is_missing_because_left_and_right_differ():
    """A wall 30 px nearer stands before a far one: beside it the left eye sees what the right does not."""
    rng = np.random.default_rng(9)
    far, near = _texture(rng, ROWS, COLUMNS + 100), _texture(rng, ROWS, COLUMNS + 100)
    left, right = far[:, 10 : COLUMNS + 10].copy(), far[:, 20 : COLUMNS + 20].copy()
    left[:, 200:300] = near[:, 200:300]
    right[:, 160:260] = near[:, 200:300]
    disparity = match(_pair(left, right))
    # Right columns 160 to 260 are the wall's: left columns 170 to 200 of the far one have no partner.
    hidden = disparity.reason[:, 175:195]
    assert ((hidden & np.uint16(Reason.LEFT_RIGHT)) > 0).mean() > 0.8
    assert np.isfinite(disparity.values[:, 215:290]).mean() > 0.97
    assert np.nanmedian(disparity.values[:, 215:290]) == pytest.approx(40, abs=0.2)
    assert np.nanmedian(disparity.values[:, 60:160]) == pytest.approx(10, abs=0.2)


def test_noise_is_measured_to_a_fifth():
    rng = np.random.default_rng(5)
    image = np.full((200, 300), 90.0, dtype=np.float32) + np.linspace(0, 60, 300, dtype=np.float32)
    image[:, 150:] += _texture(rng, 200, 150).astype(np.float32)
    for sigma in (0.5, 2.0):
        noisy = image + rng.normal(0, sigma, image.shape).astype(np.float32)
        assert noise_dn(noisy, np.ones(image.shape, bool)) == pytest.approx(sigma, rel=0.2)


def test_contrast_is_the_local_standard_deviation():
    image = np.zeros((60, 60), dtype=np.float32)
    image[:, ::2] = 10.0
    assert contrast(image)[20:40, 20:40] == pytest.approx(5.0, rel=0.05)


def test_normalised_pictures_of_two_stretches_are_alike():
    rng = np.random.default_rng(6)
    image = _texture(rng, 120, 160).astype(np.float32)
    ones = np.ones(image.shape, bool)
    a, b = contrast_normalised(image, ones), contrast_normalised(0.5 * image + 60, ones)
    assert np.abs(a.astype(int) - b).mean() < 2
    assert a.std() > 25
