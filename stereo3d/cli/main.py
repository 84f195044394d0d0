"""Entry point: find the command, run it, turn errors into one line and exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
from types import FrameType

from stereo3d import __version__
from stereo3d.errors import Stereo3dError

COMMANDS = {
    "view": "look at the ground of a pair: window, or --screenshot FILE",
    "reconstruct": "measure a pair and write every product into a folder",
    "export": "write the textured ground as .glb, .obj, .ply or .stl",
    "info": "say what files are: product, sol, camera, model, pointing, partner",
    "evaluate": "score XYZ against truth, or against another XYZ map",
    "explain": "say why a pixel has a hole, or how sure its XYZ is: what both eyes see, and how well it matches",
}
"""Command name to its line of help.  Each is the module stereo3d.cli.NAME with add_arguments(parser) and run(args).

Only the module of the command that was asked for is imported, so that --help answers at once.
"""

STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks the program to stop: Ctrl-C, kill, a closed terminal (not every system has them all)."""


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
        # The parser imports the command's module: a library may be missing, and Ctrl-C may come, there already.
        args = build_parser(command).parse_args(arguments)
        return int(args.run(args) or 0)
    except Stereo3dError as error:
        print(f"stereo3d: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        with contextlib.suppress(OSError):  # the terminal may be what went away
            print("stereo3d: interrupted; nothing was written", file=sys.stderr)
        return 128 + (error.signum if isinstance(error, Interrupted) else signal.SIGINT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to stop."""

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.signum = signum


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Raise Interrupted in the main thread, once: a second signal must not cut the clean-up of the first short."""
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(signum)


def console() -> None:
    """The installed program: main() with SIGTERM and SIGHUP cleaned up after like Ctrl-C."""
    for each in STOP_SIGNALS:
        if signal.getsignal(each) != signal.SIG_IGN:  # as under nohup
            signal.signal(each, _interrupt)
    code = main()
    if code > 128:
        # A worker thread may still be inside native code, which crashes or blocks an interpreter that shuts down.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
