"""Slope, shading and roughness against what they are defined to be."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.terrain.relief import disc, gradient, hillshade, roughness, slope_deg

RESOLUTION = 0.05


def height_of(function, rows=60, columns=80):
    """float32 heights of function(east, north), north up, the origin at the lower left corner."""
    north, east = np.mgrid[0:rows, 0:columns] * RESOLUTION
    return function(east, north[::-1]).astype(np.float32)


def test_gradient_points_east_and_north():
    east, north = gradient(height_of(lambda e, n: 0.3 * e - 0.1 * n), RESOLUTION)
    assert np.isnan(east[0]).all()
    assert np.isnan(north[:, -1]).all()
    np.testing.assert_allclose(east[1:-1, 1:-1], 0.3, atol=1e-5)
    np.testing.assert_allclose(north[1:-1, 1:-1], -0.1, atol=1e-5)


def test_slope_of_a_plane():
    slope = slope_deg(height_of(lambda e, n: np.tan(np.radians(20.0)) * n), RESOLUTION)
    np.testing.assert_allclose(slope[1:-1, 1:-1], 20.0, atol=1e-3)


def test_a_hole_takes_its_eight_neighbours():
    height = height_of(lambda e, n: 0.3 * e)
    height[20, 30] = np.nan
    expected = np.ones(height.shape, dtype=bool)
    expected[1:-1, 1:-1] = False
    expected[19:22, 29:32] = True
    for found in (*gradient(height, RESOLUTION), slope_deg(height, RESOLUTION)):
        np.testing.assert_array_equal(np.isnan(found), expected)


@pytest.mark.parametrize(("azimuth", "elevation"), [(315.0, 45.0), (80.0, 30.0), (200.0, 60.0)])
def test_ground_that_faces_the_sun_is_white_and_turned_away_is_black(azimuth, elevation):
    tilt, toward = np.tan(np.radians(90.0 - elevation)), np.radians(azimuth)

    def falling(e, n):
        return -tilt * (np.sin(toward) * e + np.cos(toward) * n)

    facing = hillshade(height_of(falling), RESOLUTION, azimuth, elevation)[1:-1, 1:-1]
    np.testing.assert_allclose(facing, 255.0, atol=0.01)
    level = hillshade(height_of(lambda e, n: 0.0 * e), RESOLUTION, azimuth, elevation)[1:-1, 1:-1]
    np.testing.assert_allclose(level, 1.0 + 254.0 * np.sin(np.radians(elevation)), atol=0.01)
    away = hillshade(height_of(lambda e, n: -5.0 * falling(e, n)), RESOLUTION, azimuth, elevation)[1:-1, 1:-1]
    np.testing.assert_array_equal(away, 1.0)


def by_definition(height, row, column, diameter):
    """RMS deviation from the plane of least squares over a disc, one pixel at a time."""
    rows, columns = np.mgrid[0 : height.shape[0], 0 : height.shape[1]]
    x, y = (columns - column) * RESOLUTION, (rows - row) * RESOLUTION
    inside = (np.hypot(x, y) <= diameter / 2) & np.isfinite(height)
    design = np.stack([x[inside], y[inside], np.ones(inside.sum())], axis=1)
    z = height[inside].astype(np.float64)
    return np.sqrt(np.mean((z - design @ np.linalg.lstsq(design, z, rcond=None)[0]) ** 2))


def test_roughness_is_the_deviation_from_the_fitted_plane():
    """Noise on a steep plane high above the origin, with holes: the same as the fit of each disc on its own."""
    rng = np.random.default_rng(5)
    height = height_of(lambda e, n: 50.0 + 0.5 * e - 0.4 * n + rng.normal(0.0, 0.01, e.shape))
    height[30:36, 40:44] = np.nan
    found = roughness(height, RESOLUTION, 0.526)
    for row, column in [(20, 20), (30, 39), (28, 44), (36, 41), (7, 70)]:
        assert found[row, column] == pytest.approx(by_definition(height, row, column, 0.526), rel=1e-4)


def test_roughness_of_a_plane_is_nothing_and_missing_where_half_the_disc_is_missing():
    height = height_of(lambda e, n: 3.0 + 0.5 * e - 0.4 * n)
    height[:, 40:] = np.nan
    found = roughness(height, RESOLUTION, 0.526)
    assert np.isnan(found[:, 40:]).all()
    assert np.isfinite(found[10:-10, :40]).all()  # on a straight edge a little more than half is known
    assert np.nanmax(found) < 1e-6
    assert np.isnan(found[0, 0])


def test_bands_leave_no_seam():
    """More rows than are worked on at once."""
    rng = np.random.default_rng(6)
    height = rng.normal(0.0, 0.01, (1100, 30)).astype(np.float32)
    whole = roughness(height, RESOLUTION, 0.526)
    for top in (480, 1000):
        part = roughness(height[top : top + 60], RESOLUTION, 0.526)
        np.testing.assert_allclose(whole[top + 10 : top + 50], part[10:50], rtol=1e-5)


def test_a_map_that_is_too_coarse_has_no_roughness():
    assert np.isnan(roughness(height_of(lambda e, n: e), 0.2, 0.526)).all()
    assert np.isnan(roughness(np.full((40, 40), np.nan, np.float32), RESOLUTION, 0.526)).all()


def test_disc_has_the_wheels_diameter():
    assert disc(0.526, 0.01).sum() * 1e-4 == pytest.approx(np.pi * 0.263**2, rel=0.02)
    np.testing.assert_array_equal(disc(0.5, 0.5), [[True]])
