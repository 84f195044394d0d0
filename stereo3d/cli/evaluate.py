"""``stereo3d evaluate``: score a reconstruction, or an XYZ file, against truth or against another XYZ file."""

from __future__ import annotations

import argparse
import json
import math
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.cli.common import add_input_arguments, chosen_settings, chosen_store, load_scene, run_interruptible
from stereo3d.errors import MissingFileError, PairError
from stereo3d.export.atomic import atomic_files
from stereo3d.observation import credit_of
from stereo3d.pipeline import Progress, reconstruct
from stereo3d.read.planes import read_planes
from stereo3d.read.xyz_map import read_xyz_map
from stereo3d.scene import Scene
from stereo3d.simulate.truth_file import read_truth
from stereo3d.stereo.score import (
    Errors,
    Evaluation,
    Score,
    compare_errors,
    evaluate_errors,
    ray_offset_px,
    xyz_errors,
)
from stereo3d.stereo.truth import Truth, map_as_truth
from stereo3d.store import Store

Float32 = NDArray[np.float32]

_OFF_RAY_PX = 3.0


EXAMPLES = (
    ("stereo3d evaluate", "the error of the bundled pair against its truth, by range"),
    ("stereo3d evaluate FOLDER --xyz products/xyz.tif --picture errors.png", "of a map made earlier, with a picture"),
    ("stereo3d evaluate LEFT.png RIGHT.png --against OTHER.tif", "compare with another program's map"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add_input_arguments(parser)
    parser.add_argument(
        "--xyz",
        metavar="FILE",
        type=Path,
        help="score this map of the left image instead of reconstructing now: any program's TIFF (3 x float32, m, "
        "ROVER_NAV; NaN or 0,0,0 = none), or a PDS or VICAR XYZ product, in the frame that its label names",
    )
    parser.add_argument("--sigma", metavar="FILE", type=Path, help="with --xyz: the sigma_range.tif that belongs to it")
    reference = parser.add_mutually_exclusive_group()
    reference.add_argument(
        "--truth",
        metavar="FILE",
        type=Path,
        help="the truth of the left image (without it, the one that the scene names)",
    )
    reference.add_argument(
        "--against",
        metavar="FILE",
        type=Path,
        help="another XYZ map of the left image in the place of the truth, of the same kinds",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the scores as JSON as well")
    parser.add_argument(
        "--picture",
        metavar="FILE",
        type=Path,
        help="draw the image, the map of errors and their distributions into this file (.png or .jpg)",
    )


@dataclass(frozen=True)
class _Result:
    scene: Scene
    reference: Truth
    errors: Errors
    evaluation: Evaluation
    title: str
    against: str
    notes: tuple[str, ...]


def run(args: argparse.Namespace) -> int:
    """Print the table of errors; returns the exit code."""
    if args.sigma is not None and args.xyz is None:
        raise MissingFileError("--sigma was given without --xyz", todo="give the xyz.tif that the sigmas belong to")
    if args.picture is not None:
        from stereo3d.view.screenshot import check_picture_path

        check_picture_path(args.picture)
    targets = [path for path in (args.json, args.picture) if path is not None]
    with ExitStack() as stack:
        # One folder each, made before the work, so that a place that cannot be written to is told at once.
        folders = [stack.enter_context(atomic_files(path)) for path in targets]
        with chosen_store(args) as store:
            result = run_interruptible(lambda progress: _evaluated(args, progress, store), "reading")
        for path, folder in zip(targets, folders, strict=True):
            if path is args.json:
                (folder / path.name).write_text(as_json(result), encoding="utf-8")
            else:
                from stereo3d.view.error_picture import error_picture
                from stereo3d.view.screenshot import save_picture

                left = result.scene.pairs[0].left
                picture = error_picture(
                    result.errors, result.evaluation, result.reference, left, result.title, result.against
                )
                save_picture(picture, folder / path.name, credit_of(left.mission))
    print_table(result)
    for path in targets:
        print(f"wrote {path}")
    return 0


def _evaluated(args: argparse.Namespace, progress: Progress, store: Store | None) -> _Result:
    progress("reading", 0.0)
    scene = load_scene(args)
    if len(scene.pairs) != 1:
        raise PairError(f"{scene.name} has {len(scene.pairs)} pairs", expected="one", todo="name two images")
    observation = scene.pairs[0].left
    left, right = observation.camera, scene.pairs[0].right.camera
    shape = (left.height, left.width)
    notes = []
    if args.against is not None:
        other = read_xyz_map(args.against, observation)
        notes += _off_rays(args.against, ray_offset_px(other, left))
        reference, against = map_as_truth(other, left, right), _plain(args.against.name)
    else:
        path = args.truth or scene.truth
        if path is None:
            raise MissingFileError(
                f"the scene {scene.name} has no truth to score against",
                todo="give --truth FILE, or --against another XYZ map, or no input at all for the bundled scene",
            )
        reference, against = read_truth(path, left), "truth"
    sigma: Float32 | None = None
    if args.xyz is None:
        measured = reconstruct(scene, chosen_settings(args), progress, store).xyz
        xyz, sigma = measured.xyz, measured.sigma_range_m
    else:
        xyz = read_xyz_map(args.xyz, observation)
        notes += _off_rays(args.xyz, ray_offset_px(xyz, left))
        if args.sigma is not None:
            sigma = read_planes(args.sigma, 1, shape)[..., 0]
    progress("scoring", 0.95)
    errors = xyz_errors(xyz, reference, left, right, sigma)
    evaluation = evaluate_errors(errors, reference) if args.against is None else compare_errors(errors, reference)
    title = scene.name if args.xyz is None else f"{_plain(args.xyz.name)} of {scene.name}"
    return _Result(scene, reference, errors, evaluation, title, against, tuple(notes))


def _plain(name: str) -> str:
    """A file's name without what a terminal would act on."""
    return "".join(c if c.isprintable() else " " for c in name)


def _off_rays(path: Path, offset_px: float) -> list[str]:
    """A warning where a map's points do not lie on the rays of their pixels."""
    if not offset_px > _OFF_RAY_PX:
        return []
    return [
        f"{_plain(path.name)}: its points lie {offset_px:.1f} px (median) off the rays of their pixels; is it of this "
        "left image, and in the frame that it should be in?"
    ]


def as_json(result: _Result) -> str:
    """The scores as JSON; NaN and infinity are written as null."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(one) for one in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    scene, prints = result.scene, result.evaluation.footprint
    values = {
        "scene": scene.name,
        "simulated": scene.simulated,
        "against": result.against,
        **plain(asdict(result.evaluation)),
        "map_filled": prints.map_filled,
        "reference_filled": prints.reference_filled,
        "notes": list(result.notes),
    }
    return json.dumps(values, indent=2) + "\n"


def print_table(result: _Result) -> None:
    """The scores as a table on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    evaluation, simulated = result.evaluation, " (simulated)" if result.scene.simulated else ""
    # Text, because a file's name may hold what rich takes for markup.
    title = Text(f"{result.title}{simulated}: errors against {result.against}")
    table = Table(title=title, title_style="italic", expand=False)
    heads = ("range", "pixels", "filled", "in 0.5 px", "med |e|", "NMAD", "bias", ">0.25", ">0.5", ">1 px")
    for head in (*heads, "med |e|", "NMAD", "bias", "e/sigma"):
        table.add_column(head, justify="left" if head == "range" else "right", no_wrap=True)
    for score in (*evaluation.by_range, evaluation.near_step, evaluation.overall):
        table.add_row(*_row(score), end_section=score is evaluation.by_range[-1])
    # Wide enough for every column also where the output is not a terminal.
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=170, highlight=False)
    console.print(table)
    console.print(
        "Ground that both eyes see. The first med |e|, NMAD and bias are px of disparity (bias > 0: too near), the "
        "second metres of range (bias > 0: too far)."
    )
    prints = evaluation.footprint
    console.print(
        f"of the whole image: the map fills {_percent(prints.map_filled)}, the reference "
        f"{_percent(prints.reference_filled)}; both {_percent(prints.both / prints.pixels)}, only the map "
        f"{_percent(prints.only_map / prints.pixels)}, only the reference "
        f"{_percent(prints.only_reference / prints.pixels)}"
    )
    if not math.isnan(evaluation.one_eye_filled):
        console.print(
            f"sky filled {_percent(evaluation.sky_filled)}, ground seen by one eye only filled "
            f"{_percent(evaluation.one_eye_filled)}"
        )
    for note in result.notes:
        console.print(f"note: {note}", markup=False)


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
