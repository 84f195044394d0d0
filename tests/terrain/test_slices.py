"""Contour lines on the mesh itself."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import StereoError
from stereo3d.frames import Frame
from stereo3d.terrain.mesh import TerrainMesh
from stereo3d.terrain.slices import level_lines, usual_interval


def grid_mesh(height, side=4.0, count=81):
    """A mesh of height(x, y) over a square of ``side`` m about the origin."""
    line = np.linspace(-side / 2, side / 2, count)
    x, y = np.meshgrid(line, line)
    vertices = np.column_stack([x.ravel(), y.ravel(), height(x, y).ravel()])
    at = np.arange(count * count).reshape(count, count)
    a, b, c, d = at[:-1, :-1].ravel(), at[:-1, 1:].ravel(), at[1:, 1:].ravel(), at[1:, :-1].ravel()
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    n = len(vertices)
    return TerrainMesh(
        Frame.enu(1, 1), vertices, faces, np.tile([0.0, 0.0, 1.0], (n, 1)), np.zeros((n, 2)), np.zeros(n),
        np.zeros(len(faces), np.uint8),
    )  # fmt: skip


def test_a_cone_is_cut_in_circles():
    lines = level_lines(grid_mesh(lambda x, y: 1.5 - np.hypot(x, y)), 0.25)
    assert [line.elevation_m for line in lines if 0.25 <= line.elevation_m <= 1.0] == [0.25, 0.5, 0.75, 1.0]
    for line in lines:
        assert (line.points[:, 2] == line.elevation_m).all()
        if not 0.25 <= line.elevation_m <= 1.25:
            continue
        np.testing.assert_allclose(np.hypot(*line.points[:, :2].T), 1.5 - line.elevation_m, atol=0.01)
        np.testing.assert_array_equal(line.points[0], line.points[-1])
        length = np.linalg.norm(np.diff(line.points, axis=0), axis=1).sum()
        assert length == pytest.approx(2 * np.pi * (1.5 - line.elevation_m), rel=0.02)


def test_a_slope_is_cut_in_straight_lines_from_edge_to_edge():
    lines = level_lines(grid_mesh(lambda x, y: 0.3 * x), 0.1)
    inner = [line for line in lines if abs(line.elevation_m) < 0.55]
    assert len(inner) == 11
    for line in inner:
        np.testing.assert_allclose(line.points[:, 0], line.elevation_m / 0.3, atol=1e-9)
        assert np.ptp(line.points[:, 1]) == pytest.approx(4.0)


def test_vertices_at_the_very_height_of_a_level_break_no_line():
    """Here every level runs through vertices."""
    lines = level_lines(grid_mesh(lambda x, y: np.abs(x) + np.abs(y), count=81), 0.5)
    one = [line for line in lines if line.elevation_m == 1.0]
    assert len(one) == 1
    np.testing.assert_allclose(np.abs(one[0].points[:, :2]).sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_array_equal(one[0].points[0], one[0].points[-1])


def test_too_many_levels_are_refused_and_a_usual_interval_is_round():
    mesh = grid_mesh(lambda x, y: 0.3 * x)
    with pytest.raises(StereoError, match="levels"):
        level_lines(mesh, 1e-5)
    with pytest.raises(ValueError, match="positive"):
        level_lines(mesh, 0.0)
    assert usual_interval(mesh, np.zeros(3)) == 0.1
    assert level_lines(mesh, 5.0) == [] or len(level_lines(mesh, 5.0)) == 1
