"""The terrain as a target for rays (embree): what pictures, clicks and the walker's feet ask of it.

Ray casting needs neither a display nor OpenGL, so it works on a machine without any graphics library.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.errors import MissingLibraryError, StereoError
from stereo3d.terrain.mesh import TerrainMesh

Float = NDArray[np.float64]

_RAYS = 1 << 18
"""Per pass; bounds the memory of many."""


@dataclass(frozen=True, eq=False)
class Hits:
    """Where rays first meet the ground."""

    face: NDArray[np.int32]
    """(n,) int32, index of the face; -1 = none."""
    weights: NDArray[np.float32]
    """(n, 3) float32, barycentric weights of the face's vertices; meaningless where there is no face."""


class Surface:
    """A :class:`TerrainMesh` in a ray-casting scene."""

    def __init__(self, mesh: TerrainMesh) -> None:
        """Raises StereoError for a mesh without a face, MissingLibraryError without embree."""
        try:
            from embreex import rtcore_scene
            from embreex.mesh_construction import TriangleMesh
        except ImportError as error:
            raise MissingLibraryError(
                f"embreex cannot be imported: {error}", todo="install it with 'pip install embreex'"
            ) from error
        if not len(mesh.faces):
            raise StereoError("the ground has no triangle, there is nothing to look at")
        self.mesh = mesh
        # Embree computes in float32: near the middle of the near ground its grain is far below a millimetre.
        self._middle = np.median(mesh.vertices, axis=0)
        self._scene = rtcore_scene.EmbreeScene()
        self._target = TriangleMesh(
            self._scene, (mesh.vertices - self._middle).astype(np.float32), np.ascontiguousarray(mesh.faces)
        )

    def hits(self, origins: ArrayLike, directions: ArrayLike) -> Hits:
        """First hits of rays (n, 3), m, with any length of direction."""
        start = np.ascontiguousarray(np.asarray(origins) - self._middle, dtype=np.float32)
        found = self._scene.run(start, np.ascontiguousarray(directions, dtype=np.float32), output=1)
        u, v = found["u"], found["v"]
        return Hits(found["primID"], np.stack([1.0 - u - v, u, v], axis=1))

    def nearness(self, origins: Float, directions: Float) -> NDArray[np.float32]:
        """1 / distance (n,), 1 / m, to what rays (n, 3) of unit direction first meet; 0 for nothing."""
        out = np.zeros(len(directions), dtype=np.float32)
        for first in range(0, len(directions), _RAYS):
            part = slice(first, first + _RAYS)
            start = np.ascontiguousarray(origins[part] - self._middle, dtype=np.float32)
            found = self._scene.run(start, np.ascontiguousarray(directions[part], dtype=np.float32), output=1)
            hit = found["primID"] >= 0
            out[part][hit] = 1.0 / found["tfar"][hit]
        return out

    def interpolate(self, hits: Hits, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Vertex values (vertices, ...) at the hits: (n, ...); NaN where there is none."""
        out = np.full((len(hits.face), *values.shape[1:]), np.nan, dtype=values.dtype)
        on = hits.face >= 0
        corners = self.mesh.faces[hits.face[on]]
        weights = hits.weights[on].astype(values.dtype).reshape(-1, 3, *(1,) * (values.ndim - 1))
        total = values[corners[:, 0]] * weights[:, 0]
        total += values[corners[:, 1]] * weights[:, 1]
        total += values[corners[:, 2]] * weights[:, 2]
        out[on] = total
        return out

    def ground_height(self, east_m: float, north_m: float, below_m: float = np.inf) -> float:
        """ENU height (m) of the ground at a place, the highest that lies under ``below_m``; NaN where there is none."""
        top = min(below_m, float(self.mesh.vertices[:, 2].max()) + 1.0)
        hits = self.hits([[east_m, north_m, top]], [[0.0, 0.0, -1.0]])
        return float(self.interpolate(hits, self.mesh.vertices)[0, 2])
