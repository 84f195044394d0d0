"""Contour lines on the mesh itself: its triangles cut by level planes, joined to lines in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import StereoError
from stereo3d.frames import Float, locked
from stereo3d.terrain.contours import choose_interval
from stereo3d.terrain.mesh import TerrainMesh

_MOST_LEVELS = 2000


@dataclass(frozen=True, eq=False)
class Slice:
    """One line of one height on the mesh; a closed one ends where it begins."""

    elevation_m: float
    points: Float
    """(n, 3) m, in the frame of the mesh; all at the same height."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", locked(self.points))


def usual_interval(mesh: TerrainMesh, eye: Float) -> float:
    """The step of 1-2-5, m, that gives some fifteen lines over the nearer 85 % of the ground."""
    reach = np.linalg.norm(mesh.vertices - eye, axis=1)
    return choose_interval(mesh.vertices[reach <= np.percentile(reach, 85.0), 2].astype(np.float32))


def level_lines(mesh: TerrainMesh, interval_m: float) -> list[Slice]:
    """The lines at whole multiples of ``interval_m``, lowest first: exact on the triangles, joined from edge to edge.

    A vertex at the very height of a level counts as above it, so that no triangle is cut in a corner.  Raises
    StereoError when the interval asks for thousands of levels.
    """
    if not (np.isfinite(interval_m) and interval_m > 0.0):
        raise ValueError(f"interval_m must be positive, got {interval_m}")
    if not len(mesh.faces):
        return []
    height = mesh.vertices[:, 2] / interval_m
    below = np.ceil(height).astype(np.int64)  # levels k < below lie strictly under the vertex
    corner = below[mesh.faces]
    first, last = corner.min(axis=1), corner.max(axis=1)
    if int(corner.max()) - int(corner.min()) > _MOST_LEVELS:
        raise StereoError(
            f"contours every {interval_m:g} m would be {int(corner.max()) - int(corner.min())} levels",
            expected=f"at most {_MOST_LEVELS}",
            todo="ask for a larger interval",
        )
    times = last - first
    face = np.repeat(np.arange(len(mesh.faces)), times)
    if not len(face):
        return []
    start = np.repeat(np.cumsum(times) - times, times)
    level = first[face] + np.arange(len(face)) - start
    ends = _ends(mesh, corner, face, level, interval_m)
    return _joined(*ends, level, interval_m)


def _ends(
    mesh: TerrainMesh, corner: NDArray[np.int64], face: NDArray[np.intp], level: NDArray[np.int64], interval_m: float
) -> tuple[NDArray[np.int64], Float]:
    """Of each cut (a face at a level): the numbers (k, 2) of its two ends, one for each edge and level, and the places
    (numbers, 3)."""
    high = corner[face] > level[:, None]
    crossed = high != np.roll(high, -1, axis=1)  # edge j runs from corner j to corner j + 1
    rows, edges = np.nonzero(crossed)
    a, b = mesh.faces[face[rows], edges], mesh.faces[face[rows], (edges + 1) % 3]
    low, top = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    at = level[rows]
    count = len(mesh.vertices)
    _, pair_number = np.unique(low * count + top, return_inverse=True)
    key = pair_number.astype(np.int64) * (int(level.max() - level.min()) + 1) + (at - level.min())
    _, chosen, number = np.unique(key, return_index=True, return_inverse=True)
    p, q = mesh.vertices[low[chosen]], mesh.vertices[top[chosen]]
    z = at[chosen] * interval_m
    rise = q[:, 2] - p[:, 2]
    share = np.clip((z - p[:, 2]) / np.where(rise == 0.0, 1.0, rise), 0.0, 1.0)
    places = p + share[:, None] * (q - p)
    places[:, 2] = z
    return number.reshape(-1, 2).astype(np.int64), places


def _joined(ends: NDArray[np.int64], places: Float, level: NDArray[np.int64], interval_m: float) -> list[Slice]:
    """Lines of pieces that share an end."""
    count = len(places)
    near = np.full((count, 2), -1, dtype=np.int64)  # up to two pieces meet at an end; of a mesh with flaws the first
    used = np.zeros(count, dtype=np.int64)
    other = []
    for a, b in ends.tolist():
        if used[a] < 2 and used[b] < 2 and a != b:
            near[a, used[a]], near[b, used[b]] = b, a
            used[a] += 1
            used[b] += 1
        elif a != b:
            other.append((a, b))
    level_of = np.zeros(count, dtype=np.int64)
    level_of[ends.ravel()] = np.repeat(level, 2)
    links, degree = near.tolist(), used.tolist()
    seen = bytearray(count)
    lines: list[list[int]] = []
    for start in [i for i in range(count) if degree[i] == 1] + [i for i in range(count) if degree[i] == 2]:
        if seen[start]:
            continue
        line, here, before = [start], start, -1
        seen[start] = 1
        while True:
            onward = next((n for n in links[here] if n >= 0 and n != before and not seen[n]), -1)
            if onward < 0:
                if degree[start] == 2 and len(line) > 2 and start in links[here]:
                    line.append(start)
                break
            before, here = here, onward
            seen[here] = 1
            line.append(here)
        if len(line) > 1:
            lines.append(line)
    lines += [list(pair) for pair in other]
    found = [Slice(float(level_of[line[0]] * interval_m), places[line]) for line in lines]
    return sorted(found, key=lambda s: s.elevation_m)
