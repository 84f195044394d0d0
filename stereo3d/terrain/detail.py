"""Levels of detail: the same ground with fewer triangles, and how far that is from all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import MissingLibraryError, StereoError
from stereo3d.frames import Float
from stereo3d.terrain.around import apart
from stereo3d.terrain.mesh import TerrainMesh, vertex_normals

LEAST_FACES = 1000
_AGGRESSIVENESS = 7.0


@dataclass(frozen=True, eq=False)
class Detail:
    """A mesh of fewer faces."""

    mesh: TerrainMesh
    off_median_mm: float
    """How far the corners of the whole mesh lie from the plane of the new triangle that hides them: the median."""
    off_p95_mm: float
    off_p95_sigma: float
    """The 95th percentile of the same along the line of sight, in sigma of the range."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "triangles": len(self.mesh.faces),
            "off_median_mm": round(self.off_median_mm, 2),
            "off_p95_mm": round(self.off_p95_mm, 2),
            "off_p95_sigma": round(self.off_p95_sigma, 3),
        }


def decimated(mesh: TerrainMesh, centre: Float, faces: int) -> Detail:
    """The ground with at most ``faces`` triangles: edges collapse where the squared distance to the planes of what was
    there grows least (Garland & Heckbert 1997, quadric error metrics).

    ``centre`` (3,): from where the ground was measured, m, in the frame of ``mesh``.  No edge has more than two faces,
    and no face turns its back to ``centre``.  Sigma and kind are those of the nearest old vertex and face; ``pixels``
    are NaN.  A mesh that is small enough stays as it is.

    Raises ValueError for fewer than 1000 faces, StereoError when the steps leave no mesh of so few, MissingLibraryError
    without fast_simplification.
    """
    if faces < LEAST_FACES:
        raise ValueError(f"faces must be at least {LEAST_FACES}, got {faces}")
    if len(mesh.faces) <= faces:
        return Detail(mesh, 0.0, 0.0, 0.0)
    try:
        from fast_simplification import simplify
    except ImportError as error:
        raise MissingLibraryError(
            f"fast_simplification cannot be imported: {error}", todo="install it with 'pip install fast-simplification'"
        ) from error
    from scipy.spatial import cKDTree

    old = mesh.vertices - centre
    points, corners = simplify(old, np.array(mesh.faces), target_count=faces, agg=_AGGRESSIVENESS)
    tree = cKDTree(old)
    away, nearest = tree.query(points, workers=2)
    # The place of least error may lie far out where planes are nearly parallel: no further than the triangles are.
    stray = away > _longest_edges(old, mesh.faces)[nearest]
    points[stray] = old[nearest[stray]]
    corners = _sound(points, corners.astype(np.int64))
    if not 0 < len(corners) <= faces:
        raise StereoError(f"the ground cannot be had with {faces} triangles", todo="ask for more")
    kind = np.full(len(corners), mesh.kind[0], dtype=np.uint8)
    if mesh.kind.min() != mesh.kind.max():
        middles = cKDTree(old[mesh.faces].mean(axis=1))
        kind = mesh.kind[middles.query(points[corners].mean(axis=1), workers=2)[1]]
    used, number = np.unique(corners, return_inverse=True)
    few = apart(
        replace(
            mesh,
            vertices=points[used] + centre,
            faces=number.reshape(-1, 3).astype(np.int32),
            normals=np.zeros((len(used), 3), dtype=np.float32),
            pixels=np.full((len(used), 2), np.nan, dtype=np.float32),
            sigma_m=mesh.sigma_m[nearest[used]],
            kind=kind,
        )
    )
    few = replace(few, normals=vertex_normals(few.vertices - centre, few.faces))
    return Detail(few, *_off(old, mesh.sigma_m, few, centre))


def _longest_edges(points: Float, faces: NDArray[np.int32]) -> Float:
    """(n,) the longest edge at each vertex, m."""
    out = np.zeros(len(points))
    for k in range(3):
        one, other = faces[:, k], faces[:, k - 1]
        length = np.linalg.norm(points[one] - points[other], axis=1)
        np.maximum.at(out, one, length)
        np.maximum.at(out, other, length)
    return out


def _sound(points: Float, faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """The faces that look to the origin, less those by which an edge would have a third face, or a second that runs
    along it in the same direction."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    faces = faces[np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0.0]
    count = len(points)
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    _, first = np.unique(start * count + end, return_index=True)
    keep = np.zeros(faces.size, dtype=np.bool_)
    keep[first] = True
    return faces[keep.reshape(-1, 3).all(axis=1)]


def _off(old: Float, sigma_m: NDArray[np.float32], mesh: TerrainMesh, centre: Float) -> tuple[float, float, float]:
    """Median and 95th percentile of the distance, mm, and the latter in sigma along the line of sight."""
    part = slice(None, None, max(1, len(old) // 200_000))
    off, along, on = off_surface(old[part], mesh.vertices - centre, mesh.faces)
    in_sigma = along / sigma_m[part][on]
    return float(np.median(off)), float(np.percentile(off, 95)), float(np.percentile(in_sigma, 95))


def off_surface(old: Float, points: Float, faces: NDArray[np.int32]) -> tuple[Float, Float, NDArray[np.bool_]]:
    """How far places ``old`` (n, 3) lie off triangles that stand for them: their distance (k,), mm, from the plane of
    the triangle on their line of sight, and the distance (k,), m, along it; for those (n,) that have such a triangle.

    All from the eye, which is the origin, m.  What is hidden, or beyond a rim that moved, is no measure of the surface:
    at a step the rays pass by.
    """
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    scene = EmbreeScene()
    corners = np.asarray(points, dtype=np.float32)
    triangles = TriangleMesh(scene, corners, np.array(faces))
    range_m = np.linalg.norm(old, axis=1)
    rays = (old / range_m[:, None]).astype(np.float32)
    hits = scene.run(np.zeros_like(rays), rays, output=True)
    del triangles
    on = hits["primID"] >= 0
    along = np.abs(hits["tfar"][on] - range_m[on])
    corner = corners[faces[hits["primID"][on]]]
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-30)
    off = 1e3 * along * np.abs(np.einsum("ij,ij->i", across, rays[on]))
    return off, along, on
