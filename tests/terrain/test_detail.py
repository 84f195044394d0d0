"""Fewer triangles: near to the whole mesh, sound, and no more than asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.terrain.around import apart
from stereo3d.terrain.detail import decimated
from stereo3d.terrain.mesh import FaceKind, build_mesh


@pytest.fixture(scope="module")
def whole(world_class):
    """Waves and a box, with little noise: tens of thousands of faces, and the eye."""

    def waves(x, y):
        return 0.05 * np.sin(1.3 * x) * np.cos(0.9 * y)

    made = world_class(noise_px=0.02, sigma_px=0.02, relief=waves, boxes=(((4.0, 4.6), (-0.4, 0.3), 0.4),), far_m=15.0)
    return build_mesh(made.cast()[0], made.camera().C), made.camera().C


def test_it_stays_near_the_whole_and_says_how_near(whole):
    mesh, eye = whole
    errors = []
    for faces in (len(mesh.faces) // 2, len(mesh.faces) // 10):
        detail = decimated(mesh, eye, faces)
        assert 0.9 * faces < len(detail.mesh.faces) <= faces
        x, y, z = detail.mesh.vertices.T
        level = np.abs(z - 0.05 * np.sin(1.3 * x) * np.cos(0.9 * y))
        on_ground = (x < 3.9) | (x > 4.7) | (np.abs(y) > 0.5)
        assert np.median(level[on_ground]) < 0.004
        assert np.percentile(level[on_ground], 99) < 0.05
        assert detail.off_median_mm <= detail.off_p95_mm
        errors.append(detail.off_median_mm)
    assert 0.0 < errors[0] < errors[1] < 5.0


def test_it_is_manifold_and_looks_to_the_eye(whole):
    mesh, eye = whole
    few = decimated(mesh, eye, 3000).mesh
    faces = few.faces
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed)
    assert np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)[1].max() <= 2
    assert len(apart(few).vertices) == len(few.vertices)
    a, b, c = (few.vertices[faces[:, k]] - eye for k in range(3))
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0).all()
    assert np.array_equal(np.unique(faces), np.arange(len(few.vertices)))
    reach = np.linalg.norm(mesh.vertices - eye, axis=1).max()
    assert np.linalg.norm(few.vertices - eye, axis=1).max() < 1.05 * reach


def test_sigma_and_kind_come_from_where_they_were(whole):
    mesh, eye = whole
    middle = mesh.vertices[mesh.faces].mean(axis=1)
    kind = np.where(middle[:, 1] > 0, FaceKind.FILLED, FaceKind.MEASURED).astype(np.uint8)
    few = decimated(replace(mesh, kind=kind), eye, 5000).mesh
    side = few.vertices[few.faces].mean(axis=1)[:, 1]
    assert (few.kind[side > 0.3] == FaceKind.FILLED).mean() > 0.97
    assert (few.kind[side < -0.3] == FaceKind.MEASURED).mean() > 0.97
    # One sigma grows as the square of the range.
    squared = np.sum((few.vertices - eye) ** 2, axis=1)
    fit = np.median(mesh.sigma_m / np.sum((mesh.vertices - eye) ** 2, axis=1))
    assert np.median(np.abs(few.sigma_m / (fit * squared) - 1.0)) < 0.1


def test_few_faces_stay_and_too_few_are_refused(whole):
    mesh, eye = whole
    assert decimated(mesh, eye, len(mesh.faces)).mesh is mesh
    with pytest.raises(ValueError, match="1000"):
        decimated(mesh, eye, 999)
