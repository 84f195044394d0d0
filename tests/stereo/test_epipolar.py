"""Self-calibration: a turn put on the right camera is found from the pictures, and nothing else is touched."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.frames import RigidTransform
from stereo3d.read import read_scene
from stereo3d.stereo import epipolar
from stereo3d.stereo.epipolar import aligned, calibrate, corrected, row_angles, self_calibrate
from stereo3d.stereo.masks import known_reasons
from stereo3d.stereo.rectify import rectify
from stereo3d.stereo.sparse import Matches, baseline_axes, find_matches

MDEG = np.radians(1e-3)
SOLS = ("0060", "0340", "0395", "0718", "0755", "0903", "1110", "1280")


@pytest.fixture(scope="module")
def bundled():
    """The bundled pair (1280 x 960), whose cameras are exact, and where both its images may be matched."""
    pair = read_scene([]).pairs[0]
    return pair, known_reasons(pair.left) == 0, known_reasons(pair.right) == 0


def axes_of(pair):
    """Rows X, Y, Z of the pair's baseline axes."""
    return baseline_axes(pair.left.camera, pair.right.camera)


def turned(camera, about):
    """The camera turned about its own centre by a rotation vector (3,), rad, in ROVER_NAV."""
    rotation = cv2.Rodrigues(np.asarray(about, dtype=np.float64))[0]
    shift = camera.C - rotation @ camera.C
    return camera.moved(RigidTransform(camera.frame, camera.frame, rotation, shift))


def wrong(pair, pitch=0.0, vergence=0.0, roll=0.0):
    """The pair with its right model turned away from the truth by these angles, mdeg, about the baseline axes."""
    about = axes_of(pair).T @ (np.array([pitch, vergence, roll]) * MDEG)
    return replace(pair, right=replace(pair.right, camera=turned(pair.right.camera, about)))


def still_wrong(pair, truth):
    """By what rotation vector (3,), mdeg, in the baseline axes the right model differs from the true one."""
    frames = []
    for camera in (pair.right.camera, truth.right.camera):
        middle = np.array([[640.0, 480.0], [700.0, 480.0], [640.0, 540.0]])
        frames.append(camera.ray(middle)[1].T)
    rotation = frames[0] @ np.linalg.inv(frames[1])
    u, _, v = np.linalg.svd(rotation)
    return axes_of(truth) @ cv2.Rodrigues(u @ v)[0].ravel() / MDEG


def points_seen(pair, count, rng, noise_px=0.05, ranges_m=(2.0, 100.0)):
    """Matches of random points within ``ranges_m``, evenly spread in disparity, seen by both eyes, with noise."""
    left, right = pair.left.camera, pair.right.camera
    pixels = rng.uniform([5, 5], [left.width - 6, left.height - 6], (4 * count, 2))
    origins, directions = left.ray(pixels)
    points = origins + directions / rng.uniform(1 / ranges_m[1], 1 / ranges_m[0], (4 * count, 1))
    partner = right.project(points) + rng.normal(0, noise_px, pixels.shape)
    seen = (partner > 0).all(axis=1) & (partner < [right.width - 1, right.height - 1]).all(axis=1)
    assert seen.sum() >= count
    return Matches(pixels[seen][:count], partner[seen][:count])


@pytest.fixture(scope="module")
def found(bundled):
    """Matches of the bundled pictures."""
    pair, *usable = bundled
    images = (pair.left.image.luminance, pair.right.image.luminance)
    return find_matches(*images, pair.left.camera, pair.right.camera, *usable)


def test_a_perfect_pair_is_left_as_it_is(bundled, found):
    pair = bundled[0]
    result = calibrate(pair.left.camera, pair.right.camera, found)
    assert not result.applied
    assert "agree" in result.why_not
    assert aligned(pair, result) is pair
    assert result.before == result.after
    assert abs(result.before.median_px) < 0.01
    assert result.before.trend_px < 0.03
    assert max(abs(result.pitch_rad), abs(result.roll_rad)) < 1.5 * MDEG
    # Nothing was found to be bent, so vergence is not doubted either: well under what a matcher resolves.
    assert result.vergence_sigma_px < 0.02


