"""``stereo3d panorama``: all frames of one stop as one picture, level and to the north."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from stereo3d.cli.arguments import (
    add_cache_argument,
    add_calibration_argument,
    add_metadata_argument,
    add_stop_arguments,
)
from stereo3d.cli.common import chosen_store, run_interruptible, say_written
from stereo3d.cli.stop import take_stop
from stereo3d.export.panorama import panorama_files
from stereo3d.panorama.plan import MAX_WIDTH, CanvasWish
from stereo3d.panorama.projection import KINDS
from stereo3d.pipeline import Progress
from stereo3d.pipeline.panorama import EYES, Panorama, PanoramaSettings, make_panorama
from stereo3d.read import read_frames
from stereo3d.read.calibration import calibrated, read_flat_fields

EXAMPLES = (
    ("stereo3d panorama -o pano.png", "the bundled scene, all around, level and to the north"),
    ("stereo3d panorama FOLDER -o sphere.jpg --projection equirectangular --start 0", "a photosphere"),
    ("stereo3d panorama FOLDER -o pano.png --eye anaglyph --hide-rover", "red-cyan, without the rover's body"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... -o FILE and what the picture is to show."""
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        type=Path,
        help="frames of one rover position, and folders that hold them; one eye or both; "
        "without any, the bundled simulated scene",
    )
    add_metadata_argument(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="the picture to write: .png, .tif or .jpg"
    )
    parser.add_argument(
        "--projection",
        choices=tuple(KINDS),
        default="cylindrical",
        help="cylindrical (default); equirectangular: a photosphere; vertical: a map from above; "
        "polar: all around the rover; perspective: as a camera sees it",
    )
    parser.add_argument("--eye", choices=EYES, help="left (default, or the eye there is), right, or red-cyan anaglyph")
    parser.add_argument(
        "--width", metavar="PX", type=int, help=f"of the picture, to {MAX_WIDTH}; that of the frames' own resolution"
    )
    parser.add_argument(
        "--start", metavar="DEG", type=float, help="all around from this azimuth (cylindrical, equirectangular)"
    )
    parser.add_argument("--azimuth", metavar="DEG", type=float, help="aim of a perspective, from north to east")
    parser.add_argument("--elevation", metavar="DEG", type=float, help="aim of a perspective above the horizon")
    parser.add_argument("--fov", metavar="DEG", type=float, help="width of a perspective (60)")
    parser.add_argument("--extent", metavar="M", type=float, help="side of a vertical view, about the rover (20)")
    parser.add_argument("--grid", action="store_true", help="draw azimuth and elevation over the picture")
    parser.add_argument("--mask", metavar="FILE", type=Path, help="write a PNG that is white where something was seen")
    parser.add_argument("--hide-rover", action="store_true", help="leave out the rover's own body")
    parser.add_argument("--no-refine", action="store_true", help="take the pointing as the records tell it")
    parser.add_argument("--no-stereo", action="store_true", help="take the ground as the plane of the wheels")
    add_calibration_argument(parser)
    add_cache_argument(parser)
    add_stop_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Make the panorama, write it with its JSON file, and say what it shows and how well it fits."""
    started = time.perf_counter()
    settings = PanoramaSettings(
        canvas=CanvasWish(
            kind=args.projection,
            width=args.width,
            start_azimuth_deg=args.start,
            azimuth_deg=args.azimuth,
            elevation_deg=args.elevation,
            fov_deg=args.fov,
            extent_m=args.extent,
        ),
        eye=args.eye,
        refine=not args.no_refine,
        stereo=not args.no_stereo,
        hide_rover=args.hide_rover,
    )

    with panorama_files(args.output, args.mask) as writer, chosen_store(args) as store:
        take_stop(args, paired=False)

        def work(progress: Progress) -> Panorama:
            progress("reading", 0.0)
            began = time.perf_counter()
            fields = read_flat_fields(args.calibration)
            scene = calibrated(read_frames(args.inputs, args.metadata), fields)
            reading = time.perf_counter() - began
            made = make_panorama(scene, settings, lambda name, share: progress(name, 0.05 + 0.85 * share), store)
            progress("writing", 0.92)
            writer.write(made, args.grid, {"reading": reading})
            return made

        made = run_interruptible(work, "reading")
    for line in _summary(made):
        print(line)
    say_written(writer.written, started)
    return 0


def _summary(made: Panorama) -> list[str]:
    report, p = made.report, made.projection
    used = sum("share" in f for f in report["frames"])
    lines = [
        f"{made.name}: {used} of {len(report['frames'])} frames, {p.width} x {p.height} px {p.kind}, "
        f"{made.seen.mean():.0%} seen"
    ]
    pointing = report["pointing"]
    if pointing is not None and pointing["after_px"] is not None:
        corrected = sum(f["applied"] for f in pointing["frames"])
        lines.append(
            f"  pointing: frames disagree by {pointing['before_px']:.2f} px as told, {pointing['after_px']:.2f} px as "
            f"refined ({corrected} of {len(pointing['frames'])} frames corrected)"
        )
    lines.append(f"  ground: {report['ground']}")
    for eye, step in report["seam_step"].items():
        if step["after"] == step["after"]:
            of = "" if len(report["seam_step"]) == 1 else f" of the {eye} eye"
            lines.append(
                f"  seams{of}: mean step {step['before']:.1%} of the range as delivered, {step['after']:.2%} in the "
                "picture"
            )
    return lines + [f"  note: {note}" for note in report["notes"]]
