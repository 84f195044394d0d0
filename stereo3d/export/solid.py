"""The ground as a closed solid for a 3-D printer: seen from above on a grid, holes filled, walls, a flat base.

What is printed is what lies within a distance of the rover and was seen, with what it encloses; the outline is that
of the measured ground.  A height grid has no overhangs, which is what a printer wants.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import OutputError
from stereo3d.terrain.mesh import FaceKind, TerrainMesh

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PrintSettings:
    """How a terrain becomes a print."""

    scale: float | None = None
    """Metres of ground to a metre of print, 50 for 1:50; None: what makes the longest side ``size_mm``."""
    size_mm: float = 150.0
    """The longest side, east or north, mm; read when ``scale`` is None."""
    within_m: float = 15.0
    """Ground further than this from the rover's origin is left away."""
    base_mm: float = 3.0
    """What lies under the lowest point."""
    cells: int = 400
    """Cells along the longest side."""
    most_mm: float = 2000.0
    """Larger prints are refused: a scale mistaken for another."""

    def __post_init__(self) -> None:
        for name in ("scale", "size_mm", "within_m", "base_mm", "cells"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise ValueError(f"{name} must be positive, got {value}")


@dataclass(frozen=True, eq=False)
class Solid:
    """A closed surface, its lowest corner at the origin; X east, Y north, Z up."""

    vertices_mm: Float
    """(n, 3) float64, mm of the print."""
    faces: NDArray[np.int32]
    """(m, 3) int32, counter-clockwise seen from outside."""
    scale: float
    """Metres of ground to a metre of print."""
    filled: float
    """The share of its ground, seen from above, that was not measured."""

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """East, north, up, mm."""
        x, y, z = np.ptp(self.vertices_mm, axis=0)
        return float(x), float(y), float(z)


def printable(mesh: TerrainMesh, settings: PrintSettings = PrintSettings()) -> Solid:
    """The solid of a terrain in ENU (m).

    Raises OutputError when there is no ground within the distance, or the print would be larger than ``most_mm``.
    """
    step, height, measured = _seen_from_above(mesh, settings)
    cells = _footprint(~np.isnan(height))
    if not cells.any():
        raise OutputError(
            f"there is no ground within {settings.within_m:g} m of the rover to print",
            todo="take more of it with --within",
        )
    rows, columns = np.nonzero(cells)
    longest = max(np.ptp(rows), np.ptp(columns)) + 1
    scale = settings.scale or longest * step * 1000.0 / settings.size_mm
    if longest * step * 1000.0 / scale > settings.most_mm:
        raise OutputError(
            f"at 1:{scale:g} the print would be {longest * step * 1000.0 / scale:.0f} mm long",
            expected=f"at most {settings.most_mm:g} mm",
            todo="choose another --scale, --size-mm or --within",
        )
    height = _filled(height)
    vertices, faces = _extruded(cells, height, step, settings.base_mm * scale / 1000.0)
    vertices *= 1000.0 / scale
    known = sum(m[cells].mean() for m in (measured[:-1, :-1], measured[1:, :-1], measured[:-1, 1:], measured[1:, 1:]))
    return Solid(vertices - vertices.min(axis=0), faces, scale, 1.0 - float(known) / 4.0)


def _seen_from_above(mesh: TerrainMesh, settings: PrintSettings) -> tuple[float, Float, Mask]:
    """The step of the grid, m; height (rows, columns), m, NaN: none; and which nodes were measured.

    Rows go north, columns east.
    """
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    near = np.hypot(mesh.vertices[:, 0], mesh.vertices[:, 1]) <= settings.within_m
    faces = mesh.faces[near[mesh.faces].any(axis=1)]
    if not len(faces):
        return 1.0, np.full((2, 2), np.nan), np.zeros((2, 2), bool)
    points = mesh.vertices[near]
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    # A ray along the very rim would miss.
    low, high = low + 1e-5 * (high - low), high - 1e-5 * (high - low)
    step = float((high - low).max()) / settings.cells or 1.0
    count = np.floor((high - low) / step + 1e-6).astype(int) + 1
    corner = (low + high - (count - 1) * step) / 2.0
    x, y = corner[0] + step * np.arange(count[0]), corner[1] + step * np.arange(count[1])
    above = float(mesh.vertices[faces, 2].max()) + 1.0
    origins = np.stack([*(g.ravel() for g in np.meshgrid(x, y)), np.full(x.size * y.size, above)], axis=1)
    directions = np.broadcast_to(np.array([0.0, 0.0, -1.0], np.float32), origins.shape)

    scene = EmbreeScene()
    # Embree keeps no reference to the mesh object; dropping it would free the triangles.
    kept = TriangleMesh(scene, mesh.vertices.astype(np.float32), np.array(faces))
    found = scene.run(origins.astype(np.float32), np.ascontiguousarray(directions), output=True)
    del kept
    face, distance = found["primID"], found["tfar"].astype(np.float64)
    hit = (face >= 0) & (np.hypot(origins[:, 0], origins[:, 1]) <= settings.within_m)
    shape = (len(y), len(x))
    kind = mesh.kind[near[mesh.faces].any(axis=1)]
    measured = hit & (kind[np.where(hit, face, 0)] == FaceKind.MEASURED)
    return step, np.where(hit, above - distance, np.nan).reshape(shape), measured.reshape(shape)


def _footprint(known: Mask) -> Mask:
    """(rows - 1, columns - 1): the cells to print, one piece without holes.

    Nowhere does it hang together by a corner alone, which would be no solid: its cells are joined by their sides, so
    of the two gaps at such a corner one would be enclosed, and is filled.
    """
    nodes = np.pad(known.astype(np.uint8), 4)
    closed = cv2.morphologyEx(nodes, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))[4:-4, 4:-4] > 0
    return _without_holes(_largest(closed[:-1, :-1] & closed[1:, :-1] & closed[:-1, 1:] & closed[1:, 1:]))