@pytest.mark.parametrize(("pitch", "roll"), [(20, 0), (0, -20), (100, 0), (0, 100), (-35, 60)])
def test_pitch_and_roll_are_found_and_taken_back(bundled, found, pitch, roll):
    truth = bundled[0]
    pair = wrong(truth, pitch=pitch, roll=roll)
    result = calibrate(pair.left.camera, pair.right.camera, found)
    assert result.applied, result.why_not
    size = np.hypot(pitch, roll)
    assert result.pitch_rad / MDEG == pytest.approx(-pitch, abs=0.05 * size)
    assert result.roll_rad / MDEG == pytest.approx(-roll, abs=0.05 * size)
    # Within the doubt it states, once the pictures' own 0.01 px (0.8 mdeg) are allowed for.
    for value, put_in, sigma in ((result.pitch_rad, pitch, result.sigma[0]), (result.roll_rad, roll, result.sigma[1])):
        assert abs(value / MDEG + put_in) < 3 * np.hypot(sigma / MDEG, 0.4)
    assert abs(result.before.median_px) > 0.03 or result.before.trend_px > 0.1
    assert abs(result.after.median_px) < 0.03
    assert result.after.trend_px < 0.03
    assert np.abs(still_wrong(aligned(pair, result), truth)).max() < 0.05 * size


def test_from_pictures_to_rectified_rows(bundled):
    """The whole way: with wrong cameras, then matches found afresh in the rectified images lie in one row."""
    truth, *usable = bundled
    pair = wrong(truth, pitch=60, roll=-40)
    rows = []
    for candidate in (pair, aligned(pair, self_calibrate(pair, *usable))):
        assert candidate.left is pair.left
        r = rectify(candidate, *usable)
        m = find_matches(r.left, r.right, r.left_camera, r.right_camera, r.left_valid, r.right_valid)
        assert len(m) > 500
        rows.append(m.left[:, 1] - m.right[:, 1])
    assert abs(np.median(rows[0])) > 0.5
    assert abs(np.median(rows[1])) < 0.03
    assert np.median(np.abs(rows[1])) < 0.06


@pytest.mark.parametrize("vergence", [50, -100])
def test_vergence_is_never_corrected_but_doubted(bundled, found, vergence):
    truth = bundled[0]
    pair = wrong(truth, vergence=vergence)
    result = calibrate(pair.left.camera, pair.right.camera, found)
    left_over = still_wrong(aligned(pair, result), truth)
    assert left_over[1] == pytest.approx(vergence, rel=0.05)
    assert np.abs(left_over[[0, 2]]).max() < 0.1 * abs(vergence)
    assert result.vergence_sigma_rad > 0.8 * abs(vergence) * MDEG
    assert result.vergence_sigma_px == pytest.approx(result.vergence_sigma_rad * result.focal_px)


def test_points_beyond_infinity_are_told(bundled):
    truth = bundled[0]
    rng = np.random.default_rng(1)
    near, hills = points_seen(truth, 1200, rng), points_seen(truth, 300, rng, ranges_m=(5e3, 5e4))
    m = Matches(np.concatenate([near.left, hills.left]), np.concatenate([near.right, hills.right]))
    # Turned one way the rays of the hills diverge; the other way the hills only seem nearer.
    for vergence, told in ((100, True), (-100, False)):
        pair = wrong(truth, vergence=vergence)
        result = calibrate(pair.left.camera, pair.right.camera, m)
        px = result.beyond_infinity_rad * result.focal_px
        assert (px > 0.5) == told
        assert any("beyond infinity" in note for note in result.notes()) == told
        if told:
            assert px == pytest.approx(100 * MDEG * result.focal_px, rel=0.4)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_wrong_matches_are_outvoted(bundled, share):
    truth = bundled[0]
    pair = wrong(truth, pitch=50, roll=-80)
    rng = np.random.default_rng(2)
    m = points_seen(truth, 1000, rng)
    right = m.right.copy()
    bad = rng.random(len(m)) < share
    right[bad] += rng.uniform(-9, 9, (bad.sum(), 2))
    result = calibrate(pair.left.camera, pair.right.camera, Matches(m.left, right))
    assert result.applied
    assert abs(result.pitch_rad / MDEG + 50) < max(3 * result.sigma[0] / MDEG, 0.3)
    assert abs(result.roll_rad / MDEG - 80) < max(3 * result.sigma[1] / MDEG, 0.5)
    assert abs(result.used - (~bad).sum()) < 0.1 * len(m)


def test_sigma_is_the_spread_of_the_answers(bundled):
    truth = bundled[0]
    answers, sigmas = [], []
    for seed in range(30):
        m = points_seen(truth, 400, np.random.default_rng(100 + seed), noise_px=0.2)
        result = calibrate(truth.left.camera, truth.right.camera, m)
        answers.append((result.pitch_rad, result.roll_rad, result.row_scale))
        sigmas.append(result.sigma)
    spread = np.std(answers, axis=0)
    assert np.all(spread / np.median(sigmas, axis=0) > 0.6)
    assert np.all(spread / np.median(sigmas, axis=0) < 1.6)


