"""truth.json and ranges.tif of a simulated ring: where the cameras truly stood, and what each shot truly shows.

truth.json holds, for each shot, the pan and tilt that the records tell and the true ones (degrees), and for each image
its true camera model with all its digits, in ROVER_NAV.  ranges.tif has one page per shot: uint32, 1 / range along the
ray of every fourth pixel of the left image (columns and rows 0, 4, 8, ...), in the units of truth.tif, 0 = none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CAHVORE
from stereo3d.errors import ImageFileError, MissingFileError, RecordError
from stereo3d.frames import Float, Frame, locked
from stereo3d.simulate.ring import Ring
from stereo3d.simulate.truth_file import UNIT_PER_M

RANGE_STEP = 4
"""Columns and rows from one pixel of ranges.tif to the next."""
_VECTORS = "CAHVORE"
_MAX_BYTES = 1 << 24
_EXPECTED = "the truth.json of a simulated ring"


@dataclass(frozen=True, eq=False)
class PointingTruth:
    """The true pointing of a ring."""

    cameras: dict[str, CAHVORE]
    """The true camera of each image by its product id, in ROVER_NAV."""
    told_joints_deg: Float
    """(shots, 2) pan and tilt as the records tell."""
    true_joints_deg: Float
    """(shots, 2) pan and tilt of the mast at the exposure."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "told_joints_deg", locked(self.told_joints_deg))
        object.__setattr__(self, "true_joints_deg", locked(self.true_joints_deg))


def write_pointing_truth(path: Path, ring: Ring) -> None:
    """Write truth.json."""
    shots: list[dict[str, Any]] = []
    for shot, (told, true) in enumerate(zip(ring.told_joints_deg, ring.true_joints_deg, strict=True)):
        eyes = range(2 * shot, 2 * shot + 2)
        images = [_as_json(ring.observations[k].product_id, ring.true_cameras[k]) for k in eyes]
        shots.append({"told_pan_tilt_deg": told.tolist(), "true_pan_tilt_deg": true.tolist(), "images": images})
    frame = ring.true_cameras[0].frame
    values = {
        "about": "SIMULATED: where the mast truly pointed, and the true camera models in ROVER_NAV (m, px)",
        "site": frame.number[0],
        "drive": frame.number[1],
        "shots": shots,
    }
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _as_json(product_id: str, camera: CAHVORE) -> dict[str, Any]:
    size = {"width": camera.width, "height": camera.height}
    vectors = {name: getattr(camera, name).tolist() for name in _VECTORS}
    return {"imageid": product_id, **size, **vectors, "T": camera.pupil_type, "P": camera.linearity}


def read_pointing_truth(path: Path) -> PointingTruth:
    """Read truth.json.  Raises MissingFileError, or RecordError for what is no such file."""
    if not path.is_file():
        raise MissingFileError("no such file", file=path, todo="check the path of the truth")
    if path.stat().st_size > _MAX_BYTES:
        raise RecordError("is too large", file=path, expected=_EXPECTED)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        frame = Frame.rover(int(values["site"]), int(values["drive"]))
        cameras: dict[str, CAHVORE] = {}
        for image in (image for shot in values["shots"] for image in shot["images"]):
            C, A, H, V, O, R, E = (np.array(image[name], dtype=np.float64) for name in _VECTORS)  # noqa: E741
            width, height = int(image["width"]), int(image["height"])
            pupil_type, linearity = int(image["T"]), float(image["P"])
            camera = CAHVORE(frame, width, height, C, A, H, V, O, R, E, pupil_type, linearity)
            cameras[str(image["imageid"])] = camera
        told, true = (
            np.array([shot[name] for shot in values["shots"]], dtype=np.float64).reshape(-1, 2)
            for name in ("told_pan_tilt_deg", "true_pan_tilt_deg")
        )
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RecordError(f"is not understood ({type(error).__name__})", file=path, expected=_EXPECTED) from error
    return PointingTruth(cameras, told, true)


def write_ranges(path: Path, ring: Ring) -> None:
    """Write ranges.tif."""
    import tifffile

    options = {"compression": "zlib", "compressionargs": {"level": 9}, "metadata": None, "software": False}
    with tifffile.TiffWriter(path) as file:
        for shot in range(len(ring.told_joints_deg)):
            camera = ring.true_cameras[2 * shot]
            rows, columns = np.mgrid[0 : camera.height : RANGE_STEP, 0 : camera.width : RANGE_STEP]
            range_m = ring.ground_range(*camera.ray(np.stack([columns, rows], axis=-1)))
            inverse = np.rint(1.0 / UNIT_PER_M / np.where(np.isfinite(range_m), range_m, np.inf)).astype(np.uint32)
            what = f"shot {shot + 1}: 1 / range in {UNIT_PER_M:g} per m, 0 = none; every {RANGE_STEP}th left pixel"
            file.write(inverse, description=what, predictor=2, **options)


def read_ranges(path: Path, left_cameras: Sequence[CAHVORE]) -> list[Float]:
    """The true ranges (rows / 4, columns / 4), m, NaN = none, of every fourth pixel of the left image of each shot.

    XYZ is the ray of such a pixel, by the true camera, times its range.  Raises MissingFileError, or ImageFileError
    for a file that does not belong to these cameras.
    """
    import tifffile

    shapes = [(-(-camera.height // RANGE_STEP), -(-camera.width // RANGE_STEP)) for camera in left_cameras]
    expected = f"{len(shapes)} pages of uint32, the first of {shapes[0][1]} x {shapes[0][0]} px" if shapes else None
    if not path.is_file():
        raise MissingFileError("no such file", file=path, todo="check the path of the truth")
    if path.stat().st_size > _MAX_BYTES:
        raise ImageFileError("is too large for a truth file", file=path, expected=expected)
    try:
        with tifffile.TiffFile(path) as file:
            pages = list(file.pages)
            if [(page.shape, np.dtype(page.dtype)) for page in pages] != [(s, np.dtype(np.uint32)) for s in shapes]:
                raise ImageFileError("is not the truth of these images", file=path, expected=expected)
            found: list[NDArray[np.uint32]] = [page.asarray() for page in pages]
    except ImageFileError:
        raise
    except Exception as error:  # whatever a broken TIFF makes the decoder raise
        raise ImageFileError(f"cannot be read as TIFF: {error}", file=path, expected=expected) from error
    return [1.0 / UNIT_PER_M / np.where(inverse > 0, inverse, np.nan) for inverse in found]
