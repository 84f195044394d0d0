"""The terrain as a target for rays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.errors import StereoError
from stereo3d.terrain.surface import Surface


def ground_up(east, north):
    return 0.3 * np.sin(0.4 * east) + 0.1 * north


def test_weights_belong_to_the_corners_in_order(sheet):
    """A ray through a known mix of a face's corners comes back with that mix."""
    mesh = sheet(ground_up).mesh
    surface = Surface(mesh)
    mix = np.array([0.5, 0.3, 0.2])
    chosen = np.arange(0, len(mesh.faces), 97)
    points = mix @ mesh.vertices[mesh.faces[chosen]]
    hits = surface.hits(points + np.array([0.0, 0.0, 3.0]), np.tile([0.0, 0.0, -1.0], (len(points), 1)))
    np.testing.assert_array_equal(hits.face, chosen)
    np.testing.assert_allclose(hits.weights, np.tile(mix, (len(points), 1)), atol=1e-4)
    np.testing.assert_allclose(surface.interpolate(hits, mesh.vertices), points, atol=1e-5)


def test_ground_height(sheet):
    surface = Surface(sheet(ground_up, step_m=0.05).mesh)
    assert surface.ground_height(1.234, -0.567) == pytest.approx(ground_up(1.234, -0.567), abs=1e-3)
    assert np.isnan(surface.ground_height(-300.0, 5.0))
    assert np.isnan(surface.ground_height(1.0, 0.0, below_m=-1.0))


def test_no_triangle_is_said(sheet):
    mesh = sheet(ground_up).mesh
    with pytest.raises(StereoError, match="no triangle"):
        Surface(replace(mesh, faces=np.zeros((0, 3), np.int32), kind=np.zeros(0, np.uint8)))
