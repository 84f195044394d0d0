"""``stereo3d reconstruct``: measure a pair and write every product into a folder."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from stereo3d.cli.common import add_input_arguments, measure, say_written
from stereo3d.export.atomic import atomic_folder
from stereo3d.export.products import PRODUCTS, write_products, write_report
from stereo3d.view.screenshot import render_picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... -o DIR."""
    add_input_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        required=True,
        help="the folder to write; it must be new, empty, or hold an earlier run's products, which are replaced",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, write all products or none, and say what was found."""
    started = time.perf_counter()
    with atomic_folder(args.output, PRODUCTS) as folder:
        result = measure(args)
        measured = time.perf_counter()
        write_products(result, folder, lambda path: render_picture(result, path, (1280, 800), "oblique"))
        now = time.perf_counter()
        write_report(result, folder, {"writing": now - measured, "total": now - started})
    report = result.report
    print(f"{result.pair.name}: {len(result.xyz.reason.reshape(-1)):,} pixels, {report.valid_share:.1%} with XYZ,")
    print(f"  {report.overlap_share:.1%} of the ground that both eyes see; {report.triangles:,} triangles")
    print(f"  {result.calibration.summary}")
    say_written([args.output / name for name in PRODUCTS], started)
    return 0
