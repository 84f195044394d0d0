"""From a label to a header: camera model, frames, pose, pointing, clock, place, subframe.

Sources: the MER, MSL, InSight and Mars 2020 "Camera Data Product SIS" documents (keywords of the labels).  The camera
model of a label belongs to the pixels as delivered, subframe and averaging included.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from stereo3d.camera import CAHV, CAHVOR, CAHVORE, CameraModel
from stereo3d.errors import RecordError, Stereo3dError
from stereo3d.frames import Frame, RigidTransform
from stereo3d.read.label import Label
from stereo3d.read.product_name import ProductName, parse_product_name
from stereo3d.read.protocol import Header
from stereo3d.read.raw_feed import LARGEST, SAFE, UNIT_TOLERANCE, UTC, eye_of

_ROVER_FRAMES = ("ROVER_NAV_FRAME", "ROVER_FRAME", "LANDER_FRAME")
"""Names of ROVER_NAV: MER's ROVER_FRAME and InSight's LANDER_FRAME are X forward, Y right, Z down too."""
_ROVER_GROUPS = ("ROVER_COORDINATE_SYSTEM", "ROVER_NAV_COORDINATE_SYSTEM", "LANDER_COORDINATE_SYSTEM")
_MODEL_GROUPS = ("GEOMETRIC_CAMERA_MODEL", "GEOMETRIC_CAMERA_MODEL_PARMS")
_POINTING_GROUP = "ROVER_DERIVED_GEOMETRY_PARMS"
_SITE_GROUP = "SITE_DERIVED_GEOMETRY_PARMS"
_STATE_GROUPS = ("INSTRUMENT_STATE_PARMS", "IMAGE_REQUEST_PARMS")
_IMAGE_GROUPS = ("IMAGE", "IMAGE_DATA")
_HOSTS = {"MER1": "MER-B", "MER2": "MER-A", "MSL": "MSL", "M20": "Mars 2020", "M2020": "Mars 2020", "NSYT": "InSight"}
"""Hosts as the labels have them; MER1 is Opportunity, MER2 Spirit."""
_CLOCK = re.compile(r"(?:\d+/)?(\d{1,12})(?:[.:-](\d{1,9}))?", re.ASCII)
_SHAPES = {"CAHV": "CAHV", "CAHVOR": "CAHVOR", "CAHVORE": "CAHVORETP"}


def header_of_label(label: Label, size: tuple[int, int], image: Path | None) -> Header:
    """The header of an image of ``size`` (width, height), px.

    Raises RecordError for a label that lacks what is needed, is not understood, or is not of an image of the ground
    as the camera saw it (a thumbnail, a map of ranges).
    """
    _check_kind(label)
    product_id = label.text("PRODUCT_ID") or (image.stem if image is not None else "")
    # The version at a name's end is a part of Mars 2020's product ids here, and none of the raw feed's.
    if not SAFE.fullmatch(product_id):
        raise RecordError(
            f"the product id is '{product_id[:100]}'", file=label.file, expected="1 to 100 letters, digits, _ - ."
        )
    name = parse_product_name(product_id)
    instrument = label.text("INSTRUMENT_ID") or (name.instrument if name is not None else "")
    if not re.fullmatch(r"[A-Za-z0-9_ \-]{1,40}", instrument):
        raise RecordError(f"the instrument is '{instrument[:40]}'", file=label.file, expected="a camera's name")
    site, drive = _place(label, name)
    width, height = size
    scale = _scale(label)
    first = [label.integer(key, *_IMAGE_GROUPS) for key in ("FIRST_LINE_SAMPLE", "FIRST_LINE")]
    subframe = None
    if first[0] is not None and first[1] is not None and 1 <= min(first[0], first[1]) <= max(first[0], first[1]) < 1e6:
        subframe = (first[0], first[1], width * scale, height * scale)
    utc = UTC.match(label.text("START_TIME") or "")
    camera = _camera(label, width, height, Frame.rover(site, drive))
    mission = _mission(label, name)
    return Header(
        product_id=product_id,
        mission=mission,
        instrument=instrument,
        eye=eye_of(instrument, name),
        camera=camera,
        sol=_sol(label, name),
        site=site,
        drive=drive,
        sclk_s=_clock(label, name),
        site_from_rover=_pose(label, site, drive),
        mast_azimuth_deg=label.degrees("INSTRUMENT_AZIMUTH", _POINTING_GROUP),
        mast_elevation_deg=_elevation(label, camera),
        subframe=subframe,
        scale_factor=scale,
        taken_utc=utc.group() if utc is not None else None,
        record=label.file,
        path=image,
        sun_deg=_sun(label, mission),
        companding=_companding(label),
    )


def _check_kind(label: Label) -> None:
    kind = (label.text("IMAGE_TYPE") or "REGULAR").upper()
    if kind == "THUMBNAIL":
        raise RecordError("is a thumbnail", file=label.file, todo="give the full-size image")
    derived = (label.text("DERIVED_IMAGE_TYPE", "DERIVED_IMAGE_PARMS") or "IMAGE").upper()
    if derived != "IMAGE":
        raise RecordError(f"holds {derived[:40]}, not an image", file=label.file, expected="what the camera saw")


def _place(label: Label, name: ProductName | None) -> tuple[int, int]:
    """(site, drive) from the motion counter, or from the product name."""
    names = [text.upper() for text in label.texts("ROVER_MOTION_COUNTER_NAME")] or ["SITE", "DRIVE"]
    counter = label.numbers(0, "ROVER_MOTION_COUNTER") or ()
    found = dict(zip(names, counter, strict=False))
    place = []
    for key, fallback in (
        ("SITE", name.site if name is not None else None),
        ("DRIVE", name.drive if name is not None else None),
    ):
        value = found.get(key, fallback)
        if value is None or not (value == int(value) and 0 <= value < 1_000_000):
            raise RecordError(
                f"the {key.lower()} is not known", file=label.file, expected="numbers in ROVER_MOTION_COUNTER"
            )
        place.append(int(value))
    return place[0], place[1]


def _scale(label: Label) -> int:
    averaged = [label.integer(f"PIXEL_AVERAGING_{side}", *_STATE_GROUPS) or 1 for side in ("WIDTH", "HEIGHT")]
    if averaged[0] != averaged[1] or not 1 <= averaged[0] <= 64:
        raise RecordError(
            f"pixels of {averaged[0]} x {averaged[1]} sensor pixels", file=label.file, expected="square ones, 1 to 64"
        )
    return averaged[0]


def _sol(label: Label, name: ProductName | None) -> int:
    sol = label.integer("PLANET_DAY_NUMBER")
    sol = sol if sol is not None else (name.sol if name is not None else None)
    if sol is None or not 0 <= sol < 1_000_000:
        raise RecordError("the sol is not known", file=label.file, expected="a number in PLANET_DAY_NUMBER")
    return sol


def _clock(label: Label, name: ProductName | None) -> float:
    match = _CLOCK.fullmatch(label.text("SPACECRAFT_CLOCK_START_COUNT") or "")
    if match is not None:
        return float(f"{match.group(1)}.{match.group(2) or 0}")
    if name is None:
        raise RecordError("the spacecraft clock is not known", file=label.file, expected="SPACECRAFT_CLOCK_START_COUNT")
    return name.sclk_s


def _mission(label: Label, name: ProductName | None) -> str:
    known = _HOSTS.get((label.text("INSTRUMENT_HOST_ID") or "").upper()) or (name.mission if name is not None else None)
    text = known or label.text("MISSION_NAME") or "unknown"
    return "".join(c for c in text if c.isprintable())[:40]


def _elevation(label: Label, camera: CameraModel) -> float | None:
    """The mast's elevation, positive upwards.  MER's labels count it downwards; the model's own axis tells which."""
    elevation = label.degrees("INSTRUMENT_ELEVATION", _POINTING_GROUP)
    if elevation is None:
        return None
    own = math.degrees(math.asin(max(-1.0, min(1.0, -float(camera.A[2])))))
    return -elevation if abs(own + elevation) < abs(own - elevation) else elevation


