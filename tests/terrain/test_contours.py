"""Contour lines of known hills."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import StereoError
from stereo3d.terrain.contours import choose_interval, contour_lines
from stereo3d.terrain.maps import Grid

GRID = Grid(west_m=-5.0, north_m=4.0, resolution_m=0.05, width=200, height=160)
EAST, NORTH = np.meshgrid(GRID.east_of_columns, GRID.north_of_rows)
TOP = np.array([0.7, -0.4])
"""East and north of the top of the cone, m."""
RADIUS = np.hypot(EAST - TOP[0], NORTH - TOP[1])
CONE = (2.0 - RADIUS).astype(np.float32)


def area(points):
    """Signed: positive for lines that run counter-clockwise, seen with north up."""
    x, y = points[:, 0], points[:, 1]
    return 0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])


def test_lines_of_a_cone_are_circles_about_its_top():
    lines = contour_lines(CONE, GRID, 0.5)
    whole = [line for line in lines if np.array_equal(line.points[0], line.points[-1])]
    assert [line.elevation_m for line in whole] == [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5]
    for line in whole:
        radius = np.linalg.norm(line.points - TOP, axis=1)
        np.testing.assert_allclose(radius, 2.0 - line.elevation_m, atol=0.012)
        # Within a fifth of a pixel a circle needs a few dozen points, not one for each row and column.
        assert len(line.points) < 80
        # Higher ground lies to the left: counter-clockwise about the top.
        assert area(line.points) == pytest.approx(np.pi * (2.0 - line.elevation_m) ** 2, rel=0.02)


def test_lines_end_at_holes():
    height = CONE.copy()
    height[np.abs(EAST - 2.0) < 0.3] = np.nan
    lines = contour_lines(height, GRID, 0.5)
    assert len(lines) > 10
    for line in lines:
        assert np.abs(line.points[:, 0] - 2.0).min() > 0.3, "a line lies in the hole"
        assert len(np.unique(line.points[:, 0] > 2.0)) == 1, "a line crosses the hole"


def test_few_points_tell_a_straight_line():
    (line,) = contour_lines((EAST + 0.01).astype(np.float32), GRID, 3.3, smooth_m=0.0)[1:2]
    assert line.elevation_m == 0.0
    assert len(line.points) < 6
    np.testing.assert_allclose(line.points[:, 0], -0.01, atol=1e-5)


def test_specks_have_no_line():
    """A bump of 2 x 2 pixels has none, one of a dozen has."""
    height = np.full_like(CONE, 0.1)
    height[50:52, 60:62] = 1.0
    height[100:112, 100:112] = 1.0
    (line,) = contour_lines(height, GRID, 0.7)
    assert area(line.points) == pytest.approx((12 * GRID.resolution_m) ** 2, rel=0.1)


def test_smoothing_takes_the_noise_off():
    noisy = CONE + np.random.default_rng(1).normal(0.0, 0.03, CONE.shape).astype(np.float32)
    rough, smooth = (contour_lines(noisy, GRID, 0.5, s) for s in (0.0, 0.15))
    assert len(smooth) < len(rough)
    line = max((line for line in smooth if line.elevation_m == 0.5), key=lambda line: len(line.points))
    np.testing.assert_allclose(np.linalg.norm(line.points - TOP, axis=1), 1.5, atol=0.05)


def test_interval_is_round_and_gives_some_fifteen_lines():
    assert choose_interval(CONE) == 0.5
    assert choose_interval(0.01 * CONE) == 0.005
    assert choose_interval(np.full((3, 3), np.nan, np.float32)) == 0.005


def test_thousands_of_levels_are_refused():
    with pytest.raises(StereoError, match="larger interval"):
        contour_lines(CONE, GRID, 1e-4)
    with pytest.raises(ValueError, match="interval_m"):
        contour_lines(CONE, GRID, 0.0)


def test_nothing_known_has_no_lines():
    assert contour_lines(np.full((5, 5), np.nan, np.float32), GRID, 0.5) == []
