"""Measuring points and distances."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools import distance, measure_point, pick
from stereo3d.view.viewpoint import camera_centre

LEVEL = RigidTransform(Frame.enu(1, 2), Frame.rover(1, 2), ENU_FROM_NED)
"""A rover that is level and faces north."""


def test_point_by_hand():
    point = measure_point([3.0, 4.0, -2.0], 0.05, [0.0, 0.0, 0.0], LEVEL)
    np.testing.assert_allclose(point.xyz_rover, [4.0, 3.0, 2.0])
    assert point.range_m == pytest.approx(np.sqrt(29.0))
    np.testing.assert_allclose(point.ray, np.array([3.0, 4.0, -2.0]) / np.sqrt(29.0))
    text = " ".join(point.lines())
    assert "forward 4.000" in text
    assert "east 3.000" in text
    assert "5.385 m \u00b1 0.050 m" in text


def test_distance_along_one_ray_adds_both_sigmas_in_square():
    a = measure_point([0.0, 5.0, 0.0], 0.03, [0.0, 0.0, 0.0], LEVEL)
    b = measure_point([0.0, 9.0, 0.0], 0.04, [0.0, 0.0, 0.0], LEVEL)
    found = distance(a, b)
    assert found.length_m == pytest.approx(4.0)
    assert found.sigma_m == pytest.approx(0.05)


def test_distance_of_two_directions_by_hand():
    """At (6, 8) and (-6, 8) seen from the origin: 12 m apart, each ray at 0.6 along the line."""
    a = measure_point([6.0, 8.0, 0.0], 0.1, [0.0, 0.0, 0.0], LEVEL)
    b = measure_point([-6.0, 8.0, 0.0], 0.2, [0.0, 0.0, 0.0], LEVEL)
    found = distance(a, b)
    assert found.length_m == pytest.approx(12.0)
    assert found.sigma_m == pytest.approx(0.6 * np.hypot(0.1, 0.2))
    assert found.rise_m == pytest.approx(0.0)


def test_distance_of_one_place_takes_the_worst_direction():
    a = measure_point([0.0, 5.0, 0.0], 0.03, [0.0, 0.0, 0.0], LEVEL)
    assert distance(a, a).sigma_m == pytest.approx(np.hypot(0.03, 0.03))


def test_rise_and_horizontal():
    a = measure_point([0.0, 5.0, 1.0], 0.0, [0.0, 0.0, 2.0], LEVEL)
    b = measure_point([3.0, 9.0, 0.0], 0.0, [0.0, 0.0, 2.0], LEVEL)
    assert distance(a, b).horizontal_m == pytest.approx(5.0)
    assert distance(a, b).rise_m == pytest.approx(-1.0)


def test_sigma_of_a_distance_agrees_with_random_ranges():
    rng = np.random.default_rng(4)
    eye, p, q = np.array([0.0, 0.0, 2.0]), np.array([1.0, 6.0, 0.0]), np.array([4.0, 8.0, 0.5])
    a, b = measure_point(p, 0.03, eye, LEVEL), measure_point(q, 0.06, eye, LEVEL)
    moved_p = p + rng.normal(0.0, 0.03, (20000, 1)) * a.ray
    moved_q = q + rng.normal(0.0, 0.06, (20000, 1)) * b.ray
    spread = np.linalg.norm(moved_q - moved_p, axis=1).std()
    assert distance(a, b).sigma_m == pytest.approx(spread, rel=0.03)


def test_pick_finds_the_made_up_ground(made_up, truth):
    ground_up, _ = truth
    surface = Surface(made_up.terrain.mesh)
    eye = np.array([4.0, 6.0, 5.0])
    point = pick(made_up, surface, eye, [0.1, 0.2, -1.0])
    east, north, up = point.xyz_enu
    assert up == pytest.approx(ground_up(east, north), abs=0.005)
    np.testing.assert_allclose(point.xyz_enu, eye + (5.0 - up) * np.array([0.1, 0.2, -1.0]), atol=1e-5)
    np.testing.assert_allclose(made_up.enu_from_rover.apply(point.xyz_rover), point.xyz_enu, atol=1e-12)
    assert point.range_m == pytest.approx(np.linalg.norm(point.xyz_enu - camera_centre(made_up)))
    assert point.sigma_m == pytest.approx(0.001 * point.range_m**2, rel=0.02)


def test_pick_tells_all_that_is_known(made_up):
    """Of a place of the left frame: its pixel, its site coordinates, its slope."""
    camera = made_up.pair.left.camera
    origin, ray = camera.ray(np.array([200.0, 200.0]))
    enu = made_up.enu_from_rover
    point = pick(made_up, Surface(made_up.terrain.mesh), enu.apply(origin), enu.rotate(ray))
    assert point.shown.product_id == "MADE_UP_LEFT"
    np.testing.assert_allclose(point.shown.pixel, [200.0, 200.0], atol=1e-3)
    site = made_up.pair.left.site_from_rover
    np.testing.assert_allclose(point.xyz_site, site.apply(point.xyz_rover), atol=1e-9)
    assert point.seen == 1
    assert point.kind.name == "MEASURED"
    assert point.slope_deg < 8.0
    assert 0.0 < point.slope_sigma_deg < 20.0
    assert point.normal[2] > 0.98
    # One sigma along the ray, a pixel's 1 / sqrt(12) across it.
    assert point.ray @ point.covariance @ point.ray == pytest.approx(point.sigma_m**2)
    across = np.trace(point.covariance) - point.sigma_m**2
    assert np.sqrt(across / 2) / point.range_m == pytest.approx(1 / 190.0 / np.sqrt(12.0), rel=0.02)
    text = " ".join(point.lines())
    for part in ("site", "azimuth", "slope", "MADE_UP_LEFT", "measured by 1 pair"):
        assert part in text


def test_slope_is_that_of_the_ground(made_up, truth):
    """The made-up mesh's own normals all say level; the places around the point tell the waves."""
    ground_up, _ = truth
    surface = Surface(made_up.terrain.mesh)
    eye, h = camera_centre(made_up), 0.1
    slopes = []
    for east, north in ((2.0, 3.0), (2.5, 3.5), (3.0, 4.0), (2.0, 4.5), (3.5, 3.0)):
        point = pick(made_up, surface, eye, np.array([east, north, ground_up(east, north)]) - eye)
        slope = np.hypot(
            (ground_up(east + h, north) - ground_up(east - h, north)) / (2 * h),
            (ground_up(east, north + h) - ground_up(east, north - h)) / (2 * h),
        )
        slopes.append((point.slope_deg, np.degrees(np.arctan(slope))))
    found, wanted = np.array(slopes).T
    assert wanted.max() > 1.5
    np.testing.assert_allclose(found, wanted, atol=0.5)


def test_azimuth_and_elevation_by_hand():
    point = measure_point([-1.0, 10.0, 2.0], 0.0, [0.0, 0.0, 2.0], LEVEL, 0.001)
    sight = point.sight
    assert sight.azimuth_deg == pytest.approx(360.0 - np.degrees(np.arctan(0.1)))
    assert sight.elevation_deg == pytest.approx(0.0, abs=1e-9)
    assert sight.azimuth_sigma_deg == pytest.approx(np.degrees(0.001), rel=1e-4)
    assert sight.elevation_sigma_deg == pytest.approx(np.degrees(0.001), rel=1e-4)


def test_pick_beside_the_ground_is_none(made_up):
    assert pick(made_up, Surface(made_up.terrain.mesh), [0.0, 0.0, 5.0], [0.0, 0.0, 1.0]) is None
