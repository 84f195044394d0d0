"""``stereo3d help``: the help of a command, as its --help prints it."""

from __future__ import annotations

import argparse

EXAMPLES = (
    ("stereo3d help", "all commands"),
    ("stereo3d help panorama", "one of them: the same as stereo3d panorama --help"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[NAME]."""
    from stereo3d.cli.main import COMMANDS  # not above: it is what imports this module

    parser.add_argument("name", metavar="NAME", nargs="?", choices=tuple(COMMANDS), help="a command; all without one")


def run(args: argparse.Namespace) -> int:
    """Print the help."""
    from stereo3d.cli.main import build_parser, commands_of

    parser = build_parser() if args.name is None else commands_of(build_parser((args.name,)))[args.name]
    parser.print_help()
    return 0
