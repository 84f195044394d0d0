"""Our panorama beside OpenCV's: python tests/benchmarks/bench_panorama.py [FOLDER] [--pictures FOLDER] [--widths 10000]

Prints figures and asserts none.  FOLDER is a simulated ring with its truth (python -m stereo3d.simulate -o FOLDER);
without it the bundled scene is taken.  ``stereo3d panorama`` gets all frames of both eyes, with the pointing that the
records tell, which is wrong; OpenCV's Stitcher in its PANORAMA mode, used plainly, gets the left frames, which is all
it can use.  It takes frames as belonging together above a confidence of 1; as that is too much to ask of most rings, it
also runs with less.  Each is a process of its own, for its time and its peak memory.

frames: how many of the left frames are in the picture.  coverage: share of the directions from 10 degrees below to 4
above the horizon, all around, that the picture shows.  azimuth, elevation: points of the frames that are farther than
15 m and within 8 degrees of the horizon are found again in the picture; their true directions, by the true cameras and
ranges, are compared with their columns and rows, a shift in each and one scale for both fitted (the error of the 50 and
95 % best).  sky step: the largest change of the sky's brightness within a degree of azimuth, less than which the true
sky changes by far, as a share of the picture's range.  seam step: as the program prints it, before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from stereo3d.observation import Eye, Observation
from stereo3d.panorama.eye_path import fit_eye_paths
from stereo3d.read import read_frames
from stereo3d.simulate.ring_truth import RANGE_STEP, read_pointing_truth, read_ranges

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "scenes" / "jezero-floor-simulated"
FAR_M = 15.0
NEAR_HORIZON_DEG = 8.0
COVERED_DEG = (-10.0, 4.0)
SKY_DEG = (6.5, 8.0)
"""Above the hills, below the upper edge of the frames."""
CONFIDENCES = (1.0, 0.5, 0.3)
STITCHER = """
import sys, cv2
frames = [cv2.imread(path) for path in sys.argv[3:]]
stitcher = cv2.Stitcher_create(cv2.Stitcher_PANORAMA)
stitcher.setPanoConfidenceThresh(float(sys.argv[2]))
status, picture = stitcher.stitch(frames)
if status != cv2.Stitcher_OK:
    sys.exit(f"OpenCV's Stitcher gave up with status {status}")
cv2.imwrite(sys.argv[1], picture)
print(len(stitcher.component()))
"""


@dataclass(frozen=True)
class Made:
    """What one way made of the frames."""

    name: str
    picture: np.ndarray | None
    """(rows, columns, 3) BGR; None when it gave up."""
    seconds: float
    peak_mb: float
    frames: int
    seam_step: str


def timed(*command: str) -> tuple[float, float, str, int]:
    """Wall seconds, peak memory (MB), what was printed, and the exit code of a process of its own."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen([sys.executable, *command], stdout=printed, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        printed.seek(0)
        return seconds, usage.ru_maxrss / 1024, printed.read(), os.waitstatus_to_exitcode(status)


def ours(folder: Path, out: Path, width: int | None) -> Made:
    """``stereo3d panorama`` of all frames."""
    size = [] if width is None else ["--width", str(width)]
    seconds, peak, _, code = timed("-m", "stereo3d", "panorama", str(folder), "-o", str(out), *size)
    if code:
        raise SystemExit("stereo3d panorama failed")
    report = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    step = report["seam_step"]["left"]
    taken = sum(bool(frame.get("share", 0)) for frame in report["frames"])
    told = f"{step['before']:.1%} to {step['after']:.2%}"
    return Made("stereo3d", cv2.imread(str(out)), seconds, peak, taken, told)


def theirs(frames: list[Observation], out: Path, confidence: float) -> Made:
    """OpenCV's Stitcher, of the files of the left frames."""
    files = [str(o.path) for o in frames]
    seconds, peak, printed, code = timed("-c", STITCHER, str(out), str(confidence), *files)
    picture = None if code else cv2.imread(str(out))
    return Made(f"Stitcher, confidence {confidence:g}", picture, seconds, peak, 0 if code else int(printed), "not told")


