"""Triangulation: exact on exact disparity, NaN with a reason elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.camera import pixel_grid
from stereo3d.image import Image
from stereo3d.stereo.disparity import Disparity, Reason
from stereo3d.stereo.rectify import principal_column, raw_pixels, reference_points
from stereo3d.stereo.refine import whole_matches
from stereo3d.stereo.rover import Volume, body_in_picture, rover_volume, seen_past
from stereo3d.stereo.triangulate import intersect, relative_contrast, triangulate
from stereo3d.stereo.uncertainty import range_sigma_m, vergence_range_sigma_m


def _true_disparity(floor, height_m):
    """The disparity of a level plane in the rectified grid of the floor's rig, through the exact models."""
    rectified, left, right = floor.result.rectified, floor.pair.left.camera, floor.pair.right.camera
    origins, directions = left.ray(raw_pixels(rectified.left_camera, left))
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (height_m - origins[..., 2]) / directions[..., 2]
    points = origins + np.where(along > 0, along, np.nan)[..., None] * directions
    towards = reference_points(*right.ray(right.project(points)))
    partner = rectified.right_camera.project(towards)[..., 0]
    column = np.arange(rectified.left_camera.width) - principal_column(rectified.left_camera)
    values = (column - (partner - principal_column(rectified.right_camera))).astype(np.float32)
    reason = np.where(np.isfinite(values), 0, int(Reason.NO_MATCH)).astype(np.uint16)
    return Disparity(values, reason)


def _measure(floor, disparity, known, sigma_px, max_sigma_share):
    """XYZ of a disparity as it is."""
    matches = whole_matches(floor.pair, floor.result.rectified, disparity, known, sigma_px)
    return triangulate(floor.pair, matches, max_sigma_share)


def test_exact_disparity_gives_the_exact_plane(floor):
    nothing = np.zeros(floor.known.shape, dtype=np.uint16)
    xyz = _measure(floor, _true_disparity(floor, 0.1), nothing, 0.1, 0.1)
    near = xyz.measured & (xyz.range_m < 12)
    assert near.mean() > 0.3
    # Float32 disparity and sampling in steps of 1/32 px are all that is left; at the border of the rectified image
    # the nearest pixel stands in, up to half a pixel away.
    off = np.abs(xyz.xyz[near][:, 2] - 0.1)
    assert np.percentile(off, 99) < 2e-3
    assert off.max() < 0.03
    # Each point lies on the ray of its own pixel.
    back = floor.pair.left.camera.project(xyz.xyz[near])
    assert np.abs(back - pixel_grid(*floor.known.shape[::-1])[near]).max() < 0.03
    # The pupils move, so rows align exactly at one range only: the rays miss by a fraction of a pixel.
    assert xyz.miss_m[near].max() < 2e-3


def test_sigma_is_what_a_shifted_match_does_to_the_range(floor):
    """Move every match by one tenth of a raw pixel: the range must move by what sigma_range_m says for that sigma."""
    nothing = np.zeros(floor.known.shape, dtype=np.uint16)
    disparity = _true_disparity(floor, 0.1)
    at = _measure(floor, disparity, nothing, 0.1, 0.1)
    camera, rectified = floor.pair.left.camera, floor.result.rectified.left_camera
    origins, directions = camera.ray(pixel_grid(camera.width, camera.height))
    stretch = np.gradient(rectified.project(origins + 20 * directions)[..., 0], axis=1)
    middle = np.s_[240:300, 200:300]
    step = 0.1 * float(np.median(stretch[middle]))
    moved = Disparity(disparity.values + np.float32(step), disparity.reason)
    shifted = _measure(floor, moved, nothing, 0.1, 0.1)
    change = np.abs(shifted.range_m - at.range_m)[middle]
    assert change / at.sigma_range_m[middle] == pytest.approx(1.0, abs=0.1)


