"""The simulated pair: its truth is exact, its masks are right, and the same seed gives the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import inside, pixel_grid
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform
from stereo3d.observation import Eye
from stereo3d.simulate.pair import simulate_pair
from stereo3d.simulate.render import render, true_geometry
from stereo3d.simulate.scene_writer import DRIVE, SITE
from stereo3d.simulate.surface import AnalyticSurface, MeshSurface
from stereo3d.simulate.world import World, analytic_world, jezero_floor

LEVEL, ROVER = Frame.local_level(SITE, DRIVE), Frame.rover(SITE, DRIVE)
ROVER_FROM_LEVEL = RigidTransform(ROVER, LEVEL)


def test_true_points_project_onto_their_pixel_centres(small) -> None:
    pixels = small.left.project(small.truth.xyz[small.truth.ground])
    centres = pixel_grid(small.left.width, small.left.height)[small.truth.ground]
    assert np.abs(pixels - centres).max() < 1e-5
    origin, _ = small.left.ray(centres)
    assert np.linalg.norm(small.truth.xyz[small.truth.ground] - origin, axis=1) == pytest.approx(
        small.truth.range_m[small.truth.ground], rel=1e-12
    )


def test_plane_world_has_the_analytic_truth(level_pair) -> None:
    left, right = level_pair
    truth = true_geometry(analytic_world(1, LEVEL, AnalyticSurface()), left, right, ROVER_FROM_LEVEL)
    origin, ray = left.ray(pixel_grid(left.width, left.height))
    expected = np.where(ray[..., 2] > 0, -origin[..., 2] / ray[..., 2], np.nan)
    assert truth.frame == ROVER
    np.testing.assert_allclose(truth.range_m, expected, rtol=1e-12)
    assert np.abs(truth.xyz[truth.ground][:, 2]).max() < 1e-9
    # On an open plane both eyes see exactly what falls inside the right frame.
    assert np.array_equal(truth.both_eyes, truth.ground & inside(right, right.project(truth.xyz)))
    assert not truth.near_step[100:].any()


def test_ground_behind_a_ball_is_hidden_from_the_right_eye(level_pair) -> None:
    left, right = level_pair
    ball = np.array([4.0, 0.9, -0.6, 0.45])
    world = analytic_world(1, LEVEL, AnalyticSurface(spheres=ball[None]))
    truth = true_geometry(world, left, right, ROVER_FROM_LEVEL)
    on_ball = truth.ground & (np.abs(np.linalg.norm(truth.xyz - ball[:3], axis=-1) - ball[3]) < 1e-9)
    assert on_ball.sum() > 50
    # Ground whose line to the right eye's centre passes well within the ball, by plain geometry.
    ground = truth.ground & ~on_ball & inside(right, right.project(truth.xyz), 1.0)
    line = truth.xyz - right.C
    line /= np.linalg.norm(line, axis=-1, keepdims=True)
    to = ball[:3] - right.C
    miss = np.sqrt(np.maximum(to @ to - (line @ to) ** 2, 0))
    hidden, clear = ground & (miss < ball[3] * 0.97), ground & (miss > ball[3] * 1.03)
    assert hidden.sum() > 30
    assert not truth.both_eyes[hidden].any()
    assert truth.both_eyes[clear].all()
    # The ball's outline against the ground behind it is a depth step; its middle is none.
    assert truth.near_step[hidden].mean() > 0.5
    assert 0.01 < truth.near_step.mean() < 0.2


def test_same_seed_same_bytes_other_seed_other_world(small) -> None:
    again, truth = simulate_pair(3, small.left, small.right, level_from_rover=small.pose, samples=2)
    for one, two in ((small.pair.left, again.left), (small.pair.right, again.right)):
        assert np.array_equal(one.image.pixels, two.image.pixels)
    assert np.array_equal(truth.range_m, small.truth.range_m, equal_nan=True)
    _, other = simulate_pair(4, small.left, small.right, level_from_rover=small.pose, samples=1)
    assert not np.array_equal(other.range_m, small.truth.range_m, equal_nan=True)


def test_pair_says_that_it_is_simulated(small) -> None:
    for observation, eye in ((small.pair.left, Eye.LEFT), (small.pair.right, Eye.RIGHT)):
        assert observation.mission == "simulated"
        assert observation.product_id.startswith("SIM_")
        assert observation.eye is eye
        assert observation.site_from_rover is not None


def test_ground_lies_on_the_rovers_plane_near_it_and_the_horizon_is_in_view(small) -> None:
    near = small.truth.ground & (small.truth.range_m < 10)
    assert np.median(np.abs(small.truth.xyz[near][:, 2])) < 0.15
    assert np.nanmin(small.truth.range_m) < 3.0
    assert np.nanmax(small.truth.range_m) > 1000.0
    assert 0.05 < 1 - small.truth.ground.mean() < 0.3


def test_images_show_what_the_truth_says(small) -> None:
    left = small.pair.left.image.luminance
    clear = np.zeros(left.shape, bool)
    clear[10:, 20:-20] = True
    sky, ground = ~small.truth.ground & clear, small.truth.ground & clear
    assert np.median(left[sky]) > np.median(left[ground])  # a dusty sky is brighter than the ground
    assert left[sky].std() < left[ground].std()


def test_shadows_fall_away_from_the_sun(level_pair) -> None:
    left, _ = level_pair
    ball = AnalyticSurface(spheres=np.array([[5.0, 0.5, -0.5, 0.5]]))
    world = analytic_world(1, LEVEL, ball)
    sun = np.array([0.0, -0.8, -0.6])
    lit = World(LEVEL, ball, world.material, type(world.light)(sun))
    image = render(lit, left, samples=1).mean(axis=2)
    # The middle of the shadow: from the ball's centre along the sunlight to the ground.
    middle = np.array([5.0, 0.5, -0.5]) - sun * (0.5 / 0.6)
    mirror = middle * [1, -1, 1] + [0, 1.0, 0]  # as far on the sunny side
    dark, bright = (np.rint(left.project(p)).astype(int) for p in (middle, mirror))
    assert image[dark[1], dark[0]] < 0.6 * image[bright[1], bright[0]]


def test_floor_is_a_mesh_of_bounded_size(small) -> None:
    world = jezero_floor(3, small.left.moved(small.pose), small.pose.rotate(np.array([0.0, 0.0, 1.0])))
    assert isinstance(world.surface, MeshSurface)
    assert np.isfinite(world.surface.vertices).all()
    assert 5e4 < len(world.surface.faces) < 1e6
    assert (world.surface.body >= 0).sum() > 1e4


def test_cameras_of_different_stops_are_refused(small) -> None:
    elsewhere = small.right.moved(RigidTransform(Frame.rover(SITE, DRIVE + 1), small.right.frame))
    with pytest.raises(FrameMismatchError, match="ROVER_NAV"):
        simulate_pair(1, small.left, elsewhere)
