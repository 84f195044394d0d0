"""Writing a textured mesh: the suffix of the file chooses the format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stereo3d.errors import FrameMismatchError, OutputError
from stereo3d.export.atomic import atomic_files
from stereo3d.export.blend import blender_command, write_blend, write_cameras
from stereo3d.export.cloud import Cloud
from stereo3d.export.content import About, Content
from stereo3d.export.glb import write_glb
from stereo3d.export.las import write_las
from stereo3d.export.obj import write_obj
from stereo3d.export.page.html import write_html
from stereo3d.export.page.parts import Page
from stereo3d.export.ply import write_ply
from stereo3d.export.solid import PrintSettings, Solid, printable
from stereo3d.export.stl import write_solid, write_stl
from stereo3d.export.usd import write_usd, write_usdz
from stereo3d.libraries import import_library
from stereo3d.observation import Observation, StereoPair, credit_of
from stereo3d.pipeline.pair import enu_from_rover
from stereo3d.terrain.texture import TexturedMesh


@dataclass(frozen=True)
class Format:
    """How files of one suffix are written."""

    write: Callable[[Content, Path], None]
    """Writes the path, and what belongs to it into the same folder."""
    needs: Callable[[], object] = lambda: None
    """Raises MissingLibraryError when what it takes is not installed."""
    of_points: bool = False
    """Whether the measured points are written, not the mesh."""


FORMATS: dict[str, Format] = {
    ".glb": Format(write_glb),
    ".obj": Format(write_obj),
    ".ply": Format(write_ply),
    ".stl": Format(write_stl),
    ".usd": Format(write_usd, lambda: import_library("pxr.Usd")),
    ".usdz": Format(write_usdz, lambda: import_library("pxr.Usd")),
    ".las": Format(write_las, lambda: import_library("laspy"), of_points=True),
    ".laz": Format(write_las, lambda: (import_library("laspy"), import_library("lazrs")), of_points=True),
    ".blend": Format(write_blend, blender_command),
    ".html": Format(write_html, lambda: import_library("meshopt")),
}
"""Suffix to format."""


def about_pair(pair: StereoPair) -> dict[str, str]:
    """What an exported file says of its origin."""
    left = pair.left
    return {
        "product": left.product_id,
        "mission": left.mission,
        "instrument": left.instrument,
        "place": f"sol {left.sol}, site {left.site}, drive {left.drive}",
        "frame": "ENU: X east, Y north, Z up, m; origin at the rover (ROVER_NAV of this stop)",
        "credit": credit_of(left.mission),
    }


def check_target(path: Path, solid: bool = False, cameras: bool = False) -> None:
    """Raise what stops a file from being written before any work: OutputError when the suffix is not known, not .stl
    for a ``solid``, not .glb with ``cameras`` beside it, or the file cannot be written; MissingLibraryError when its
    format needs a library that is not there.  Leaves nothing."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        what = f"the suffix '{path.suffix}' is not known" if path.suffix else "the name has no suffix"
        raise OutputError(what, file=path, expected=f"one of {', '.join(FORMATS)}")
    if solid and suffix != ".stl":
        raise OutputError("a solid to print is written as STL", file=path, expected="the suffix .stl")
    if cameras and suffix != ".glb":
        raise OutputError("cameras are written beside a GLB", file=path, expected="the suffix .glb")
    FORMATS[suffix].needs()
    with atomic_files(path):
        pass


def write_terrain(
    textured: TexturedMesh,
    path: Path,
    about: About | None = None,
    *,
    observations: Sequence[Observation] = (),
    cloud: Cloud | None = None,
    cameras: bool = False,
    page: Page | None = None,
) -> list[Path]:
    """Write ``textured`` (frame ENU: X east, Y north, Z up, m) to ``path``; all of its files or none.

    ``observations``, of the same stop, become the cameras of a .blend, and with ``cameras`` files beside a GLB from
    which blender_scene.py makes the same; ``cloud`` (ENU too) is what .las and .laz hold; ``page``, of the same
    ground, is what .html shows.  Returns the files written,
    ``path`` first.  Raises what :func:`check_target` does, OutputError for a mesh in another frame than ENU, and
    FrameMismatchError for observations or a cloud of another stop.
    """
    check_target(path, cameras=cameras)
    if textured.mesh.frame.kind != "ENU":
        raise OutputError(f"the mesh is in {textured.mesh.frame}", file=path, expected="a mesh in the ENU frame")
    for frame in [enu_from_rover(observation).to for observation in observations] + ([cloud.frame] if cloud else []):
        if frame != textured.mesh.frame:
            raise FrameMismatchError(f"the mesh is in {textured.mesh.frame}, what goes with it in {frame}", file=path)
    content = Content(textured, about or {}, observations, cloud, page)

    def write(target: Path) -> None:
        FORMATS[path.suffix.lower()].write(content, target)
        if cameras:
            write_cameras(content, target.with_name(f"{path.stem}_cameras.json"))

    return _written(path, write)


def write_printable(
    textured: TexturedMesh, path: Path, settings: PrintSettings = PrintSettings(), about: About | None = None
) -> tuple[list[Path], Solid]:
    """Write a closed solid of the ground as STL in mm; returns the files and the solid.

    Raises what :func:`check_target` and :func:`stereo3d.export.solid.printable` raise.
    """
    check_target(path, solid=True)
    solid = printable(textured.mesh, settings)
    return _written(path, lambda target: write_solid(solid, target, about or {})), solid


def _written(path: Path, write: Callable[[Path], None]) -> list[Path]:
    with atomic_files(path) as folder:
        write(folder / path.name)
        names = sorted((p.name for p in folder.iterdir()), key=lambda name: (name != path.name, name))
    return [path.parent / name for name in names]
