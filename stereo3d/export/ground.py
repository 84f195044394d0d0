"""Measured ground to a file, with all that its format has a place for."""

from __future__ import annotations

import os
from pathlib import Path

from stereo3d.export.page.parts import Page
from stereo3d.export.page.scene import page_of
from stereo3d.export.products import about_result, result_cloud
from stereo3d.export.terrain import FORMATS, check_target, write_terrain
from stereo3d.pipeline import Result


def write_ground(
    result: Result, path: str | os.PathLike[str], *, cameras: bool = False, page: Page | None = None
) -> list[Path]:
    """Write what :func:`stereo3d.reconstruct` or :func:`stereo3d.reconstruct_scene` made; the suffix of ``path``
    chooses the format: .glb, .obj, .ply, .stl, .usd, .usdz, .blend (the textured mesh), .las, .laz (the measured
    points) or .html (the viewer, with all in one file).

    Axes: X east, Y north, Z up, m, with the origin at the rover (ROVER_NAV); glTF and USD turn them as their standards
    say.  With ``cameras`` the frames and their camera models are written beside a .glb, for Blender.  ``page`` is what
    .html shows, when it is packed already.  Sigma, the kind of each face and the credit of the images go along where
    the format can.

    Returns the files written, ``path`` first; all of them appear whole, or none.  Raises OutputError for a suffix that
    is not known and a file that cannot be written, MissingLibraryError when the format needs what is not installed.
    """
    path = Path(path)
    check_target(path, cameras=cameras)
    suffix = path.suffix.lower()
    about = about_result(result)
    if suffix == ".html" and page is None:
        page = page_of(result, about)
    return write_terrain(
        result.terrain,
        path,
        about,
        observations=result.observations,
        cloud=result_cloud(result) if FORMATS[suffix].of_points else None,
        cameras=cameras,
        page=page,
    )
