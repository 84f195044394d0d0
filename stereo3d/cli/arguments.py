"""Arguments that several commands take; imports nothing heavy, so that a command that needs none starts at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from stereo3d.fetch.feed import MAX_SOL


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


def add_place_arguments(parser: argparse._ActionsContainer) -> None:
    """--mission, --sol, --site, --drive, --camera: what to take of a catalogue."""
    parser.add_argument("--site", metavar="S", type=number_argument, help="what was taken at this site")
    parser.add_argument("--drive", metavar="D", type=number_argument, help="what was taken at this drive")
    parser.add_argument(
        "--sol", metavar="N[-M]", type=sols_argument, help="what was taken on this sol, or from the first to the last"
    )
    parser.add_argument("--mission", metavar="NAME", help="m20, msl, mer-a, mer-b, insight, or as the records say")
    parser.add_argument("--camera", metavar="NAME", help="navcam, front-hazcam, rear-hazcam, or how its name begins")


def add_stop_arguments(parser: argparse.ArgumentParser) -> None:
    """--site, --drive, ... --catalog, the same for every command that takes a scene: it is found in a catalogue."""
    group = parser.add_argument_group("in place of INPUT, a scene of what 'stereo3d catalog DIR' has indexed")
    add_place_arguments(group)
    group.add_argument(
        "--catalog",
        metavar="DIR",
        type=Path,
        help="the catalogued folder (STEREO3D_CATALOG; that of the current folder; all, the latest first)",
    )


def sols_argument(text: str) -> tuple[int, int]:
    """The first and the last sol of "755" or "755-760".  Raises argparse.ArgumentTypeError for anything else."""
    first, dash, last = text.partition("-")
    sols = number_argument(first), number_argument(last if dash else first)
    if not sols[0] <= sols[1] <= MAX_SOL:
        raise argparse.ArgumentTypeError(f"'{text}' is no range of sols up to {MAX_SOL}, the first one first")
    return sols


def number_argument(text: str) -> int:
    """A number from 0 on.  Raises argparse.ArgumentTypeError for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 0 on; for several sols write 755-760")
    return int(text)
