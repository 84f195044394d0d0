"""Rays hit meshes where the plane of the triangle is, in float64; and analytic bodies where geometry says."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.simulate.surface import GROUND, AnalyticSurface, MeshSurface

NORMAL = np.array([0.1, -0.05, -1.0]) / np.linalg.norm([0.1, -0.05, -1.0])


def _rays(count: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(count, 3)) * [1, 1, 0.3] + [0, 0, 0.5]
    return (
        np.array([0.3, 0.2, -2.0]) + rng.normal(size=(count, 3)) * 0.01,
        directions / np.linalg.norm(directions, axis=1, keepdims=True),
    )


def _plane_mesh(size: float) -> MeshSurface:
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * size
    z = -(corners @ NORMAL[:2]) / NORMAL[2]
    vertices = np.column_stack([corners, z]).astype(np.float32)
    faces = np.array([[0, 1, 2], [1, 3, 2]], dtype=np.int32)
    return MeshSurface(vertices, np.tile(NORMAL, (4, 1)).astype(np.float32), faces, np.full(2, GROUND, np.int32))


def test_mesh_hit_lies_on_the_float64_plane_of_its_triangle() -> None:
    mesh = _plane_mesh(4096.0)
    origins, directions = _rays()
    hits = mesh.intersect(origins, directions)
    a, b, c = mesh.vertices[:3].astype(np.float64)
    plane = np.cross(b - a, c - a)
    plane /= np.linalg.norm(plane)
    seen = np.isfinite(hits.distance_m) & (hits.distance_m < 40)
    assert seen.sum() > 200
    points = origins[seen] + directions[seen] * hits.distance_m[seen, None]
    # Two triangles of rounded corners: their planes differ by a float32 rounding at 4 km.
    assert np.abs((points - a) @ plane).max() < 1e-3
    first = np.abs((points - a) @ plane) < 1e-9
    assert first.sum() > 60  # those on the first triangle lie on its plane far below float32 precision (2e-7 m at 2 m)


def test_mesh_and_analytic_plane_agree() -> None:
    mesh, plane = _plane_mesh(64.0), AnalyticSurface(NORMAL, 0.0)
    origins, directions = _rays()
    got, expected = mesh.intersect(origins, directions), plane.intersect(origins, directions)
    reach = np.minimum(expected.distance_m, 1e3)
    inside = np.all(np.abs(origins + directions * reach[:, None])[:, :2] < 60, axis=1)
    assert inside.sum() > 150
    assert got.distance_m[inside] == pytest.approx(expected.distance_m[inside], rel=3e-5)
    assert got.normal[inside] == pytest.approx(np.tile(NORMAL, (inside.sum(), 1)), abs=1e-6)
    for surface in (mesh, plane):
        assert np.array_equal(surface.blocked(origins, directions, 5.0)[inside], expected.distance_m[inside] < 5.0)


def test_rays_into_the_sky_hit_nothing() -> None:
    origins = np.array([[0.0, 0.0, -2.0]])
    up = np.array([[0.6, 0.0, -0.8]])
    for surface in (_plane_mesh(64.0), AnalyticSurface()):
        hits = surface.intersect(origins, up)
        assert hits.distance_m[0] == np.inf
        assert np.isnan(hits.normal[0]).all()
        assert not surface.blocked(origins, up, 1e4)[0]


def test_sphere_stands_before_the_plane() -> None:
    world = AnalyticSurface(spheres=np.array([[5.0, 0.0, -1.0, 0.5]]))
    hits = world.intersect(np.array([[0.0, 0.0, -1.0], [0.0, 0.0, -1.0]]), np.array([[1.0, 0, 0], [0, 0, 1.0]]))
    assert hits.distance_m == pytest.approx([4.5, 1.0])
    assert hits.normal[0] == pytest.approx([-1.0, 0.0, 0.0])
    assert hits.body.tolist() == [0, GROUND]
