"""stereo3d export: the textured ground as a file for another program."""

from __future__ import annotations

import argparse
import shlex
import time
from dataclasses import replace
from pathlib import Path

from stereo3d.cli.common import add_input_arguments, measure, say_written
from stereo3d.cli.page import packed
from stereo3d.export.blend import SCRIPT
from stereo3d.export.ground import write_ground
from stereo3d.export.products import about_result
from stereo3d.export.solid import PrintSettings
from stereo3d.export.terrain import FORMATS, check_target, write_printable

EXAMPLES = (
    ("stereo3d export FOLDER -o crater.glb", "the textured ground, for Blender and game engines"),
    ("stereo3d export --all -o crater.html", "the viewer with the bundled scene in one file, to mail or to serve"),
    ("stereo3d export LEFT.png RIGHT.png -o floor.stl --printable --scale 1:100", "a closed solid in mm, to print"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... -o FILE, and what a print or Blender wants."""
    add_input_arguments(parser, whole=True, drives=True)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help=f"the file to write; its suffix chooses the format: {', '.join(FORMATS)} "
        "(.glb is for Blender and the web, with the texture inside; .html is the viewer with all in one file)",
    )
    parser.add_argument(
        "--cameras",
        action="store_true",
        help="beside a .glb: NAME_cameras.json and the undistorted frames, from which the script blender_scene.py "
        "makes the same as a .blend",
    )
    solid = parser.add_argument_group("for a 3-D printer, with FILE.stl")
    solid.add_argument(
        "--printable", action="store_true", help="a closed solid in mm, with walls and a base, its holes filled"
    )
    size = solid.add_mutually_exclusive_group()
    size.add_argument("--scale", metavar="1:N", type=_scale, help="the scale of the print, for example 1:50")
    size.add_argument("--size-mm", metavar="MM", type=_positive, help="its longest side instead (default 150)")
    solid.add_argument(
        "--within", metavar="M", type=_positive, help="take the ground within M metres of the rover (default 15)"
    )


def run(args: argparse.Namespace) -> int:
    """Measure the ground and write it; the target is checked before the work starts."""
    started = time.perf_counter()
    settings = _print_settings(args)
    check_target(args.output, solid=settings is not None, cameras=args.cameras)
    result = measure(args)
    if settings is not None:
        written, solid = write_printable(result.terrain, args.output, settings, about_result(result))
        east, north, up = solid.size_mm
        print(
            f"a solid at 1:{solid.scale:.4g}, {east:.0f} x {north:.0f} x {up:.0f} mm; "
            f"{100 * solid.filled:.0f} % of its ground was not measured but filled"
        )
    else:
        page = packed(result) if args.output.suffix.lower() == ".html" else None
        written = write_ground(result, args.output, cameras=args.cameras, page=page)
        if args.cameras:
            names = [args.output.name, written[1].name, f"{args.output.stem}.blend"]
            print(f"in Blender: blender --background --python {SCRIPT} -- {shlex.join(names)}")
    say_written(written, started)
    return 0


def _print_settings(args: argparse.Namespace) -> PrintSettings | None:
    """What the arguments ask for; None when no print is asked for.  A size without --printable means one too."""
    given = {"scale": args.scale, "size_mm": args.size_mm, "within_m": args.within}
    given = {name: value for name, value in given.items() if value is not None}
    return replace(PrintSettings(), **given) if args.printable or given else None


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number")
    return value


def _scale(text: str) -> float:
    one, colon, many = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"'{text}' is not a scale such as 1:50")
    return _positive(many) / _positive(one)
