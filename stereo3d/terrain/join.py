"""Grounds of several stops side by side as one: each place from the stop that saw it best, cut along one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import Float
from stereo3d.terrain.mesh import TerrainMesh
from stereo3d.terrain.surface import Surface
from stereo3d.terrain.texture import TexturedMesh, colours_at

Bool = NDArray[np.bool_]

BAND = float(np.log(3.0))
"""Within this distance of the border (logarithm of how much better the better stop sees a place) the grounds lean
towards each other, so that they meet in the middle of what both measured."""
_SAME_M, _SAME_SIGMA = 0.04, 4.0
"""Grounds lean that lie within this much, or so many sigma, of each other: a rock's two sides do not."""
_TALL_M = 1.0
"""A surface this far above or below another does not cover it."""
_LEAST_FACES = 16
"""Pieces of fewer faces that the cut leaves are dropped."""
_LEAST_COLOURS = 200
_GAIN = (0.5, 2.0)
_FINEST_RAD, _HALVINGS = 0.025, 5
"""Triangles that another ground covers in part are halved until its eye sees them so small, or so many times."""


@dataclass(frozen=True, eq=False)
class Placed:
    """The ground of one stop where it is placed."""

    terrain: TexturedMesh
    """In the common frame."""
    eye: Float
    """(3,) m, in the common frame."""


@dataclass(frozen=True, eq=False)
class Joined:
    """One ground, and where it comes from."""

    terrain: TexturedMesh
    stop: NDArray[np.int16]
    """(n,) int16: number of the stop that measured each vertex."""
    gains: tuple[tuple[float, float, float], ...]
    """Of each stop, by what its red, green and blue (DN) were multiplied to look like those of the first."""
    step_mm: tuple[float, float]
    """Median height between the grounds along the border, before and after they were made to meet; NaN without any."""


class Owners:
    """Which of several stops sees a place best.

    A stop sees worse with the square of the range, as sigma grows: the border of two is a circle, or the line in the
    middle of two that see alike.
    """

    def __init__(self, placed: Sequence[Placed]) -> None:
        self._placed = placed
        self._surfaces = [Surface(p.terrain.mesh) for p in placed]
        self._blur = [_blur(p) for p in placed]

    def seen_better(self, points: Float, stop: int) -> tuple[Float, NDArray[np.intp]]:
        """(n,) the logarithm of how much better ``stop`` sees ``points`` (n, 3) than the best other stop that has
        ground there, inf where none has, and which one that is."""
        value, rival = np.full(len(points), np.inf), np.full(len(points), -1, dtype=np.intp)
        own = self._worth(points, stop)
        for other in range(len(self._placed)):
            if other == stop:
                continue
            covered = np.isfinite(self.under(points, other)[:, 2])
            better = np.where(covered, own - self._worth(points, other), np.inf)
            rival[better < value] = other
            value = np.minimum(value, better)
        return value, rival

    def under(self, points: Float, stop: int, values: NDArray[np.floating] | None = None) -> NDArray[np.floating]:
        """Vertex values (vertices, k) of ``stop`` (its places by default) on the vertical through ``points`` (n, 3):
        (n, k); NaN where it has no ground near."""
        mesh = self._placed[stop].terrain.mesh
        hits = self._surfaces[stop].hits(
            points + np.array([0.0, 0.0, _TALL_M]), np.broadcast_to([0.0, 0.0, -1.0], points.shape)
        )
        found = self._surfaces[stop].interpolate(hits, mesh.vertices)
        with np.errstate(invalid="ignore"):
            far = ~(np.abs(found[:, 2] - points[:, 2]) < _TALL_M)
        out = found if values is None else self._surfaces[stop].interpolate(hits, values)
        out[far] = np.nan
        return out

    def reach(self, points: Float, stops: NDArray[np.intp]) -> Float:
        """(n,) m: distance of ``points`` (n, 3) from the eyes of ``stops`` (n,); inf for none (-1)."""
        eyes = np.concatenate([[p.eye for p in self._placed], [np.full(3, np.inf)]])
        return np.asarray(np.linalg.norm(points - eyes[stops], axis=1), dtype=np.float64)

    def _worth(self, points: Float, stop: int) -> Float:
        square = np.sum((points - self._placed[stop].eye) ** 2, axis=1)
        return np.asarray(-np.log(self._blur[stop] * np.maximum(square, 1e-6)), dtype=np.float64)


