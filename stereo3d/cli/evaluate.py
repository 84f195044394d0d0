"""``stereo3d evaluate``: score a reconstruction, or an XYZ file, against the truth of a simulated scene."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.cli.common import add_input_arguments, load_scene, run_interruptible
from stereo3d.errors import ImageFileError, MissingFileError
from stereo3d.export.atomic import atomic_files
from stereo3d.pipeline import Progress, reconstruct
from stereo3d.scene import Scene
from stereo3d.simulate.truth_file import read_truth
from stereo3d.stereo.score import Evaluation, Score, evaluate_xyz

Float32 = NDArray[np.float32]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add_input_arguments(parser)
    parser.add_argument(
        "--truth",
        metavar="FILE",
        type=Path,
        help="the truth of the left image (without it, the one that the scene names)",
    )
    parser.add_argument(
        "--xyz", metavar="FILE", type=Path, help="score this xyz.tif of the left image instead of reconstructing now"
    )
    parser.add_argument("--sigma", metavar="FILE", type=Path, help="with --xyz: the sigma_range.tif that belongs to it")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the scores as JSON as well")


def run(args: argparse.Namespace) -> int:
    """Print the table of errors; returns the exit code."""
    if args.sigma is not None and args.xyz is None:
        raise MissingFileError("--sigma was given without --xyz", todo="give the xyz.tif that the sigmas belong to")

    def work(progress: Progress) -> tuple[Scene, Evaluation]:
        progress("reading", 0.0)
        scene = load_scene(args)
        path = args.truth or scene.truth
        if path is None:
            raise MissingFileError(
                f"the scene {scene.name} has no truth to score against",
                todo="give --truth FILE, or no input at all for the bundled simulated scene",
            )
        pair = scene.pairs[0]
        truth = read_truth(path, pair.left.camera)
        sigma: Float32 | None = None
        if args.xyz is None:
            measured = reconstruct(scene, progress=progress).xyz
            xyz, sigma = measured.xyz, measured.sigma_range_m
        else:
            shape = truth.range_m.shape
            xyz = read_planes(args.xyz, 3, shape)
            if args.sigma is not None:
                sigma = read_planes(args.sigma, 1, shape)[..., 0]
        progress("scoring", 0.95)
        return scene, evaluate_xyz(xyz, truth, pair.left.camera, pair.right.camera, sigma)

    if args.json is None:
        print_table(*run_interruptible(work, "reading"))
        return 0
    with atomic_files(args.json) as folder:
        scene, evaluation = run_interruptible(work, "reading")
        (folder / args.json.name).write_text(as_json(scene, evaluation), encoding="utf-8")
    print_table(scene, evaluation)
    print(f"wrote {args.json}")
    return 0


def read_planes(path: Path, count: int, shape: tuple[int, ...]) -> Float32:
    """``count`` float32 planes of a TIFF, either plane after plane or interleaved, as (rows, columns, count).

    Raises MissingFileError, or ImageFileError when it is no TIFF of that size and type.
    """
    import tifffile

    rows, columns = shape
    expected = f"{count} x float32 of {columns} x {rows} px"
    planes, last = (count, rows, columns), (rows, columns, count)
    shapes = (planes, last, shape) if count == 1 else (planes, last)
    if not path.is_file():
        raise MissingFileError("no such file", file=path, expected=f"a TIFF with {expected}")
    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            if series.dtype != np.float32 or series.shape not in shapes:
                raise ImageFileError(f"holds {series.dtype} {series.shape}", file=path, expected=expected)
            data: Float32 = series.asarray()
    except ImageFileError:
        raise
    except Exception as error:  # whatever a broken TIFF makes the decoder raise
        raise ImageFileError(f"cannot be read as TIFF: {error}", file=path, expected=expected) from error
    if data.shape == last:
        return data
    return np.moveaxis(data.reshape(planes), 0, -1)


def as_json(scene: Scene, evaluation: Evaluation) -> str:
    """The scores as JSON; NaN and infinity are written as null."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(one) for one in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    values = {"scene": scene.name, "simulated": scene.simulated, **plain(asdict(evaluation))}
    return json.dumps(values, indent=2) + "\n"


def print_table(scene: Scene, evaluation: Evaluation) -> None:
    """The scores as a table on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{scene.name}{' (simulated)' if scene.simulated else ''}: errors against truth", expand=False)
    heads = ("range", "pixels", "filled", "in 0.5 px", "med |e|", "NMAD", "bias", ">0.25", ">0.5", ">1 px")
    for head in (*heads, "med |e|", "NMAD", "bias", "e/sigma"):
        table.add_column(head, justify="left" if head == "range" else "right", no_wrap=True)
    for score in (*evaluation.by_range, evaluation.near_step, evaluation.overall):
        table.add_row(*_row(score), end_section=score is evaluation.by_range[-1])
    # Wide enough for every column also where the output is not a terminal.
    console = Console()
    console = console if console.is_terminal else Console(width=170)
    console.print(table)
    console.print(
        "Ground that both eyes see. The first med |e|, NMAD and bias are px of disparity (bias > 0: too near), the "
        "second metres of range (bias > 0: too far)."
    )
    console.print(
        f"sky filled {_percent(evaluation.sky_filled)}, ground seen by one eye only filled "
        f"{_percent(evaluation.one_eye_filled)}"
    )


def _row(s: Score) -> list[str]:
    shares = [_percent(s.bad_025), _percent(s.bad_05), _percent(s.bad_1)]
    pixels = [_number(v, ".3f") for v in (s.median_px, s.nmad_px, s.bias_px)]
    metres = [_number(v, ".4f") for v in (s.median_m, s.nmad_m, s.bias_m)]
    first = [s.label, str(s.pixels), _percent(s.filled), _percent(s.within_half_px)]
    return [*first, *pixels, *shares, *metres, _number(s.sigma_spread, ".2f")]


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.2f} %"


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)
