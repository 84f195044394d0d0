"""GLB: binary glTF 2.0 with the texture inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image as PilImage

from stereo3d import __version__
from stereo3d.export.content import Content
from stereo3d.terrain.mesh import TerrainMesh

GLTF_FROM_ENU = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""glTF is Y up: (east, north, up) becomes (east, up, -north).  Blender turns it back: X east, Y north, Z up."""


def write_glb(content: Content, path: Path) -> None:
    """One mesh with normals, the range sigma ``_SIGMA`` (m) and the face kind ``_KIND`` of each vertex, rough material.

    glTF knows no attributes of faces: a vertex between faces of two kinds is written twice, so that all corners of a
    face agree on its FaceKind (0 measured, 1 filled, 2 extended).  The texture is embedded as PNG: without loss, as
    the grain of the ground is what a viewer looks at.
    """
    mesh, about = content.textured.mesh, content.about
    vertex, kind, faces = split_by_kind(mesh)
    material = trimesh.visual.material.PBRMaterial(
        name="terrain",
        baseColorTexture=PilImage.fromarray(content.textured.image),
        metallicFactor=0.0,
        roughnessFactor=1.0,
        doubleSided=True,
    )
    body = trimesh.Trimesh(
        vertices=(mesh.vertices @ GLTF_FROM_ENU.T)[vertex],
        faces=faces,
        vertex_normals=(mesh.normals @ GLTF_FROM_ENU.T)[vertex],
        visual=trimesh.visual.TextureVisuals(uv=content.textured.uv[vertex], material=material),
        vertex_attributes={"_SIGMA": mesh.sigma_m[vertex], "_KIND": kind.astype(np.float32)},
        process=False,
    )

    def sign(tree: dict[str, Any]) -> None:
        tree["asset"]["generator"] = f"stereo3d {__version__}"
        if "credit" in about:
            tree["asset"]["copyright"] = about["credit"]
        tree["asset"]["extras"] = dict(about)

    scene = trimesh.Scene({"terrain": body})
    path.write_bytes(scene.export(file_type="glb", include_normals=True, tree_postprocessor=sign))


def split_by_kind(mesh: TerrainMesh) -> tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.int32]]:
    """The vertices (k,) of ``mesh`` to write, in order, some of them twice, the kind (k,) of each, the faces (m, 3)."""
    if len(mesh.kind) == 0 or (mesh.kind == mesh.kind[0]).all():
        count = len(mesh.vertices)
        return np.arange(count), np.full(count, mesh.kind[0] if len(mesh.kind) else 0, np.uint8), mesh.faces
    corners = mesh.faces.astype(np.int64) * 256 + mesh.kind[:, None]
    used, faces = np.unique(corners, return_inverse=True)
    return used >> 8, (used & 255).astype(np.uint8), faces.reshape(-1, 3).astype(np.int32)
