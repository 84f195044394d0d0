"""Scores of maps with known errors are these errors."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import CAHV, inside, pixel_grid
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Float, Frame, RigidTransform
from stereo3d.stereo.score import compare_xyz, disparity_error, evaluate_xyz, ray_offset_px, xyz_errors
from stereo3d.stereo.truth import Truth, depth_steps, map_as_truth

FRAME = Frame.rover(1, 1)
BASELINE, FOCAL = 0.42, 300.0


@pytest.fixture(scope="module")
def rig() -> tuple[CAHV, CAHV, Truth]:
    """Pinholes 2 m above a plane, with sky in the upper rows."""
    a = np.array([1.0, 0.0, 0.0])
    h, v = FOCAL * np.array([0.0, 1.0, 0.0]) + 160 * a, FOCAL * np.array([0.0, 0.0, 1.0]) + 30 * a
    left, right = (CAHV(FRAME, 320, 240, [0, y, -2.0], a, h, v) for y in (-BASELINE / 2, BASELINE / 2))
    origin, ray = left.ray(pixel_grid(320, 240))
    with np.errstate(divide="ignore"):
        range_m = np.where(ray[..., 2] > 1e-6, 2.0 / ray[..., 2], np.nan)
    xyz = origin + ray * range_m[..., None]
    both = inside(right, right.project(xyz))
    return left, right, Truth(FRAME, range_m, xyz, both, depth_steps(range_m, left, right))


def _with_disparity_error(rig: tuple[CAHV, CAHV, Truth], error_px: Float | float) -> Float:
    """The map whose disparities are wrong by so much: of a pinhole rig, disparity = f b / depth."""
    left, _, truth = rig
    depth = truth.xyz[..., 0]
    wrong = FOCAL * BASELINE / (FOCAL * BASELINE / depth + error_px)
    return left.C + (truth.xyz - left.C) * (wrong / depth)[..., None]


def test_truth_itself_is_perfect(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, right, truth = rig
    result = evaluate_xyz(truth.xyz, truth, left, right, np.full(truth.range_m.shape, 0.01))
    s = result.overall
    assert (s.filled, s.within_half_px, s.bad_025, s.bad_1) == (1.0, 1.0, 0.0, 0.0)
    assert max(s.median_px, s.nmad_px, abs(s.bias_px), s.median_m, abs(s.bias_m)) < 1e-9
    assert result.sky_filled == 0.0
    assert sum(b.pixels for b in result.by_range) == s.pixels - np.sum(truth.both_eyes & (truth.range_m < 2))


@pytest.mark.parametrize("shift", [0.3, -0.12])
def test_known_shift_is_the_bias(rig: tuple[CAHV, CAHV, Truth], shift: float) -> None:
    left, right, truth = rig
    result = evaluate_xyz(_with_disparity_error(rig, shift), truth, left, right)
    s = result.overall
    assert s.bias_px == pytest.approx(shift, rel=1e-6)  # too large a disparity counts positive
    assert s.median_px == pytest.approx(abs(shift), rel=1e-6)
    assert s.nmad_px < 1e-6
    assert s.bad_025 == float(abs(shift) > 0.25)
    assert s.bias_m * shift < 0  # too large a disparity is too near
    middle = next(b for b in result.by_range if b.label == "10 to 20 m")
    assert abs(middle.bias_m) == pytest.approx(14.0**2 / (FOCAL * BASELINE) * abs(shift), rel=0.5)
    assert np.isnan(s.sigma_spread)


def test_normal_errors_give_their_sigma_and_honest_sigmas_a_spread_of_one(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, right, truth = rig
    noise = np.random.default_rng(1).normal(0.0, 0.2, truth.range_m.shape)
    xyz = _with_disparity_error(rig, noise)
    near = truth.range_m < 20  # where the range error is still linear in disparity
    xyz[~near] = np.nan
    sigma = 0.2 * truth.range_m * truth.xyz[..., 0] / (FOCAL * BASELINE)
    result = evaluate_xyz(xyz, truth, left, right, sigma)
    ten = result.by_range[1]
    assert ten.nmad_px == pytest.approx(0.2, rel=0.05)
    assert ten.median_px == pytest.approx(0.6745 * 0.2, rel=0.05)
    assert ten.bad_025 == pytest.approx(0.211, abs=0.02)  # two-sided tail beyond 1.25 sigma
    assert ten.bad_1 == pytest.approx(0.0, abs=1e-3)
    assert ten.sigma_spread == pytest.approx(1.0, rel=0.06)
    halved = evaluate_xyz(xyz, truth, left, right, sigma / 2)
    assert halved.by_range[1].sigma_spread == pytest.approx(2.0, rel=0.1)


def test_holes_lower_completeness_and_false_sky_is_counted(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, right, truth = rig
    xyz = truth.xyz.copy()
    columns = np.arange(320)
    xyz[:, columns % 4 == 0] = np.nan
    xyz[:10, 100:132] = [10.0, 0.0, -3.0]
    result = evaluate_xyz(xyz, truth, left, right)
    scored = truth.both_eyes & (truth.range_m < 60)
    assert result.overall.pixels == scored.sum()
    assert result.overall.filled == pytest.approx(1 - scored[:, columns % 4 == 0].sum() / scored.sum())
    assert result.overall.within_half_px == result.overall.filled
    assert result.sky_filled == pytest.approx(320 / np.sum(~truth.ground))
    alone = truth.ground & (truth.range_m < 60) & ~truth.both_eyes
    assert result.one_eye_filled == pytest.approx(np.isfinite(xyz[alone][:, 0]).mean())


def test_point_behind_the_camera_is_infinitely_wrong_not_lost(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, right, truth = rig
    xyz = truth.xyz.copy()
    row, column = np.argwhere(truth.both_eyes & (truth.range_m < 20))[50]
    xyz[row, column] = [-5.0, 0.0, -2.0]
    assert disparity_error(xyz[row, column], truth.xyz[row, column], left, right) == np.inf
    s = evaluate_xyz(xyz, truth, left, right).overall
    assert s.filled == 1.0
    assert s.bad_1 == pytest.approx(1 / s.pixels)


def test_nothing_measured_is_nan_not_a_crash(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, right, truth = rig
    result = evaluate_xyz(np.full(truth.xyz.shape, np.nan), truth, left, right)
    assert result.overall.filled == 0.0
    assert np.isnan(result.overall.median_px)


def test_other_sizes_and_frames_are_refused(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, right, truth = rig
    with pytest.raises(ValueError, match="map"):
        evaluate_xyz(truth.xyz[:-1], truth, left, right)
    other = left.moved(RigidTransform(Frame.rover(2, 2), FRAME))
    with pytest.raises(FrameMismatchError):
        evaluate_xyz(truth.xyz, truth, other, right)


def test_error_maps_have_the_errors_where_they_are(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, right, truth = rig
    shift = np.where(np.arange(320) < 200, 0.3, -0.2) * np.ones((240, 1))
    xyz = _with_disparity_error(rig, shift)
    xyz[150:160, 150:160] = np.nan
    sigma = 0.5 * np.linalg.norm(xyz - truth.xyz, axis=-1)
    errors = xyz_errors(xyz, truth, left, right, sigma)
    scored = truth.both_eyes & (truth.range_m < 60) & np.isfinite(xyz[..., 0])
    np.testing.assert_array_equal(np.isfinite(errors.px), scored)
    np.testing.assert_allclose(errors.px[scored], shift[scored], atol=1e-9)
    np.testing.assert_allclose(errors.over_sigma[scored], np.where(shift > 0, -2.0, 2.0)[scored])
    assert errors.wanted[155, 155]
    assert not errors.measured[155, 155]


def test_against_another_map_the_known_difference_is_told_and_footprints_are_counted(
    rig: tuple[CAHV, CAHV, Truth],
) -> None:
    left, right, truth = rig
    ours, other = _with_disparity_error(rig, 0.3), truth.xyz.copy()
    ours[100:120, 50:70] = np.nan
    other[200:210, 100:130] = np.nan
    result = compare_xyz(ours, other, left, right)
    assert result.overall.bias_px == pytest.approx(0.3, rel=1e-6)
    seen = int(truth.ground.sum())
    prints = result.footprint
    assert (prints.only_map, prints.only_reference) == (300, 400)
    assert (prints.both, prints.neither) == (seen - 700, 320 * 240 - seen)
    assert prints.map_filled == pytest.approx((seen - 400) / (320 * 240))
    assert prints.reference_filled == pytest.approx((seen - 300) / (320 * 240))
    # Only a truth knows sky and what one eye cannot see.
    assert np.isnan(result.sky_filled)
    assert np.isnan(result.one_eye_filled)
    # Turned round, the error changes its sign.
    assert compare_xyz(other, ours, left, right).overall.bias_px == pytest.approx(-0.3, rel=1e-6)


def test_map_in_the_place_of_the_truth_is_that_map(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, right, truth = rig
    made = map_as_truth(truth.xyz, left, right)
    np.testing.assert_allclose(made.range_m, truth.range_m, rtol=1e-12)
    np.testing.assert_array_equal(made.both_eyes, truth.both_eyes)
    # Neither sky nor a hole is a step, a rock is one.
    assert not made.near_step.any()
    holes = truth.xyz.copy()
    holes[150:170, 100:150, 1] = np.nan  # one number of three is missing
    assert not map_as_truth(holes, left, right).near_step.any()
    assert not map_as_truth(holes, left, right).ground[150:170, 100:150].any()
    holes[180:200, 200:220] = left.C + 0.7 * (holes[180:200, 200:220] - left.C)
    steps = map_as_truth(holes, left, right).near_step
    assert steps[178:202, 198:222].any()
    assert not steps[:170].any()
    with pytest.raises(ValueError, match="map"):
        map_as_truth(truth.xyz[1:], left, right)


def test_points_off_their_rays_are_noticed(rig: tuple[CAHV, CAHV, Truth]) -> None:
    left, _, truth = rig
    assert ray_offset_px(truth.xyz, left) < 1e-6
    assert ray_offset_px(_with_disparity_error(rig, 3.0), left) < 1e-6  # wrong, but of this image
    assert ray_offset_px(truth.xyz[:, ::-1], left) > 20
    assert ray_offset_px(-truth.xyz, left) == np.inf
    assert np.isnan(ray_offset_px(np.full(truth.xyz.shape, np.nan), left))
