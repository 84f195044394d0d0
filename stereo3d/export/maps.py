"""All maps of a stop in one folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.export.geojson import write_contours
from stereo3d.export.geotiff import local_system, write_cog
from stereo3d.export.hillshade import write_hillshade
from stereo3d.observation import Observation, credit_of
from stereo3d.terrain.contours import choose_interval, contour_lines
from stereo3d.terrain.maps import Coverage, Maps
from stereo3d.terrain.relief import hillshade

REPORT = "map.json"
PRODUCTS = (
    "dem.tif",
    "orthophoto.tif",
    "slope.tif",
    "roughness.tif",
    "sigma.tif",
    "coverage.tif",
    "contours.geojson",
    "hillshade.png",
    REPORT,
)
"""The names that other programs rely on."""

_SURE_SHARE = 0.5
"""Contour lines are drawn where one sigma of the height is at most this share of their interval."""

_COVERAGE_COLOURS = {
    int(Coverage.NONE): (0, 0, 0, 0),
    int(Coverage.MEASURED): (70, 140, 80, 255),
    int(Coverage.FILLED): (235, 180, 60, 255),
    int(Coverage.EXTENDED): (200, 80, 60, 255),
}


@dataclass(frozen=True)
class MapStyle:
    """What is drawn of the maps, and how."""

    interval_m: float | None = None
    """Between contour lines, m; None chooses."""
    smooth_m: float = 0.05
    """Heights are smoothed by this (one sigma, m), and by two pixels at least, for the contour lines alone."""
    sun_deg: tuple[float, float] = (315.0, 45.0)
    """Azimuth (clockwise from north) and elevation of the light of the shaded relief, degrees."""
    lonlat_deg: tuple[float, float] | None = None
    """East longitude and planetocentric latitude of the rover's stop, degrees, when known."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sun_deg[0]) and 0.0 < self.sun_deg[1] <= 90.0):
            raise ValueError(f"the sun must stand 0 to 90 degrees high, got {self.sun_deg}")
        if self.lonlat_deg is not None and not (abs(self.lonlat_deg[0]) <= 360.0 and abs(self.lonlat_deg[1]) <= 90.0):
            raise ValueError(f"no longitude and latitude: {self.lonlat_deg}")


def about_map(observation: Observation) -> dict[str, str]:
    """What every map says of its origin, by name; it goes into the metadata of each file."""
    place = f"{observation.mission} site {observation.site} drive {observation.drive}"
    attitude = observation.site_from_rover
    about = {
        "PLACE": place,
        "FRAME": "local level: X east, Y north, elevation up, m; north up, pixel is area",
        "ORIGIN": f"origin of the ROVER_NAV frame of {place}: on the ground between the rover's middle wheels",
    }
    if attitude is None:
        about["ATTITUDE"] = "not in the record: the rover was taken as level and facing north"
    elif np.isfinite(attitude.translation).all():
        north, east, down = (float(v) for v in attitude.translation)
        about["SITE_OFFSET_M"] = f"north {north:.4f}, east {east:.4f}, down {down:.4f}"
        about["SITE_OFFSET_IS"] = f"the origin of this map in the SITE({observation.site}) frame"
    about["CREDIT"] = credit_of(observation.mission)
    return about


