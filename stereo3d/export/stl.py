"""STL: binary, shape only; as it is, or as a solid to print."""

from __future__ import annotations

from pathlib import Path

import trimesh

from stereo3d import __version__
from stereo3d.export.content import About, Content
from stereo3d.export.solid import Solid

_HEADER = 80


def write_stl(content: Content, path: Path) -> None:
    """Axes X east, Y north, Z up, m; neither colour nor attributes have a place in the format, the
    credit only in its header of 80 letters."""
    mesh = content.textured.mesh
    body = trimesh.Trimesh(vertices=mesh.vertices, faces=mesh.faces, process=False)
    path.write_bytes(_with_header(body.export(file_type="stl"), content.about))


def write_solid(solid: Solid, path: Path, about: About) -> None:
    """The same of a solid: millimetres, which printing programs take an STL's numbers for."""
    body = trimesh.Trimesh(vertices=solid.vertices_mm, faces=solid.faces, process=False)
    path.write_bytes(_with_header(body.export(file_type="stl"), about))


def _with_header(data: bytes, about: About) -> bytes:
    """The file with program and credit in its header, which must not begin with the word of the text form, "solid"."""
    text = f"stereo3d {__version__}; {about.get('credit', '')}".encode("ascii", "replace")
    return text[:_HEADER].ljust(_HEADER) + data[_HEADER:]
