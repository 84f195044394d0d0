"""STL: binary, shape only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import trimesh

from stereo3d.terrain.texture import TexturedMesh


def write_stl(textured: TexturedMesh, path: Path, about: Mapping[str, str]) -> None:
    """Axes X east, Y north, Z up, m; neither colour nor ``about`` has a place in the format."""
    body = trimesh.Trimesh(vertices=textured.mesh.vertices, faces=textured.mesh.faces, process=False)
    path.write_bytes(body.export(file_type="stl"))
