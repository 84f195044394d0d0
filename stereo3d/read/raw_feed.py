"""The rovers' public raw-image feeds: a PNG or JPEG, and its JSON record.

Perseverance writes nested records (groups "camera" and "extended"), Curiosity flat ones.  The camera model of a record
is in ROVER_NAV and belongs to the pixels as delivered: subframe and scale are already in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stereo3d.camera import CAHV, CAHVOR, CAHVORE
from stereo3d.errors import ImageFileError, RecordError
from stereo3d.frames import Float, Frame, RigidTransform
from stereo3d.observation import Eye, Observation
from stereo3d.read.pixels import JPEG_MAGIC, MAX_SIDE_PX, PNG_MAGIC, first_bytes, image_size, is_webp, read_image
from stereo3d.read.product_name import ProductName, parse_product_name, without_browse_width
from stereo3d.read.protocol import Header
from stereo3d.read.records import Fields, find_record
from stereo3d.read.sun import sun_over

LARGEST = 1e6
"""Larger than any number of a real model (metres and pixels); far from where float64 would lose digits."""
UNIT_TOLERANCE = 0.01
_MSL_SENSOR_PX = 1024
_ORDERS = {
    "CAHVORE": ("C;A;H;V;O;R;E;T;P", "T;P;V;O;R;E;C;A;H"),
    "CAHVOR": ("C;A;H;V;O;R",),
    "CAHV": ("C;A;H;V",),
}
"""Orders of the components; the feed's first days (February 2021) had the second one of CAHVORE."""
_MISSIONS = {"mars2020": "Mars 2020", "msl": "MSL", "simulated": "simulated"}
SAFE = re.compile(r"[A-Za-z0-9_.\-]{1,100}", re.ASCII)
UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?", re.ASCII)


class RawFeedReader:
    """PNG, JPEG and WebP images with a record of the raw feed beside them, or in a metadata file."""

    suffixes: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".webp")

    def accepts(self, path: Path) -> bool:
        """By suffix, or by the first bytes.  Raises MissingFileError."""
        start = first_bytes(path)
        return path.suffix.lower() in self.suffixes or start.startswith((PNG_MAGIC, JPEG_MAGIC)) or is_webp(start)

    def header(self, path: Path, metadata: Sequence[Path] = ()) -> Header:
        """All but the pixels.  Raises MissingFileError, RecordError, or ImageFileError (sizes that differ)."""
        width, height = image_size(path)
        header = header_of_record(find_record(path, metadata), path)
        if (width, height) != (header.camera.width, header.camera.height):
            raise ImageFileError(
                f"the image is {width} x {height} px, its record describes {header.camera.width} x "
                f"{header.camera.height} px",
                file=path,
                expected="equal sizes",
                todo="give the full-size image, not a reduced copy",
            )
        return header

    def read(self, path: Path, metadata: Sequence[Path] = ()) -> Observation:
        """The observation; all pixels are valid.  Raises what :meth:`header` and ``read_image`` raise."""
        header = self.header(path, metadata)
        return header.observation(read_image(path))