def _sun(label: Label, mission: str) -> tuple[float, float] | None:
    """Azimuth (clockwise from north) and elevation of the Sun, from the label's geometry in the SITE frame."""
    azimuth = label.degrees("SOLAR_AZIMUTH", _SITE_GROUP)
    elevation = label.degrees("SOLAR_ELEVATION", _SITE_GROUP)
    if azimuth is None or elevation is None or abs(elevation) > 90.0:
        return None
    # MER's labels count elevations downwards.
    return azimuth % 360.0, -elevation if mission.startswith("MER") else elevation


def _companding(label: Label) -> str | None:
    """The companding mode of pixels that are companded still; None for those that are linear.

    Products that were decompanded on the ground keep the mode in their labels, but their pixels have more than 8 bits;
    PDS4 labels tell the state itself.
    """
    mode = label.text("SAMPLE_BIT_MODE_ID", "INSTRUMENT_STATE_PARMS", *_IMAGE_GROUPS)
    if mode is None or not re.fullmatch(r"[A-Za-z0-9_]{1,20}", mode):
        return None
    state = label.text("COMPANDING_STATE", *_IMAGE_GROUPS)
    if state is not None:
        return mode if state.upper() == "COMPANDED" else None
    mask = label.get("SAMPLE_BIT_MASK", *_IMAGE_GROUPS)
    bits = int(mask).bit_count() if isinstance(mask, float) else str(mask or "").partition("#")[2].count("1")
    if mask is None:
        bits = label.integer("SAMPLE_BITS", *_IMAGE_GROUPS) or 0
    return mode if bits == 8 else None


