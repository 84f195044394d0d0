"""Refinement: known shifts, slopes and steps are recovered far below a pixel, and sigma is the size of the error."""

from __future__ import annotations

import cv2
import numba
import numpy as np
import pytest
from scipy import ndimage

from stereo3d.camera import CAHV
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.stereo import refine_kernels
from stereo3d.stereo.disparity import Disparity, Reason, RectifiedPair
from stereo3d.stereo.refine import refine, whole_matches

ROWS, COLUMNS = 120, 200
INNER = np.s_[15:-15, 50:-15]


class _Wall:
    """Random texture on a wall, smooth enough for a spline of the fifth order to be exact to 0.001 px."""

    def __init__(self, seed, correlation_px=1.5):
        rng = np.random.default_rng(seed)
        paint = ndimage.gaussian_filter(rng.normal(size=(ROWS + 40, COLUMNS + 80)), correlation_px)
        self._spline = ndimage.spline_filter(110 + 22 * paint / paint.std(), order=5)

    def seen(self, columns, rows):
        """The wall at ``columns``, ``rows`` (rows, columns), px."""
        return ndimage.map_coordinates(self._spline, [rows + 20, columns + 40], order=5, prefilter=False)


def _grid():
    return np.meshgrid(np.arange(COLUMNS, dtype=float), np.arange(ROWS, dtype=float))


def _camera(y_m):
    a, right, down = np.eye(3)
    h, v = 300 * right + 100 * a, 300 * down + 60 * a
    return CAHV(Frame.rover(1, 2), COLUMNS, ROWS, np.array([0, y_m, -2.0]), a, h, v)


def _observation(eye, pixels):
    camera = _camera(0.0 if eye is Eye.LEFT else 0.4)
    image = Image(pixels.astype(np.float32) if pixels.dtype != np.uint8 else pixels, np.ones(pixels.shape, bool))
    return Observation(f"{eye.name}", "test", eye.name, eye, image, camera, 0, 1, 2, 0.0)


def _refined(left, right, start, **options):
    """Refine from a disparity ``start``; the raw frames are row-aligned and linear already."""
    pair = StereoPair(_observation(Eye.LEFT, left), _observation(Eye.RIGHT, right))
    images = [np.asarray(o.image.luminance) for o in (pair.left, pair.right)]
    ones = [np.ones(i.shape, bool) for i in images]
    rectified = RectifiedPair(*images, *ones, pair.left.camera, pair.right.camera)
    start = np.broadcast_to(np.asarray(start, np.float32), left.shape)
    disparity = Disparity(start, np.where(np.isfinite(start), 0, int(Reason.NO_MATCH)).astype(np.uint16))
    nothing = np.zeros(left.shape, np.uint16)
    return refine(pair, rectified, disparity, nothing, **options), (pair, rectified, disparity, nothing)


def _error(matches, truth):
    return (matches.disparity_px - truth)[INNER]


@pytest.mark.parametrize("shift", [5.0, 5.13, 5.37, 5.5, 5.74])
def test_a_shift_is_found_to_a_hundredth_of_a_pixel_wherever_it_lies(shift):
    wall, (x, y) = _Wall(1), _grid()
    matches, _ = _refined(wall.seen(x, y), wall.seen(x + shift, y), np.rint(shift))
    error = _error(matches, shift)
    assert np.isfinite(error).all()
    assert abs(np.median(error)) < 0.004
    assert np.percentile(np.abs(error), 95) < 0.01


@pytest.mark.parametrize(("across", "down"), [(0.06, 0.0), (-0.04, 0.2), (0.0, -0.15)])
def test_slopes_are_followed(across, down):
    """Ground at a slant; the start is the truth rounded to whole pixels, as a matcher's integer part would be."""
    wall, (x, y) = _Wall(2), _grid()
    truth = 12 + across * (x - 100) + down * (y - 60)
    # The right pixel that shows what left pixel x shows is x - d(x); the wall is painted in the left's columns.
    partner = (x + 12 - across * 100 + down * (y - 60)) / (1 - across)
    matches, _ = _refined(wall.seen(x, y), wall.seen(partner, y), np.rint(truth))
    error = _error(matches, truth)
    assert np.isfinite(error).mean() > 0.99
    assert abs(np.nanmedian(error)) < 0.01
    assert np.nanpercentile(np.abs(error), 95) < 0.065


def test_the_partner_is_where_the_disparity_says():
    wall, (x, y) = _Wall(3), _grid()
    matches, _ = _refined(wall.seen(x, y), wall.seen(x + 6.4, y), 6.0)
    assert np.abs(matches.right[INNER][..., 0] - (x - 6.4)[INNER]).max() < 0.025
    assert np.abs(matches.right[INNER][..., 1] - y[INNER]).max() < 1e-3
    assert np.percentile(np.abs(_error(matches, 6.4)), 95) < 0.01