def test_a_row_scale_changes_rows_and_not_columns(bundled):
    truth = bundled[0]
    rng = np.random.default_rng(3)
    m = points_seen(truth, 1500, rng)
    pair = replace(truth, right=replace(truth.right, camera=truth.right.camera.row_scaled(1.0004)))
    result = calibrate(pair.left.camera, pair.right.camera, m)
    assert result.applied
    assert result.row_scale == pytest.approx(4e-4, rel=0.05)
    assert result.after.trend_px < 0.03 < result.before.trend_px
    back = aligned(pair, result).right.camera
    points = truth.right.camera.ray(m.right)[0] + 10 * truth.right.camera.ray(m.right)[1]
    assert np.abs(back.project(points) - truth.right.camera.project(points)).max() < 0.05


@pytest.mark.parametrize(("count", "box"), [(25, None), (300, 150)])
def test_too_few_or_too_narrow_is_not_applied(bundled, count, box):
    truth = bundled[0]
    pair = wrong(truth, pitch=50)
    m = points_seen(truth, 4000 if box else count, np.random.default_rng(4))
    if box:
        m = m[(np.abs(m.left - [640, 480]) < box / 2).all(axis=1)]
        assert len(m) > 40
    result = calibrate(pair.left.camera, pair.right.camera, m)
    assert not result.applied
    assert "matches" in result.why_not
    assert aligned(pair, result) is pair
    assert result.vergence_sigma_rad == epipolar.UNMEASURED_VERGENCE_RAD
    assert any("not aligned" in note for note in result.notes())
    text = json.dumps(result.as_json(), allow_nan=False)
    assert json.loads(text)["pitch_deg"] is None


def test_no_matches_at_all(bundled):
    pair = bundled[0]
    result = calibrate(pair.left.camera, pair.right.camera, Matches(np.empty((0, 2)), np.empty((0, 2))))
    assert (result.applied, result.matches) == (False, 0)
    assert np.isnan(result.before.median_px)


def test_what_no_rig_can_do_is_not_applied(bundled):
    truth = bundled[0]
    pair = wrong(truth, pitch=900)
    m = points_seen(truth, 1000, np.random.default_rng(5))
    result = calibrate(pair.left.camera, pair.right.camera, m)
    assert not result.applied
    assert "larger" in result.why_not


def test_noise_alone_asks_for_nothing(bundled):
    truth = bundled[0]
    for seed in range(5):
        m = points_seen(truth, 150, np.random.default_rng(50 + seed), noise_px=0.6)
        result = calibrate(truth.left.camera, truth.right.camera, m)
        assert not result.applied, (result.pitch_rad, result.sigma)


def test_row_angles_have_the_sign_of_left_minus_right(bundled):
    pair = bundled[0]
    m = points_seen(pair, 100, np.random.default_rng(6), noise_px=0.0)
    assert np.abs(row_angles(pair.left.camera, pair.right.camera, m)).max() < 1e-7
    lower = Matches(m.left + np.array([0.0, 0.5]), m.right)
    angles = row_angles(pair.left.camera, pair.right.camera, lower)
    # 0.33 mrad for each of the four sensor pixels in a pixel (Maki et al. 2020).
    assert np.median(angles) == pytest.approx(0.5 * 4 * 0.33e-3, rel=0.1)


def test_corrected_turns_about_its_own_centre(bundled):
    pair = bundled[0]
    camera = corrected(pair.right.camera, axes_of(pair), np.array([1e-3, -2e-3, 0.0]))
    np.testing.assert_allclose(camera.C, pair.right.camera.C, atol=1e-12)
    turn = still_wrong(replace(pair, right=replace(pair.right, camera=camera)), pair) * MDEG
    np.testing.assert_allclose(turn, [1e-3, 0.0, -2e-3], atol=1e-8)


@pytest.mark.parametrize("sol", SOLS)
def test_rows_of_real_pairs_align(shared_data, sol):
    """Every real pair: at least 300 matches, and a median under 0.03 px after."""
    for left in sorted((shared_data / "perseverance").glob(f"NL?_{sol}_*.png")):
        pair = read_scene([left]).pairs[0]
        result = self_calibrate(pair, known_reasons(pair.left) == 0, known_reasons(pair.right) == 0)
        assert result.applied, result.why_not
        assert result.used > 300
        assert abs(result.after.median_px) < 0.03
        assert result.after.mad_px < 0.06
        assert result.after.trend_px < 0.1 < result.before.trend_px
        assert abs(result.pitch_rad) < 20 * MDEG
        assert abs(result.roll_rad) < 25 * MDEG
        # The far hills of sol 60 lie beyond infinity: its vergence is wrong, and no other's provably is.
        assert (result.beyond_infinity_rad * result.focal_px > 0.3) == (sol == "0060")
