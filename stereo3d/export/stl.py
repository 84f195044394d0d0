"""STL: binary, shape only; as it is, or as a solid to print."""

from __future__ import annotations

from pathlib import Path

import trimesh

from stereo3d.export.content import Content
from stereo3d.export.solid import Solid


def write_stl(content: Content, path: Path) -> None:
    """Axes X east, Y north, Z up, m; neither colour nor attributes nor credits have a place in the format."""
    mesh = content.textured.mesh
    body = trimesh.Trimesh(vertices=mesh.vertices, faces=mesh.faces, process=False)
    path.write_bytes(body.export(file_type="stl"))


def write_solid(solid: Solid, path: Path) -> None:
    """The same of a solid: millimetres, which printing programs take an STL's numbers for."""
    body = trimesh.Trimesh(vertices=solid.vertices_mm, faces=solid.faces, process=False)
    path.write_bytes(body.export(file_type="stl"))
