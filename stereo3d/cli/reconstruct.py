"""``stereo3d reconstruct``: measure a pair, or all pairs of a stop, and write every product into a folder."""

from __future__ import annotations

import argparse
import time

from stereo3d.cli.arguments import add_folder_argument
from stereo3d.cli.common import add_input_arguments, measure, say_written
from stereo3d.export.atomic import atomic_folder
from stereo3d.export.products import OURS, product_names, write_products, write_report
from stereo3d.pipeline import Result
from stereo3d.pipeline.report import overlap_share
from stereo3d.view.screenshot import render_picture

EXAMPLES = (
    ("stereo3d reconstruct -o products", "every product of the bundled scene's first pair"),
    ("stereo3d reconstruct LEFT.png RIGHT.png -o products", "of your pair"),
    ("stereo3d reconstruct FOLDER --faces 200000 -o products", "of all pairs of a stop, with fewer triangles"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... -o DIR."""
    add_input_arguments(parser, whole=True)
    add_folder_argument(parser, "products")


def run(args: argparse.Namespace) -> int:
    """Measure, write all products or none, and say what was found."""
    started = time.perf_counter()
    with atomic_folder(args.output, OURS) as folder:
        result = measure(args)
        measured = time.perf_counter()
        write_products(result, folder, lambda path: render_picture(result, path, (1280, 800), "oblique"))
        now = time.perf_counter()
        write_report(result, folder, {"writing": now - measured, "total": now - started})
    for line in _summary(result):
        print(line)
    say_written([args.output / name for name in product_names(result)], started)
    return 0


def _summary(result: Result) -> list[str]:
    """What was found, in a few lines."""
    lines = []
    for number, m in enumerate(result.pairs, start=1):
        which = f"pair {number}, " if len(result.pairs) > 1 else ""
        share = m.xyz.measured.mean()
        lines.append(f"{which}{m.pair.name}: {m.xyz.reason.size:,} pixels, {share:.1%} with XYZ,")
        lines.append(f"  {overlap_share(m.xyz):.1%} of the ground that both eyes see")
        lines.append(f"  {m.calibration.summary}")
    lines.append(f"{result.name}: {len(result.terrain.mesh.faces):,} triangles")
    return lines