def test_sigma_on_the_axis_is_the_textbook_formula():
    baseline, focal, sigma = 0.4244, 740.0, 0.05
    ranges = np.array([10.0, 30.0, 100.0])
    found = range_sigma_m(ranges, baseline * focal / ranges, np.full(3, sigma))
    assert found == pytest.approx(ranges**2 / (baseline * focal) * sigma)
    assert found == pytest.approx([0.016, 0.14, 1.6], rel=0.05)
    assert np.isnan(range_sigma_m(np.array([5.0]), np.array([0.0]), np.array([0.1]))).all()


def test_known_reasons_win_and_stay(floor):
    known = np.zeros(floor.known.shape, dtype=np.uint16)
    known[300:320, 100:200] = Reason.ROVER
    xyz = _measure(floor, _true_disparity(floor, 0.1), known, 0.1, 0.1)
    assert (xyz.reason[300:320, 100:200] == Reason.ROVER).all()
    assert np.isnan(xyz.xyz[300:320, 100:200]).all()


def test_far_ground_is_beyond_range_and_not_a_number(floor):
    nothing = np.zeros(floor.known.shape, dtype=np.uint16)
    xyz = _measure(floor, _true_disparity(floor, 0.1), nothing, 0.2, 0.02)
    far = (xyz.reason & np.uint16(Reason.BEYOND_RANGE)) > 0
    assert far.any()
    assert np.isnan(xyz.range_m[far]).all()
    assert (xyz.sigma_range_m[xyz.measured] <= 0.02 * xyz.range_m[xyz.measured] * 1.0001).all()


def test_measured_and_reasons_are_two_sides_of_one_thing(floor):
    xyz = floor.result.xyz
    for array in (xyz.range_m, xyz.sigma_range_m, xyz.miss_m, xyz.xyz[..., 0]):
        assert np.array_equal(np.isfinite(array), xyz.measured)


def test_rays_that_cross_meet_with_no_gap_and_skew_ones_midway():
    point = np.array([3.0, 1.0, -2.0])
    a, b = np.zeros(3), np.array([0.0, 0.4, 0.0])
    u, v = (point - a) / np.linalg.norm(point - a), (point - b) / np.linalg.norm(point - b)
    found, gap = intersect(a, u, b, v)
    assert found == pytest.approx(point)
    assert gap == pytest.approx(0, abs=1e-12)
    found, gap = intersect(np.zeros(3), np.array([1.0, 0, 0]), np.array([2.0, -1, 0.6]), np.array([0, 1.0, 0]))
    assert found == pytest.approx([2.0, 0, 0.3])
    assert gap == pytest.approx(0.6)


def test_rays_that_part_or_run_alongside_have_no_point():
    ahead = np.array([1.0, 0, 0])
    assert np.isnan(intersect(np.zeros(3), ahead, np.array([0, 0.4, 0]), ahead)[0]).all()
    apart = np.array([1.0, 1.0, 0]) / np.sqrt(2)
    assert np.isnan(intersect(np.zeros(3), ahead, np.array([0, 0.4, 0]), apart)[0]).all()


def test_a_volume_is_hit_and_filled_as_geometry_says():
    box = Volume(np.array([[1.0, -1, -1]]), np.array([[2.0, 1, 1]]))
    assert box.holds(np.array([[1.5, 0, 0], [2.5, 0, 0], [np.nan, 0, 0]])).tolist() == [True, False, False]
    origin = np.zeros((4, 3))
    towards = np.array([[1.0, 0, 0], [-1.0, 0, 0], [0.7, 0.7, 0.0], [0.0, 0.0, 1.0]])
    assert box.hit(origin, towards).tolist() == [True, False, True, False]
    assert box.hit(np.array([1.5, 0, 0]), np.array([0.0, 1, 0]))


