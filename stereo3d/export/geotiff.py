"""Cloud-Optimised GeoTIFF through rasterio (GDAL), and the coordinate systems that maps are written in.

A map lies in the local level frame of a stop.  Where nobody told longitude and latitude of the stop, its system is an
engineering one (ENGCRS): metres east and north of the origin on Mars, and no claim about where on Mars that is.  Told,
it is the orthographic projection of the Mars sphere (IAU 2015, planetocentric) about that point, which over a map of
tens of metres is the local level plane, and which a GIS brings together with other maps of Mars.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.terrain.maps import Grid

MARS_RADIUS_M = 3_396_190.0
"""IAU 2015: the sphere that planetocentric maps of Mars are drawn on, m."""

_AXES = 'CS[Cartesian,2],AXIS["easting (E)",east,ORDER[1]],AXIS["northing (N)",north,ORDER[2]],LENGTHUNIT["metre",1]'
_DEGREE = 'ANGLEUNIT["degree",0.0174532925199433]'


def local_system(place: str, lonlat_deg: tuple[float, float] | None = None) -> str:
    """WKT2 of the system that a map of ``place`` ("Mars 2020 site 3 drive 110") lies in.

    ``lonlat_deg``: east longitude and planetocentric latitude of the origin, degrees, when known.
    """
    name = f"Mars local level east-north, {_plain(place)}"
    if lonlat_deg is None:
        return f'ENGCRS["{name}",EDATUM["ROVER_NAV origin, {_plain(place)}"],{_AXES}]'
    longitude, latitude = lonlat_deg
    sphere = f'ELLIPSOID["Mars (2015) - Sphere",{MARS_RADIUS_M:.0f},0,LENGTHUNIT["metre",1]]'
    base = (
        f'BASEGEOGCRS["Mars (2015) - Sphere / Ocentric",DATUM["Mars (2015) - Sphere",{sphere}],'
        f'PRIMEM["Reference Meridian",0,{_DEGREE}]]'
    )
    conversion = (
        'CONVERSION["Local level",METHOD["Orthographic",ID["EPSG",9840]],'
        f'PARAMETER["Latitude of natural origin",{latitude!r},{_DEGREE}],'
        f'PARAMETER["Longitude of natural origin",{longitude!r},{_DEGREE}],'
        'PARAMETER["False easting",0,LENGTHUNIT["metre",1]],PARAMETER["False northing",0,LENGTHUNIT["metre",1]]]'
    )
    return f'PROJCRS["{name}",{base},{conversion},{_AXES}]'


def _plain(text: str) -> str:
    """What may stand between the quotes of WKT, and in the ASCII of a GeoTIFF's key."""
    return "".join(c if c.isascii() and c.isprintable() and c not in '"|' else "_" for c in text)[:200]


def write_cog(
    path: Path,
    raster: NDArray[np.generic],
    grid: Grid,
    system_wkt: str,
    description: str,
    *,
    unit: str = "",
    nodata: float | None = None,
    colours: Mapping[int, tuple[int, int, int, int]] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write (rows, columns) of one band, or (rows, columns, 4) of RGB and alpha, as a Cloud-Optimised GeoTIFF.

    ``description`` and ``unit`` are the band's; ``colours`` is the palette of a band of classes, whose overviews
    keep to the classes.  Pixel-is-area; deflate without loss.
    """
    import rasterio
    from rasterio.enums import ColorInterp
    from rasterio.transform import Affine

    bands = raster[None] if raster.ndim == 2 else np.moveaxis(raster, -1, 0)
    profile: dict[str, Any] = {
        "driver": "COG",
        "width": grid.width,
        "height": grid.height,
        "count": len(bands),
        "dtype": raster.dtype.name,
        "crs": rasterio.crs.CRS.from_wkt(system_wkt),
        "transform": Affine(grid.resolution_m, 0.0, grid.west_m, 0.0, -grid.resolution_m, grid.north_m),
        "nodata": nodata,
        "compress": "DEFLATE",
        "predictor": "YES",
        "num_threads": "ALL_CPUS",
        "overview_resampling": "NEAREST" if colours else "AVERAGE",
    }
    with rasterio.open(path, "w", **profile) as file:
        file.write(bands)
        file.update_tags(**{"TIFFTAG_IMAGEDESCRIPTION": description, **(tags or {})})
        if len(bands) == 4:
            file.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
        else:
            file.set_band_description(1, description)
            file.units = (unit,)
        if colours:
            file.write_colormap(1, dict(colours))
