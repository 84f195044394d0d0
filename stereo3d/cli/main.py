"""Entry point: find the command, run it, turn errors into one line and exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Collection
from typing import NoReturn

from stereo3d.cli import interrupt
from stereo3d.cli.help_text import Formatter, Version, epilog
from stereo3d.errors import Stereo3dError

COMMANDS = {
    "view": "look at the ground of a pair, or of all pairs of a stop: window, or --screenshot FILE",
    "reconstruct": "measure a pair, or all pairs of a stop, and write every product into a folder",
    "export": "write the textured ground for Blender, a GIS, a printer, AR: .glb, .blend, .laz, .stl, .usdz, ...",
    "map": "write DEM, orthophoto, slope, roughness, sigma as GeoTIFF, and contour lines, for a GIS",
    "panorama": "make one picture of the frames of a stop: mosaic, photosphere, anaglyph, map",
    "fetch": "get the stereo pairs of a sol, with their records, from the public raw-image feeds",
    "catalog": "index what lies in a folder: sols, sites, drives, frames, pairs, panoramas, what is reconstructed",
    "batch": "measure every pair, or every stop, of many folders: here or on a Dask cluster, resumably",
    "calibrate": "estimate a camera's vignetting and fixed pattern from many of its frames, for --calibration",
    "info": "say what files are: product, sol, camera, model, pointing, partner",
    "evaluate": "score XYZ against truth, or against another XYZ map",
    "cache": "say what earlier runs kept on this machine, so that the next is quick, and clear it",
    "explain": "say why a pixel has a hole, or how sure its XYZ is: what both eyes see, and how well it matches",
    "completion": "print what makes a shell complete commands, options, choices and files",
    "help": "say what a command does, with examples",
}
"""Command name to its line of help.  Each is the module stereo3d.cli.NAME with add_arguments(parser), run(args) and
EXAMPLES, pairs of a command line and what it does, which end the command's help.

Only the module of the command that was asked for is imported, so that --help answers at once.
"""


EXAMPLES = (
    ("stereo3d view", "look at the bundled scene"),
    ("stereo3d help export", "what a command takes, with examples"),
)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'\n")


def build_parser(filled: Collection[str] = ()) -> argparse.ArgumentParser:
    """The parser; arguments are filled in for the commands ``filled`` only."""
    parser = _Parser(
        prog="stereo3d",
        formatter_class=Formatter,
        description="Measured, textured 3-D ground from Mars rover Navcam pairs.",
        epilog=epilog(EXAMPLES),
    )
    parser.add_argument("--version", action=Version)
    sub = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, text in COMMANDS.items():
        one = sub.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", formatter_class=Formatter)
        if name in filled:
            module = importlib.import_module(f"stereo3d.cli.{name}")
            module.add_arguments(one)
            one.epilog = epilog(getattr(module, "EXAMPLES", ()), one.epilog)
            one.set_defaults(run=module.run)
    return parser


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands of ``parser``, by name."""
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(commands.choices)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 2 bad input, 128 + signal number when interrupted)."""
    arguments = sys.argv[1:] if argv is None else argv
    command = next((a for a in arguments if not a.startswith("-")), None)
    try:
        # The parser imports the command's module, and a library may be missing there already.
        args = build_parser(() if command is None else (command,)).parse_args(arguments)
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
