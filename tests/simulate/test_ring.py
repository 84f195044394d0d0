"""The simulated ring: told cameras are wrong as the mast is, everything else agrees with one true world."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import pixel_grid
from stereo3d.camera.mast import head_from_joints
from stereo3d.camera.published import published_camera
from stereo3d.observation import Eye
from stereo3d.simulate.ring import AZIMUTHS_DEG, POINTING_SIGMA_DEG, Ring, simulate_ring
from stereo3d.simulate.surface import MeshSurface
from stereo3d.stereo.masks import rover


def _angle_deg(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip(np.sum(one * two, axis=-1), -1.0, 1.0)))


def test_twelve_frames_of_one_stop_in_six_shots(ring: Ring) -> None:
    assert len(ring.observations) == len(ring.true_cameras) == 12
    assert len({o.product_id for o in ring.observations}) == 12
    assert len({(o.site, o.drive, o.mission) for o in ring.observations}) == 1
    clocks = [o.sclk_s for o in ring.observations]
    for pair, azimuth in zip(ring.pairs, AZIMUTHS_DEG, strict=True):
        assert (pair.left.eye, pair.right.eye) == (Eye.LEFT, Eye.RIGHT)
        assert abs(pair.left.sclk_s - pair.right.sclk_s) <= 0.5
        told = pair.left.mast_azimuth_deg
        assert told is not None
        assert abs((told - azimuth + 180.0) % 360.0 - 180.0) < 2.0
    assert np.diff(clocks[::2]).min() > 5.0


def test_true_cameras_are_the_published_ones_at_the_true_joints(ring: Ring) -> None:
    for number, camera in enumerate(ring.true_cameras):
        pan, tilt = ring.true_joints_deg[number // 2]
        head = head_from_joints(float(pan), float(tilt), camera.frame)
        exact = published_camera(("NAVL", "NAVR")[number % 2]).moved(head).binned(32)
        points = head.apply(np.random.default_rng(1).uniform([3, -3, -2], [40, 3, 2], (200, 3)))
        assert np.nanmax(np.abs(camera.project(points) - exact.project(points))) < 0.01  # six digits in a record


def test_told_pointing_errs_by_the_joints_error_and_the_rig_stays_rigid(ring: Ring) -> None:
    error = ring.true_joints_deg - ring.told_joints_deg
    for number, (observation, true) in enumerate(zip(ring.observations, ring.true_cameras, strict=True)):
        pixel = np.array([60.0, 80.0])
        angle = _angle_deg(observation.camera.ray(pixel)[1], true.ray(pixel)[1])
        assert 0.0 < angle < 1.3 * np.hypot(*error[number // 2]) + 1e-9
    for shot, pair in enumerate(ring.pairs):
        told, true = (pair.left.camera, pair.right.camera), ring.true_cameras[2 * shot : 2 * shot + 2]
        grid = pixel_grid(told[0].width, told[0].height)[::20, ::20]
        between = [_angle_deg(*(c.ray(grid)[1] for c in cameras)) for cameras in (told, true)]
        np.testing.assert_allclose(between[0], between[1], atol=1e-7)
        lengths = [np.linalg.norm(cameras[1].C - cameras[0].C) for cameras in (told, true)]
        assert lengths[0] == pytest.approx(lengths[1], rel=1e-12)


def test_errors_have_the_asked_spread_and_follow_the_seed() -> None:
    small = {"binning": 64, "samples": 1, "azimuths_deg": (8.0, 130.0)}
    errors = []
    for seed in range(25):
        ring = simulate_ring(seed, **small) if seed < 2 else None
        # The draw alone, as simulate_ring makes it, for the statistics: worlds cost time.
        draw = np.random.default_rng([seed, 12]).normal(0.0, POINTING_SIGMA_DEG, (2, 2))
        if ring is not None:
            assert np.allclose(ring.true_joints_deg - ring.told_joints_deg, draw)
        errors.append(draw)
    assert np.std(errors) == pytest.approx(POINTING_SIGMA_DEG, rel=0.2)
    exact = simulate_ring(1, sigma_deg=0.0, **small)
    assert np.array_equal(exact.true_joints_deg, exact.told_joints_deg)
    again = simulate_ring(1, sigma_deg=0.0, **small)
    for one, two in zip(exact.observations, again.observations, strict=True):
        assert np.array_equal(one.image.pixels, two.image.pixels)


@pytest.mark.parametrize("shot", [0, 3])
def test_truth_lies_on_the_rays_of_the_camera_it_is_asked_for(ring: Ring, shot: int) -> None:
    true, told = ring.truth(shot), ring.truth(shot, told=True)
    assert np.array_equal(true.range_m, told.range_m, equal_nan=True)
    for truth, camera in ((true, ring.true_cameras[2 * shot]), (told, ring.observations[2 * shot].camera)):
        centres = pixel_grid(camera.width, camera.height)[truth.ground]
        assert np.abs(camera.project(truth.xyz[truth.ground]) - centres).max() < 1e-4
    # The error of the pointing is in between: a milliradian or more at 20 m is centimetres.
    far = true.ground & (true.range_m > 15) & (true.range_m < 25)
    assert np.median(np.linalg.norm(true.xyz - told.xyz, axis=-1)[far]) > 0.005


def test_neighbouring_shots_see_the_same_true_points(ring: Ring) -> None:
    """Where the true cameras say that a point of one shot lies in the next, the images show the same ground."""
    seen = []
    for shot in range(6):
        truth, left = ring.truth(shot), ring.observations[2 * shot].image.luminance
        number = (2 * shot + 2) % 12
        camera, other = ring.true_cameras[number], ring.observations[number].image.luminance
        pixels = camera.project(truth.xyz)
        with np.errstate(invalid="ignore"):
            inner = (
                (pixels > 8).all(axis=-1) & (pixels[..., 0] < camera.width - 9) & (pixels[..., 1] < camera.height - 9)
            )
        inner &= truth.range_m < 30
        inner[:30] = False
        column, row = np.rint(pixels[inner]).astype(int).T
        # The right range, or something stands before it.
        origins, rays = camera.ray(pixels[inner])
        clear = np.abs(ring.ground_range(origins, rays) - np.linalg.norm(truth.xyz[inner] - origins, axis=1)) < 0.02
        assert clear.sum() > 200
        seen.append(np.corrcoef(left[inner][clear], other[row, column][clear])[0, 1])
    assert min(seen) > 0.5, seen


def test_the_floor_closes_all_around(ring: Ring) -> None:
    """Straight down in circles about the cameras, also where first and last spoke meet: no gap, no step."""
    surface = ring.world.surface
    assert isinstance(surface, MeshSurface)
    centre = ring.observations[0].level_from_rover.apply(np.mean([c.C for c in ring.true_cameras], axis=0))
    turn = np.linspace(0.0, 2.0 * np.pi, 5001)
    for radius in (0.2, 4.0, 60.0, 900.0):
        origins = np.column_stack(
            [centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn), np.full(len(turn), -500.0)]
        )
        hits = surface.intersect(origins, np.broadcast_to([0.0, 0.0, 1.0], origins.shape))
        assert np.isfinite(hits.distance_m).all()
        bare = hits.body == -1
        steps = np.abs(np.diff(hits.distance_m))[bare[1:] & bare[:-1]]
        assert steps.max() < 0.05 + 0.01 * radius
        assert (hits.normal[bare][:, 2] < 0).all()  # all look up


def test_rover_is_seen_behind_and_its_envelope_hides_it(ring: Ring) -> None:
    shares = []
    for number, observation in enumerate(ring.observations):
        body = ring.sees_rover(number)
        shares.append(body.mean())
        # The mask is of the told camera, one in eight rays: it may be off by the pointing error and those.
        camera = ring.true_cameras[number]
        from stereo3d.stereo.rover import rover_volume

        volume = rover_volume("simulated")
        assert volume is not None
        assert not (body & ~volume.hit(*camera.ray(pixel_grid(camera.width, camera.height)))).any()
        assert (body & ~rover(observation)).mean() < 0.03
        assert not ring.truth(number // 2).ground[body].any() or number % 2
    assert max(shares[:4]) < 0.01
    assert min(shares[6:10]) > 0.2


def test_frames_are_stretched_each_on_its_own(ring: Ring) -> None:
    tops = [np.percentile(o.image.luminance, 99.5) for o in ring.observations]
    assert 1.1 < max(tops) / min(tops) < 1.6
    assert len({round(float(t), 1) for t in tops}) > 8


def test_horizon_is_in_every_frame(ring: Ring) -> None:
    for shot in range(6):
        truth = ring.truth(shot)
        sky = ~truth.ground & ~ring.sees_rover(2 * shot)
        assert 0.03 < sky.mean() < 0.35
        assert np.nanmax(truth.range_m) > 800.0
