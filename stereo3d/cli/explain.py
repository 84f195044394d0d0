"""``stereo3d explain``: why a pixel of the left image has a hole, or how sure its XYZ is."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from stereo3d.cli.common import add_input_arguments, chosen_settings, chosen_store, load_scene, run_interruptible
from stereo3d.export.atomic import atomic_files
from stereo3d.observation import credit_of
from stereo3d.pipeline import Progress, reconstruct
from stereo3d.stereo.explain import Explanation, explain, require_inside, sparkline

EXAMPLES = (
    ("stereo3d explain --pixel 640,480", "a pixel of the bundled pair"),
    (
        "stereo3d explain LEFT.png RIGHT.png --pixel 640,300 --picture why.png",
        "of your pair, with a picture of both eyes",
    ),
)


def pixel_argument(text: str) -> tuple[int, int]:
    """(column, row) of '640,480'.  Raises argparse.ArgumentTypeError for another form."""
    match = re.fullmatch(r"(-?\d{1,6}),\s*(-?\d{1,6})", text.strip(), re.ASCII)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is no pixel; expected COLUMN,ROW such as 640,480")
    return int(match[1]), int(match[2])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... --pixel X,Y [--picture FILE]."""
    add_input_arguments(parser)
    parser.add_argument(
        "--pixel",
        metavar="X,Y",
        type=pixel_argument,
        required=True,
        help="column and row in the left raw image, the first pixel being 0,0",
    )
    parser.add_argument(
        "--picture",
        metavar="FILE",
        type=Path,
        help="draw both patches and the correlation along the search range into this file (.png or .jpg)",
    )


def run(args: argparse.Namespace) -> int:
    """Measure the pair and print what is known about the pixel; returns the exit code."""
    if args.picture is None:
        _print(_explained(args))
        return 0
    from stereo3d.view.explain_picture import explain_picture
    from stereo3d.view.screenshot import check_picture_path, save_picture

    check_picture_path(args.picture)
    with atomic_files(args.picture) as folder:
        explanation = _explained(args)
        save_picture(explain_picture(explanation), folder / args.picture.name, credit_of(explanation.mission))
    _print(explanation)
    print(f"wrote {args.picture}")
    return 0


def _explained(args: argparse.Namespace) -> Explanation:
    with chosen_store(args) as store:

        def work(progress: Progress) -> Explanation:
            progress("reading", 0.0)
            scene = load_scene(args)
            for pair in scene.pairs:
                require_inside(pair.left, args.pixel)  # before the work, not after
            settings = chosen_settings(args)
            made = reconstruct(scene, settings, progress, store)
            return explain(
                made.pair, made.rectified, made.disparity, made.matches, made.xyz, args.pixel, settings.min_range_m
            )

        return run_interruptible(work, "reading")


def _print(explanation: Explanation) -> None:
    print("\n".join(explanation.lines()))
    curve = explanation.curve
    if curve is None:
        return
    near, far = f"{curve.disparity_px[0]:.0f} px", "infinity"
    lines = sparkline(curve)
    print(f"correlation from {near} to {far} ('.' = nothing to match there):")
    print("\n".join(lines))