@pytest.mark.parametrize("stretch", ["gain", "gamma", "fall-off"])
def test_another_stretch_of_one_eye_does_not_matter(stretch):
    wall, (x, y) = _Wall(4), _grid()
    left, right = wall.seen(x, y), wall.seen(x + 7.3, y)
    right = {
        "gain": 0.5 * right + 60,
        "gamma": 255 * (right / 255) ** 1.6,
        "fall-off": right * np.linspace(1.0, 0.8, COLUMNS),
    }[stretch]
    matches, _ = _refined(left, right, 7.0)
    error = _error(matches, 7.3)
    assert np.isfinite(error).all()
    assert abs(np.median(error)) < 0.005
    assert np.percentile(np.abs(error), 95) < 0.065


def test_no_position_within_the_pixel_is_preferred():
    """Disparity runs evenly through all fractions: so must the answer, though the start leans towards whole pixels."""
    x, y = _grid()
    truth = 8 + 0.05 * (y - 60)
    inner = np.s_[20:100, 50:-15]  # 80 rows: four whole pixels
    # A semi-global matcher's lean: 0.25 px from peak to peak.
    start = truth - 0.125 * np.sin(2 * np.pi * truth)
    counts = np.zeros(10)
    for seed in (5, 15, 25):
        wall, rng = _Wall(seed), np.random.default_rng(seed)
        left, right = (i + rng.normal(0, 1.0, i.shape) for i in (wall.seen(x, y), wall.seen(x + truth, y)))
        matches, _ = _refined(left, right, start)
        counts += np.histogram(matches.disparity_px[inner] % 1.0, bins=10, range=(0, 1))[0]
    assert counts.sum() == 3 * 80 * (COLUMNS - 65)
    assert np.abs(counts / counts.mean() - 1).max() < 0.05
    before = np.histogram(start[inner] % 1.0, bins=10, range=(0, 1))[0]
    assert np.abs(before / before.mean() - 1).max() > 0.4


def test_sigma_is_the_size_of_the_error_whatever_the_noise():
    wall, (x, y) = _Wall(6), _grid()
    rng = np.random.default_rng(6)
    sizes = []
    for noise in (1.0, 3.0):
        left, right = (i + rng.normal(0, noise, i.shape) for i in (wall.seen(x, y), wall.seen(x + 5.4, y)))
        matches, _ = _refined(left, right, 5.0)
        ratio = _error(matches, 5.4) / matches.sigma_px[INNER]
        assert 0.4 < 1.4826 * np.nanmedian(np.abs(ratio)) < 1.6
        sizes.append(np.nanmedian(matches.sigma_px[INNER]))
    assert sizes[1] > 2 * sizes[0]


def _rock(fatten_px=0):
    """A near block (disparity 16) before a wall (8), and a start that makes the block too wide."""
    near, far, (x, y) = _Wall(7), _Wall(8), _grid()
    block = (x >= 90) & (x < 130) & (y >= 40) & (y < 85)
    truth = np.where(block, 16.0, 8.0)
    in_right = (x + 16 >= 90) & (x + 16 < 130) & (y >= 40) & (y < 85)
    left = np.where(block, near.seen(x, y), far.seen(x, y))
    right = np.where(in_right, near.seen(x + 16, y), far.seen(x + 8, y))
    kernel = np.ones((2 * fatten_px + 1,) * 2, np.uint8)
    start = np.where(cv2.dilate(block.astype(np.uint8), kernel) > 0, 16.0, 8.0)
    # The left block hides 8 columns of the wall from the right eye: the matcher's left-right check has taken them out.
    hidden = (x >= 82) & (x < 90) & (y >= 40) & (y < 85)
    start[hidden] = np.nan
    return left, right, start, truth, hidden


