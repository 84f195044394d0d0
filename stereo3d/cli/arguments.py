"""Arguments that several commands take; imports nothing heavy, so that a command that needs none starts at once."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_metadata_argument(parser: argparse.ArgumentParser) -> None:
    """--metadata FILE, the same for every command that reads images."""
    parser.add_argument(
        "--metadata",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="the JSON record of an image that has none of its own name beside it (may be repeated, or hold a list)",
    )


def add_calibration_argument(parser: argparse.ArgumentParser) -> None:
    """--calibration FILE, the same for every command that measures or shows images."""
    parser.add_argument(
        "--calibration",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="divide the images by the flat field of their camera: a file of 'stereo3d calibrate', or a folder of "
        "them (may be repeated)",
    )


def add_folder_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """-o DIR of a command that writes ``what``, all of it or nothing, into a folder."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        required=True,
        help=f"the folder to write; it must be new, empty, or hold an earlier run's {what}, which are replaced",
    )


def add_cache_argument(parser: argparse.ArgumentParser) -> None:
    """--no-cache, the same for every command that measures."""
    parser.add_argument(
        "--no-cache",
        dest="cache",
        action="store_false",
        help="measure anew, and keep nothing for the next run (see 'stereo3d cache')",
    )
