"""Annotations from a GeoJSON file.  Files come from strangers: all is checked before anything is taken over."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from stereo3d.annotation import DEFAULT_COLOUR, LEAST_PLACES, Annotation, Plain
from stereo3d.errors import FrameMismatchError, MissingFileError, RecordError
from stereo3d.frames import RigidTransform
from stereo3d.pipeline.places import Stop, site_from_enu

MAX_BYTES = 10_000_000
MAX_FEATURES = 10_000
MAX_PLACES = 100_000
MAX_LETTERS = 2_000
MAX_METRES = 1e7
_MAX_MEASURES = 50
_EXPECTED = "annotations that the viewer saved as GeoJSON"
_KINDS = {"Point": ("point", "text"), "LineString": ("line",), "Polygon": ("area",)}
_SAFE_NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,60}")


def read_annotations(path: Path, stop: Stop) -> tuple[Annotation, ...]:
    """The annotations of a file, in the ENU frame of ``stop``; all of them or none.

    Those of another stop of the same site are placed through the SITE frame.  Raises MissingFileError; RecordError
    for what is no such file or breaks its bounds; FrameMismatchError for annotations of another place.
    """
    if not path.is_file():
        raise MissingFileError("no such file", file=path, expected=_EXPECTED)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror or error}", file=path) from error
    if len(data) > MAX_BYTES:
        raise RecordError("the file is too large", file=path, expected=f"at most {MAX_BYTES // 1_000_000} MB")
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"this is no JSON file ({error})"[:200], file=path, expected=_EXPECTED) from error
    try:
        return _annotations(content, stop)
    except RecordError as error:
        raise RecordError(error.what, file=path, expected=error.expected or _EXPECTED) from error
    except FrameMismatchError as error:
        raise FrameMismatchError(error.what, file=path, expected=error.expected, todo=error.todo) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _annotations(content: Any, stop: Stop) -> tuple[Annotation, ...]:
    if not isinstance(content, dict) or content.get("type") != "FeatureCollection":
        raise RecordError("this is no GeoJSON FeatureCollection")
    features = content.get("features")
    if not isinstance(features, list):
        raise RecordError("the FeatureCollection has no list of features")
    if len(features) > MAX_FEATURES:
        raise RecordError(f"the file has {len(features)} features", expected=f"at most {MAX_FEATURES}")
    enu_from_file = _frame_of(content.get("stereo3d"), stop)
    out = []
    total = 0
    for number, feature in enumerate(features, start=1):
        found = _annotation(feature, f"feature {number}", stop, enu_from_file)
        total += len(found.points)
        if total > MAX_PLACES:
            raise RecordError(f"feature {number}: the file has more than {MAX_PLACES} places")
        out.append(found)
    return tuple(out)


def _frame_of(about: Any, stop: Stop) -> RigidTransform | None:
    """The transform from the file's coordinates to ENU; None where these are ENU.  Raises what does not belong here."""
    if not isinstance(about, dict) or about.get("format") != 1:
        raise RecordError("the file says nothing of its frame (the member 'stereo3d' of format 1 is missing)")
    here = stop.observations[0]
    for key, ours in (("mission", here.mission), ("site", here.site)):
        if about.get(key) != ours or isinstance(about.get(key), bool):
            raise FrameMismatchError(
                f"these annotations are of {key} {_shown(about.get(key))}, the ground is of {key} {ours}",
                expected="annotations of the same site",
            )
    if about.get("frame") == "SITE":
        site = site_from_enu(stop)
        if site is None:
            raise FrameMismatchError(
                "these annotations are in the SITE frame, and where in it this ground lies is not known",
                todo="use records that tell the rover's attitude and position",
            )
        return site.inverse()
    if about.get("frame") != "ENU":
        raise RecordError(f"the frame {_shown(about.get('frame'))} is not known", expected="SITE or ENU")
    if about.get("drive") != here.drive or isinstance(about.get("drive"), bool):
        raise FrameMismatchError(
            f"these annotations are of another stop (drive {_shown(about.get('drive'))}, not {here.drive}) and not in "
            "the SITE frame",
            expected="annotations of the same stop",
        )
    return None


