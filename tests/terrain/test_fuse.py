"""Several views of known worlds become one surface: exact, by sigma, and by vote."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.errors import StereoError
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.stereo.disparity import Reason
from stereo3d.terrain.align import misfits
from stereo3d.terrain.fuse import View, fuse

TO_ENU = RigidTransform(Frame.enu(3, 4), Frame.rover(3, 4), ENU_FROM_NED)
BOX = ((4.0, 4.4), (-0.3, 0.3), 0.4)


def view(world, **what) -> View:
    made = world(**what)
    return View(made.cast()[0], made.camera())


def with_patch(made: View, range_m: float, rows: slice, columns: slice) -> View:
    """The view with a false piece at one range, of the same disparity noise."""
    sigma = made.xyz.sigma_range_m.copy()
    sigma[rows, columns] *= (range_m / made.xyz.range_m[rows, columns]) ** 2
    xyz = made.xyz.xyz.copy()
    away = xyz[rows, columns] - made.centre.astype(np.float32)
    xyz[rows, columns] = made.centre + away / np.linalg.norm(away, axis=-1, keepdims=True) * range_m
    ranges = made.xyz.range_m.copy()
    ranges[rows, columns] = range_m
    return replace(made, xyz=replace(made.xyz, xyz=xyz, range_m=ranges, sigma_range_m=sigma))


def off_plane(fused) -> np.ndarray:
    return fused.xyz.xyz[..., 2][fused.xyz.measured]


def test_a_plane_stays_a_plane_from_another_place(world):
    fused = fuse([view(world, yaw_deg=-20.0, eye=(0.5, -0.2)), view(world, yaw_deg=30.0, eye=(0.4, 0.2))], TO_ENU)
    assert fused.xyz.frame == Frame.enu(3, 4)
    # Linear in inverse range between four pixels: exact to well under a millimetre.
    near = fused.xyz.range_m < 15.0
    assert np.abs(fused.xyz.xyz[..., 2][near]).max() < 1e-3
    assert fused.count.max() == 2
    assert (fused.count == 1).any()
    assert not fused.outvoted.any()


def test_noise_falls_where_two_views_agree_and_sigma_says_so(world):
    views = [view(world, yaw_deg=y, noise_px=0.2, seed=s) for s, y in enumerate((-15.0, 15.0))]
    fused = fuse(views, TO_ENU)
    rho = 1.0 / fused.xyz.range_m
    truth = -fused.grid.directions()[..., 2] / fused.grid.centre[2]
    sigma = fused.xyz.sigma_range_m * rho * rho
    scores = [(rho - truth)[fused.count == n] / sigma[fused.count == n] for n in (1, 2)]
    # Between four pixels noise is averaged too, by the same share in both.
    assert np.std(scores[1]) == pytest.approx(np.std(scores[0]), rel=0.1)
    both, one = (np.median(sigma[fused.count == n]) for n in (2, 1))
    assert both < 0.85 * one


def test_the_surer_view_counts_more(world):
    sure = view(world, yaw_deg=-5.0, sigma_px=0.05)
    unsure = view(world, yaw_deg=5.0, sigma_px=0.5)
    # 3 % further away, within the doubt of the unsure one
    stretched = unsure.centre + (unsure.xyz.xyz - unsure.centre) * np.float32(1.03)
    xyz = replace(unsure.xyz, xyz=stretched, range_m=unsure.xyz.range_m * np.float32(1.03))
    fused = fuse([sure, replace(unsure, xyz=xyz)], TO_ENU)
    both = (fused.count == 2) & (fused.xyz.range_m > 6) & (fused.xyz.range_m < 12)
    height = fused.xyz.xyz[..., 2][both]
    assert np.abs(np.median(height)) < 0.01 * 0.03 * 2.0 * 5


def test_contrast_is_fused_as_the_range_is(world):
    """What is not known is as good as the usual contrast; where two agree, each counts by its sigma."""
    views = [view(world, yaw_deg=-15.0), view(world, yaw_deg=15.0)]
    dim = replace(views[0].xyz, contrast=np.full(views[0].xyz.reason.shape, 0.2, dtype=np.float32))
    fused = fuse([replace(views[0], xyz=dim), views[1]], TO_ENU)
    found, one = fused.xyz.contrast, fused.count == 1
    assert np.array_equal(np.isfinite(found), fused.xyz.measured)
    assert set(np.round(found[one], 4)) == {np.float32(0.2), np.float32(1.0)}
    assert np.median(found[fused.count == 2]) == pytest.approx(0.6, abs=0.1)


def test_what_most_views_see_wins(world):
    rows, columns = slice(110, 160), slice(130, 180)
    # The one that is wrong counts more than each of the others, but less than both.
    views = [view(world, yaw_deg=y, sigma_px=s) for y, s in ((-12.0, 0.2), (0.0, 0.165), (12.0, 0.2))]
    for false_m in (1.5, 40.0):
        fused = fuse([views[0], with_patch(views[1], false_m, rows, columns), views[2]], TO_ENU)
        assert np.abs(off_plane(fused)[fused.xyz.range_m[fused.xyz.measured] < 15.0]).max() < 0.02, false_m
        assert np.nanmax(fused.xyz.range_m) < 38.0
        assert (fused.outvoted > 0).sum() > 500


def test_a_surface_that_others_look_through_is_false(world):
    """Where the others measured nothing behind it as seen from the middle, but did as they see it themselves."""
    eyes = [(0.5, -0.25), (0.5, 0.25), (0.6, 0.3)]
    views = [view(world, eye=eye, tilt_deg=35.0) for eye in eyes]
    rows, columns = slice(110, 130), slice(150, 170)
    false = with_patch(views[0], 1.2, rows, columns)
    middle = np.mean([made.centre for made in views], axis=0)
    rays = false.xyz.xyz[rows, columns].reshape(-1, 3) - middle
    behind = middle + rays * (-middle[2] / rays[:, 2:])
    others = []
    for made in views[1:]:
        pixels = made.camera.project(behind)
        low, high = pixels.min(axis=0) - 4, pixels.max(axis=0) + 4
        y, x = np.mgrid[0:240, 0:320]
        blind = (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
        assert 400 < blind.sum() < 5000
        m = made.xyz
        parts = {n: np.where(blind, np.nan, getattr(m, n)) for n in ("range_m", "sigma_range_m", "miss_m")}
        reason = np.where(blind, int(Reason.LOW_TEXTURE), m.reason)
        xyz = replace(m, xyz=np.where(blind[..., None], np.nan, m.xyz), reason=reason, **parts)
        others.append(replace(made, xyz=xyz))
    alone = fuse([false], TO_ENU)
    assert (off_plane(alone) > 0.1).sum() > 200
    fused = fuse([false, *others], TO_ENU)
    # Where the others have holes themselves, some of it stays.
    assert (off_plane(fused) > 0.1).sum() < 0.6 * (off_plane(alone) > 0.1).sum()
    assert fused.outvoted.any()


def test_a_rock_keeps_its_face_and_nothing_joins_it_to_the_ground_behind(world):
    views = [view(world, yaw_deg=y, eye=e, boxes=(BOX,)) for y, e in ((-15.0, (0.4, -0.2)), (15.0, (0.4, 0.2)))]
    fused = fuse(views, TO_ENU)
    p = fused.xyz.xyz[fused.xyz.measured].astype(np.float64)
    north, east, up = p[:, 1], p[:, 0], p[:, 2]  # ENU: X of the rover is north
    on_face = (np.abs(north - 4.0) < 0.02) & (np.abs(east) < 0.3) & (up > 0.05) & (up < 0.35)
    assert on_face.sum() > 200
    low = np.abs(up) < 0.02
    box = (north > 3.97) & (north < 4.43) & (np.abs(east) < 0.33) & (up < 0.43)
    assert (low | box).all()


def test_what_is_left_over_an_overlap_is_measured(world):
    turn = np.deg2rad(0.05)
    first, second = view(world, yaw_deg=-15.0, noise_px=0.01, seed=2), view(world, yaw_deg=15.0, noise_px=0.01, seed=3)
    # The second map is tilted about the eye: its ground sinks ahead by turn times range.
    c = np.cos(turn), np.sin(turn)
    pitch = np.array([[c[0], 0.0, -c[1]], [0.0, 1.0, 0.0], [c[1], 0.0, c[0]]])
    moved = second.centre + (second.xyz.xyz - second.centre) @ pitch.T
    second = replace(second, xyz=replace(second.xyz, xyz=moved))
    (found,) = misfits(fuse([first, second], TO_ENU))
    for part in found.ranges:
        middle = 0.5 * (part.from_m + part.to_m)
        assert part.median_mm == pytest.approx(-1e3 * turn * middle * 0.9, rel=0.35), part
    # The turn that would undo it is about east, the axis across the rover.
    assert found.turn_deg is not None
    assert np.abs(found.turn_deg[0]) == pytest.approx(0.05, rel=0.15)
    assert np.abs(found.turn_deg[1:]).max() < 0.015
    assert found.after_mm < 0.9 * found.before_mm


def test_nothing_measured_is_one_clear_error(world):
    made = view(world)
    blind = replace(made.xyz, reason=np.full(made.xyz.reason.shape, int(Reason.SKY), np.uint16))
    nothing = replace(made, xyz=replace(blind, xyz=np.full(blind.xyz.shape, np.nan, np.float32)))
    with pytest.raises(StereoError):
        fuse([nothing], TO_ENU)
    with pytest.raises(StereoError):
        fuse([], TO_ENU)
