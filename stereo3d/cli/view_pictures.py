"""What ``stereo3d view`` writes in the place of a window: pictures, a frame beside the ground, a flight."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from pathlib import Path

from stereo3d.cli.common import run_interruptible, say_written
from stereo3d.errors import MissingFileError, OutputError, Stereo3dError
from stereo3d.pipeline import Result
from stereo3d.pipeline.places import SceneStop
from stereo3d.read.annotations import read_annotations
from stereo3d.scene import Scene
from stereo3d.view.bookmarks import Bookmark, load_bookmarks
from stereo3d.view.flythrough import FPS, SIZE, check_stops, check_video_path, write_flythrough
from stereo3d.view.frame_picture import check_frame_picture, write_frame_picture
from stereo3d.view.frame_view import COMPARISONS, frame_number
from stereo3d.view.screenshot import DEFAULT_SIZE, check_picture_path, render_picture
from stereo3d.view.sunlight import Sun

_NUMBER = r"([+-]?\d{1,4}(?:\.\d{1,6})?)"
_MOST_SECONDS = 600.0


def sun_argument(text: str) -> Sun:
    """The sun of '315,40': azimuth and elevation, degrees.  Raises argparse.ArgumentTypeError for anything else."""
    match = re.fullmatch(f"{_NUMBER},{_NUMBER}", text, re.ASCII)
    if not match or not 0.0 < float(match[2]) <= 90.0:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no sun; expected AZIMUTH,ELEVATION in degrees such as 315,40, above the horizon"
        )
    return Sun(float(match[1]) % 360.0, float(match[2]))


def interval_argument(text: str) -> float:
    """An interval in metres.  Raises argparse.ArgumentTypeError for what is none."""
    return _positive(text, "interval", 1e-3, 1000.0)


def seconds_argument(text: str) -> float:
    """A length of time.  Raises argparse.ArgumentTypeError for what is none."""
    return _positive(text, "length of time", 0.1, _MOST_SECONDS)


def _positive(text: str, what: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"'{text}' is no {what}; expected a number from {low:g} to {high:g}")
    return value


def add_picture_arguments(parser: argparse.ArgumentParser, instead: argparse._MutuallyExclusiveGroup) -> None:
    """The arguments of pictures; ``instead``: the group of what comes in the place of the window."""
    instead.add_argument(
        "--flythrough", metavar="FILE", type=Path, help="write a flight (.mp4) along --bookmarks, or a short one around"
    )
    group = parser.add_argument_group("in pictures")
    group.add_argument("--sun", metavar="AZ,EL", type=sun_argument, help="where the layer hillshade has its light, deg")
    group.add_argument(
        "--contours", metavar="M", type=interval_argument, nargs="?", const=0.0,
        help="lines of one height, M metres apart (without M: as suits the ground)",
    )  # fmt: skip
    group.add_argument(
        "--frame", metavar="N|PRODUCT", help="stand where a frame's camera stood: its number from 1, or its product id"
    )
    group.add_argument(
        "--compare", choices=COMPARISONS, help="of the frame: itself, the ground through its camera model, both (wipe: "
        "the default; blink: an animated PNG), what differs, or why there are holes",
    )  # fmt: skip
    group.add_argument("--seconds", metavar="S", type=seconds_argument, help="length of the flight")
    parser.add_argument(
        "--bookmarks", metavar="FILE", type=Path, help="views kept as JSON, by the window or the web page"
    )
    parser.add_argument(
        "--annotations", metavar="FILE", type=Path, help="points, lines, areas and texts to show, as GeoJSON"
    )


def check_picture_arguments(args: argparse.Namespace) -> None:
    """Raise a Stereo3dError in one line for what does not go together, or could not be written, before any work."""
    if args.web:
        file: Path | None = args.screenshot or args.flythrough
        if file is not None:
            raise OutputError(
                "a picture in a file needs no server",
                file=file,
                todo="leave out --screenshot and --flythrough, or what --web takes",
            )
        given = [name for name in ("annotations", "bookmarks", "sun", "contours") if getattr(args, name) is not None]
        if given:
            raise Stereo3dError(f"--{given[0]} is not for --web", todo="set it, or load the file, in the page")
    if args.frame is not None:
        if args.screenshot is None:
            raise Stereo3dError("--frame makes a picture", expected="--screenshot FILE with it")
        check_frame_picture(args.screenshot, args.compare or "wipe")
    elif args.compare is not None:
        raise Stereo3dError("--compare is about a frame", expected="--frame N or --frame PRODUCT with it")
    if args.seconds is not None and args.flythrough is None:
        raise Stereo3dError("--seconds is about a flight", expected="--flythrough FILE with it")
    if args.flythrough is not None:
        check_video_path(args.flythrough)
    if args.screenshot is not None:
        check_picture_path(args.screenshot)
    if args.flythrough is not None:
        flown(args)
    elif args.bookmarks is not None and args.bookmarks.exists():  # a window makes a file that is not there yet
        load_bookmarks(args.bookmarks)
    if args.annotations is not None and (args.screenshot or args.flythrough) and not args.annotations.is_file():
        raise MissingFileError("no such file", file=args.annotations, expected="annotations as GeoJSON")


def check_against_scenes(args: argparse.Namespace, scenes: Sequence[Scene], window: bool) -> None:
    """Raise, before the work, what it would end with: no such frame, annotations that are none or of another place.

    ``scenes``: of each stop, the one that the others are placed about first.  A ``window`` makes a file of annotations
    that is not there yet.
    """
    if args.frame is not None:
        frame_number([o for scene in scenes for o in scene.observations], args.frame)
    if args.annotations is not None and (args.annotations.exists() or not window):
        read_annotations(args.annotations, SceneStop(scenes[0].observations))


def flown(args: argparse.Namespace) -> tuple[Bookmark, ...] | None:
    """The bookmarks to fly along; None for the usual flight.  Raises as :func:`load_bookmarks`, and for too few."""
    if args.bookmarks is None:
        return None
    stops = load_bookmarks(args.bookmarks)
    check_stops(stops, args.bookmarks)
    return stops


def write_pictures(args: argparse.Namespace, made: Result, path: Path, started: float) -> None:
    """Write what was asked for, to ``path`` unless it is a flight, and say so."""
    if args.flythrough is not None:
        stops, size = flown(args), args.size or SIZE
        run_interruptible(
            lambda progress: write_flythrough(
                made, args.flythrough, stops, size, args.seconds, FPS, lambda share: progress("flying", share)
            ),
            "flying",
        )
        say_written([args.flythrough], started)
        return
    if args.frame is not None:
        _, found = write_frame_picture(
            made, frame_number(made.observations, args.frame), path, args.compare or "wipe", args.size
        )
        for line in found.lines():
            print(line)
    else:
        notes = read_annotations(args.annotations, made) if args.annotations is not None else ()
        size = args.size or DEFAULT_SIZE
        render_picture(made, path, size, args.viewpoint, args.layer, args.sun, args.contours, notes)
    say_written([path], started)
