"""``stereo3d calibrate``: the flat field of a camera from many of its frames."""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stereo3d.cli.arguments import add_metadata_argument
from stereo3d.cli.common import run_interruptible, say_written
from stereo3d.errors import CalibrationError, MissingFileError, Stereo3dError
from stereo3d.export.calibration import write_flat_field
from stereo3d.pipeline import Progress
from stereo3d.radiometry.cells import cells_of
from stereo3d.radiometry.estimate import LEAST_FOR_PATTERN, LEAST_SHOTS, estimate_flat_field
from stereo3d.radiometry.flat_field import FlatField
from stereo3d.read import Header, reader_for
from stereo3d.read.scene_folder import image_files

EXAMPLES = (
    ("stereo3d calibrate mars --eye left -o left.json", "the left camera's flat field, from all frames in a folder"),
    (
        "stereo3d calibrate frames/NLF_*.png -o left.json",
        "of these frames; then, for example: stereo3d panorama mars -o pano.png --calibration left.json",
    ),
)

MAX_FRAMES = 5000
"""They are read one after the other; what is kept of each is 50 kB."""


@dataclass(frozen=True)
class Made:
    """The flat field, and the files that were passed over."""

    field: FlatField
    notes: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... -o FILE, --eye, --metadata."""
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        type=Path,
        help="frames of one camera, of many places and directions, and folders that hold such frames; at least "
        f"{LEAST_SHOTS} pointings, {LEAST_FOR_PATTERN} for a fixed pattern",
    )
    add_metadata_argument(parser)
    parser.add_argument("--eye", choices=("left", "right"), help="where the inputs are of both eyes: which one")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help="the calibration file to write (.json); other commands take it with --calibration FILE",
    )


def run(args: argparse.Namespace) -> int:
    """Estimate, write the file, and say how sure it is; CalibrationError says what is missing."""
    started = time.perf_counter()
    if args.output.suffix.lower() != ".json":
        raise CalibrationError(f"cannot write '{args.output.suffix}'", file=args.output, expected="a .json file")
    made = run_interruptible(lambda progress: _estimated(args.inputs, args.metadata, args.eye, progress), "reading")
    write_flat_field(made.field, args.output)
    for line in _summary(made):
        print(line)
    say_written([args.output], started)
    return 0


def _estimated(inputs: Sequence[Path], metadata: Sequence[Path], eye: str | None, progress: Progress) -> Made:
    headers, notes = _headers(inputs, metadata, eye)
    cameras = Counter((h.mission, h.instrument) for h in headers)
    if len(cameras) > 1:
        listed = ", ".join(f"{count} of {name} ({mission})" for (mission, name), count in cameras.most_common(4))
        raise CalibrationError(
            f"the frames are of {len(cameras)} cameras: {listed}",
            expected="frames of one camera",
            todo="choose an eye with --eye, or give the frames of one camera",
        )
    sensor = _sensor(headers)
    frames = []
    for number, header in enumerate(headers):
        progress(f"frame {number + 1} of {len(headers)}", 0.9 * number / len(headers))
        assert header.path is not None
        try:
            frames.append(cells_of(reader_for(header.path).read(header.path, metadata), sensor))
        except Stereo3dError as error:
            if header.path in inputs:  # what was named must be usable, what lies in a folder need not
                raise
            notes.append(f"left out: {error}")
    progress("fitting", 0.9)
    return Made(estimate_flat_field(frames, headers[0].mission, headers[0].instrument, sensor), tuple(notes))


def _headers(inputs: Sequence[Path], metadata: Sequence[Path], eye: str | None) -> tuple[list[Header], list[str]]:
    """Each product once, in order of time, and notes on files of folders that are no frames."""
    found: dict[str, Header] = {}
    notes = []
    for path in inputs:
        if not os.path.lexists(path):
            raise MissingFileError("no such file or folder", file=path, todo="check the path")
        folder = os.path.isdir(path)
        for file in image_files(path) if folder else [path]:
            try:
                header = reader_for(file).header(file, metadata)
            except Stereo3dError as error:
                if not folder:
                    raise
                notes.append(f"left out: {error}")
                continue
            if header.path is not None and eye in (None, header.eye.value):
                found.setdefault(header.product_id, header)
            if len(found) > MAX_FRAMES:
                raise CalibrationError(f"more than {MAX_FRAMES} frames were given", expected="fewer frames")
    if not found:
        of = f" of the {eye} eye" if eye is not None else ""
        raise CalibrationError(f"the inputs hold no frame{of}", file=inputs[0], expected="images with their records")
    return sorted(found.values(), key=lambda h: (h.sclk_s, h.product_id)), notes


def _sensor(headers: Sequence[Header]) -> tuple[int, int]:
    """(columns, rows) of the smallest sensor that all subframes fit on, px."""
    ends = []
    for h in headers:
        column, row = (1, 1) if h.subframe is None else h.subframe[:2]
        ends.append((column - 1 + h.camera.width * h.scale_factor, row - 1 + h.camera.height * h.scale_factor))
    return max(e[0] for e in ends), max(e[1] for e in ends)


def _summary(made: Made) -> list[str]:
    field, about = made.field, made.field.provenance
    corner = float(field.at(np.array(0.0), np.array(0.0)))
    pattern = (
        "none told apart from chance"
        if field.pattern is None
        else f"spread {field.pattern.std():.2%}, sigma {field.pattern_sigma:.2%}"
    )
    return [
        f"{field.instrument} ({field.mission}), {field.domain}: {len(about.products)} frames, {about.shots} pointings",
        f"  fall-off: {corner:.1%} of the centre's light in the first corner, sigma {field.sigma:.2%} over the field",
        f"  fixed pattern: {pattern}",
        f"  residual: {about.residual:.1%}, mostly the scenes' own",
        *(f"  note: {note}" for note in made.notes),
    ]
