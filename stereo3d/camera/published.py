"""The rover's published camera models, from the data in ``calib/``.

Navcams, Mastcam-Z and SuperCam are given in ``Body_RSM_EL``, the frame of the mast head, which turns with the mast
(:func:`stereo3d.camera.mast.rover_from_rsm` brings them to the rover); the Hazcams in ``Body_Chassis``, which is
ROVER_NAV; WATSON and SHERLOC in the frame of the arm's turret.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from stereo3d.camera.cahv import CAHV
from stereo3d.camera.cahvor import CAHVOR
from stereo3d.camera.cahvore import CAHVORE
from stereo3d.camera.model import CameraModel
from stereo3d.errors import FrameMismatchError, MissingFileError, RecordError
from stereo3d.frames import Frame

RSM_HEAD = Frame("Body_RSM_EL")
"""The mast head: X along the boresight at zero pan and tilt, Y right, Z down (m); origin between the mast's axes."""


def calib_file(name: str) -> Path:
    """The path of a file of ``calib/``: inside the installed package, else in the clone that the package lies in.

    Raises MissingFileError where there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_calib", package.parent / "calib"):
        if (folder / name).is_file():
            return folder / name
    raise MissingFileError("the calibration data are not installed", file=name, todo="install stereo3d again")


@cache
def _records() -> dict[str, dict[str, Any]]:
    cameras = json.loads(calib_file("m2020_cameras.json").read_text(encoding="utf-8"))["cameras"]
    return {record["name"]: record for record in cameras}


def published_names() -> tuple[str, ...]:
    """The names of all published cameras, for example NAVL, NAVR, HAZFLA, MCAM_Z_LEFT-Z034."""
    return tuple(_records())


def published_camera(name: str, frame: Frame | None = None) -> CameraModel:
    """The published model of a camera, of its whole sensor at full resolution.

    ``frame`` labels the frame of the model when the caller knows it by another name or by its numbers: a Hazcam,
    published in ``Body_Chassis``, may be asked for in ``Frame.rover(site, drive)``.  The numbers of the model are
    never changed; without ``frame`` it is ``Frame(<published name>)``.

    Raises RecordError for an unknown name, FrameMismatchError for a frame in which the model is not given.
    """
    record = _records().get(name)
    if record is None:
        raise RecordError(f"there is no published camera {name!r}", expected=", ".join(_records()))
    given = record["frame"]
    frame = frame or Frame(given)
    if frame.kind != given and (given, frame.kind) != ("Body_Chassis", "ROVER_NAV"):
        raise FrameMismatchError(
            f"the published model of {name} is in {given}, not in {frame}",
            expected=given,
            todo="ask for that frame and move the model with a transform",
        )
    width, height = record["width"], record["height"]
    vectors: list[Any] = [record.get(k) for k in "CAHVORE"]
    C, A, H, V, O, R, E = vectors  # noqa: E741 (the model's own names)
    if record["model"] == "CAHV":
        return CAHV(frame, width, height, C, A, H, V)
    if record["model"] == "CAHVOR":
        return CAHVOR(frame, width, height, C, A, H, V, O, R)
    return CAHVORE(frame, width, height, C, A, H, V, O, R, E, record["pupil_type"], record["linearity"])