def header_of_record(fields: Fields, image: Path | None = None) -> Header:
    """What a record says about its image.  Fields that it lacks are taken from the product name.

    An attitude without a position (Curiosity's feed) gives a transform with the true rotation and a NaN translation.
    Raises RecordError for a record that lacks what is needed, or holds it in a form that is not understood.
    """
    product_id = fields.text("imageid") or (without_browse_width(image.stem) if image is not None else "")
    if not product_id:
        raise RecordError("names no image", file=fields.file, expected='a record of the raw feed, with an "imageid"')
    if not SAFE.fullmatch(product_id):
        raise RecordError(
            f"the image id is '{product_id[:100]}'", file=fields.file, expected="1 to 100 letters, digits, _ - ."
        )
    name = parse_product_name(product_id)
    if fields.values.get("is_thumbnail") is True or (fields.text("sample_type") or "").lower() == "thumbnail":
        raise RecordError("is the record of a thumbnail", file=fields.file, todo="give the full-size image's record")
    instrument = fields.text("instrument") or (name.instrument if name is not None else "")
    if not re.fullmatch(r"[A-Za-z0-9_ \-]{1,40}", instrument):
        raise RecordError(f"the instrument is '{instrument[:40]}'", file=fields.file, expected="a camera's name")
    site = _needed(fields, "site", name.site if name is not None else None)
    drive = _needed(fields, "drive", name.drive if name is not None else None)
    width, height = _size(fields, name)
    subframe = _whole(fields, 4, "subframeRect", "subframe_rect")
    utc = UTC.match(fields.text("date_taken_utc", "date_taken") or "")
    mission = _mission(fields, name)
    return Header(
        product_id=product_id,
        mission=mission,
        instrument=instrument,
        eye=eye_of(instrument, name),
        camera=camera_of_record(fields, width, height, Frame.rover(site, drive)),
        sol=_needed(fields, "sol", name.sol if name is not None else None),
        site=site,
        drive=drive,
        sclk_s=_clock(fields, name),
        site_from_rover=_pose(fields, site, drive),
        mast_azimuth_deg=fields.number("mastAz", "mast_az"),
        mast_elevation_deg=fields.number("mastEl", "mast_el"),
        subframe=(subframe[0], subframe[1], subframe[2], subframe[3]) if subframe is not None else None,
        scale_factor=_scale(fields),
        taken_utc=utc.group() if utc is not None else None,
        record=fields.file,
        path=image,
        sun_deg=_sun(fields, mission, utc.group() if utc is not None else None),
    )


def camera_of_record(fields: Fields, width: int, height: int, frame: Frame) -> CAHV | CAHVOR | CAHVORE:
    """The camera model of a record for an image of ``width`` x ``height`` px, in ``frame``.

    Raises RecordError when there is none, or when it is no model: a wrong number of components, a number that is not
    finite or beyond 1e6, axes that are not of unit length, vectors that do not span space.
    """
    text = fields.text("camera_model_component_list")
    if text is None:
        raise RecordError(
            "the record holds no camera model",
            file=fields.file,
            expected="camera_model_component_list",
            todo="without a model nothing can be measured: give another product of this shot",
        )
    parts = [part.strip() for part in text.split(";")]
    kind = (fields.text("camera_model_type") or "").upper()
    kinds = {9: "CAHVORE", 6: "CAHVOR", 4: "CAHV"}
    found = kinds.get(len(parts))
    # Some of Curiosity's records of type CAHVOR list C;A;H;V only: the linear part, which is then all there is.
    if found is None or (kind and kind != found and (kind, found) != ("CAHVOR", "CAHV")):
        raise RecordError(
            f"the camera model {kind[:20] or 'of unknown type'} has {len(parts)} components",
            file=fields.file,
            expected="4 (CAHV), 6 (CAHVOR) or 9 (CAHVORE)",
        )
    bare_first = not parts[0].startswith("(")
    order = _ORDERS[found][1 if bare_first and found == "CAHVORE" else 0].split(";")
    values = dict(zip(order, parts, strict=True))
    numbers: dict[str, float] = {}
    vectors: dict[str, Float] = {}
    for letter, value in values.items():
        where = f"component {letter} of the camera model"
        if letter in "TP":
            numbers[letter] = fields.parsed(value, where)
            continue
        vectors[letter] = np.array(fields.parsed_tuple(value, 3, where))
        if np.abs(vectors[letter]).max() > LARGEST:
            raise RecordError(f"{where} is '{value[:60]}'", file=fields.file, expected=f"numbers within {LARGEST:g}")
        if letter in "AO" and abs(float(np.linalg.norm(vectors[letter])) - 1.0) > UNIT_TOLERANCE:
            raise RecordError(f"{where} is '{value[:60]}'", file=fields.file, expected="a vector of length 1")
    try:
        if found == "CAHVORE":
            if numbers["T"] not in (1.0, 2.0, 3.0):
                raise ValueError(f"pupil type must be 1, 2 or 3, got {numbers['T']:g}")
            return CAHVORE(frame, width, height, **vectors, pupil_type=int(numbers["T"]), linearity=numbers["P"])
        return CAHVOR(frame, width, height, **vectors) if found == "CAHVOR" else CAHV(frame, width, height, **vectors)
    except ValueError as error:
        raise RecordError(f"the camera model is not usable: {error}", file=fields.file) from error


