"""The mesh of a range image all around: no seam, manifold, faces outwards."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.terrain.around import apart, mesh_around
from stereo3d.terrain.fuse import View, fuse
from stereo3d.terrain.mesh import FaceKind, TerrainMesh

TO_ENU = RigidTransform(Frame.enu(3, 4), Frame.rover(3, 4), ENU_FROM_NED)


@pytest.fixture(scope="module")
def ring(world_class):
    """Six views of wavy ground with some boxes, all around: the fused map and its mesh."""
    boxes = tuple(((x, x + 0.5), (y, y + 0.4), 0.5) for x, y in ((4.0, 1.0), (-5.0, 0.5), (-4.0, -6.0), (1.0, 5.0)))
    views = []
    for k in range(6):
        yaw = 8.0 + 60.0 * k
        a = np.deg2rad(yaw)
        eye = (0.9 + 0.2 * np.sin(a), -0.2 * np.cos(a))
        made = world_class(yaw_deg=yaw, eye=eye, boxes=boxes, noise_px=0.05, sigma_px=0.1, seed=k, far_m=20.0)
        views.append(View(made.cast()[0], made.camera()))
    fused = fuse(views, TO_ENU)
    return fused, mesh_around(fused)


def edges(mesh) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]), axis=1)
    return np.unique(pairs, axis=0, return_counts=True)


def test_it_goes_all_around_without_a_seam(ring):
    fused, mesh = ring
    assert fused.grid.closed
    pairs, count = edges(mesh)
    offsets = mesh.vertices[pairs[count == 1]].mean(axis=1) - fused.grid.centre
    # Border edges that run along the meridian where the columns begin: there is ground on both sides.
    azimuth = np.arctan2(offsets[:, 0], offsets[:, 1])
    off = np.abs((azimuth - fused.grid.first_azimuth_rad + np.pi) % (2 * np.pi) - np.pi)
    along = off < 0.1 * fused.grid.step_rad
    hole = fused.xyz.reason[:, [-2, -1, 0, 1]] != 0
    assert not hole[30:100].any(), "the seam of this test lies on whole ground"
    assert not along.any()
    middle = mesh.vertices[mesh.faces].mean(axis=1) - fused.grid.centre
    turns = np.histogram(np.arctan2(middle[:, 0], middle[:, 1]), bins=72, range=(-np.pi, np.pi))[0]
    assert turns.min() > 20


def test_it_is_manifold_and_faces_outwards(ring):
    fused, mesh = ring
    assert edges(mesh)[1].max() <= 2
    directed = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed), "two faces run along an edge in one direction"
    again = apart(mesh)
    assert len(again.vertices) == len(mesh.vertices)
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    assert (np.einsum("ij,ij->i", across, a - fused.grid.centre) < 0).all()
    level = np.abs(mesh.vertices[:, 2]) < 0.02
    assert np.median(mesh.normals[level, 2]) > 0.95


def test_every_face_is_measured_ground(ring):
    fused, mesh = ring
    assert (mesh.kind == FaceKind.MEASURED).all()
    assert np.isnan(mesh.pixels).all()
    assert np.isfinite(mesh.sigma_m).all()
    assert (mesh.sigma_m > 0).all()
    near = np.linalg.norm(mesh.vertices - fused.grid.centre, axis=1) < 10.0
    up = mesh.vertices[near, 2]
    on_box = (up > 0.02) & (up < 0.55)
    assert (np.abs(up) < 0.05).mean() > 0.8
    assert ((np.abs(up) < 0.05) | on_box).all()
    assert on_box.any()


def test_holes_are_closed_on_request_and_marked(ring):
    fused, mesh = ring
    sheet = mesh_around(fused, fill=True)
    measured = sheet.kind == FaceKind.MEASURED
    assert set(np.unique(sheet.kind)) == {FaceKind.MEASURED, FaceKind.FILLED}
    # What was measured is there as before, and its vertices keep their sigma.
    assert measured.sum() == pytest.approx(len(mesh.faces), rel=1e-3)
    assert np.isfinite(sheet.sigma_m[sheet.faces[measured]]).all()
    assert np.isnan(sheet.sigma_m).any()
    # One border is left at the top of the picture and one at its foot: each vertex of it lies on one of the two.
    pairs, count = edges(sheet)
    assert count.max() <= 2
    _, row, _ = fused.grid.place(sheet.vertices[np.unique(pairs[count == 1])])
    top, foot = np.quantile(row, [0.02, 0.98])
    middle = (row > top + 25) & (row < foot - 60)
    before, had = edges(mesh)
    _, old, _ = fused.grid.place(mesh.vertices[np.unique(before[had == 1])])
    assert ((old > top + 25) & (old < foot - 60)).sum() > 100, "the boxes of this test hide ground"
    assert not middle.any()
    # Above the highest ground of each column there is sky, which is no hole.
    column, reach, _ = fused.grid.place(sheet.vertices)
    column = np.rint(column).astype(int) % fused.grid.columns
    highest = np.argmax(fused.xyz.measured, axis=0)
    assert (reach - highest[column]).min() > -1.5
    # The guess lies between what is around it.
    guess = sheet.vertices[np.isnan(sheet.sigma_m)]
    assert guess[:, 2].min() > -0.3
    assert guess[:, 2].max() < 0.6


def test_fans_that_touch_in_one_vertex_are_parted():
    """Two triangles tip to tip, and two that share an edge."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [-1, 0, 0], [-1, -1, 0], [2, 0, 0]], dtype=np.float64)
    faces = np.array([[0, 1, 2], [0, 3, 4], [1, 5, 2]], dtype=np.int32)
    n = len(vertices)
    flat = np.tile(np.float32([0, 0, 1]), (n, 1))
    pixels, sigma = np.zeros((n, 2), np.float32), np.arange(n, dtype=np.float32)
    mesh = TerrainMesh(Frame.enu(3, 4), vertices, faces, flat, pixels, sigma, np.zeros(3, np.uint8))
    parted = apart(mesh)
    assert len(parted.vertices) == n + 1
    assert np.array_equal(parted.vertices[parted.faces], vertices[faces])
    assert np.array_equal(parted.sigma_m[parted.faces], sigma[faces])
    assert not set(parted.faces[0]) & set(parted.faces[1])
    assert len(set(parted.faces[0]) & set(parted.faces[2])) == 2