def _camera(label: Label, width: int, height: int, rover: Frame) -> CAHV | CAHVOR | CAHVORE:
    """The camera model in ROVER_NAV."""
    kind = (label.text("MODEL_TYPE", *_MODEL_GROUPS) or "").upper()
    if not kind:
        raise RecordError(
            "the label holds no camera model",
            file=label.file,
            expected="the group GEOMETRIC_CAMERA_MODEL",
            todo="without a model nothing can be measured: give another product of this shot",
        )
    letters = [text.upper() for text in label.texts("MODEL_COMPONENT_ID", *_MODEL_GROUPS)]
    wanted = _SHAPES.get(kind, "")
    if not wanted or (letters and sorted(letters) != sorted(wanted)):
        raise RecordError(
            f"the camera model {kind[:20]} has the components {','.join(letters)[:40]}",
            file=label.file,
            expected="CAHV, CAHVOR or CAHVORE",
        )
    vectors: dict[str, np.ndarray] = {}
    numbers: dict[str, float] = {}
    for index, letter in enumerate(letters or wanted, start=1):
        key = f"MODEL_COMPONENT_{index}"
        values = label.numbers(1 if letter in "TP" else 3, key, *_MODEL_GROUPS)
        if values is None or max(abs(v) for v in values) > LARGEST:
            raise RecordError(f"{key} is missing or absurd", file=label.file, expected=f"numbers within {LARGEST:g}")
        if letter in "TP":
            numbers[letter] = values[0]
            continue
        vectors[letter] = np.array(values)
        if letter in "AO" and abs(float(np.linalg.norm(vectors[letter])) - 1.0) > UNIT_TOLERANCE:
            raise RecordError(f"{key} is {values}", file=label.file, expected="a vector of length 1")
    source = label.text("REFERENCE_COORD_SYSTEM_NAME", *_MODEL_GROUPS)
    move = None if source is None or source.upper() in _ROVER_FRAMES else _to_rover(label, source.upper(), rover)
    frame = rover if move is None else move.source
    try:
        if kind == "CAHVORE":
            if numbers["T"] not in (1.0, 2.0, 3.0):
                raise ValueError(f"pupil type must be 1, 2 or 3, got {numbers['T']:g}")
            model: CAHV | CAHVOR | CAHVORE = CAHVORE(
                frame, width, height, **vectors, pupil_type=int(numbers["T"]), linearity=numbers["P"]
            )
        else:
            model = (CAHVOR if kind == "CAHVOR" else CAHV)(frame, width, height, **vectors)
        return model if move is None else model.moved(move)
    except ValueError as error:
        if isinstance(error, Stereo3dError):
            raise
        raise RecordError(f"the camera model is not usable: {error}", file=label.file) from error