def test_a_rock_is_not_made_wider_and_a_fat_one_is_made_thin():
    for fat in (0, 2):
        left, right, start, truth, hidden = _rock(fat)
        matches, _ = _refined(left, right, start)
        error = np.abs(matches.disparity_px - truth)
        band = cv2.dilate((truth > 12).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        band &= ~cv2.dilate(hidden.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        before = (np.abs(start - truth)[band] > 0.5).mean()
        after = (error[band] > 0.5).mean()
        assert after < 0.015
        assert fat == 0 or before > 6 * after
        assert np.median(error[band]) < 0.02


def test_what_was_not_matched_stays_so_and_keeps_its_reason():
    wall, (x, y) = _Wall(9), _grid()
    start = np.full((ROWS, COLUMNS), 5.0)
    start[40:60, 80:120] = np.nan
    matches, _ = _refined(wall.seen(x, y), wall.seen(x + 5.2, y), start)
    assert (matches.reason[40:60, 80:120] == Reason.NO_MATCH).all()
    for array in (matches.disparity_px, matches.sigma_px, matches.right[..., 0]):
        assert np.array_equal(np.isfinite(array), matches.reason == 0)


def test_windows_without_texture_are_refused():
    wall, (x, y) = _Wall(10), _grid()
    rng = np.random.default_rng(10)
    left, right = wall.seen(x, y), wall.seen(x + 5.2, y)
    left[30:90, 80:140], right[30:90, 70:140] = 100.0, 100.0
    matches, _ = _refined(*(i + rng.normal(0, 1.0, i.shape) for i in (left, right)), 5.0)
    bare = np.s_[46:74, 96:124]  # what even the wide window does not see beyond
    refused = matches.reason[bare] & np.uint16(Reason.LOW_TEXTURE | Reason.NOT_CONVERGED)
    assert (refused > 0).mean() > 0.75
    assert (matches.reason[100:110, 60:180] == 0).all()


def test_clipped_windows_are_refused():
    wall, (x, y) = _Wall(11), _grid()
    left, right = (np.clip(i, 0, 255).astype(np.uint8) for i in (wall.seen(x, y), wall.seen(x + 5.2, y)))
    left[50:70, 90:120] = 255
    matches, _ = _refined(left, right, 5.0)
    assert (matches.reason[55:65, 95:115] & np.uint16(Reason.SATURATED) > 0).all()
    assert not (matches.reason[20:40, 60:180] & np.uint16(Reason.SATURATED) > 0).any()


def test_a_start_that_is_wrong_does_not_become_a_confident_match():
    """Six pixels off: there is nothing to converge to, and what is kept must carry a large sigma."""
    wall, (x, y) = _Wall(12), _grid()
    wrong, _ = _refined(wall.seen(x, y), wall.seen(x + 5.2, y), 11.2)
    right, _ = _refined(wall.seen(x, y), wall.seen(x + 5.2, y), 5.0)
    kept = (wrong.reason == 0)[INNER]
    assert kept.mean() < 0.6
    assert np.median(wrong.sigma_px[INNER][kept]) > 10 * np.median(right.sigma_px[INNER])


def test_whole_matches_are_the_matchers_own(floor):
    result = floor.result
    matches = whole_matches(floor.pair, result.rectified, result.disparity, floor.known, 0.2)
    assert np.array_equal(np.isfinite(matches.disparity_px), matches.reason == 0)
    both = (matches.reason == 0) & (result.matches.reason == 0)
    assert both.mean() > 0.5
    assert np.median(np.abs(matches.disparity_px - result.matches.disparity_px)[both]) < 0.3
    assert (matches.sigma_px[both] > 0.19).all()


def test_refinement_halves_the_error_of_simulated_ground(floor):
    from stereo3d.stereo.score import evaluate_xyz
    from stereo3d.stereo.triangulate import triangulate

    cameras = floor.pair.left.camera, floor.pair.right.camera
    coarse = whole_matches(floor.pair, floor.result.rectified, floor.result.disparity, floor.known, 0.2)
    before = evaluate_xyz(triangulate(floor.pair, coarse, 0.1).xyz, floor.truth, *cameras)
    xyz = floor.result.xyz
    # The doubt about vergence is one number for the picture; what the spread shows is the noise.
    after = evaluate_xyz(xyz.xyz, floor.truth, *cameras, xyz.noise_range_m)
    assert after.overall.median_px < 0.7 * before.overall.median_px
    assert after.overall.bad_025 < 0.7 * before.overall.bad_025
    assert after.near_step.within_half_px > before.near_step.within_half_px
    # Beyond 40 m a sigma of 0.2 px is a tenth of the range with these 512 columns.
    assert after.overall.filled > 0.95
    assert 0.7 < after.overall.sigma_spread < 1.35


def test_progress_and_threads_change_nothing():
    wall, (x, y) = _Wall(13), _grid()
    left, right = wall.seen(x, y), wall.seen(x + 5.3, y)
    shares: list[float] = []
    one, _ = _refined(left, right, 5.0, threads=1, progress=shares.append)
    three, _ = _refined(left, right, 5.0, threads=3)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert np.array_equal(one.disparity_px, three.disparity_px, equal_nan=True)


def test_kernels_compile_without_a_folder_to_keep_them_in(monkeypatch):
    """numba refuses to cache when no folder can be written to; that must not stop the program."""
    real = numba.njit

    def no_folder(*args, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", no_folder)
    assert refine_kernels.compiled(lambda a: a + 1)(2) == 3
