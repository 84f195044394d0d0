"""Calibration files: flat fields as ``stereo3d calibrate`` writes them, read within bounds; scenes divided by them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

import numpy as np

from stereo3d.errors import CalibrationError, MissingFileError
from stereo3d.radiometry.flat_field import DELIVERED, LINEAR, FlatField, Provenance, domain_of, flattened
from stereo3d.scene import Scene

KIND = "flat field"
FORMAT = 1
_MAX_BYTES = 4 << 20
_MAX_FILES = 100
_MAX_PRODUCTS = 10_000
_LARGEST_LOG = 8.0
"""Of a term of ln T: e^-8 of the light is none."""


def read_flat_fields(paths: Sequence[Path]) -> tuple[FlatField, ...]:
    """The flat fields of the files named, and of the .json files of the folders named that say that they are one.

    Raises MissingFileError, or CalibrationError for a file that is no flat field, absurd, or for two of one camera.
    """
    fields: list[FlatField] = []
    for path in paths:
        if not os.path.lexists(path):
            raise MissingFileError("no such file or folder", file=path, todo="check the path")
        if not os.path.isdir(path):
            fields.append(flat_field_of(_values(path), path))
            continue
        files = sorted(Path(path).glob("*.json"))[:_MAX_FILES]
        found = [flat_field_of(values, file) for file in files if (values := _values(file)).get("kind") == KIND]
        if not found:
            raise CalibrationError("the folder holds no flat field", file=path, todo="make one: stereo3d calibrate")
        fields += found
    keys = [(f.mission, f.instrument, f.domain) for f in fields]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise CalibrationError(f"two flat fields of {twice[1]} ({twice[0]}, {twice[2]}) were given", expected="one")
    return tuple(fields)


def calibrated(scene: Scene, fields: Sequence[FlatField]) -> Scene:
    """The scene with its images divided by the flat fields of their cameras; notes tell of those that have none.

    Raises CalibrationError when no image has one.
    """
    if not fields:
        return scene
    made = tuple(flattened(o, fields) for o in scene.observations)
    plain = [o for o, new in zip(scene.observations, made, strict=True) if new is o]
    if len(plain) == len(made):
        first = scene.observations[0]
        known = "; ".join(f"{f.instrument} of {f.mission}, {f.domain}" for f in fields)
        raise CalibrationError(
            f"the calibration is of {known}, the images are of {first.instrument} of {first.mission}, "
            f"{domain_of(first)}",
            expected="a flat field of the images' camera",
        )
    notes = tuple(f"{o.product_id}: no flat field of {o.instrument} was given" for o in plain)
    return replace(scene, observations=made, notes=(*scene.notes, *notes))


def flat_field_of(values: Mapping[str, object], file: Path) -> FlatField:
    """The flat field of a file's values.  Raises CalibrationError for what is none, or is not understood."""
    if values.get("kind") != KIND or values.get("format") != FORMAT:
        raise CalibrationError(
            "is no flat field", file=file, expected=f'"kind": "{KIND}", "format": {FORMAT}', todo="see calib/README.md"
        )
    about = values.get("provenance")
    if not isinstance(about, dict):
        raise CalibrationError("tells no provenance", file=file, expected='"provenance": {...}')
    sensor = _numbers(values, "sensor_px", 2, file, 1, 65536)
    a, b, k2, k4, k6 = _numbers(values, "coefficients", 5, file, -_LARGEST_LOG, _LARGEST_LOG)
    centre = _numbers(values, "centre_px", 2, file, -65536, 65536)
    domain = _text(values, "domain", file)
    if domain not in (LINEAR, DELIVERED):
        raise CalibrationError(f"domain is '{domain[:40]}'", file=file, expected=f"'{LINEAR}' or '{DELIVERED}'")
    pattern = _pattern(values, file)
    return FlatField(
        mission=_text(values, "mission", file),
        instrument=_text(values, "instrument", file),
        domain=domain,
        sensor_px=(int(sensor[0]), int(sensor[1])),
        centre_px=(centre[0], centre[1]),
        coefficients=(a, b, k2, k4, k6),
        reach=_numbers(values, "reach", 0, file, 0.0, 4.0)[0],
        sigma=_numbers(values, "sigma", 0, file, 0.0, 1.0)[0],
        provenance=Provenance(
            products=_products(about, file),
            shots=int(_numbers(about, "shots", 0, file, 1, _MAX_PRODUCTS)[0]),
            first_utc=_text(about, "first_utc", file, needed=False) or None,
            last_utc=_text(about, "last_utc", file, needed=False) or None,
            program=_text(about, "program", file),
            residual=_numbers(about, "residual", 0, file, 0.0, _LARGEST_LOG)[0],
        ),
        pattern=pattern,
        pattern_sigma=None if pattern is None else _numbers(values, "pattern_sigma", 0, file, 0.0, 1.0)[0],
    )


def _values(path: Path) -> dict[str, object]:
    try:
        if not path.is_file():
            raise CalibrationError("is not a regular file", file=path, expected="a calibration file")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise CalibrationError(f"cannot be read: {error.strerror or error}", file=path) from error
    if len(data) > _MAX_BYTES:
        raise CalibrationError(f"has more than {_MAX_BYTES >> 20} MB", file=path, expected="a calibration file")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CalibrationError(f"is not JSON: {str(error)[:80]}", file=path, expected="a calibration file") from error
    if not isinstance(values, dict):
        raise CalibrationError("is no flat field", file=path, expected="a JSON object")
    return values


def _numbers(
    values: Mapping[str, object], key: str, count: int, file: Path, low: float, high: float
) -> tuple[float, ...]:
    """``count`` numbers within the bounds; one alone for ``count`` 0."""
    value = values.get(key)
    parts = value if count and isinstance(value, list) else [value]
    numbers = tuple(float(p) for p in parts if _is_number(p) and low <= p <= high)
    if not len(numbers) == len(parts) == max(count, 1):
        what = f"{count} numbers" if count else "a number"
        raise CalibrationError(f"{key} is '{str(value)[:60]}'", file=file, expected=f"{what} from {low:g} to {high:g}")
    return numbers


def _is_number(value: object) -> TypeGuard[float]:
    """Whether this is a finite number that a float holds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _text(values: Mapping[str, object], key: str, file: Path, needed: bool = True) -> str:
    value = values.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not 1 <= len(value) <= 100 or not value.isprintable():
        raise CalibrationError(f"{key} is '{str(value)[:60]}'", file=file, expected="a line of text")
    return value


def _products(about: Mapping[str, object], file: Path) -> tuple[str, ...]:
    products = about.get("products")
    if (
        not isinstance(products, list)
        or not 1 <= len(products) <= _MAX_PRODUCTS
        or not all(isinstance(p, str) and len(p) <= 100 for p in products)
    ):
        raise CalibrationError("names no products that it was made of", file=file, expected="a list of product ids")
    return tuple(products)


def _pattern(values: Mapping[str, object], file: Path) -> np.ndarray | None:
    rows = values.get("pattern")
    if rows is None:
        return None
    if not (
        isinstance(rows, list)
        and 2 <= len(rows) <= 512
        and all(isinstance(r, list) and 2 <= len(r) <= 512 and len(r) == len(rows[0]) for r in rows)
        and all(_is_number(v) and abs(v) <= _LARGEST_LOG for r in rows for v in r)
    ):
        raise CalibrationError("the pattern is no grid of numbers", file=file, expected="rows of equal length, to 512")
    return np.array(rows, dtype=np.float64)
