"""GLB: binary glTF 2.0 with the texture inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image as PilImage

from stereo3d import __version__
from stereo3d.terrain.texture import TexturedMesh

GLTF_FROM_ENU = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""glTF is Y up: (east, north, up) becomes (east, up, -north).  Blender turns it back: X east, Y north, Z up."""


def write_glb(textured: TexturedMesh, path: Path, about: Mapping[str, str]) -> None:
    """One mesh with normals, the range sigma as attribute ``_SIGMA`` (m), and a rough non-metallic material.

    The texture is embedded as PNG: without loss, as the grain of the ground is what a viewer looks at.
    """
    mesh = textured.mesh
    material = trimesh.visual.material.PBRMaterial(
        name="terrain",
        baseColorTexture=PilImage.fromarray(textured.image),
        metallicFactor=0.0,
        roughnessFactor=1.0,
        doubleSided=True,
    )
    body = trimesh.Trimesh(
        vertices=mesh.vertices @ GLTF_FROM_ENU.T,
        faces=mesh.faces,
        vertex_normals=mesh.normals @ GLTF_FROM_ENU.T,
        visual=trimesh.visual.TextureVisuals(uv=textured.uv, material=material),
        vertex_attributes={"_SIGMA": mesh.sigma_m},
        process=False,
    )

    def sign(tree: dict[str, Any]) -> None:
        tree["asset"]["generator"] = f"stereo3d {__version__}"
        if "credit" in about:
            tree["asset"]["copyright"] = about["credit"]
        tree["asset"]["extras"] = dict(about)

    scene = trimesh.Scene({"terrain": body})
    path.write_bytes(scene.export(file_type="glb", include_normals=True, tree_postprocessor=sign))
