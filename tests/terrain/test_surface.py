"""The terrain as a target for rays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.errors import StereoError
from stereo3d.terrain.surface import Surface


def test_weights_belong_to_the_corners_in_order(made_up):
    """A ray through a known mix of a face's corners comes back with that mix."""
    mesh = made_up.terrain.mesh
    surface = Surface(mesh)
    mix = np.array([0.5, 0.3, 0.2])
    chosen = np.arange(0, len(mesh.faces) // 2, 3000)
    points = mix @ mesh.vertices[mesh.faces[chosen]]
    hits = surface.hits(points + np.array([0.0, 0.0, 3.0]), np.tile([0.0, 0.0, -1.0], (len(points), 1)))
    near = np.linalg.norm(points, axis=1) < 10.0
    assert near.sum() >= 3
    np.testing.assert_array_equal(hits.face[near], chosen[near])
    np.testing.assert_allclose(hits.weights[near], np.tile(mix, (near.sum(), 1)), atol=2e-3)
    np.testing.assert_allclose(surface.interpolate(hits, mesh.vertices)[near], points[near], atol=1e-5)


def test_ground_height(made_up, truth):
    ground_up, _ = truth
    surface = Surface(made_up.terrain.mesh)
    assert surface.ground_height(4.0, 5.0) == pytest.approx(ground_up(4.0, 5.0), abs=0.005)
    assert np.isnan(surface.ground_height(-300.0, 5.0))
    assert np.isnan(surface.ground_height(4.0, 5.0, below_m=-1.0))


def test_no_triangle_is_said(made_up):
    empty = replace(made_up.terrain.mesh, faces=np.zeros((0, 3), np.int32), kind=np.zeros(0, np.uint8))
    with pytest.raises(StereoError, match="no triangle"):
        Surface(empty)