def _annotation(feature: Any, where: str, stop: Stop, enu_from_file: RigidTransform | None) -> Annotation:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise RecordError(f"{where}: this is no Feature")
    geometry = feature.get("geometry")
    shape = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or not isinstance(shape, str) or shape not in _KINDS:
        raise RecordError(f"{where}: the geometry is {_shown(shape)}", expected="a Point, LineString or Polygon")
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    kind = properties.get("kind", _KINDS[shape][0])
    if kind not in _KINDS[shape]:
        raise RecordError(f"{where}: the kind {_shown(kind)} is none of a {shape}")
    points = _places(geometry.get("coordinates"), shape, where)
    if len(points) < LEAST_PLACES[kind]:
        raise RecordError(f"{where}: a {shape} of {len(points)} places", expected=f"at least {LEAST_PLACES[kind]}")
    colour = properties.get("colour")
    plain = isinstance(colour, str) and re.fullmatch("#[0-9a-fA-F]{6}", colour)
    return Annotation(
        kind,
        stop.enu_from_rover.to,
        enu_from_file.apply(points) if enu_from_file is not None else points,
        _sigmas(properties.get("sigma_m"), len(points)),
        _text(properties.get("name")),
        _text(properties.get("note")),
        str(colour).lower() if plain else DEFAULT_COLOUR,
        _measures(properties.get("measure")),
    )


def _places(coordinates: Any, shape: str, where: str) -> NDArray[np.float64]:
    """(n, 3) m, in the file's frame."""
    if shape == "Point":
        coordinates = [coordinates]
    elif shape == "Polygon":
        if not isinstance(coordinates, list) or len(coordinates) != 1:
            raise RecordError(f"{where}: a polygon has one ring, without holes")
        coordinates = coordinates[0]
    if not isinstance(coordinates, list):
        raise RecordError(f"{where}: the coordinates are no list")
    if len(coordinates) > MAX_PLACES + 1:
        raise RecordError(f"{where}: the file has more than {MAX_PLACES} places")
    points = [_place(one, f"{where}, place {number}") for number, one in enumerate(coordinates, start=1)]
    if shape == "Polygon":
        if len(points) < 2 or points[0] != points[-1]:
            raise RecordError(f"{where}: the ring does not end where it begins")
        points.pop()
    return np.array(points, dtype=np.float64).reshape(-1, 3)


def _place(value: Any, where: str) -> list[float]:
    if not isinstance(value, list) or len(value) != 3:
        raise RecordError(f"{where}: this is no place", expected="three coordinates in metres")
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < MAX_METRES:
            raise RecordError(f"{where}: {_shown(number)} is no coordinate", expected="a number below 10,000 km")
    return [float(v) for v in value]


def _sigmas(value: Any, count: int) -> NDArray[np.float64]:
    """(count,) m; NaN where the file says nothing sensible."""
    listed: list[Any] = value if isinstance(value, list) and len(value) == count else [None] * count
    return np.array([float(v) if _is_number(v) and 0 <= v < MAX_METRES else math.nan for v in listed])


def _measures(value: Any) -> dict[str, Plain]:
    out: dict[str, Plain] = {}
    if not isinstance(value, dict):
        return out
    for key, one in list(value.items())[:_MAX_MEASURES]:
        if not _SAFE_NAME.fullmatch(key):
            continue
        if isinstance(one, bool):
            out[key] = one
        elif isinstance(one, str):
            out[key] = _text(one)
        elif _is_number(one):
            out[key] = float(one)
    return out


def _is_number(value: Any) -> bool:
    """A finite number that fits into a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _text(value: Any) -> str:
    """At most so many letters; without control characters (but line breaks) and halves of letters."""
    if not isinstance(value, str):
        return ""
    whole = value[:MAX_LETTERS].encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in whole if c.isprintable() or c in "\n\t")


def _shown(value: Any) -> str:
    """A value of the file in a message."""
    return repr(value)[:60]
