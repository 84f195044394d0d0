"""Our measurement beside other matchers: python tests/benchmarks/bench_peers.py --cache FOLDER [--pandora-python PATH]

Prints figures and asserts none.  Simulated scenes of seeds that nothing was tuned on (made once, kept in --cache), and
Middlebury's Motorcycle (--motorcycle: the wheel of scikit-image 0.19, fetched by pip to --cache and read there).  Every
method gets what is scored from its disparity of the rectified left image by the same exact rays, and is scored on the
left raw grid.  The peers are favoured where it is free: they are told the true range of disparities (8 px added), and
OpenCV's images are padded.  Each run is a process of its own, for its peak memory.

With --radiometry ours and OpenCV's full mode are given images of other brightness, compression and noise instead.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import peers
from rich.console import Console
from rich.table import Table

from stereo3d import simulate
from stereo3d.camera import CAHV
from stereo3d.observation import StereoPair
from stereo3d.pipeline import reconstruct
from stereo3d.read import read_scene
from stereo3d.scene import Scene
from stereo3d.simulate.disturb import DISTURBANCES, disturbed
from stereo3d.simulate.truth_file import read_truth
from stereo3d.stereo.rectify import principal_column
from stereo3d.stereo.score import FARTHEST_M, Score, evaluate_xyz
from stereo3d.stereo.truth import Truth

OURS = "stereo3d"
MODES = {
    "OpenCV SGBM 3-way": cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    "OpenCV SGBM 8-path": cv2.STEREO_SGBM_MODE_HH,
}
PANDORA = "pandora census+SGM"
MATCHING = ("matching", "refining")
LEGEND = """Ground that both eyes see nearer than 60 m; filled and < 0.5 px are shares of it, > n px of what is filled.
step: within 5 px of a depth step.  sky: share of the sky that was given XYZ.  uneven: how far the histogram of the
disparity's fraction is from the truth's at most; swing: of the median error with the true fraction.
match s: from rectified images to disparity; total s: from images to XYZ.  Against ours: times, or points of percent."""
WHEEL = "scikit-image==0.19.3"
LOCKING_BINS = 20


def is_motorcycle(case: str) -> bool:
    """Whether the case is the wheel; its picture, taken indoors, shows no sky."""
    return case.endswith(".whl")


def load(case: str) -> tuple[StereoPair, Truth]:
    """A folder of a simulated scene, or the wheel that holds the Motorcycle."""
    path = Path(case)
    if is_motorcycle(case):
        return peers.motorcycle(path)
    pair = read_scene([path]).pairs[0]
    return pair, read_truth(path / "truth.tif", pair.left.camera)


def disparity_of(points: np.ndarray, cameras: tuple[CAHV, CAHV]) -> np.ndarray:
    """Disparity (...), px, of points (..., 3) in two rectified cameras."""
    columns = [c.project(points)[..., 0] - principal_column(c) for c in cameras]
    return columns[0] - columns[1]


def locking(xyz: np.ndarray, truth: Truth, cameras: tuple[CAHV, CAHV]) -> tuple[float, float]:
    """How uneven the fractions of the disparity are against those of the truth (largest share off, 0 = flat), and how
    far the median error swings with the true fraction (px peak to peak)."""
    where = truth.both_eyes & (truth.range_m < FARTHEST_M) & np.isfinite(xyz).all(axis=-1)
    found, true = disparity_of(xyz[where], cameras), disparity_of(truth.xyz[where], cameras)
    good = np.abs(found - true) < 1.0
    found, true = found[good], true[good]
    counts = [np.histogram(d % 1.0, LOCKING_BINS, (0.0, 1.0))[0] for d in (found, true)]
    bins = np.minimum((true % 1.0 * LOCKING_BINS).astype(int), LOCKING_BINS - 1)
    medians = [np.median((found - true)[bins == b]) for b in range(LOCKING_BINS)]
    return float(np.abs(counts[0] / counts[1] - 1.0).max()), float(np.ptp(medians))


def one(method: str, case: str, disturbance: str, python: str) -> dict[str, object]:
    """Run one method on one case and score it."""
    pair, truth = load(case)
    if disturbance:
        pair = disturbed(pair, disturbance)
    began = time.perf_counter()
    extra: dict[str, object] = {}
    if method == OURS:
        result = reconstruct(Scene(method, (pair.left, pair.right), simulated=True, sky=not is_motorcycle(case)))
        rectified, xyz = result.rectified, result.xyz.xyz.astype(np.float64)
        seconds = sum(result.report.seconds.get(stage, 0.0) for stage in MATCHING)
        total = time.perf_counter() - began - result.report.seconds["meshing"]
        extra["stages"] = result.report.seconds
    else:
        rectified = peers.rectified_plainly(pair)
        near = truth.both_eyes & (truth.range_m < FARTHEST_M)
        true = disparity_of(truth.xyz[near], (rectified.left_camera, rectified.right_camera))
        low, high = int(np.floor(true.min())) - 8, int(np.ceil(true.max())) + 8
        extra["disparities"] = [low, high]
        if method == PANDORA:
            values, seconds = peers.pandora(rectified, low, high, Path(python))
        else:
            values, seconds = peers.opencv(rectified, low, high, MODES[method])
        xyz = peers.triangulated(pair, rectified, values)
        total = time.perf_counter() - began
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    evaluation = evaluate_xyz(xyz, truth, pair.left.camera, pair.right.camera)
    flatness, swing = locking(xyz, truth, (rectified.left_camera, rectified.right_camera))
    sky = None if is_motorcycle(case) else evaluation.sky_filled
    return extra | {
        "all": figures(evaluation.overall),
        "step": figures(evaluation.near_step),
        "sky": sky,
        "locking": flatness,
        "swing": swing,
        "seconds": seconds,
        "total": total,
        "memory": memory / 1024,
    }


def figures(score: Score) -> list[float]:
    """The columns of the table."""
    return [
        score.median_px,
        score.bias_px,
        score.bad_025,
        score.bad_05,
        score.bad_1,
        score.filled,
        score.within_half_px,
    ]


def child(method: str, case: Path, disturbance: str, python: str) -> dict[str, object] | str:
    """What :func:`one` returns, from a process of its own; or the last line it left when it failed."""
    run = [sys.executable, __file__, "--one", method, "--case", str(case), "--disturb", disturbance]
    done = subprocess.run([*run, "--pandora-python", python], capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def table_of(title: str, first: str) -> Table:
    """An empty table."""
    table = Table(title=title)
    table.add_column(first)
    names = (
        "median px", "bias px", ">0.25", ">0.5", ">1 px", "filled", "<0.5 px of truth",
        "median", ">0.25", ">1 px", "filled", "<0.5 px", "sky", "uneven", "swing px", "match s", "total s", "MB",
    )  # fmt: skip
    for index, name in enumerate(names):
        table.add_column(f"step:\n{name}" if 7 <= index < 12 else name, justify="right")
    return table


def cells(row: dict[str, object]) -> list[str]:
    """The row of one method."""
    m, b, q, h, p, f, w = row["all"]
    sm, _, sq, _, sp, sf, sw = row["step"]
    sky = "-" if row["sky"] is None else f"{row['sky']:.2%}"
    return [
        f"{m:.4f}", f"{b:+.4f}", f"{q:.2%}", f"{h:.2%}", f"{p:.2%}", f"{f:.2%}", f"{w:.2%}",
        f"{sm:.3f}", f"{sq:.1%}", f"{sp:.2%}", f"{sf:.1%}", f"{sw:.1%}", sky,
        f"{row['locking']:.0%}", f"{row['swing']:.3f}", f"{row['seconds']:.1f}", f"{row['total']:.1f}",
        f"{row['memory']:.0f}",
    ]  # fmt: skip


def ratios(row: dict[str, object], ours: dict[str, object]) -> list[str]:
    """Each figure as a multiple of ours; what is a share filled is told as its difference."""
    a, b, s, t = (np.array(x, dtype=float) for x in (row["all"], ours["all"], row["step"], ours["step"]))
    with np.errstate(divide="ignore", invalid="ignore"):
        r, u = np.abs(a / b), s / t
    plain = [r[0], r[1], r[2], r[3], r[4], a[5] - b[5], a[6] - b[6], u[0], u[2], u[4], s[5] - t[5], s[6] - t[6]]
    text = [f"{v * 100:+.1f}" if k in (5, 6, 10, 11) else f"x {v:.1f}" for k, v in enumerate(plain)]
    sky = "-" if row["sky"] is None or not ours["sky"] else f"x {row['sky'] / ours['sky']:.0f}"
    rest = [f"x {row[n] / ours[n]:.1f}" if ours[n] else "-" for n in ("locking", "swing", "seconds", "total", "memory")]
    return [*text, sky, *rest]


def scene_of(cache: Path, seed: int) -> Path:
    """The folder of a simulated scene of 1280 x 960 px, made when it is not there or the simulator has changed."""
    sources = sorted(p for p in Path(simulate.__file__).parent.glob("*.py") if p.name != "disturb.py")
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]
    folder = cache / f"seed-{seed}-{version}"
    if not (folder / "scene.toml").is_file():
        print(f"simulating seed {seed} ...", flush=True)
        make = ["-m", "stereo3d.simulate", "-o", str(folder), "--seed", str(seed), "--pair", "--samples", "4"]
        subprocess.run([sys.executable, *make], check=True)
    return folder


def wheel_of(cache: Path) -> Path:
    """scikit-image's wheel, downloaded when it is not there."""
    found = sorted(cache.glob("scikit_image-0.19*.whl"))
    if not found:
        options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.10", "-q", "-d", str(cache)]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, WHEEL], check=True)
        found = sorted(cache.glob("scikit_image-0.19*.whl"))
    return found[0]