def test_points_inside_the_rover_are_no_ground(floor, monkeypatch):
    """A volume laid over part of the ground takes that part out, with its reason."""
    monkeypatch.setattr(
        "stereo3d.stereo.triangulate.rover_volume",
        lambda mission: Volume(np.array([[3.0, -0.5, -1.0]]), np.array([[4.0, 0.5, 1.0]])),
    )
    nothing = np.zeros(floor.known.shape, dtype=np.uint16)
    xyz = _measure(floor, _true_disparity(floor, 0.1), nothing, 0.1, 0.1)
    assert (xyz.reason == Reason.ROVER).sum() > 100
    inside = (np.abs(xyz.xyz[..., 0] - 3.5) < 0.45) & (np.abs(xyz.xyz[..., 1]) < 0.45)
    assert not inside.any()


def test_the_published_rover_stands_where_the_rover_stands():
    volume = rover_volume("Mars 2020")
    assert volume is not None
    assert volume.holds([0.0, 0.0, -0.8])
    assert volume.holds([0.0, 1.1, -0.2])
    assert not volume.holds([2.2, 0.0, -0.1])
    assert not volume.holds([0.95, 0.35, -1.9])
    assert rover_volume("MSL") is None


def test_vergence_doubt_is_what_a_turned_eye_does_to_the_range(floor):
    """Turn the right rays about the rectified Y axis: ranges move by what the doubt of that angle says."""
    camera, right = floor.pair.left.camera, floor.pair.right.camera
    angle = 1e-5
    axis = np.cross(floor.result.rectified.left_camera.A, right.C - camera.C)
    axis /= np.linalg.norm(axis)
    points = floor.truth.xyz[floor.truth.both_eyes & (floor.truth.range_m < 30)][::200]
    towards = points - right.C
    towards /= np.linalg.norm(towards, axis=1)[:, None]
    turned = towards + angle * np.cross(axis, towards)
    turned /= np.linalg.norm(turned, axis=1)[:, None]
    ahead = points - camera.C
    range_m = np.linalg.norm(ahead, axis=1)
    moved, _ = intersect(np.broadcast_to(camera.C, ahead.shape), ahead / range_m[:, None], right.C, turned)
    change = np.abs(np.linalg.norm(moved - camera.C, axis=1) - range_m)
    predicted = vergence_range_sigma_m(ahead, right.C - camera.C, angle)
    # The turn about one fixed axis is nearly, not exactly, in the plane of the two rays.
    assert np.median(change / predicted) == pytest.approx(1.0, abs=0.1)


def test_vergence_doubt_adds_to_sigma_and_not_to_the_noise(floor):
    sure = triangulate(floor.pair, floor.result.matches, 0.1)
    unsure = triangulate(floor.pair, floor.result.matches, 0.1, 1e-3)
    both = sure.measured
    assert np.array_equal(both, unsure.measured)
    assert np.array_equal(sure.noise_range_m[both], unsure.noise_range_m[both])
    assert (unsure.sigma_range_m[both] > sure.sigma_range_m[both]).all()
    assert np.array_equal(sure.noise_range_m[both], sure.sigma_range_m[both])


def test_contrast_is_told_relative_to_what_is_usual():
    """A quarter of the ground has a third of the contrast of the rest, whatever the gain; no contrast is usual."""
    waves = np.random.default_rng(3).normal(size=(120, 160))
    waves[:, 120:] /= 3.0
    ground = np.ones(waves.shape, dtype=bool)
    ground[:20] = False
    for gain in (5.0, 20.0):
        pixels = (100.0 + gain * waves).astype(np.float32)
        found = relative_contrast(Image(pixels, np.ones(waves.shape, dtype=bool)), ground)
        assert np.isnan(found[:20]).all()
        assert np.median(found[20:, :100]) == pytest.approx(1.0, abs=0.1)
        assert np.median(found[20:, 140:]) == pytest.approx(1.0 / 3.0, abs=0.04)
    flat = Image(np.full(waves.shape, 7.0, dtype=np.float32), np.ones(waves.shape, dtype=bool))
    assert (relative_contrast(flat, ground)[20:] == 1.0).all()
    assert np.isnan(relative_contrast(flat, np.zeros_like(ground))).all()