def landmarks(folder: Path, frames: list[Observation]) -> tuple[np.ndarray, np.ndarray]:
    """Points that SIFT finds in the frames: true (azimuth, elevation) (n, 2), degrees, and descriptors (n, 128).

    The directions, in LOCAL_LEVEL, are those in which the left eye sees what the pixels truly show when the mast turns
    to it: each frame of a ring sees its middle so.
    """
    truth = read_pointing_truth(folder / "truth.json").cameras
    frames = [replace(o, camera=truth[o.product_id]) for o in frames]
    ranges = read_ranges(folder / "ranges.tif", [truth[o.product_id] for o in frames])
    path = fit_eye_paths(frames)[Eye.LEFT]
    directions, descriptors = [], []
    for observation, range_m in zip(frames, ranges, strict=True):
        points, described = cv2.SIFT_create(nfeatures=6000).detectAndCompute(grey(observation.image.rgb8), None)
        at = np.array([point.pt for point in points])
        column, row = np.floor(at / RANGE_STEP + 0.5).astype(int).T
        distance = range_m[np.minimum(row, range_m.shape[0] - 1), np.minimum(column, range_m.shape[1] - 1)]
        origin, ray = observation.camera.ray(at)
        # What has no range is the sky, or hills beyond it: infinitely far.
        seen = origin + ray * np.where(np.isfinite(distance), distance, 1e6)[:, None]
        around, level, down = path.sight(observation.level_from_rover.apply(seen))
        azimuth, elevation = np.degrees(around), np.degrees(np.arctan2(-down, level))
        far = ~(distance < FAR_M) & (np.abs(elevation) < NEAR_HORIZON_DEG)
        directions.append(np.stack([azimuth, elevation], axis=-1)[far])
        descriptors.append(described[far])
    return np.concatenate(directions), np.concatenate(descriptors)


def grey(rgb: np.ndarray) -> np.ndarray:
    """(rows, columns) uint8 with the contrast of the ground."""
    return cv2.createCLAHE(2.0, (8, 8)).apply(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)))


@dataclass(frozen=True)
class Fitted:
    """Where directions are in a picture: column = left + scale azimuth, row = horizon - scale elevation."""

    left: float
    horizon: float
    scale: float
    azimuth_deg: tuple[float, float]
    elevation_deg: tuple[float, float]
    """Errors of the 50 and 95 % best."""
    points: int

    def pixel(self, azimuth_deg: np.ndarray, elevation_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns (within one turn from the picture's left edge) and rows."""
        return np.mod(
            self.left + self.scale * azimuth_deg, 360.0 * self.scale
        ), self.horizon - self.scale * elevation_deg


def fitted(picture: np.ndarray, directions: np.ndarray, descriptors: np.ndarray) -> Fitted | None:
    """The landmarks found again in the picture; None when they are too few."""
    points, described = cv2.SIFT_create(nfeatures=60_000).detectAndCompute(grey(picture[..., ::-1]), None)
    pairs = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 64}).knnMatch(descriptors, described, k=2)
    good = [m for m, n in pairs if m.distance < 0.75 * n.distance]
    if len(good) < 50:
        return None
    azimuth, elevation = directions[[m.queryIdx for m in good]].T
    column, row = np.array([points[m.trainIdx].pt for m in good]).T
    # The scale that most pairs of neighbouring points agree on, then where the picture begins.
    order = np.argsort(azimuth)
    steps = range(20, 200, 20)
    spread = [np.concatenate([v[order][k:] - v[order][:-k] for k in steps]) for v in (azimuth, column)]
    apart = spread[0] > 1.0
    scale = float(np.median((spread[1] / np.where(apart, spread[0], 1.0))[apart]))
    turn = np.exp(1j * np.radians(column / scale - azimuth))
    start = np.degrees(np.angle(np.median(turn.real) + 1j * np.median(turn.imag)))
    left, horizon = start * scale, float(np.median(row + scale * elevation))
    for limit_deg in (10.0, 5.0, 2.0, 2.0, 2.0):
        off = np.mod((column - left) / scale - azimuth + 180.0, 360.0) - 180.0
        rise = (horizon - row) / scale - elevation
        near = (np.abs(off) < limit_deg) & (np.abs(rise) < limit_deg)
        # A picture in which most of what was found again is elsewhere has no such columns and rows.
        if near.sum() < 50 or near.mean() < 0.3:
            return None
        # One least-squares step for left, horizon and scale; the azimuth goes on over the picture's edges.
        turned = (column - left) / scale - off
        matrix = np.zeros((2 * near.sum(), 3))
        matrix[: near.sum(), 0], matrix[: near.sum(), 2] = 1.0, turned[near]
        matrix[near.sum() :, 1], matrix[near.sum() :, 2] = 1.0, -elevation[near]
        left, horizon, scale = np.linalg.lstsq(matrix, np.concatenate([column[near], row[near]]), rcond=None)[0]
    told = [tuple(np.percentile(np.abs(e[near]), [50, 95])) for e in (off, rise)]
    return Fitted(float(left), float(horizon), float(scale), told[0], told[1], int(near.sum()))


