"""``stereo3d map``: height, colours, slope, roughness, sigma and coverage of the ground for a GIS."""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import asdict

from stereo3d.cli.arguments import add_folder_argument
from stereo3d.cli.common import add_input_arguments, measure, run_interruptible, say_written
from stereo3d.export.atomic import atomic_folder
from stereo3d.export.maps import PRODUCTS, MapStyle, about_map, write_maps
from stereo3d.pipeline import DrivesReconstruction
from stereo3d.terrain.maps import MapSettings, make_maps

EXAMPLES = (
    ("stereo3d map -o maps", "of the bundled scene's first pair"),
    ("stereo3d map FOLDER -o maps --lonlat 77.45,18.44 --interval 0.25", "placed on Mars, a contour line each 25 cm"),
)


def metres_argument(text: str) -> float:
    """A positive number of metres, at most 10 km.  Raises argparse.ArgumentTypeError otherwise."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 1e-3 <= value <= 1e4:
        raise argparse.ArgumentTypeError(f"'{text}' is no length; expected metres from 0.001 to 10000")
    return value


def _two(text: str, what: str, low: tuple[float, float], high: tuple[float, float]) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        first = second = math.nan
    if not (low[0] <= first <= high[0] and low[1] <= second <= high[1]):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no {what}; expected two numbers of degrees, "
            f"{low[0]:g} to {high[0]:g} and {low[1]:g} to {high[1]:g}, such as 77.45,18.44"
        )
    return first, second


def lonlat_argument(text: str) -> tuple[float, float]:
    """Longitude and latitude of '77.45,18.44'.  Raises argparse.ArgumentTypeError for another form."""
    return _two(text, "LON,LAT", (-180.0, -90.0), (360.0, 90.0))


def sun_argument(text: str) -> tuple[float, float]:
    """Azimuth and elevation of '315,45'.  Raises argparse.ArgumentTypeError for another form."""
    return _two(text, "AZIMUTH,ELEVATION", (0.0, 1.0), (360.0, 90.0))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... -o DIR, and what the maps are like."""
    add_input_arguments(parser, whole=True, drives=True)
    add_folder_argument(parser, "maps")
    parser.add_argument(
        "--resolution",
        metavar="M",
        type=metres_argument,
        help="side of a pixel, m; by default what the images are worth",
    )
    parser.add_argument(
        "--extent", metavar="M", type=metres_argument, default=15.0, help="metres each way from the rover (15)"
    )
    parser.add_argument(
        "--interval",
        metavar="M",
        type=metres_argument,
        help="metres of height between contour lines; by default chosen",
    )
    parser.add_argument(
        "--sun",
        metavar="AZ,EL",
        type=sun_argument,
        default=(315.0, 45.0),
        help="azimuth and elevation of the light of the shaded relief, degrees (315,45)",
    )
    parser.add_argument(
        "--lonlat",
        metavar="LON,LAT",
        type=lonlat_argument,
        help="east longitude and planetocentric latitude of the rover, degrees: the maps then lie on Mars",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, write all maps or none, and say what was found; the folder is checked before the work starts."""
    started = time.perf_counter()
    settings = MapSettings(resolution_m=args.resolution, extent_m=args.extent)
    style = MapStyle(interval_m=args.interval, sun_deg=args.sun, lonlat_deg=args.lonlat)
    with atomic_folder(args.output, PRODUCTS) as folder:
        result = measure(args)
        eye = result.vertex_eyes if isinstance(result, DrivesReconstruction) else result.eye_enu
        maps = run_interruptible(lambda progress: make_maps(result.terrain, eye, settings), "mapping")
        told = result.report_values
        inputs = {"inputs": told["inputs"], "simulated": told["simulated"], "settings": asdict(settings)}
        report = write_maps(maps, folder, about_map(result.observations[0]), inputs, told["notes"], style)
    grid, share = maps.grid, 1.0 - report["coverage_share"]["none"]
    print(f"{result.name}: {grid.width} x {grid.height} pixels of {grid.resolution_m:g} m, {share:.1%} with ground")
    for name, file in report["files"].items():
        middle = file["percentiles"]["p50"]
        text = "unknown" if middle is None else f"{middle:.3g} {file['unit']}"
        print(f"  {name.removesuffix('.tif'):10} median {text}")
    say_written([args.output / name for name in PRODUCTS], started)
    return 0
