"""PLY: binary, with a colour, a normal and the range sigma at each vertex."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import trimesh
from trimesh.exchange.ply import export_ply

from stereo3d.terrain.texture import TexturedMesh


def write_ply(textured: TexturedMesh, path: Path, about: Mapping[str, str]) -> None:
    """Axes X east, Y north, Z up, m; property ``sigma`` is one sigma of the range, m.  ``about`` has no place in it."""
    mesh, image = textured.mesh, textured.image
    column, row = np.rint(mesh.pixels).astype(np.int64).T
    body = trimesh.Trimesh(
        vertices=mesh.vertices,
        faces=mesh.faces,
        vertex_normals=mesh.normals,
        vertex_colors=image[row, column],
        vertex_attributes={"sigma": mesh.sigma_m},
        process=False,
    )
    path.write_bytes(export_ply(body, encoding="binary_little_endian", vertex_normal=True))
