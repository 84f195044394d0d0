"""A picture of a reconstruction in a file.

Pictures are ray-cast, never rendered by OpenGL: VTK without a working OpenGL ends the whole process with a
segmentation fault, and ray casting is as quick, needs no system library and gives the same pixels everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image as Pil

from stereo3d.annotation import Annotation
from stereo3d.errors import OutputError
from stereo3d.export.atomic import atomic_files
from stereo3d.export.credit import signed
from stereo3d.observation import credit_of
from stereo3d.pipeline import Result
from stereo3d.terrain.slices import usual_interval
from stereo3d.terrain.surface import Surface
from stereo3d.view.annotate import annotate
from stereo3d.view.layers import colour_map
from stereo3d.view.marks import draw_annotations
from stereo3d.view.raycast import draw
from stereo3d.view.sunlight import Sun
from stereo3d.view.viewpoint import Viewpoint
from stereo3d.view.viewpoint import viewpoint as named_viewpoint

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""Suffix of a picture's file to its format."""

DEFAULT_SIZE = (1600, 1000)


def check_picture_path(path: Path) -> None:
    """Raise OutputError when no picture could be written there; call it before long work starts."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"a picture cannot be written as '{path.suffix or 'no suffix'}'", file=path, expected=".png or .jpg"
        )
    folder = path.parent
    if path.is_dir():
        raise OutputError("this is a folder", file=path, expected="the name of a picture file")
    if not folder.is_dir():
        raise OutputError("no such folder", file=folder, todo="create it first, or give another place")
    if not os.access(folder, os.W_OK):
        raise OutputError("this folder cannot be written to", file=folder, todo="give another place")


def render_picture(
    result: Result,
    path: Path,
    size: tuple[int, int] = DEFAULT_SIZE,
    viewpoint: str | Viewpoint = "camera",
    layer: str = "image",
    sun: Sun | None = None,
    contours_m: float | None = None,
    notes: Sequence[Annotation] = (),
) -> Path:
    """Write the annotated picture of one viewpoint (``VIEWPOINTS``) and layer (``LAYERS``) and return ``path``.

    ``size`` is (width, height) in px; ``sun`` lights the layer hillshade; ``contours_m``: lines of one height so far
    apart, 0 for an interval that suits the ground; ``notes`` are drawn over it.  The file appears whole or not at all.
    Raises OutputError when it cannot be written, StereoError when there is no ground to draw, KeyError for an unknown
    viewpoint or layer.
    """
    check_picture_path(path)
    terrain = result.terrain
    colours = None if layer == "image" else colour_map(result, layer, sun)
    surface = Surface(terrain.mesh)
    view = named_viewpoint(result, viewpoint, size[0] / size[1]) if isinstance(viewpoint, str) else viewpoint
    if contours_m == 0.0:
        contours_m = usual_interval(terrain.mesh, result.eye_enu)
    picture = draw(terrain, surface, view, size, colours)
    image = annotate(picture, view, result, layer, colours, contours_m)
    if notes:
        draw_annotations(image, notes, view, surface)
    save_picture(image, path, credit_of(result.pairs[0].pair.left.mission))
    return path


def save_picture(image: Pil.Image, path: Path, credit: str) -> None:
    """Write a picture as PNG or JPEG by the suffix of ``path``, ``credit`` in its metadata, whole or not at all."""
    kind = SUFFIXES[path.suffix.lower()]
    options = {"compress_level": 1} if kind == "PNG" else {"quality": 93, "subsampling": 0}
    with atomic_files(path) as folder:
        image.save(folder / path.name, format=kind, **options, **signed(credit, kind))