def _needed(fields: Fields, key: str, fallback: int | None) -> int:
    value = fields.integer(key)
    value = fallback if value is None else value
    if value is None or not 0 <= value < 1_000_000:
        raise RecordError(
            f"the {key} is not known" if value is None else f"the {key} is {value}",
            file=fields.file,
            expected=f'a number in the field "{key}"',
        )
    return value


def _whole(fields: Fields, count: int, *names: str) -> tuple[int, ...] | None:
    values = fields.tuple_of(count, *names)
    if values is None:
        return None
    if any(v != int(v) or not 1 <= v <= 1_000_000 for v in values):
        raise RecordError(f"{names[0]} is '{fields.text(*names)}'", file=fields.file, expected="whole numbers from 1")
    return tuple(int(v) for v in values)


def _scale(fields: Fields) -> int:
    scale = fields.integer("scaleFactor", "scale_factor")
    if scale is not None and not 1 <= scale <= 64:
        raise RecordError(f"the scale factor is {scale}", file=fields.file, expected="1, 2, 4 or 8")
    return 1 if scale is None else scale


def _size(fields: Fields, name: ProductName | None) -> tuple[int, int]:
    """(width, height), px: "dimension", else the subframe over its scale, else Curiosity's whole sensor."""
    size = _whole(fields, 2, "dimension")
    if size is None:
        subframe, scale = _whole(fields, 4, "subframeRect", "subframe_rect"), _scale(fields)
        if subframe is not None:
            size = (subframe[2] // scale, subframe[3] // scale)
        elif name is not None and name.mission == "MSL" and name.sample == "F":
            size = (_MSL_SENSOR_PX, _MSL_SENSOR_PX)
    if size is None or not 1 <= min(size) <= max(size) <= MAX_SIDE_PX:
        raise RecordError(
            "the record does not say how large its image is" if size is None else f"the image's size is {size}",
            file=fields.file,
            expected='the field "dimension" (or "subframe_rect")',
        )
    return size[0], size[1]


def _clock(fields: Fields, name: ProductName | None) -> float:
    clock = fields.number("sclk")
    if clock is None and name is not None:
        clock = name.sclk_s
    if clock is None:
        raise RecordError(
            "the spacecraft clock is not known", file=fields.file, expected='a number in the field "sclk"'
        )
    return clock


def _pose(fields: Fields, site: int, drive: int) -> RigidTransform | None:
    attitude = fields.tuple_of(4, "attitude")
    if attitude is None:
        return None
    position = fields.tuple_of(3, "xyz") or (math.nan, math.nan, math.nan)
    try:
        return RigidTransform.from_quaternion(Frame.site(site), Frame.rover(site, drive), attitude, position)
    except ValueError as error:
        raise RecordError(f"the attitude is {error}", file=fields.file, expected="(w,x,y,z) of length 1") from error


def eye_of(instrument: str, name: ProductName | None) -> Eye:
    words = instrument.upper().split("_")
    if "LEFT" in words:
        return Eye.LEFT
    if "RIGHT" in words:
        return Eye.RIGHT
    return name.eye if name is not None else Eye.NONE


def _sun(fields: Fields, mission: str, utc: str | None) -> tuple[float, float] | None:
    """Where the Sun stood.  The feed does not say (simulated records do), but when the image was taken."""
    azimuth, elevation = fields.number("sunAz"), fields.number("sunEl")
    if azimuth is not None and elevation is not None and abs(elevation) <= 90.0:
        return azimuth % 360.0, elevation
    return sun_over(mission, utc) if utc is not None else None


def _mission(fields: Fields, name: ProductName | None) -> str:
    marker = _MISSIONS.get((fields.text("mission") or "").lower().replace(" ", ""))
    if marker is not None:
        return marker
    if name is not None:
        return name.mission
    return "Mars 2020" if isinstance(fields.values.get("camera"), dict) else "MSL"
