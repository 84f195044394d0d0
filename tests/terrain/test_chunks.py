"""Pieces and levels: fewer triangles near the whole ground, on its own vertices, the same borders in every level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.terrain.chunks import chunked, rim_edges, welded
from stereo3d.terrain.mesh import FaceKind, TerrainMesh, build_mesh

SHARES = (1.0, 0.25, 0.06)


@pytest.fixture(scope="module")
def whole(world_class):
    """Waves and a box, with little noise: tens of thousands of faces, and the eye."""

    def waves(x, y):
        return 0.05 * np.sin(1.3 * x) * np.cos(0.9 * y)

    made = world_class(noise_px=0.02, sigma_px=0.02, relief=waves, boxes=(((4.0, 4.6), (-0.4, 0.3), 0.4),), far_m=15.0)
    return build_mesh(made.cast()[0], made.camera().C), made.camera().C


@pytest.fixture(scope="module")
def pieces(whole):
    return chunked(*whole, count=6)


def edges_of(faces):
    return np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)


def test_the_finest_level_is_all_of_the_ground_once(whole, pieces):
    mesh, _ = whole
    assert 4 <= len(pieces) <= 8
    found = np.concatenate([piece.levels[0] for piece in pieces])
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, mesh.faces.tolist()))
    assert max(len(p.levels[0]) for p in pieces) < 2.5 * min(len(p.levels[0]) for p in pieces)


@pytest.mark.parametrize("level", [1, 2])
def test_levels_have_their_share_of_the_faces_and_stay_near(whole, pieces, level):
    mesh, _ = whole
    left = sum(len(piece.levels[level]) for piece in pieces)
    assert 0.9 * SHARES[level] < left / len(mesh.faces) < 1.6 * SHARES[level]
    for piece in pieces:
        assert 0.0 < piece.error_mm[1] < piece.error_mm[2] < 60.0
        middle = mesh.vertices[piece.levels[level]].mean(axis=1)
        middle = middle[(middle[:, 0] < 3.7) | (middle[:, 0] > 4.9) | (np.abs(middle[:, 1]) > 0.7)]
        off = np.abs(middle[:, 2] - 0.05 * np.sin(1.3 * middle[:, 0]) * np.cos(0.9 * middle[:, 1]))
        assert np.median(off) < (0.006 if level == 1 else 0.02)


def test_no_crack_opens_between_pieces_of_any_levels(pieces):
    """The edges that two pieces share are edges of both in every level."""
    owner: dict[tuple[int, int], set[int]] = {}
    for number, piece in enumerate(pieces):
        for edge in map(tuple, edges_of(piece.levels[0]).tolist()):
            owner.setdefault(edge, set()).add(number)
    shared = {edge: pair for edge, pair in owner.items() if len(pair) == 2}
    assert len(shared) > 300
    for level in (1, 2):
        there = [set(map(tuple, edges_of(piece.levels[level]).tolist())) for piece in pieces]
        lost = [edge for edge, pair in shared.items() if not all(edge in there[k] for k in pair)]
        assert lost == []


@pytest.mark.parametrize("level", [1, 2])
def test_levels_are_sound(whole, pieces, level):
    """One sheet: no edge has three faces, none is run along twice in one direction, all faces look to the eye."""
    mesh, eye = whole
    for piece in pieces:
        faces = piece.levels[level]
        directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        assert len(np.unique(directed, axis=0)) == len(directed)
        assert np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)[1].max() <= 2
        a, b, c = (mesh.vertices[faces[:, k]] - eye for k in range(3))
        assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0).all()
        assert set(np.unique(faces)) <= set(np.unique(piece.levels[0]))


def test_kinds_go_with_their_faces(whole):
    mesh, eye = whole
    middle = mesh.vertices[mesh.faces].mean(axis=1)
    marked = replace(mesh, kind=np.where(middle[:, 1] > 0, FaceKind.FILLED, FaceKind.MEASURED).astype(np.uint8))
    for piece in chunked(marked, eye, count=2):
        for faces, kind in zip(piece.levels, piece.kinds, strict=True):
            side = mesh.vertices[faces].mean(axis=1)[:, 1]
            assert (kind[side > 0.5] == FaceKind.FILLED).all()
            assert (kind[side < -0.5] == FaceKind.MEASURED).all()


def test_where_a_texture_is_cut_corners_keep_their_side(whole):
    """Vertices on a line lie twice, as at the seam of a texture: the halves never take each other's."""
    mesh, eye = whole
    right = mesh.vertices[mesh.faces].mean(axis=1)[:, 1] > 0
    used = np.intersect1d(mesh.faces[right], mesh.faces[~right])
    twin = np.arange(len(mesh.vertices), dtype=np.int32)
    twin[used] = len(mesh.vertices) + np.arange(len(used))
    cut = TerrainMesh(
        mesh.frame,
        np.concatenate([mesh.vertices, mesh.vertices[used]]),
        np.where(right[:, None], twin[mesh.faces], mesh.faces),
        np.concatenate([mesh.normals, mesh.normals[used]]),
        np.concatenate([mesh.pixels, mesh.pixels[used]]),
        np.concatenate([mesh.sigma_m, mesh.sigma_m[used]]),
        mesh.kind,
    )
    assert (welded(cut.vertices)[len(mesh.vertices) :] == used).all()
    (piece,) = chunked(cut, eye, count=1)
    sides = [set(np.unique(cut.faces[side])) for side in (right, ~right)]
    for faces in piece.levels:
        of_right = np.isin(faces, list(sides[0])).all(axis=1)
        assert (of_right | np.isin(faces, list(sides[1])).all(axis=1)).all()
        # Both rims are whole still: nothing opened along the cut.
        assert set(used) <= set(np.unique(faces))
        assert set(range(len(mesh.vertices), len(cut.vertices))) <= set(np.unique(faces))


def test_the_finest_level_may_be_thinned_out_too(whole):
    mesh, eye = whole
    few = chunked(mesh, eye, count=3, shares=(0.5, 0.1))
    assert 0.45 < sum(len(piece.levels[0]) for piece in few) / len(mesh.faces) <= 0.51
    for piece in few:
        assert len(piece.levels) == 2
        assert 0.0 < piece.error_mm[0] < piece.error_mm[1]


def test_rim_edges_of_two_triangles():
    faces = np.array([[0, 1, 2], [2, 1, 3]])
    assert rim_edges(faces, 4).tolist() == [[True, False, True], [False, True, True]]