def write_maps(
    maps: Maps,
    folder: Path,
    about: Mapping[str, str],
    inputs: Mapping[str, Any],
    notes: Sequence[str] = (),
    style: MapStyle = MapStyle(),
) -> dict[str, Any]:
    """Write all of ``PRODUCTS`` into an existing folder; returns what map.json says.

    ``about`` as from :func:`about_map`; ``inputs`` (plain values, added to the report's own) say what the maps were
    made from, and how; ``notes`` are lines for the user.
    The caller makes it all or nothing, see :func:`stereo3d.export.atomic.atomic_folder`.
    """
    grid = maps.grid
    system = local_system(about["PLACE"], style.lonlat_deg)
    interval = style.interval_m or choose_interval(maps.elevation_m)
    smooth = max(style.smooth_m, 2.0 * grid.resolution_m)
    # Where the height itself is not known to a part of the interval, a line would be drawn by chance.
    sure = np.where(maps.sigma_m <= _SURE_SHARE * interval, maps.elevation_m, np.float32(np.nan))
    contours = contour_lines(sure, grid, interval, smooth)
    bands = _bands(maps)
    tags = {**about, "SOFTWARE": f"stereo3d {__version__}"}
    for name, (raster, unit, description) in bands.items():
        write_cog(folder / name, raster, grid, system, description, unit=unit, nodata=math.nan, tags=tags)
    write_cog(
        folder / "orthophoto.tif",
        maps.rgba,
        grid,
        system,
        "colour of the ground seen from straight above; alpha 0 = no ground known",
        tags=tags,
    )
    legend = ", ".join(f"{c.value} {c.name.lower()}" for c in Coverage)
    write_cog(
        folder / "coverage.tif",
        maps.coverage,
        grid,
        system,
        f"what the ground under the pixel is: {legend}",
        nodata=int(Coverage.NONE),
        colours=_COVERAGE_COLOURS,
        tags=tags,
    )
    write_contours(folder / "contours.geojson", contours, interval, system, about)
    azimuth, elevation = style.sun_deg
    write_hillshade(
        folder / "hillshade.png",
        hillshade(maps.elevation_m, grid.resolution_m, azimuth, elevation),
        grid,
        contours,
        f"{about['PLACE']}: shaded relief",
        f"{grid.resolution_m:g} m per pixel; contour lines every {interval:g} m; m from the rover; pale: nothing known",
        style.sun_deg,
        about.get("CREDIT", ""),
    )
    report = {
        "version": __version__,
        "origin": dict(about),
        "lonlat_deg": style.lonlat_deg,
        "coordinate_system": system,
        "grid": {
            "width": grid.width,
            "height": grid.height,
            "resolution_m": grid.resolution_m,
            "west_south_east_north_m": [round(v, 6) for v in grid.bounds],
            "pixel_is": "area",
        },
        "files": {name: _statistics(raster, unit, text) for name, (raster, unit, text) in bands.items()},
        "coverage_share": {c.name.lower(): round(float((maps.coverage == c).mean()), 5) for c in Coverage},
        "contours": {
            "interval_m": interval,
            "lines": len(contours),
            "heights_smoothed_by_m": smooth,
            "largest_sigma_m": _SURE_SHARE * interval,
        },
        "hillshade_sun_deg": {"azimuth": azimuth, "elevation": elevation},
        "notes": [*notes, *_notes(maps)],
        **inputs,
    }
    (folder / REPORT).write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return report


def _bands(maps: Maps) -> dict[str, tuple[NDArray[np.float32], str, str]]:
    """File name to raster, unit and description."""
    return {
        "dem.tif": (maps.elevation_m, "m", "elevation above the origin at the pixel's centre, seen from above, m"),
        "slope.tif": (maps.slope_deg, "degree", "slope over 3 x 3 pixels (Horn 1981), degrees"),
        "roughness.tif": (
            maps.roughness_m,
            "m",
            "RMS deviation of the heights from the plane fitted over the footprint of a wheel, m",
        ),
        "sigma.tif": (maps.sigma_m, "m", "one sigma of the elevation, m"),
    }


def _statistics(raster: NDArray[np.float32], unit: str, text: str) -> dict[str, Any]:
    known = raster[np.isfinite(raster)]
    keys = (0, 5, 50, 95, 100)
    values = [round(float(v), 5) for v in np.percentile(known, keys)] if known.size else [None] * len(keys)
    percentiles = {f"p{k}": v for k, v in zip(keys, values, strict=True)}
    return {"what": text, "unit": unit, "known_share": round(known.size / raster.size, 5), "percentiles": percentiles}


def _notes(maps: Maps) -> list[str]:
    notes = []
    if not np.isfinite(maps.roughness_m).any():
        notes.append("No roughness: the pixels are too large, or the ground too small, for the footprint of a wheel.")
    return notes