def coverage(picture: np.ndarray, fit: Fitted) -> float:
    """Share of the directions about the horizon at which the picture is not black."""
    azimuth, elevation = np.meshgrid(np.arange(0.0, 360.0, 0.25), np.arange(*COVERED_DEG, 0.25))
    column, row = (np.rint(v).astype(int) for v in fit.pixel(azimuth, elevation))
    inside = (column >= 0) & (column < picture.shape[1]) & (row >= 0) & (row < picture.shape[0])
    return float(
        (inside & (picture[row.clip(0, picture.shape[0] - 1), column.clip(0, picture.shape[1] - 1)] > 0).any(-1)).mean()
    )


def sky_step(picture: np.ndarray, fit: Fitted) -> float:
    """Largest change of the mean brightness of a strip of sky within a degree, as a share of the picture's range."""
    bright = picture.mean(axis=2)
    azimuth, elevation = np.meshgrid(np.arange(0.0, 360.0, 0.05), np.arange(*SKY_DEG, 0.1))
    column, row = (np.rint(v).astype(int) for v in fit.pixel(azimuth, elevation))
    inside = (column >= 0) & (column < picture.shape[1]) & (row >= 0) & (row < picture.shape[0])
    sky = np.where(inside, bright[row.clip(0, bright.shape[0] - 1), column.clip(0, bright.shape[1] - 1)], 0.0)
    strip = np.where((sky > 0).all(axis=0), sky.mean(axis=0), np.nan)
    side = np.stack([np.roll(strip, -k) for k in range(10)]).mean(axis=0)
    change = np.abs(side - np.roll(side, 20))
    low, high = np.percentile(bright[bright > 0], [2, 98])
    return float(np.nanmax(change) / (high - low)) if np.isfinite(change).any() else float("nan")


def side_by_side(made: list[Made], path: Path, width: int = 2400) -> None:
    """The pictures below each other, each with its name."""
    parts = []
    for one in made:
        if one.picture is None:
            continue
        height = round(width * one.picture.shape[0] / one.picture.shape[1])
        title = np.zeros((48, width, 3), np.uint8)
        cv2.putText(title, one.name, (16, 34), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA)
        parts += [title, cv2.resize(one.picture, (width, height), interpolation=cv2.INTER_AREA)]
    cv2.imwrite(str(path), np.concatenate(parts))


def main() -> None:
    """Make both pictures, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=BUNDLED)
    parser.add_argument("--pictures", type=Path, help="keep the pictures here, and one with both")
    parser.add_argument("--widths", type=int, nargs="*", default=[], help="ours at these widths too: time and memory")
    args = parser.parse_args()
    args.folder = args.folder.resolve()
    if not (args.folder / "truth.json").is_file():
        raise SystemExit(f"{args.folder} has no truth.json: give a simulated ring, or make one")
    frames = [o for o in read_frames([args.folder]).observations if o.eye is Eye.LEFT]
    table = Table(title=f"{len(frames)} shots of both eyes, {frames[0].image.width} x {frames[0].image.height} px")
    for heading in (
        "",
        "size",
        "s",
        "MB",
        "frames",
        "coverage",
        "azimuth deg",
        "elevation deg",
        "sky step",
        "seam step",
    ):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as temporary:
        out = (args.pictures or Path(temporary)).resolve()
        out.mkdir(parents=True, exist_ok=True)
        made = [ours(args.folder, out / "stereo3d.png", None)]
        made += [theirs(frames, out / f"stitcher_{c:g}.png", c) for c in CONFIDENCES]
        side_by_side(made, out / "side_by_side.png")
        known = landmarks(args.folder, frames)
        for one in made:
            row = [one.name, "gave up", f"{one.seconds:.0f}", f"{one.peak_mb:.0f}", str(one.frames)]
            fit = None if one.picture is None else fitted(one.picture, *known)
            if one.picture is not None:
                row[1] = f"{one.picture.shape[1]} x {one.picture.shape[0]}"
            if one.picture is not None and fit is not None:
                errors = [f"{a:.3f}, {b:.3f}" for a, b in (fit.azimuth_deg, fit.elevation_deg)]
                row += [f"{coverage(one.picture, fit):.1%}", *errors, f"{sky_step(one.picture, fit):.1%}"]
            else:
                row += ["-"] * 4
            table.add_row(*row, one.seam_step)
        for width in args.widths:
            one = ours(args.folder, out / f"stereo3d_{width}.png", width)
            assert one.picture is not None
            size = f"{one.picture.shape[1]} x {one.picture.shape[0]}"
            table.add_row(
                one.name, size, f"{one.seconds:.0f}", f"{one.peak_mb:.0f}", str(one.frames), *["-"] * 4, one.seam_step
            )
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