def join(placed: Sequence[Placed]) -> Joined:
    """One ground without doubled surfaces from those of several stops, which share a frame.

    A hole that one stop leaves is filled with what another saw there.  Raises FrameMismatchError through the callers'
    frames; ValueError for none.
    """
    if not placed:
        raise ValueError("no ground to join")
    owners = Owners(placed)
    gains = _gains(placed, owners)
    parts, before, after = [], [], []
    for number, one in enumerate(placed):
        fine, value, rival = _refined(one.terrain, owners, number)
        leant, gap = _leaning(fine.mesh, value, rival, owners)
        near = np.isfinite(gap) & (np.abs(value) < 0.25 * BAND)
        before.append(np.abs(gap[near]))
        after.append(np.abs(gap[near]) * np.abs(value[near]) / BAND)
        parts.append(_cut(replace(fine, mesh=leant), value))
    image, scales = _stacked([brightened(p.terrain.image, g) for p, g in zip(placed, gains, strict=True)])
    terrain = _together(parts, image, scales)
    stop = np.concatenate([np.full(len(p.mesh.vertices), k, dtype=np.int16) for k, p in enumerate(parts)])
    steps = tuple(1e3 * float(np.median(np.concatenate(m))) if sum(map(len, m)) else np.nan for m in (before, after))
    return Joined(terrain, stop, gains, (steps[0], steps[1]))


def _blur(placed: Placed) -> float:
    """1/m: the usual sigma over the range squared."""
    mesh = placed.terrain.mesh
    square = np.sum((mesh.vertices - placed.eye) ** 2, axis=1)
    return float(np.median(mesh.sigma_m / square))


