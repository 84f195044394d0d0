"""Annotations as GeoJSON in the SITE frame (or ENU, where the rover's place is not known), and as CSV.

GeoJSON means longitude and latitude; these are metres, and the foreign member "stereo3d" says of which frame.  The web
page writes and reads the same files.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.annotation import Annotation
from stereo3d.errors import FrameMismatchError, OutputError
from stereo3d.export.atomic import atomic_files
from stereo3d.export.products import plain_values
from stereo3d.pipeline import Result
from stereo3d.pipeline.places import site_from_enu

FORMAT = 1
GEOMETRY = {"point": "Point", "text": "Point", "line": "LineString", "area": "Polygon"}
COLUMNS = (
    "name", "kind", "vertex", "site_x_north_m", "site_y_east_m", "site_z_down_m", "east_m", "north_m", "up_m",
    "sigma_m", "note",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def annotations_text(annotations: Sequence[Annotation], result: Result) -> str:
    """The GeoJSON file's text; coordinates to 0.1 mm."""
    site = site_from_enu(result)
    frame = result.observations[0]
    content = {
        "type": "FeatureCollection",
        "stereo3d": {
            "format": FORMAT,
            "frame": "SITE" if site is not None else "ENU",
            "site": frame.site,
            "drive": frame.drive,
            "mission": frame.mission,
            "coordinates_are": "metres: north, east, down of the site frame"
            if site is not None
            else "metres: east, north, up of the stop",
        },
        "features": [
            _feature(a, (a.points_in(site) if site is not None else a.points).round(4).tolist()) for a in annotations
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _feature(annotation: Annotation, points: list[list[float]]) -> dict[str, Any]:
    kind = GEOMETRY[annotation.kind]
    coordinates: Any = {"Point": points[0], "LineString": points, "Polygon": [[*points, points[0]]]}[kind]
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {
            "kind": annotation.kind,
            "name": annotation.name,
            "note": annotation.note,
            "colour": annotation.colour,
            "sigma_m": [round(float(s), 5) if math.isfinite(s) else None for s in annotation.sigma_m],
            "measure": plain_values(
                {k: v for k, v in annotation.measure.items() if not isinstance(v, float) or math.isfinite(v)}
            ),
        },
    }


def annotations_csv(annotations: Sequence[Annotation], result: Result) -> str:
    """A table with one row for each place; text that a spreadsheet may take for a formula begins with an apostrophe."""
    site = site_from_enu(result)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for a in annotations:
        there = a.points_in(site) if site is not None else np.full_like(a.points, np.nan)
        for number, (one, enu, sigma) in enumerate(zip(there, a.points, a.sigma_m, strict=True), start=1):
            numbers = [f"{v:.4f}" if math.isfinite(v) else "" for v in (*one, *enu)]
            told = f"{sigma:.5f}" if math.isfinite(sigma) else ""
            table.writerow([_cell(a.name), a.kind, number, *numbers, told, _cell(a.note)])
    return out.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


WRITERS: dict[str, Callable[[Sequence[Annotation], Result], str]] = {
    ".geojson": annotations_text,
    ".json": annotations_text,
    ".csv": annotations_csv,
}
"""Suffix to what makes the file's text."""


def write_annotations(path: Path, annotations: Sequence[Annotation], result: Result) -> Path:
    """Write annotations of the stop of ``result``, by the suffix of ``path``, whole or not at all.

    Raises OutputError, FrameMismatchError for annotations of another stop.
    """
    make = WRITERS.get(path.suffix.lower())
    if make is None:
        raise OutputError(
            f"annotations cannot be written as '{path.suffix or 'no suffix'}'", file=path,
            expected=f"one of {', '.join(WRITERS)}",
        )  # fmt: skip
    for a in annotations:
        if a.frame != result.terrain.mesh.frame:
            raise FrameMismatchError(f"an annotation is of {a.frame}, the ground is in {result.terrain.mesh.frame}")
    text = make(annotations, result)
    with atomic_files(path) as folder:
        (folder / path.name).write_bytes(text.encode("utf-8", "replace"))
    return path