def _largest(cells: Mask) -> Mask:
    """The largest piece of cells that are joined by their sides."""
    if not cells.any():
        return cells
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=4)
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def _without_holes(cells: Mask) -> Mask:
    """With all gaps that are not joined to the outside by the sides of their cells."""
    outside = np.pad((~cells).astype(np.uint8), 1, constant_values=1)
    _, labels = cv2.connectedComponents(outside, connectivity=4)
    return np.asarray((labels != labels[0, 0])[1:-1, 1:-1])


def _filled(height: Float) -> Float:
    """``height`` with every NaN replaced: from ever coarser means, then smoothed until it joins the known ground."""
    known = ~np.isnan(height)
    if known.all():
        return height
    out = np.where(known, height, _pulled(np.where(known, height, 0.0), known.astype(np.float64)))
    for _ in range(60):
        wide = np.pad(out, 1, mode="edge")
        mean = (wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]) / 4.0
        out = np.where(known, height, mean)
    return out


def _pulled(total: Float, weight: Float) -> Float:
    """Weighted means over blocks, the finest that hold anything; ``total`` is zero where ``weight`` is."""
    if min(total.shape) == 1 or (weight > 0).all():
        everywhere = total.sum() / weight.sum()
        return np.where(weight > 0, total / np.maximum(weight, 1e-12), everywhere)
    even = [(0, n % 2) for n in total.shape]
    blocks = [np.pad(a, even).reshape((a.shape[0] + 1) // 2, 2, (a.shape[1] + 1) // 2, 2) for a in (total, weight)]
    coarse = _pulled(*(b.sum(axis=(1, 3)) for b in blocks))
    rows, columns = total.shape
    finer = cv2.resize(coarse, (2 * coarse.shape[1], 2 * coarse.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.where(weight > 0, total / np.maximum(weight, 1e-12), finer[:rows, :columns])


def _extruded(cells: Mask, height: Float, step: float, base: float) -> tuple[Float, NDArray[np.int32]]:
    """Vertices, m, and faces of the solid of ``cells``, from ``height`` at the nodes down to ``base`` m below all."""
    pad = np.pad(cells, 1)
    used = pad[:-1, :-1] | pad[:-1, 1:] | pad[1:, :-1] | pad[1:, 1:]
    row, column = np.nonzero(used)
    count = len(row)
    top = np.full(used.shape, -1, np.int32)
    top[row, column] = np.arange(count, dtype=np.int32)
    z = height[row, column]
    flat = np.stack([column * step, row * step], axis=1)
    vertices = np.concatenate([np.column_stack([flat, z]), np.column_stack([flat, np.full(count, z.min() - base)])])

    r, c = np.nonzero(cells)
    sw, se, nw, ne = top[r, c], top[r, c + 1], top[r + 1, c], top[r + 1, c + 1]
    lids = np.concatenate([np.stack([sw, se, ne], 1), np.stack([sw, ne, nw], 1)])
    faces = [lids, lids[:, ::-1] + count]
    # A wall wherever a cell has no neighbour; (from, to) runs with the cell on its left.
    for neighbour, start, end in (
        (pad[:-2, 1:-1], sw, se),
        (pad[1:-1, 2:], se, ne),
        (pad[2:, 1:-1], ne, nw),
        (pad[1:-1, :-2], nw, sw),
    ):
        edge = ~neighbour[r, c]
        a, b = start[edge], end[edge]
        faces += [np.stack([a, a + count, b + count], 1), np.stack([a, b + count, b], 1)]
    return vertices, np.concatenate(faces).astype(np.int32)
