"""Contour lines as GeoJSON.

RFC 7946 wants longitude and latitude on the Earth.  These are metres in the local frame instead, so the file says so as
GeoJSON of 2008 does, by a "crs" whose name is the system's WKT2: GDAL and QGIS read that (and would take the metres for
degrees on the Earth without it), and show the lines on the maps of the same folder.  Each line names its frame besides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from stereo3d.terrain.contours import Contour

_INDEX_EVERY = 5


def write_contours(
    path: Path, contours: Sequence[Contour], interval_m: float, system_wkt: str, about: Mapping[str, str]
) -> None:
    """Write ``contours``; every fifth level has ``index`` true.  Coordinates are m east, m north, to 0.1 mm."""
    features = [
        {
            "type": "Feature",
            "properties": {
                "elevation_m": line.elevation_m,
                "index": round(line.elevation_m / interval_m) % _INDEX_EVERY == 0,
                "coordinates_are": "metres east and north of the origin of the maps beside this file",
            },
            "geometry": {"type": "LineString", "coordinates": np.round(line.points, 4).tolist()},
        }
        for line in contours
    ]
    content = {
        "type": "FeatureCollection",
        "name": "contours",
        "crs": {"type": "name", "properties": {"name": system_wkt}},
        "interval_m": interval_m,
        **about,
        "features": features,
    }
    path.write_text(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n", encoding="utf-8")