def test_the_map_knows_the_contrast_of_its_picture(floor):
    xyz = triangulate(floor.pair, floor.result.matches, 0.1)
    assert np.array_equal(np.isfinite(xyz.contrast), xyz.measured)
    assert np.median(xyz.contrast[xyz.measured]) == pytest.approx(1.0)


def test_a_part_that_stands_out_is_the_rovers_if_it_hangs_on_it():
    """A boom leaves the envelope at 1 m height; a rock of the same height lies apart; ground lies below."""
    volume = Volume(np.array([[0.0, -1.0, -1.2]]), np.array([[1.0, 1.0, -0.5]]))
    xyz = np.full((40, 60, 3), np.nan, dtype=np.float32)
    xyz[:, :, :] = (1.2, 0.0, 0.0)
    xyz[18:22, 20:40] = (1.2, 0.0, -1.0)
    xyz[5:9, 50:55] = (1.2, 0.0, -1.0)
    xyz[30:34, 20:24] = (1.5, 0.0, -1.0)
    body = np.zeros((40, 60), dtype=bool)
    body[10:35, 0:20] = True
    xyz[body] = np.nan
    found = body_in_picture(volume, xyz, body)
    assert found[18:22, 20:40].all()
    assert found.sum() == 80
    assert not body_in_picture(volume, xyz, np.zeros_like(body)).any()


def test_ground_past_the_envelope_is_ground_and_what_is_beside_the_rover_is_not():
    deck, wheel = ([0.0, -1.0, -1.2], [1.0, 1.0, -0.5]), ([0.0, 1.0, -0.5], [1.0, 1.4, 0.0])
    volume = Volume(*(np.array([box[k] for box in (deck, wheel)]) for k in (0, 1)))
    xyz = np.full((100, 400, 3), np.nan, dtype=np.float32)
    xyz[:] = (4.0, 0.0, 0.0)
    body = np.zeros((100, 400), dtype=bool)
    body[:, 300:] = True
    xyz[:, 350:] = (0.5, 0.0, -1.0)  # the deck itself
    xyz[40:45, 380:385] = (4.0, 0.0, 0.0)  # a false match on it
    xyz[10:20, 300:304] = (1.05, 1.2, -0.1)  # a part too near to the envelope, or too high above the ground
    xyz[80:90, 300:304] = (4.0, 0.0, -0.8)
    past = seen_past(volume, xyz, body)
    assert past[30:70, 300:346].all()
    assert not past[:, 348:].any()
    assert not past[10:20, 300:305].any()
    assert not past[80:90, 300:305].any()
    assert not past[:, :300].any()
    # Alone in the picture it is not believed.
    assert not seen_past(volume, np.where((~body)[..., None], np.float32(np.nan), xyz), np.eye(100, 400) > 0).any()
    alone = np.full_like(xyz, np.nan)
    alone[40:50, 320:330] = (4.0, 0.0, 0.0)
    assert not seen_past(volume, alone, body).any()


def test_rays_that_meet_the_envelope_are_the_rovers_unless_they_see_past_it(floor):
    """All of the picture's lower half may be the rover: ground was measured there, well away from it."""
    matches = floor.result.matches
    body = np.zeros(floor.known.shape, dtype=bool)
    body[-200:] = True
    kept = triangulate(floor.pair, matches, 0.1, 0.0, body)
    without = triangulate(floor.pair, matches, 0.1)
    volume = rover_volume(floor.pair.left.mission)
    assert volume is not None
    hidden = without.measured & ~kept.measured
    assert (kept.reason[hidden] == Reason.ROVER).all()
    assert kept.measured[body].any()
    assert np.array_equal(kept.xyz[kept.measured], without.xyz[kept.measured])
    blind = triangulate(
        floor.pair, replace(matches, reason=np.where(body, 32, matches.reason).astype(np.uint16)), 0.1, 0.0, body
    )
    assert (blind.reason[body] == Reason.ROVER).mean() > 0.9
