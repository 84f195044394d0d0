"""Surfaces that rays can hit: a triangle mesh through Embree, and analytic bodies for exact tests.

Frame: LOCAL_LEVEL (X north, Y east, Z down, m) for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import locked
from stereo3d.simulate.noise import Float

GROUND = -1
"""Body number of the ground."""
ROVER = -2
"""Body number of the rover's first paint; the others count down from it.  Rocks count up from 0."""


@dataclass(frozen=True, eq=False)
class Hits:
    """Where n rays meet a surface first."""

    distance_m: Float
    """(n,) float64 along the unit direction; inf where the ray meets nothing."""
    normal: Float
    """(n, 3) float64 unit, smooth over the mesh, on the outer side; NaN where the ray meets nothing."""
    body: NDArray[np.int32]
    """(n,) number of the rock, GROUND, or ROVER and less."""


class Surface(Protocol):
    """What the renderer asks of a world."""

    def intersect(self, origins: Float, directions: Float) -> Hits:
        """The first hits of rays (n, 3) with unit directions (n, 3)."""
        ...

    def blocked(self, origins: Float, directions: Float, limit_m: Float | float) -> NDArray[np.bool_]:
        """(n,) whether anything lies on each ray nearer than ``limit_m`` (n,) or one number."""
        ...


@dataclass(frozen=True, eq=False)
class MeshSurface:
    """Triangles.  Embree finds the triangle in float32; the distance is then that of its plane in float64.

    So a point lies exactly on its ray and on its triangle; only which of two adjoining triangles is hit may depend
    on the float32 rounding, where both give the same point.
    """

    vertices: NDArray[np.float32]
    """(n, 3) float32: what Embree sees is the truth."""
    normals: NDArray[np.float32]
    """(n, 3) float32 unit, outward."""
    faces: NDArray[np.int32]
    """(m, 3)."""
    body: NDArray[np.int32]
    """(m,) number of the rock, GROUND, or ROVER and less."""

    def __post_init__(self) -> None:
        for name, dtype in (("vertices", np.float32), ("normals", np.float32), ("faces", np.int32), ("body", np.int32)):
            object.__setattr__(self, name, locked(getattr(self, name), dtype))

    @cached_property
    def _embree(self) -> tuple[Any, Any]:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        scene = EmbreeScene()
        # Embree keeps no reference to the mesh object; dropping it would free the triangles.
        return scene, TriangleMesh(scene, np.array(self.vertices), np.array(self.faces))

    def intersect(self, origins: Float, directions: Float) -> Hits:
        """The first hits of rays (n, 3) with unit directions (n, 3)."""
        found = self._embree[0].run(_single(origins), _single(directions), output=True)
        triangle = found["primID"]
        hit = triangle >= 0
        distance = np.full(len(triangle), np.inf)
        normal = np.full((len(triangle), 3), np.nan)
        body = np.full(len(triangle), GROUND, dtype=np.int32)
        if hit.any():
            chosen = triangle[hit]
            corner = self.faces[chosen]
            a, b, c = (self.vertices[corner[:, k]].astype(np.float64) for k in range(3))
            plane = np.cross(b - a, c - a)
            facing = np.einsum("ij,ij->i", plane, directions[hit])
            with np.errstate(divide="ignore", invalid="ignore"):
                exact = np.einsum("ij,ij->i", plane, a - origins[hit]) / facing
            rough = found["tfar"][hit].astype(np.float64)
            # A triangle seen edge-on has no usable plane equation: there the float32 distance is the better one.
            distance[hit] = np.where(np.abs(exact - rough) <= 1e-3 * rough, exact, rough)
            u, v = found["u"][hit, None], found["v"][hit, None]
            smooth = (1 - u - v) * self.normals[corner[:, 0]]
            smooth += u * self.normals[corner[:, 1]] + v * self.normals[corner[:, 2]]
            normal[hit] = smooth / np.linalg.norm(smooth, axis=1, keepdims=True)
            body[hit] = self.body[chosen]
        return Hits(distance, normal, body)

    def blocked(self, origins: Float, directions: Float, limit_m: Float | float) -> NDArray[np.bool_]:
        """(n,) whether anything lies on each ray nearer than ``limit_m`` (n,) or one number."""
        limit = np.broadcast_to(np.asarray(limit_m, dtype=np.float32), len(origins))
        found = self._embree[0].run(_single(origins), _single(directions), np.array(limit), query="OCCLUDED")
        return np.asarray(found >= 0)


def _single(vectors: Float) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class AnalyticSurface:
    """A plane and spheres, all exact: the small world of the tests."""

    plane_normal: Float = field(default_factory=lambda: np.array([0.0, 0.0, -1.0]))
    """(3,) unit, on the side of the camera."""
    plane_offset_m: float = 0.0
    """The plane is where x . normal = offset."""
    spheres: Float = field(default_factory=lambda: np.empty((0, 4)))
    """(n, 4) centre and radius, m."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "plane_normal", locked(self.plane_normal))
        object.__setattr__(self, "spheres", locked(np.asarray(self.spheres, dtype=np.float64).reshape(-1, 4)))

    def intersect(self, origins: Float, directions: Float) -> Hits:
        """The first hits of rays (n, 3) with unit directions (n, 3)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (self.plane_offset_m - origins @ self.plane_normal) / (directions @ self.plane_normal)
        distance[~(distance > 1e-9)] = np.inf
        normal = np.where(np.isfinite(distance)[:, None], self.plane_normal, np.nan)
        body = np.full(len(distance), GROUND, dtype=np.int32)
        for number, (x, y, z, radius) in enumerate(self.spheres):
            to = np.array([x, y, z]) - origins
            along = np.einsum("ij,ij->i", to, directions)
            inside = radius**2 - (np.einsum("ij,ij->i", to, to) - along**2)
            reach = along - np.sqrt(np.maximum(inside, 0.0))
            nearer = (inside > 0) & (reach > 1e-9) & (reach < distance)
            distance[nearer], body[nearer] = reach[nearer], number
            normal[nearer] = (directions[nearer] * reach[nearer, None] - to[nearer]) / radius
        return Hits(distance, normal, body)

    def blocked(self, origins: Float, directions: Float, limit_m: Float | float) -> NDArray[np.bool_]:
        """(n,) whether anything lies on each ray nearer than ``limit_m`` (n,) or one number."""
        return self.intersect(origins, directions).distance_m < limit_m
