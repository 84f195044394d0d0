"""The main job on real pairs: files to all products, what is measured of the ground, what of the sky.

    python tests/benchmarks/bench_main_job.py [SOL ...]

Reads the real pairs in ../shared/data; prints, asserts nothing.  Seconds are of a whole process (`stereo3d
reconstruct`), also as a multiple of OpenCV's plain full-mode matcher on the same pair in the same run, which a noisy
machine slows down alike.  Sky is what lies above skylines that were read off by eye (tests/skylines.json); a pixel
without XYZ counts as ground nearer than 30 m when the nearest pixel with XYZ is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import tifffile
from rich.console import Console
from rich.table import Table

from stereo3d.read import read_scene
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.rectify import rectify

ROOT = Path(__file__).resolve().parents[2]
PAIRS = ROOT.parent / "shared" / "data" / "perseverance"
SKYLINES = json.loads((ROOT / "tests" / "skylines.json").read_text(encoding="utf-8"))
SOLS = (340, 395, 718, 755, 903, 1280)


def run(*arguments: str) -> tuple[float, float]:
    """Wall seconds and peak memory (MB) of one run of the command."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "stereo3d", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"stereo3d {' '.join(arguments)} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def plain_matcher_seconds(files: list[Path]) -> float:
    """OpenCV's semi-global matcher in full mode, 256 disparities, on the raw size of the pair: the yardstick."""
    pair = read_scene(files).pairs[0]
    everything = [np.ones(o.image.valid.shape, dtype=bool) for o in (pair.left, pair.right)]
    rectified = rectify(pair, *everything)
    left, right = (
        np.clip(i[: pair.left.image.height, : pair.left.image.width], 0, 255).astype(np.uint8)
        for i in (rectified.left, rectified.right)
    )
    columns = min(left.shape[1], right.shape[1])
    matcher = cv2.StereoSGBM.create(0, 256, 5, 200, 800, mode=cv2.STEREO_SGBM_MODE_HH)
    began = time.perf_counter()
    matcher.compute(np.ascontiguousarray(left[:, :columns]), np.ascontiguousarray(right[:, :columns]))
    return time.perf_counter() - began


def nearest_range(range_m: np.ndarray) -> np.ndarray:
    """The range of the nearest pixel that has one, for every pixel."""
    known = np.isfinite(range_m)
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    lookup = np.zeros(labels.max() + 1)
    lookup[labels[known]] = range_m[known]
    return lookup[labels]


def score(folder: Path, sol: int, centre: np.ndarray) -> tuple[float, float, float]:
    """Share of near ground with XYZ, share of sky with XYZ (NaN without a skyline), median height within 25 m."""
    xyz, reason = tifffile.imread(folder / "xyz.tif"), tifffile.imread(folder / "reason.tif")
    measured = np.isfinite(xyz[..., 0])
    range_m = np.linalg.norm(xyz - centre, axis=-1)
    rows, columns = reason.shape
    sky = np.zeros(reason.shape, dtype=bool)
    ground = np.ones(reason.shape, dtype=bool)
    if str(sol) in SKYLINES:
        line = np.interp(np.arange(columns), *np.array(SKYLINES[str(sol)], dtype=float).T)
        sky = np.arange(rows)[:, None] < line - 1
        ground = np.arange(rows)[:, None] > line + 2
    # Our own sky mask is not left out: ground taken for sky counts as missed.
    seen = ground & ((reason & np.uint16(Reason.OUTSIDE_OVERLAP | Reason.VIGNETTE | Reason.ROVER)) == 0)
    near = seen & (nearest_range(range_m) < 30)
    height = -np.median(xyz[..., 2][measured & (range_m < 25)])
    return measured[near].mean(), measured[sky].mean() if sky.sum() > 100 else np.nan, float(height)


def main() -> None:
    """Print the table."""
    console = Console(width=140)
    if not PAIRS.is_dir():
        console.print("SKIPPED: no real pairs in ../shared/data beside the project", style="bold red")
        return
    starts = sorted(run("--help")[0] for _ in range(5))
    console.print(f"stereo3d --help: {starts[2]:.2f} s (median of 5)")
    table = Table(title="stereo3d reconstruct, files to all products")
    for name in (
        "sol", "size", "seconds", "x plain SGM", "peak MB", "near ground", "sky", "height m", "row residual px",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for sol in [int(a) for a in sys.argv[1:]] or SOLS:
        files = sorted(PAIRS.glob(f"N?F_{sol:04d}_*.png"))
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "products"
            seconds, memory = run("reconstruct", *map(str, files), "-o", str(folder))
            report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
            camera = read_scene(files).pairs[0].left.camera
            near, sky, height = score(folder, sol, camera.C)
        residual = report["epipolar_residual"]
        table.add_row(
            str(sol),
            f"{camera.width} x {camera.height}",
            f"{seconds:.1f}",
            f"{seconds / plain_matcher_seconds(files):.1f}",
            f"{memory:.0f}",
            f"{near:.1%}",
            "-" if np.isnan(sky) else f"{sky:.2%}",
            f"{height:+.3f}",
            f"{residual['before']['median_px']:+.2f} -> {residual['after']['median_px']:+.2f}",
        )
    console.print(table)
    console.print("near ground: share with XYZ nearer than 30 m and inside the overlap.  sky: share with XYZ (false).")
    console.print("height: median of what is nearer than 25 m, above the plane through the rover's wheels.")


if __name__ == "__main__":
    main()
