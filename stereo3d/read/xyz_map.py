"""XYZ maps of a left image from any program: TIFF, or the PDS and VICAR products of the rovers' own processing.

The products (XYZ, XYM, XYR, ... of the missions' "Camera Data Product SIS" documents) hold three bands of floats in the
image's own pixel grid, in the frame that their label names; 0 stands for what is missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import FrameMismatchError, ImageFileError, RecordError
from stereo3d.frames import Frame, RigidTransform
from stereo3d.observation import Observation
from stereo3d.read import pds3, vicar
from stereo3d.read.label import Label
from stereo3d.read.neighbours import beside
from stereo3d.read.odl import read_odl, starts_label
from stereo3d.read.pixels import first_bytes
from stereo3d.read.planes import read_xyz
from stereo3d.read.raster import Raster, read_raster
from stereo3d.read.vicar_label import MAGIC

Float32 = NDArray[np.float32]

_GROUPS = ("DERIVED_IMAGE_PARMS", "DERIVED_IMAGE")
_ROVER = ("ROVER_NAV_FRAME", "ROVER_FRAME", "LANDER_FRAME")


def read_xyz_map(path: Path, left: Observation) -> Float32:
    """The XYZ map (rows, columns, 3), m, in the rover frame and pixel grid of ``left``; NaN = none.

    A product's map is brought there from the frame of its label: ROVER_NAV, LOCAL_LEVEL or SITE.  A TIFF is taken to
    be in ROVER_NAV.  Raises MissingFileError; ImageFileError for what is no such map, or of another size; RecordError
    for a label that does not say what or in which frame it is; FrameMismatchError for a frame that is not of the
    left image's stop, or that its record does not lead to.
    """
    start = first_bytes(path)
    if start.startswith(MAGIC):
        label = vicar.read_vicar_label(path)
        return _of_product(label, vicar.raster_of(label), left)
    if pds3.Pds3Reader().accepts(path):
        label = read_odl(path if starts_label(start) else beside(path, ".lbl") or path)
        return _of_product(label, pds3.raster_of(label), left)
    return read_xyz(path, (left.camera.height, left.camera.width))


def _of_product(label: Label, raster: Raster, left: Observation) -> Float32:
    kind = label.text("DERIVED_IMAGE_TYPE", *_GROUPS) or "XYZ_MAP"
    if not kind.upper().startswith("XYZ"):
        raise RecordError(f"holds {kind[:40]}", file=label.file, expected="an XYZ_MAP")
    size = left.camera.width, left.camera.height
    if raster.bands != 3 or raster.dtype.kind != "f" or (raster.columns, raster.rows) != size:
        raise ImageFileError(
            f"holds {raster.bands} bands of {raster.columns} x {raster.rows} px, {raster.dtype.name}",
            file=raster.file,
            expected=f"3 bands of {size[0]} x {size[1]} px, float32",
        )
    rover_from_map = _rover_from_map(label, left)
    image = read_raster(raster)
    xyz = np.asarray(image.pixels, dtype=np.float64)
    # What the label or the numbers call missing is 0 by now; no true coordinate is exactly that.
    none = ~image.valid | (xyz == 0).any(axis=-1)
    xyz = rover_from_map.apply(xyz)
    xyz[none] = np.nan
    return xyz.astype(np.float32)


def _rover_from_map(label: Label, left: Observation) -> RigidTransform:
    """From the frame that the label names to the rover frame of ``left``."""
    name = (label.text("REFERENCE_COORD_SYSTEM_NAME", *_GROUPS) or "").upper()
    index = label.numbers(0, "REFERENCE_COORD_SYSTEM_INDEX", *_GROUPS) or ()
    counter = label.numbers(0, "ROVER_MOTION_COUNTER") or ()
    # A frame's index may be cut short (a site has no drive); the counter then has the rest.
    place = [int(v) for v in (*index, *counter[len(index) :])[:2]]
    if name in _ROVER and len(place) == 2:
        frame, rover_from_map = Frame.rover(place[0], place[1]), RigidTransform(left.frame, left.frame)
    elif name == "LOCAL_LEVEL_FRAME" and len(place) == 2:
        frame, rover_from_map = Frame.local_level(place[0], place[1]), left.level_from_rover.inverse()
    elif name == "SITE_FRAME" and place:
        frame, rover_from_map = Frame.site(place[0]), (left.site_from_rover or left.level_from_rover).inverse()
    else:
        raise RecordError(
            f"the frame of its XYZ is '{name[:40]}' with index {place}",
            file=label.file,
            expected="REFERENCE_COORD_SYSTEM_NAME and _INDEX: ROVER_NAV_FRAME, LOCAL_LEVEL_FRAME or SITE_FRAME",
        )
    if name not in _ROVER and (left.site_from_rover is None or not np.isfinite(rover_from_map.translation).all()):
        raise FrameMismatchError(
            f"is in {frame}, and the left image's record does not say how the rover stands there",
            file=label.file,
            expected=f"a map in {left.frame}",
        )
    if frame != rover_from_map.source:
        raise FrameMismatchError(f"is in {frame}", file=label.file, expected=f"a map of the left image's {left.frame}")
    return rover_from_map