def compare(console: Console, title: str, case: Path, python: str) -> None:
    """One table: every method on one case."""
    table = table_of(title, "method")
    ours = child(OURS, case, "", "")
    rows = {OURS: ours} | {name: child(name, case, "", "") for name in MODES}
    if python:
        rows[PANDORA] = child(PANDORA, case, "", python)
    for name, row in rows.items():
        if isinstance(row, str):
            table.add_row(name, f"[bold red]FAILED: {row}")
            continue
        table.add_row(name, *cells(row))
        if name != OURS and not isinstance(ours, str):
            table.add_row("  against ours", *ratios(row, ours), style="dim", end_section=True)
    if not python:
        table.add_row(PANDORA, "[bold red]NOT INSTALLED: pip install pandora pandora-plugin-libsgm, --pandora-python")
    console.print(table)
    if not isinstance(ours, str):
        console.print("  ours, seconds: " + ", ".join(f"{k} {v:.1f}" for k, v in ours["stages"].items() if v))


def radiometry(console: Console, title: str, case: Path) -> None:
    """Ours and OpenCV's full mode on changed images."""
    table = table_of(title, "change")
    for method in (OURS, "OpenCV SGBM 8-path"):
        for name in ("", *DISTURBANCES):
            row = child(method, case, name, "")
            label = f"{method}: {name or 'unchanged'}"
            table.add_row(label, *([f"[bold red]FAILED: {row}"] if isinstance(row, str) else cells(row)))
        table.add_section()
    console.print(table)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="folder for simulated scenes and the wheel")
    parser.add_argument("--seeds", type=int, nargs="*", default=[21, 22])
    parser.add_argument("--pandora-python", default="", help="the Python that has pandora and pandora-plugin-libsgm")
    parser.add_argument("--motorcycle", action="store_true", help="Middlebury's pair too")
    parser.add_argument("--radiometry", action="store_true", help="changed brightness, compression and noise instead")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--disturb", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one, args.case, args.disturb, args.pandora_python)))
        return
    if args.cache is None:
        parser.error("--cache FOLDER is wanted")
    args.cache.mkdir(parents=True, exist_ok=True)
    console = Console(width=230)
    for seed in args.seeds:
        scene = scene_of(args.cache, seed)
        if args.radiometry:
            radiometry(console, f"simulated, seed {seed}, 1280 x 960: what brightness does", scene)
        else:
            compare(console, f"simulated, seed {seed}, 1280 x 960", scene, args.pandora_python)
    if args.motorcycle:
        compare(console, "Middlebury Motorcycle, 741 x 500", wheel_of(args.cache), args.pandora_python)
    console.print(LEGEND)


if __name__ == "__main__":
    main()
