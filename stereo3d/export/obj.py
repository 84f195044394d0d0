"""OBJ: text, with a material file and the texture beside it."""

from __future__ import annotations

import re
from pathlib import Path

import trimesh
from PIL import Image as PilImage
from trimesh.exchange.obj import export_obj

from stereo3d import __version__
from stereo3d.export.content import Content


def write_obj(content: Content, path: Path) -> None:
    """``NAME.obj``, ``NAME.mtl`` and ``NAME_texture.png``; the axes stay X east, Y north, Z up, and a comment says so.

    In the two names, which stand inside of files, all but letters, digits, dot, dash and underscore is an underscore:
    programs disagree about spaces there.  The format has no place for sigma and the kinds of faces.
    """
    textured, mesh = content.textured, content.textured.mesh
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem)
    material = trimesh.visual.material.SimpleMaterial(
        name=f"{stem}_texture",
        image=PilImage.fromarray(textured.image),
        ambient=[0, 0, 0, 255],
        diffuse=[255, 255, 255, 255],
        specular=[0, 0, 0, 255],
        glossiness=0.0,
    )
    body = trimesh.Trimesh(
        vertices=mesh.vertices,
        faces=mesh.faces,
        vertex_normals=mesh.normals,
        visual=trimesh.visual.TextureVisuals(uv=textured.uv, material=material),
        process=False,
    )
    lines = [f"stereo3d {__version__}", "Z up: X east, Y north, Z up; metres"]
    lines += [f"{name}: {' '.join(value.split())}" for name, value in content.about.items()]
    text, beside = export_obj(
        body,
        include_normals=True,
        return_texture=True,
        write_texture=False,
        digits=6,
        mtl_name=f"{stem}.mtl",
        header="\n# ".join(lines),
    )
    for name, data in beside.items():
        (path.parent / Path(name).name).write_bytes(data)
    path.write_text(text, encoding="utf-8")