def _to_rover(label: Label, source: str, rover: Frame) -> RigidTransform:
    """``rover_from_source`` for the frame that a label names, through the coordinate systems that it defines."""
    chain = _chain(label, source)
    own = _chain(label, next((n for n in _ROVER_FRAMES if _definition(label, n) is not None), _ROVER_FRAMES[0]))
    # Both chains climb from frame to frame; they meet where one has the other's frame.
    for below, (name, frame_from_source) in enumerate(chain):
        for other, frame_from_rover in own:
            if name == other or (name in _ROVER_FRAMES and other in _ROVER_FRAMES):
                index = _reference_index(label)
                if below == 0 and name == "SITE_FRAME" and index is not None and index != rover.number[0]:
                    break  # another site's frame has the same name
                return RigidTransform(rover, Frame(source), *_undone(frame_from_rover, frame_from_source))
    raise RecordError(
        f"the camera model is in {source[:40]}, and the label does not say where that is in the rover",
        file=label.file,
        expected="a model in ROVER_NAV_FRAME, or the coordinate systems up to it",
    )


def _reference_index(label: Label) -> int | None:
    values = label.numbers(0, "REFERENCE_COORD_SYSTEM_INDEX", *_MODEL_GROUPS)
    return int(values[0]) if values else None


def _undone(there: RigidTransform, here: RigidTransform) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and translation of (inverse of ``there``) after ``here``."""
    return there.rotation.T @ here.rotation, there.rotation.T @ (here.translation - there.translation)


def _chain(label: Label, name: str) -> list[tuple[str, RigidTransform]]:
    """(frame, frame_from_first) for ``name`` and each frame in which the one before is defined."""
    top = Frame("TOP")
    steps = [(name, RigidTransform(top, top))]
    for _ in range(8):
        group = _definition(label, steps[-1][0])
        parent = label.text("REFERENCE_COORD_SYSTEM_NAME", group) if group is not None else None
        if group is None or parent is None or parent.upper() == steps[-1][0]:
            break
        rotation = label.numbers(4, "ORIGIN_ROTATION_QUATERNION", group)
        offset = label.numbers(3, "ORIGIN_OFFSET_VECTOR", group)
        if rotation is None or offset is None:
            break
        try:
            step = RigidTransform.from_quaternion(top, top, rotation, offset)
        except ValueError as error:
            raise RecordError(f"{group[:60]}: {error}", file=label.file, expected="(w,x,y,z) of length 1") from error
        steps.append((parent.upper(), step @ steps[-1][1]))
    return steps


def _definition(label: Label, frame: str) -> str | None:
    """The group that defines a frame."""
    for group in label.groups:
        if group.endswith("COORDINATE_SYSTEM"):
            defined = (label.text("COORDINATE_SYSTEM_NAME", group) or "").upper()
            if defined == frame:
                return group
    return None


def _pose(label: Label, site: int, drive: int) -> RigidTransform | None:
    """``site_from_rover``; None without an attitude, a NaN position when the label gives it in another frame."""
    attitude = label.numbers(4, "ORIGIN_ROTATION_QUATERNION", *_ROVER_GROUPS)
    if attitude is None:
        return None
    position = label.numbers(3, "ORIGIN_OFFSET_VECTOR", *_ROVER_GROUPS)
    reference = (label.text("REFERENCE_COORD_SYSTEM_NAME", *_ROVER_GROUPS) or "SITE_FRAME").upper()
    if position is None or reference != "SITE_FRAME":
        position = (math.nan, math.nan, math.nan)
    try:
        return RigidTransform.from_quaternion(Frame.site(site), Frame.rover(site, drive), attitude, position)
    except ValueError as error:
        raise RecordError(f"the attitude is {error}", file=label.file, expected="(w,x,y,z) of length 1") from error
