"""The simulated ring: told cameras are wrong as the mast is, everything else agrees with one true world."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stereo3d.camera import pixel_grid
from stereo3d.camera.mast import head_from_joints
from stereo3d.camera.published import published_camera
from stereo3d.observation import Eye
from stereo3d.simulate.render import render
from stereo3d.simulate.ring import AZIMUTHS_DEG, POINTING_SIGMA_DEG, Ring, simulate_ring
from stereo3d.simulate.surface import MeshSurface
from stereo3d.stereo.masks import rover
from stereo3d.stereo.rover import rover_volume


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
    # One world with many pointings: the errors do not depend on what is seen.
    many = simulate_ring(1, binning=80, samples=1, azimuths_deg=[10.0 * k for k in range(30)])
    error = many.true_joints_deg - many.told_joints_deg
    assert np.std(error) == pytest.approx(POINTING_SIGMA_DEG, rel=0.2)
    assert abs(np.corrcoef(error.T)[0, 1]) < 0.4
    small = {"binning": 80, "samples": 1, "azimuths_deg": (8.0, 130.0)}
    exact, again = (simulate_ring(1, sigma_deg=0.0, **small) for _ in range(2))
    assert np.array_equal(exact.true_joints_deg, exact.told_joints_deg)
    for one, two in zip(exact.observations, again.observations, strict=True):
        assert np.array_equal(one.image.pixels, two.image.pixels)
    other = simulate_ring(2, **small)
    assert not np.allclose(other.true_joints_deg - other.told_joints_deg, error[:2], atol=0.01)


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


def _fine(ring: Ring, number: int) -> np.ndarray:
    """The image's detail: vignetting, light and the frame's own stretch left out."""
    image = ring.observations[number].image.luminance.astype(np.float32)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.0) - cv2.GaussianBlur(image, (0, 0), 4.0))


@pytest.mark.parametrize("shot", range(6))
def test_neighbouring_shots_show_the_same_ground_where_the_true_cameras_say(ring: Ring, shot: int) -> None:
    number = (2 * shot + 2) % 12
    truth, camera = ring.truth(shot), ring.true_cameras[number]
    pixels = camera.project(truth.xyz)
    with np.errstate(invalid="ignore"):
        inner = (pixels > 8).all(axis=-1) & (pixels < [camera.width - 9, camera.height - 9]).all(axis=-1)
        inner &= truth.range_m < 30
    origins, rays = camera.ray(pixels[inner])
    # Not where something stands before the point.
    clear = np.abs(ring.ground_range(origins, rays) - np.linalg.norm(truth.xyz[inner] - origins, axis=1)) < 0.02
    assert clear.sum() > 1000
    here, other = _fine(ring, 2 * shot)[inner][clear], _fine(ring, number)

    def agreement(*shift: float) -> float:
        at = (pixels[inner][clear] + shift).astype(np.float32)
        return float(np.corrcoef(here, cv2.remap(other, at[:, :1], at[:, 1:], cv2.INTER_LINEAR)[:, 0])[0, 1])

    true = agreement(0.0, 0.0)
    assert true > 0.75
    assert true > 0.1 + max(agreement(2, 0), agreement(-2, 0), agreement(0, 2), agreement(0, -2))


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
    volume = rover_volume("simulated")
    assert volume is not None
    for number, observation in enumerate(ring.observations):
        body = ring.sees_rover(number)
        shares.append(body.mean())
        # The mask is of the told camera, one in eight rays: it may be off by the pointing error and those.
        camera = ring.true_cameras[number]
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


def test_images_are_taken_from_the_true_cameras() -> None:
    # Errors so large that a small image shows them.
    ring = simulate_ring(4, binning=40, samples=1, azimuths_deg=(68.0,), sigma_deg=2.0)
    level = ring.observations[0].level_from_rover
    for number, (observation, true) in enumerate(zip(ring.observations, ring.true_cameras, strict=True)):
        seen = _fine(ring, number)[40:]
        agreement = []
        for camera in (true, observation.camera):
            radiance = render(ring.world, camera.moved(level), samples=1, seed=9).mean(axis=2)
            again = cv2.GaussianBlur(radiance, (0, 0), 1.0) - cv2.GaussianBlur(radiance, (0, 0), 4.0)
            agreement.append(np.corrcoef(seen.ravel(), again[40:].ravel())[0, 1])
        assert agreement[0] > 0.8 > 0.4 > agreement[1], agreement
