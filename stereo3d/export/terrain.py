"""Writing a textured mesh: the suffix of the file chooses the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from stereo3d.errors import OutputError
from stereo3d.export.atomic import atomic_files
from stereo3d.export.glb import write_glb
from stereo3d.export.obj import write_obj
from stereo3d.export.ply import write_ply
from stereo3d.export.stl import write_stl
from stereo3d.observation import StereoPair
from stereo3d.terrain.texture import TexturedMesh

About = Mapping[str, str]
"""Where the data come from, by name: product, mission, credit, ...; written into the file where its format can."""

WRITERS: dict[str, Callable[[TexturedMesh, Path, About], None]] = {
    ".glb": write_glb,
    ".obj": write_obj,
    ".ply": write_ply,
    ".stl": write_stl,
}
"""Suffix to writer: ``write(textured, path, about)`` writes ``path``, and what belongs to it into the same folder."""


def about_pair(pair: StereoPair) -> dict[str, str]:
    """What an exported file says of its origin."""
    left = pair.left
    about = {
        "product": left.product_id,
        "mission": left.mission,
        "instrument": left.instrument,
        "place": f"sol {left.sol}, site {left.site}, drive {left.drive}",
        "frame": "ENU: X east, Y north, Z up, m; origin at the rover (ROVER_NAV of this stop)",
    }
    if left.mission == "simulated":
        about["credit"] = "simulated by stereo3d: a made-up world, not Mars"
    else:
        about["credit"] = "images: NASA/JPL-Caltech"
    return about


def check_target(path: Path) -> None:
    """Raise OutputError when the suffix is not known or the file cannot be written; leaves nothing."""
    if path.suffix.lower() not in WRITERS:
        what = f"the suffix '{path.suffix}' is not known" if path.suffix else "the name has no suffix"
        raise OutputError(what, file=path, expected=f"one of {', '.join(WRITERS)}")
    with atomic_files(path):
        pass


def write_terrain(textured: TexturedMesh, path: Path, about: About | None = None) -> list[Path]:
    """Write ``textured`` (frame ENU: X east, Y north, Z up, m) to ``path``; all of its files or none.

    Returns the files written, ``path`` first.  Raises OutputError for an unknown suffix, a place that cannot be
    written, and a mesh in another frame than ENU.
    """
    check_target(path)
    if textured.mesh.frame.kind != "ENU":
        raise OutputError(f"the mesh is in {textured.mesh.frame}", file=path, expected="a mesh in the ENU frame")
    with atomic_files(path) as folder:
        WRITERS[path.suffix.lower()](textured, folder / path.name, about or {})
        names = sorted((p.name for p in folder.iterdir()), key=lambda name: (name != path.name, name))
    return [path.parent / name for name in names]
