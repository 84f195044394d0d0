"""stereo3d view: look at the ground of a pair, in a window or as a picture in a file."""

from __future__ import annotations

import argparse
import re
import sys
import time
import webbrowser
from pathlib import Path

from stereo3d.cli.common import add_input_arguments, measure
from stereo3d.cli.interrupt import raise_if_asked
from stereo3d.cli.page import measured_page
from stereo3d.cli.view_pictures import (
    add_picture_arguments,
    check_against_scenes,
    check_picture_arguments,
    write_pictures,
)
from stereo3d.errors import MissingLibraryError, Stereo3dError
from stereo3d.view.gl import WindowTrial, has_display
from stereo3d.view.layers import LAYERS
from stereo3d.view.screenshot import DEFAULT_SIZE, check_picture_path
from stereo3d.view.serve import LOOPBACK, PageServer
from stereo3d.view.viewpoint import VIEWPOINTS

FALLBACK_FILE = Path("stereo3d-view.png")
"""Where the picture goes when no window can be opened and no file was named: in the current folder."""

_SIDE_PX = (64, 8192)


EXAMPLES = (
    ("stereo3d view", "the bundled scene in a window, or as a picture where there is no display"),
    ("stereo3d view LEFT.png RIGHT.png --web", "your pair in the browser, served to this machine alone"),
    ("stereo3d view FOLDER --screenshot shadows.png --layer hillshade --sun 315,20", "a picture; needs no display"),
)


def size_argument(text: str) -> tuple[int, int]:
    """(width, height) of '1600x1000'.  Raises argparse.ArgumentTypeError for another form, or beyond 64 to 8192 px."""
    match = re.fullmatch(r"(\d{1,6})[xX](\d{1,6})", text, re.ASCII)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is no size; expected WIDTHxHEIGHT such as 1600x1000")
    size = int(match[1]), int(match[2])
    if not all(_SIDE_PX[0] <= side <= _SIDE_PX[1] for side in size):
        raise argparse.ArgumentTypeError(f"'{text}': each side must have {_SIDE_PX[0]} to {_SIDE_PX[1]} pixels")
    return size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``stereo3d view``."""
    add_input_arguments(parser, whole=True, drives=True)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--screenshot", metavar="FILE", type=Path, help="write a picture (.png or .jpg) instead; needs no display"
    )
    instead.add_argument(
        "--web", action="store_true", help="in the browser instead, from a server that only this machine reaches"
    )
    parser.add_argument(
        "--size", metavar="WxH", type=size_argument, default=None, help="of the picture or window, px (1600x1000)"
    )
    parser.add_argument(
        "--viewpoint",
        choices=VIEWPOINTS,
        default="camera",
        help="camera: where the rover's camera stood (default); oblique: from above and behind it; top: map, north up",
    )
    parser.add_argument("--layer", choices=LAYERS, default="image", help="what colours the ground (default: image)")
    add_picture_arguments(parser, instead)
    web = parser.add_argument_group("in the browser, with --web")
    web.add_argument("--port", metavar="N", type=_port, help="where the page is served; a free one by itself")
    web.add_argument("--host", metavar="H", help=f"the address to serve at ({LOOPBACK}: this machine alone)")
    web.add_argument("--no-browser", action="store_true", help="only tell where the page is")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"'{text}' is no port; expected a number from 1 to 65535, or 0 for a free one")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Measure, then show.  Without a display, or where no window can be opened, a picture is written instead."""
    args.web = args.web or args.port is not None or args.host is not None or args.no_browser
    check_picture_arguments(args)
    if args.web:
        return _serve(args)
    started = time.perf_counter()
    path: Path | None = args.screenshot or args.flythrough
    trial = None
    if path is None and has_display():
        try:
            trial = WindowTrial()
        except MissingLibraryError as error:
            _say_no_window(error)
    elif path is None:
        print("stereo3d: there is no display, so a picture is written instead of a window", file=sys.stderr)
    if trial is None and path is None:
        path = FALLBACK_FILE
        check_picture_path(path)
    try:
        made = measure(args, lambda scenes: check_against_scenes(args, scenes, trial is not None))
        if trial is not None:
            try:
                trial.finish()
            except Stereo3dError as error:
                _say_no_window(error)
                path = FALLBACK_FILE
    finally:
        if trial is not None:
            trial.stop()
    if path is None:
        from stereo3d.view.window import Window

        size = args.size or DEFAULT_SIZE
        Window(
            made, size, args.viewpoint, args.layer, annotations=args.annotations, bookmarks=args.bookmarks
        ).run()  # fmt: skip
        return 0
    write_pictures(args, made, path, started)
    return 0


def _serve(args: argparse.Namespace) -> int:
    """Measure, then serve the page until Ctrl-C; the port is taken before the work starts."""
    with PageServer(LOOPBACK if args.host is None else args.host, args.port or 0) as server:
        if not server.is_private:
            print(
                "stereo3d: warning: whoever reaches this machine over the network can see this scene", file=sys.stderr
            )
        server.serve(measured_page(args))
        print(f"the page is at {server.url} until Ctrl-C", flush=True)
        if not args.no_browser and has_display():
            webbrowser.open(server.url)
        while True:
            raise_if_asked()
            time.sleep(0.2)


def _say_no_window(error: Stereo3dError) -> None:
    print(f"stereo3d: {error}; a picture is written instead of a window", file=sys.stderr)
