"""The mesh of a range image that goes all around: closed at its seam, and manifold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.stereo.disparity import XyzMap
from stereo3d.terrain.adaptive import triangulate
from stereo3d.terrain.fill import bridges, filled
from stereo3d.terrain.fuse import FusedMap
from stereo3d.terrain.mesh import (
    CleanSurface,
    FaceKind,
    MeshSettings,
    TerrainMesh,
    assemble,
    clean_surface,
    nothing_to_mesh,
    part_of,
    vertex_normals,
)
from stereo3d.terrain.steps import Steps

_MARGIN = 16
"""Columns beyond the seam on either side that steps and islands are judged with."""


def mesh_around(fused: FusedMap, settings: MeshSettings = MeshSettings(), fill: bool = False) -> TerrainMesh:
    """The triangles of a fused map, in its frame, all of them measured; ``pixels`` are NaN.

    With ``fill`` the holes that ground encloses are closed, steps too; such faces are FILLED, and the sigma of vertices
    that nobody saw is NaN.

    The vertices are those of :func:`stereo3d.terrain.mesh.build_mesh`.  On a grid that goes all around, the last
    column is joined with the first.  No edge belongs to more than two faces, and no two fans of faces meet in one
    vertex only.  Raises StereoError when no surface at all was measured.
    """
    xyz, centre = fused.xyz, fused.grid.centre
    if fused.grid.closed:
        xyz = _wrapped(xyz, _MARGIN)
    part = clean_surface(xyz, centre, settings)
    fine = None
    if fused.grid.closed:
        columns = fused.grid.columns
        xyz = part_of(xyz, (slice(None), slice(_MARGIN, _MARGIN + columns + 1)))
        part = _cropped(part, _MARGIN, columns + 1)
        fine = np.zeros(part.rho.shape, dtype=np.bool_)
        fine[:, [0, -1]] = True
    measured = part
    if fill:
        part, holes, at_step = filled(part, _directions(fused), fused.grid.closed)
        xyz = replace(xyz, sigma_range_m=np.where(holes, np.float32(np.nan), xyz.sigma_range_m))
        fine = holes | at_step | (False if fine is None else fine)
    triangles, means = triangulate(
        part.rho, part.sigma, part.steps, part.keep, settings.error_sigma, settings.block_px, fine
    )
    if not len(triangles.rows):
        raise nothing_to_mesh(settings)
    mesh = assemble(xyz, centre, part, triangles, means)
    if fill:
        guessed = bridges(triangles.rows, triangles.columns, holes, measured)
        mesh = replace(mesh, kind=np.where(guessed, FaceKind.FILLED, FaceKind.MEASURED).astype(np.uint8))
    if fused.grid.closed:
        mesh = _joined(mesh, fused.grid.columns)
    mesh = apart(mesh)
    return replace(
        mesh,
        pixels=np.full((len(mesh.vertices), 2), np.nan, dtype=np.float32),
        normals=vertex_normals(mesh.vertices - centre, mesh.faces),
    )


def _directions(fused: FusedMap) -> NDArray[np.float32]:
    """Of the pixels of the grid; where it is closed, with the first column once more behind the last."""
    directions = fused.grid.directions()
    return np.concatenate([directions, directions[:, :1]], axis=1) if fused.grid.closed else directions


def _wrapped(xyz: XyzMap, margin: int) -> XyzMap:
    """``margin`` columns more before the first, and one more than that behind the last."""
    columns = xyz.reason.shape[1]
    return part_of(xyz, (slice(None), np.arange(-margin, columns + margin + 1) % columns))


def _cropped(part: CleanSurface, first: int, columns: int) -> CleanSurface:
    pixels, edges = slice(first, first + columns), slice(first, first + columns - 1)
    return CleanSurface(
        part.offsets[:, pixels],
        np.ascontiguousarray(part.rho[:, pixels]),
        np.ascontiguousarray(part.sigma[:, pixels]),
        Steps(part.steps.along_rows[:, edges], part.steps.along_columns[:, pixels]),
        np.ascontiguousarray(part.keep[:, edges]),
    )


def _joined(mesh: TerrainMesh, columns: int) -> TerrainMesh:
    """The vertices of column ``columns`` give way to those of column 0 of the same row, where there are such."""
    column, row = mesh.pixels[:, 0].astype(np.int64), mesh.pixels[:, 1].astype(np.int64)
    first = np.full(int(row.max()) + 1, -1, dtype=np.int64)
    first[row[column == 0]] = np.flatnonzero(column == 0)
    target = np.arange(len(column))
    last = np.flatnonzero(column == columns)
    found = first[row[last]]
    target[last[found >= 0]] = found[found >= 0]
    return _taken(mesh, target[mesh.faces])


def _taken(mesh: TerrainMesh, faces: NDArray[np.int64]) -> TerrainMesh:
    """``faces`` on the vertices of ``mesh``, of which those without a face are dropped."""
    used, number = np.unique(faces, return_inverse=True)
    return replace(
        mesh,
        vertices=mesh.vertices[used],
        faces=number.reshape(faces.shape).astype(np.int32),
        normals=mesh.normals[used],
        pixels=mesh.pixels[used],
        sigma_m=mesh.sigma_m[used],
    )


def apart(mesh: TerrainMesh) -> TerrainMesh:
    """The same surface with one vertex for each fan of faces: fans that touch in a single vertex get one each."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    faces = mesh.faces.astype(np.int64)
    m, n = len(faces), len(mesh.vertices)
    corner = np.arange(3 * m).reshape(m, 3)
    # Each edge as (smaller vertex, larger vertex), with the corners of its face at either.
    a, b = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    at_a, at_b = corner.ravel(), np.roll(corner, -1, axis=1).ravel()
    swap = a > b
    key = np.where(swap, b, a) * n + np.where(swap, a, b)
    low, high = np.where(swap, at_b, at_a), np.where(swap, at_a, at_b)
    order = np.argsort(key, kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    one, other = order[1:][same], order[:-1][same]
    rows, columns = np.concatenate([low[one], high[one]]), np.concatenate([low[other], high[other]])
    ones = np.ones(len(rows), dtype=np.bool_)
    fans, fan = connected_components(coo_array((ones, (rows, columns)), shape=(3 * m, 3 * m)), directed=False)
    if fans == n:
        return mesh
    vertex_of = np.empty(fans, dtype=np.int64)
    vertex_of[fan] = faces.ravel()
    return replace(
        mesh,
        vertices=mesh.vertices[vertex_of],
        faces=fan.reshape(m, 3).astype(np.int32),
        normals=mesh.normals[vertex_of],
        pixels=mesh.pixels[vertex_of],
        sigma_m=mesh.sigma_m[vertex_of],
    )
