"""PLY: binary, with a colour, a normal and the range sigma at each vertex, and the kind of each face."""

from __future__ import annotations

from pathlib import Path

import trimesh
from trimesh.exchange.ply import export_ply

from stereo3d import __version__
from stereo3d.export.cloud import ply_comments
from stereo3d.export.content import Content, vertex_colours


def write_ply(content: Content, path: Path) -> None:
    """Axes X east, Y north, Z up, m; vertex property ``sigma`` is one sigma of the range, m; face property ``kind``
    is the FaceKind, 0 measured, 1 filled, 2 extended.  Comments tell where it comes from."""
    mesh = content.textured.mesh
    body = trimesh.Trimesh(
        vertices=mesh.vertices,
        faces=mesh.faces,
        vertex_normals=mesh.normals,
        vertex_colors=vertex_colours(content.textured),
        vertex_attributes={"sigma": mesh.sigma_m},
        face_attributes={"kind": mesh.kind},
        process=False,
    )
    data = bytes(export_ply(body, encoding="binary_little_endian", vertex_normal=True))
    start, mark, rest = data.partition(b"element ")
    comments = [f"comment stereo3d {__version__}", *ply_comments(content.about)]
    path.write_bytes(start + "".join(f"{line}\n" for line in comments).encode("ascii") + mark + rest)
