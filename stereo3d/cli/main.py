"""Entry point: find the command, run it, turn errors into one line and exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
from typing import NoReturn

from stereo3d import __version__
from stereo3d.cli import interrupt
from stereo3d.errors import Stereo3dError

COMMANDS = {
    "view": "look at the ground of a pair, or of all pairs of a stop: window, or --screenshot FILE",
    "reconstruct": "measure a pair, or all pairs of a stop, and write every product into a folder",
    "export": "write the textured ground for Blender, a GIS, a printer, AR: .glb, .blend, .laz, .stl, .usdz, ...",
    "map": "write DEM, orthophoto, slope, roughness, sigma as GeoTIFF, and contour lines, for a GIS",
    "panorama": "make one picture of the frames of a stop: mosaic, photosphere, anaglyph, map",
    "fetch": "get the stereo pairs of a sol, with their records, from the public raw-image feeds",
    "calibrate": "estimate a camera's vignetting and fixed pattern from many of its frames, for --calibration",
    "info": "say what files are: product, sol, camera, model, pointing, partner",
    "evaluate": "score XYZ against truth, or against another XYZ map",
    "cache": "say what earlier runs kept on this machine, so that the next is quick, and clear it",
    "explain": "say why a pixel has a hole, or how sure its XYZ is: what both eyes see, and how well it matches",
}
"""Command name to its line of help.  Each is the module stereo3d.cli.NAME with add_arguments(parser) and run(args).

Only the module of the command that was asked for is imported, so that --help answers at once.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'\n")


def build_parser(command: str | None) -> argparse.ArgumentParser:
    """The parser; arguments are filled in for ``command`` only."""
    parser = _Parser(prog="stereo3d", description="Measured, textured 3-D ground from Mars rover Navcam pairs.")
    parser.add_argument("--version", action="version", version=f"stereo3d {__version__}")
    sub = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, text in COMMANDS.items():
        one = sub.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == command:
            module = importlib.import_module(f"stereo3d.cli.{name}")
            module.add_arguments(one)
            one.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 2 bad input, 128 + signal number when interrupted)."""
    arguments = sys.argv[1:] if argv is None else argv
    command = next((a for a in arguments if not a.startswith("-")), None)
    try:
        # The parser imports the command's module, and a library may be missing there already.
        args = build_parser(command).parse_args(arguments)
        interrupt.work_begins()
        return int(args.run(args) or 0)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if interrupt.asked_to_stop():  # a library turned the interruption into an error of its own
            return _interrupted()
        if not isinstance(error, Stereo3dError):
            raise
        print(f"stereo3d: {error}", file=sys.stderr)
        return 2


def console() -> NoReturn:
    """The installed program: main() with stop signals cleaned up after."""
    interrupt.catch_signals()
    code = main()
    if interrupt.asked_to_stop():
        interrupt.leave(code)
    sys.exit(code)


def _interrupted() -> int:
    with contextlib.suppress(OSError):  # the terminal may be what went away
        print(interrupt.message(), file=sys.stderr)
    return 128 + (interrupt.asked_to_stop() or signal.SIGINT)
