"""Levels of detail of the window: the same vertices with fewer faces, and faces in pieces that can be left out of view.

A view that moves is drawn with as few faces as the machine can show quickly; a still one with all of them.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import MissingLibraryError
from stereo3d.frames import Float
from stereo3d.terrain.mesh import TerrainMesh

I32 = NDArray[np.int32]

MOVING_FACES = (250_000, 80_000, 25_000)
"""What a ground of more faces is thinned out to, for views that move."""

SECTORS = 12
"""Pieces around the eye; what lies behind the view is not drawn."""

_WORTH_IT = 1.3
"""A level must have so many times fewer faces than the one before."""


def face_levels(mesh: TerrainMesh, centre: Float, wanted: tuple[int, ...] = MOVING_FACES) -> list[I32]:
    """All faces, and then fewer and fewer: (k, 3) int32 each, of the mesh's own vertices.

    Edges collapse where planes change least, seen from ``centre`` (3,), m; the place that a group of vertices falls
    to is that of the nearest of them, so that texture coordinates and colours of the vertices stay good.
    Raises MissingLibraryError without fast_simplification.
    """
    levels = [mesh.faces]
    for count in wanted:
        last = levels[-1]
        if len(last) > _WORTH_IT * count:
            fewer = _thinned(mesh.vertices - centre, last, count)
            if len(last) > _WORTH_IT * len(fewer) > 0:
                levels.append(fewer)
    return levels


def _thinned(points: Float, faces: I32, count: int) -> I32:
    """Some ``count`` faces (k, 3) between a part of the points (n, 3)."""
    try:
        from fast_simplification import replay_simplification, simplify
    except ImportError as error:
        raise MissingLibraryError(
            f"fast_simplification cannot be imported: {error}", todo="install it with 'pip install fast-simplification'"
        ) from error
    used, number = np.unique(faces, return_inverse=True)
    old, corners = points[used], np.ascontiguousarray(number.reshape(-1, 3), dtype=np.int32)
    collapses = simplify(old, corners, target_count=count, return_collapses=True)[2]
    new, few, group = replay_simplification(old, corners, collapses)
    off = np.linalg.norm(old - new[group], axis=1)
    order = np.lexsort((off, group))
    first = np.concatenate([[True], np.diff(group[order]) != 0])
    nearest = np.full(len(new), -1, dtype=np.int64)
    nearest[group[order][first]] = order[first]
    few = nearest[few]
    whole = (few >= 0).all(axis=1)
    whole &= (few[:, 0] != few[:, 1]) & (few[:, 1] != few[:, 2]) & (few[:, 2] != few[:, 0])
    return np.asarray(used[few[whole]], dtype=np.int32)


def sectors(vertices: Float, faces: I32, centre: Float, count: int = SECTORS) -> list[I32]:
    """The faces (k, 3) in at most ``count`` parts by the azimuth of their first corner about ``centre`` (3,), m; small
    grounds in one."""
    if len(faces) < 2000:
        return [faces]
    away = vertices[faces[:, 0], :2] - centre[:2]
    part = np.floor((np.arctan2(away[:, 0], away[:, 1]) / (2.0 * np.pi) + 0.5) * count).astype(np.int64) % count
    order = np.argsort(part, kind="stable")
    ends = np.searchsorted(part[order], np.arange(count + 1))
    return [faces[order[a:b]] for a, b in itertools.pairwise(ends) if b > a]
