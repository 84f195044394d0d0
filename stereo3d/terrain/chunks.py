"""Ground in pieces, each with fewer and fewer triangles; what lies between two pieces is the same in every level.

A viewer draws near pieces whole and far ones coarse.  Edges collapse onto one of their ends (Garland & Heckbert 1997,
quadric error metrics, with the placement kept to the ends), so all levels share the vertices of the finest one, and the
vertices that two pieces share never go: whatever levels neighbours have, no crack opens between them.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import Float
from stereo3d.terrain.collapse_kernels import APART, FIXED, FREE, collapsed
from stereo3d.terrain.detail import off_surface
from stereo3d.terrain.mesh import TerrainMesh

I32 = NDArray[np.int32]

CHUNKS = 24
SHARES = (1.0, 0.25, 0.06)
"""Of the faces that each level has, about."""
_RINGS = (0.0, 0.4, 0.7, 0.9, 1.0)
"""Where rings of range part, as shares of the faces: near ground is dense, a far piece as large as all the rest."""
_LEAST_FACES = 2000
"""Smaller pieces are not made."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """A piece of the ground."""

    levels: tuple[I32, ...]
    """Faces (m, 3) of each level, finest first, of the vertices of the whole mesh."""
    kinds: tuple[NDArray[np.uint8], ...]
    """(m,) FaceKind of the faces of each level."""
    error_mm: tuple[float, ...]
    """Of each level: how far the vertices of the finest one lie from it, the 95th percentile."""


def chunked(mesh: TerrainMesh, centre: Float, count: int = CHUNKS, shares: tuple[float, ...] = SHARES) -> list[Chunk]:
    """About ``count`` pieces of ``mesh``, by range and azimuth from ``centre`` (3,), m, its levels by ``shares``."""
    points = np.asarray(mesh.vertices - centre)
    weld = welded(mesh.vertices)
    label = _labels(points, mesh.faces, min(count, max(1, len(mesh.faces) // _LEAST_FACES)))
    lock = _locks(weld, mesh.faces, label)
    numbers = [np.flatnonzero(label == k) for k in range(int(label.max()) + 1)]

    def one(number: NDArray[np.intp]) -> Chunk:
        return _chunk(points, weld, lock, mesh.faces[number], mesh.kind[number], shares)

    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(one, [n for n in numbers if len(n)]))


def welded(vertices: Float) -> NDArray[np.intp]:
    """(n,) the number of the first vertex at the same place: where a texture is cut, vertices lie twice."""
    _, first, inverse = np.unique(vertices, axis=0, return_index=True, return_inverse=True)
    return np.asarray(first[inverse.ravel()])


def _labels(points: Float, faces: I32, count: int) -> I32:
    """(m,) the piece of each face: rings of range, each cut into sectors of as many faces each."""
    middle = points[faces].mean(axis=1)
    reach = np.linalg.norm(middle, axis=1)
    azimuth = np.arctan2(middle[:, 0], middle[:, 1]) % (2.0 * np.pi)
    around = np.sort(azimuth)
    gaps = np.diff(around, append=around[0] + 2.0 * np.pi)
    # Sectors begin where there is a gap, so that none spans it.
    azimuth = (azimuth - around[(int(np.argmax(gaps)) + 1) % len(around)]) % (2.0 * np.pi)
    edges = np.quantile(reach, _RINGS if count >= len(_RINGS) else (0.0, 1.0))
    ring = np.clip(np.searchsorted(edges, reach, side="right") - 1, 0, len(edges) - 2)
    label = np.empty(len(faces), dtype=np.int32)
    first = 0
    for k in range(len(edges) - 1):
        here = np.flatnonzero(ring == k)
        sectors = max(1, math.floor(count * len(here) / len(faces) + 0.5))
        cuts = np.quantile(azimuth[here], np.linspace(0.0, 1.0, sectors + 1)[1:-1]) if len(here) else []
        label[here] = first + np.searchsorted(cuts, azimuth[here], side="right")
        first += sectors
    return label


def _locks(weld: NDArray[np.intp], faces: I32, label: I32) -> NDArray[np.uint8]:
    """(n,) by welded vertex: FIXED on the border of two pieces, APART where the texture is cut."""
    corners = weld[faces]
    least = np.full(len(weld), np.iinfo(np.int32).max, dtype=np.int32)
    most = np.full(len(weld), -1, dtype=np.int32)
    for k in range(3):
        np.minimum.at(least, corners[:, k], label)
        np.maximum.at(most, corners[:, k], label)
    lock = np.where(least < most, FIXED, FREE).astype(np.uint8)
    lock[weld[weld != np.arange(len(weld))]] = APART
    return lock


def _chunk(
    points: Float,
    weld: NDArray[np.intp],
    lock: NDArray[np.uint8],
    faces: I32,
    kind: NDArray[np.uint8],
    shares: tuple[float, ...],
) -> Chunk:
    used, local = np.unique(weld[faces], return_inverse=True)
    local = np.asarray(local.reshape(-1, 3))
    here = np.ascontiguousarray(points[used])
    rim = rim_edges(local, len(used))
    on_rim = np.zeros(len(used), dtype=np.bool_)
    for k in range(3):
        on_rim[local[rim[:, k], k]] = True
        on_rim[local[rim[:, k], (k + 1) % 3]] = True
    targets = np.array([round(share * len(faces)) for share in shares[1:]], dtype=np.int64)
    found = collapsed(here, local.astype(np.int64), lock[used], rim, on_rim, targets)
    levels, kinds, errors = [faces], [kind], [0.0]
    for level in found:
        left = np.flatnonzero(level[:, 0] >= 0)
        corners = used[level[left]]
        # Where the texture is cut nothing moved: there a corner keeps its own side of the cut.
        corners = np.where(lock[corners] == APART, faces[left], corners).astype(np.int32)
        levels.append(corners)
        kinds.append(kind[left])
        errors.append(_off_mm(here, here, level[left]))
    return Chunk(tuple(levels), tuple(kinds), tuple(errors))


def rim_edges(faces: NDArray[np.signedinteger[Any]], count: int) -> NDArray[np.bool_]:
    """(m, 3): whether the edge from corner k to the next has no other face."""
    start, end = faces.astype(np.int64), np.roll(faces, -1, axis=1).astype(np.int64)
    key = (np.minimum(start, end) * count + np.maximum(start, end)).ravel()
    _, inverse, times = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray((times[inverse.ravel()] == 1).reshape(-1, 3))


def _off_mm(old: Float, points: Float, faces: I32) -> float:
    """95th percentile of the distance of ``old`` (n, 3) from the planes of the triangles that hide them from the
    origin, mm, as :func:`stereo3d.terrain.detail.off_surface` measures it."""
    off, _, _ = off_surface(old, points, faces)
    return float(np.percentile(off, 95)) if len(off) else 0.0