def _refined(terrain: TexturedMesh, owners: Owners, stop: int) -> tuple[TexturedMesh, Float, NDArray[np.intp]]:
    """The mesh with its triangles small where better ground of another stop ends below them, and at its vertices what
    :meth:`Owners.seen_better` says."""
    value, rival = owners.seen_better(terrain.mesh.vertices, stop)
    for _ in range(_HALVINGS):
        mesh = terrain.mesh
        corner = value[mesh.faces]
        sides = mesh.vertices[mesh.faces] - mesh.vertices[np.roll(mesh.faces, 1, axis=1)]
        reach = owners.reach(mesh.vertices[mesh.faces[:, 0]], rival[mesh.faces].max(axis=1))
        large = np.linalg.norm(sides, axis=2).max(axis=1) > _FINEST_RAD * reach
        mixed = (corner <= 0).any(axis=1) & ~np.isfinite(corner).all(axis=1) & large
        if not mixed.any():
            break
        old = mesh.faces[mixed]
        edges = np.sort(np.stack([old, np.roll(old, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
        edge, which = np.unique(edges, axis=0, return_inverse=True)
        middle = (len(mesh.vertices) + which.reshape(-1, 3)).astype(np.int32)
        (a, b, c), (ab, bc, ca) = old.T, middle.T
        quarters = [np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        share = np.full((len(edge), 1), 0.5)
        faces = np.concatenate([mesh.faces[~mixed], *quarters]).astype(np.int32)
        kind = np.concatenate([mesh.kind[~mixed], np.tile(mesh.kind[mixed], 4)])
        terrain = _with_points(terrain, edge, share, faces, kind)
        more, their = owners.seen_better(terrain.mesh.vertices[len(value) :], stop)
        value, rival = np.concatenate([value, more]), np.concatenate([rival, their])
    return terrain, value, rival


def _with_points(
    terrain: TexturedMesh, edge: NDArray[np.int32], share: Float, faces: NDArray[np.int32], kind: NDArray[np.uint8]
) -> TexturedMesh:
    """The mesh with a vertex more on each ``edge`` (k, 2), ``share`` (k, 1) of the way along it, and other faces."""

    def grown(array: NDArray[np.floating]) -> NDArray[Any]:
        new = array[edge[:, 0]] * (1.0 - share) + array[edge[:, 1]] * share
        return np.concatenate([array, new.astype(array.dtype)])

    mesh = terrain.mesh
    normals = grown(mesh.normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    whole = TerrainMesh(
        frame=mesh.frame,
        vertices=grown(mesh.vertices),
        faces=faces,
        normals=normals,
        pixels=np.full((len(normals), 2), np.nan, dtype=np.float32),
        sigma_m=grown(mesh.sigma_m[:, None])[:, 0],
        kind=kind,
    )
    return TexturedMesh(whole, grown(terrain.uv), terrain.image)


def _leaning(mesh: TerrainMesh, value: Float, rival: NDArray[np.intp], owners: Owners) -> tuple[TerrainMesh, Float]:
    """The mesh with its vertices near the border moved towards the other ground, and the height between them (n,), m,
    where both are one surface; NaN elsewhere."""
    gap = np.full(len(value), np.nan)
    vertices = mesh.vertices.copy()
    for other in np.unique(rival[rival >= 0]):
        at = np.flatnonzero((rival == other) & (np.abs(value) < BAND))
        there = owners.under(vertices[at], int(other))
        sigma = owners.under(vertices[at], int(other), owners._placed[int(other)].terrain.mesh.sigma_m[:, None])[:, 0]
        high = there[:, 2] - vertices[at, 2]
        steep = np.abs(mesh.normals[at, 2])
        with np.errstate(invalid="ignore"):
            # Across flat ground sigma counts by the slant of the sight, about a third at the distances of a border.
            same = np.abs(high) < np.maximum(_SAME_M, _SAME_SIGMA * 0.33 * np.hypot(sigma, mesh.sigma_m[at]))
        same &= steep > 0.5
        gap[at[same]] = high[same]
    lean = np.where(np.isfinite(gap), 0.5 * (1.0 - np.abs(np.where(np.isfinite(value), value, 0.0)) / BAND), 0.0)
    vertices[:, 2] += lean * np.where(np.isfinite(gap), gap, 0.0)
    return replace(mesh, vertices=vertices), gap


def _cut(terrain: TexturedMesh, value: Float) -> TexturedMesh:
    """What lies where ``value`` (n,) at the vertices is positive, triangles cut where it passes zero, or half way to
    where it is infinite."""
    mesh = terrain.mesh
    corner = value[mesh.faces]
    keep = (corner > 0).all(axis=1)
    across = (corner > 0).any(axis=1) & ~keep
    faces, kinds = [mesh.faces[keep]], [mesh.kind[keep]]
    ends: list[NDArray[np.int32]] = []
    for inside in (1, 2):
        chosen = np.flatnonzero(across & ((corner > 0).sum(axis=1) == inside))
        # Turn each so that the odd corner comes first.
        odd = np.argmax((corner[chosen] > 0) == (inside == 1), axis=1)
        turned = mesh.faces[chosen[:, None], (odd[:, None] + np.arange(3)) % 3]
        base = len(mesh.vertices) + sum(len(e) for e in ends)
        a = base + np.arange(len(turned), dtype=np.int32)
        b = a + len(turned)
        ends += [turned[:, [0, 1]], turned[:, [0, 2]]]
        made = (
            [np.stack([turned[:, 0], a, b], axis=1)]
            if inside == 1
            else [np.stack([a, turned[:, 1], turned[:, 2]], axis=1), np.stack([a, turned[:, 2], b], axis=1)]
        )
        faces += made
        kinds += [mesh.kind[chosen]] * len(made)
    edge = np.concatenate(ends)
    low, high = value[edge[:, 0]], value[edge[:, 1]]
    # Where other ground ends on an edge it does so anywhere: half way is off by half a small triangle.
    border = np.isfinite(low) & np.isfinite(high)
    span = np.where(border, low - high, 1.0)
    share = np.where(border, np.where(border, low, 0.0) / span, 0.5)[:, None]
    return _tidy(_with_points(terrain, edge, share, np.concatenate(faces).astype(np.int32), np.concatenate(kinds)))


def _tidy(terrain: TexturedMesh) -> TexturedMesh:
    """Without small pieces, and without vertices that no face uses."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    mesh = terrain.mesh
    count = len(mesh.vertices)
    a, b = mesh.faces[:, [0, 1]].ravel(), mesh.faces[:, [1, 2]].ravel()
    piece = connected_components(coo_matrix((np.ones(len(a), dtype=bool), (a, b)), (count, count)), directed=False)[1]
    large = np.bincount(piece[mesh.faces[:, 0]], minlength=count) >= _LEAST_FACES if len(mesh.faces) else np.ones(1)
    kept = large[piece[mesh.faces[:, 0]]].astype(bool) if len(mesh.faces) else np.zeros(0, dtype=bool)
    used, faces = np.unique(mesh.faces[kept], return_inverse=True)
    tidy = replace(
        mesh,
        vertices=mesh.vertices[used],
        faces=faces.reshape(-1, 3).astype(np.int32),
        normals=mesh.normals[used],
        pixels=mesh.pixels[used],
        sigma_m=mesh.sigma_m[used],
        kind=mesh.kind[kept],
    )
    return TexturedMesh(tidy, terrain.uv[used], terrain.image)


def _gains(placed: Sequence[Placed], owners: Owners) -> tuple[tuple[float, float, float], ...]:
    """For each stop the factors that make its colours those of the first on the ground that they share.

    The middles of the brightness are matched, not place by place: under another Sun shadows lie elsewhere.
    """
    found: dict[int, Float] = {0: np.ones(3)}
    shared: dict[tuple[int, int], tuple[int, Float]] = {}
    for k, one in enumerate(placed):
        value, rival = owners.seen_better(one.terrain.mesh.vertices, k)
        own = colours_at(one.terrain, one.terrain.uv)
        for other in np.unique(rival[rival >= 0]):
            at = np.flatnonzero((rival == other) & (np.abs(value) < BAND))
            uv = owners.under(one.terrain.mesh.vertices[at], int(other), placed[int(other)].terrain.uv)
            known = np.isfinite(uv[:, 0])
            if known.sum() < _LEAST_COLOURS:
                continue
            there = colours_at(placed[int(other)].terrain, uv[known].astype(np.float32))
            ratio = np.median(there, axis=0) / np.maximum(np.median(own[at][known], axis=0), 1.0)
            shared[k, int(other)] = int(known.sum()), np.asarray(ratio, dtype=np.float64)
    while True:
        steps = [(count, k, o) for (k, o), (count, _) in shared.items() if k not in found and o in found]
        if not steps:
            break
        _, k, o = max(steps)
        found[k] = np.clip(shared[k, o][1] * found[o], *_GAIN)
    gains = [found.get(k, np.ones(3)).round(4).tolist() for k in range(len(placed))]
    return tuple((g[0], g[1], g[2]) for g in gains)


def brightened(colours: NDArray[np.uint8], gains: Sequence[float]) -> NDArray[np.uint8]:
    """Colours (..., 3) uint8 by the factors of red, green and blue."""
    if tuple(gains) == (1.0, 1.0, 1.0):
        return colours
    out = np.empty_like(colours)
    for channel, gain in enumerate(gains):
        table = np.clip(np.rint(np.arange(256) * gain), 0, 255).astype(np.uint8)
        out[..., channel] = table[colours[..., channel]]
    return out


def _stacked(images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], list[tuple[float, float, float]]]:
    """The images below each other, and of each (width, height, bottom) as shares of the whole."""
    width, height = max(i.shape[1] for i in images), sum(i.shape[0] for i in images)
    out = np.zeros((height, width, 3), dtype=np.uint8)
    places, top = [], 0
    for image in images:
        rows, columns = image.shape[:2]
        out[top : top + rows, :columns] = image
        out[top : top + rows, columns:] = image[:, -1:]  # so that nothing dark bleeds in from beside
        places.append((columns / width, rows / height, 1.0 - (top + rows) / height))
        top += rows
    return out, places


def _together(
    parts: Sequence[TexturedMesh], image: NDArray[np.uint8], places: Sequence[tuple[float, float, float]]
) -> TexturedMesh:
    first = np.cumsum([0, *(len(p.mesh.vertices) for p in parts)])
    uv = [
        np.stack([p.uv[:, 0] * np.float32(w), np.float32(bottom) + p.uv[:, 1] * np.float32(h)], axis=1)
        for p, (w, h, bottom) in zip(parts, places, strict=True)
    ]
    mesh = TerrainMesh(
        frame=parts[0].mesh.frame,
        vertices=np.concatenate([p.mesh.vertices for p in parts]),
        faces=np.concatenate([p.mesh.faces + np.int32(s) for p, s in zip(parts, first, strict=False)]),
        normals=np.concatenate([p.mesh.normals for p in parts]),
        pixels=np.concatenate([p.mesh.pixels for p in parts]),
        sigma_m=np.concatenate([p.mesh.sigma_m for p in parts]),
        kind=np.concatenate([p.mesh.kind for p in parts]),
    )
    return TexturedMesh(mesh, np.concatenate(uv), image)
