"""stereo3d export: the textured ground as a mesh file."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from stereo3d.cli.common import add_input_arguments, measure, say_written
from stereo3d.export.terrain import WRITERS, about_pair, check_target, write_terrain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... -o FILE."""
    add_input_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help=f"the file to write; its suffix chooses the format: {', '.join(WRITERS)} "
        "(.glb is for Blender and the web, with the texture inside)",
    )


def run(args: argparse.Namespace) -> int:
    """Measure the pair and write its mesh; the target is checked before the work starts."""
    started = time.perf_counter()
    check_target(args.output)
    result = measure(args)
    say_written(write_terrain(result.terrain, args.output, about_pair(result.pair)), started)
    return 0
