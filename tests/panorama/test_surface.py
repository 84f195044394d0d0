"""Rays meet the ground that the stereo pairs measured, the plane of the wheels, or nothing."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.panorama.surface import MeasuredGround, Plane, Samples, range_image

CENTRE = np.array([0.3, -0.2, -2.0])
DOWN = np.array([0.1, -0.05, 1.0]) / np.linalg.norm([0.1, -0.05, 1.0])


def directions(azimuths_deg: np.ndarray, elevations_deg: np.ndarray) -> np.ndarray:
    a, e = np.meshgrid(np.radians(azimuths_deg), np.radians(elevations_deg))
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), -np.sin(e)], axis=-1).reshape(-1, 3)


def plane_points(normal: np.ndarray, offset_m: float, d: np.ndarray) -> np.ndarray:
    return CENTRE + d * ((offset_m - CENTRE @ normal) / (d @ normal))[:, None]


def test_the_plane_of_the_wheels() -> None:
    plane = Plane(DOWN)
    d = directions(np.arange(0, 360, 10), np.array([-60.0, -20.0, -8.0, 20.0]))
    near = plane.nearness(CENTRE, d).astype(float)
    met = near > 0
    points = CENTRE + d[met] / near[met, None]
    assert np.abs(points @ DOWN).max() < 1e-5 * np.linalg.norm(points, axis=1).max()
    assert met[: 2 * 36].all()
    assert not met[3 * 36 :].any()  # upwards there is nothing


def test_range_cells_hold_the_weighted_median() -> None:
    d = directions(np.array([10.05]), np.array([-9.95])).repeat(5, axis=0)
    value = np.array([0.1, 0.2, 0.3, 0.9, 5.0], dtype=np.float32)
    even = Samples(d, value, np.ones(5, np.float32))
    sure = Samples(d, value, np.array([1.0, 1.0, 1.0, 1.0, 9.0], np.float32))
    for samples, expected in ((even, 0.3), (sure, 5.0)):
        image, known = range_image([samples], 0.5)
        assert known.sum() == 1
        assert known[199, 20]
        assert image[199, 20] == pytest.approx(expected)


def test_measured_ground_is_met_where_it_is_from_anywhere_near_the_mast() -> None:
    # Ground that is not the wheels' plane, half a metre lower and tilted otherwise.
    normal = np.array([-0.05, 0.1, 1.0]) / np.linalg.norm([-0.05, 0.1, 1.0])
    d = directions(np.arange(0, 360, 0.3), np.arange(-60, -11, 0.3))
    points = plane_points(normal, 0.5, d)
    away = np.linalg.norm(points - CENTRE, axis=1)
    ground = MeasuredGround(CENTRE, [Samples.of_ground(points, 0.001 * away, CENTRE)], Plane(DOWN))
    eye = CENTRE + np.array([0.2, 0.15, 0.0])
    rays = directions(np.arange(0, 360, 7.3), np.arange(-55, -16, 5.1))
    true = (rays @ normal) / (0.5 - eye @ normal)
    assert np.abs(ground.nearness(eye, rays) / true - 1.0).max() < 0.004


def test_noise_and_blunders_do_not_pass_and_doubtful_pairs_count_less() -> None:
    rng = np.random.default_rng(3)
    normal = np.array([0.0, 0.0, 1.0])
    d = directions(np.arange(0, 90, 0.1), np.arange(-40, -20, 0.1))
    away = np.linalg.norm(plane_points(normal, 0.0, d) - CENTRE, axis=1)
    noisy = away * (1.0 + 0.01 * rng.normal(size=len(away)))
    noisy[rng.random(len(away)) < 0.1] = 1.0
    good = Samples.of_ground(CENTRE + d * noisy[:, None], 0.01 * away, CENTRE)
    wrong = Samples.of_ground(CENTRE + d * 1.3 * away[:, None], 0.3 * away, CENTRE)
    ground = MeasuredGround(CENTRE, [good, wrong], Plane(normal))
    rays = directions(np.arange(5, 85, 3.1), np.arange(-38, -22, 3.3))
    true = rays[:, 2] / 2.0
    assert np.abs(ground.nearness(CENTRE, rays) / true - 1.0).max() < 0.02


def test_holes_take_after_their_surroundings_and_the_sky_is_far() -> None:
    normal = np.array([0.0, 0.0, 1.0])
    d = directions(np.arange(0, 360, 0.3), np.arange(-60, -5, 0.3))
    points = plane_points(normal, 0.4, d)
    azimuth, elevation = np.degrees(np.arctan2(d[:, 1], d[:, 0])), -np.degrees(np.arcsin(d[:, 2]))
    hole = (np.abs(azimuth - 40.0) < 6.0) & (np.abs(elevation + 30.0) < 6.0)
    samples = Samples.of_ground(points[~hole], np.full((~hole).sum(), 0.01), CENTRE)
    sky = Samples.of_sky(directions(np.arange(0, 360, 0.2), np.arange(1, 20, 0.2)))
    ground = MeasuredGround(CENTRE, [samples, sky], Plane(DOWN))
    inside = directions(np.arange(35, 46, 1.0), np.arange(-35, -24, 1.0))
    assert np.abs(ground.nearness(CENTRE, inside) / (inside[:, 2] / 2.4) - 1.0).max() < 0.05
    up = directions(np.arange(0, 360, 7.0), np.array([3.0, 15.0, 40.0, 85.0]))
    assert ground.nearness(CENTRE + np.array([0.1, 0.1, 0.0]), up).max() < 1e-3


def test_from_high_above_the_ground_is_seen_too() -> None:
    d = directions(np.arange(0, 180, 0.3), np.arange(-60, -11, 0.3))  # nothing is known of the other half
    points = plane_points(np.array([0.0, 0.0, 1.0]), 0.0, d)
    sky = Samples.of_sky(directions(np.arange(0, 180, 0.5), np.arange(1, 20, 0.5)))
    level = Plane(np.array([0.0, 0.0, 1.0]))
    ground = MeasuredGround(CENTRE, [Samples.of_ground(points, np.full(len(d), 0.01), CENTRE), sky], level)
    north, east = np.meshgrid(np.arange(-6.0, 6.1, 1.5), np.arange(-6.0, 6.1, 1.5))
    origins = np.stack([north, east, np.full(north.shape, -100.0)], axis=-1)
    found = 1.0 / ground.nearness(origins, np.array([0.0, 0.0, 1.0]))
    assert np.abs(found - 100.0).max() < 0.02


def test_what_a_rock_hides_is_a_curtain_and_the_rock_is_none() -> None:
    level = Plane(np.array([0.0, 0.0, 1.0]))
    d = directions(np.arange(0, 360, 0.2), np.arange(-60, -11, 0.2))
    points = plane_points(level.down, 0.0, d)
    # A rock 0.6 m high stands from 3.0 to 3.4 m to the north: its face is seen, and its flat top.
    azimuth = np.degrees(np.arctan2(d[:, 1], d[:, 0]))
    front, top = (3.0 - CENTRE[0]) / d[:, 0], (-0.6 - CENTRE[2]) / d[:, 2]
    height, reach = CENTRE[2] + front * d[:, 2], CENTRE[0] + top * d[:, 0]
    ahead = (np.abs(azimuth) < 5.0) & (d[:, 0] > 0)
    face, flat = ahead & (height < 0.0) & (height > -0.6), ahead & (reach > 3.0) & (reach < 3.4)
    points[face] = CENTRE + d[face] * front[face, None]
    points[flat] = CENTRE + d[flat] * top[flat, None]
    ground = MeasuredGround(CENTRE, [Samples.of_ground(points, np.full(len(d), 0.01), CENTRE)], level)
    for north, expected in ((2.0, False), (3.2, False), (3.6, True), (3.9, True), (5.5, False)):
        found = ground.curtain(np.array([[north, -0.2, -50.0]]), level.down)
        assert found.tolist() == [expected], north
    assert not level.curtain(np.array([[3.6, -0.2, -50.0]]), level.down).any()
