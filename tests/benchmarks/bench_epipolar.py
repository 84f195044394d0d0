"""Rows before and after the self-calibration: python tests/benchmarks/bench_epipolar.py [SHARED_DATA]

Prints figures and asserts none, for every real pair of the shared data (../shared/data beside the project unless a
folder is given) and the bundled simulated one.  Row residuals are in px of the raw image: of the matches that the
correction was made with, and, as a check, of matches found afresh in the rectified images.  trend: the largest median
in 4 x 4 parts of the frame.  With --downstream the matcher's filled share and left-right agreement follow.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from stereo3d.camera import CAHVOR
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.read import read_scene
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.epipolar import EpipolarCalibration, aligned, calibrate
from stereo3d.stereo.masks import known_reasons
from stereo3d.stereo.match import match
from stereo3d.stereo.rectify import rectify
from stereo3d.stereo.sparse import find_matches

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def curiosity(folder: Path) -> StereoPair:
    """The pair of sol 1435 with its rig, whose head frame stands in for ROVER_NAV: good for rows, not for places."""
    eyes = []
    for eye, c in zip(
        (Eye.LEFT, Eye.RIGHT), json.loads((folder / "rig_sol1435.json").read_text())["cameras"], strict=True
    ):
        pixels = cv2.imread(str(folder / f"{c['imageid']}.jpeg"), cv2.IMREAD_GRAYSCALE)
        vectors = [np.array(c[k]) for k in "CAHVOR"]
        camera = CAHVOR(Frame.rover(56, 2034), c["width"], c["height"], *vectors)
        image = Image(pixels, np.ones(pixels.shape, dtype=bool))
        eyes.append(Observation(c["imageid"], "MSL", "NAVCAM", eye, image, camera, 1435, 56, 2034, 0.0))
    return StereoPair(*eyes)


def pairs(shared: Path) -> Iterator[tuple[str, StereoPair]]:
    """Every pair with a short name."""
    for left in sorted((shared / "perseverance").glob("NL*.png")):
        tile = left.stem.rsplit("_", 2)[1]
        yield f"{left.name[4:8]}{'-' + tile if left.name[4:8] == '1110' else ''}", read_scene([left]).pairs[0]
    if (shared / "curiosity").is_dir():
        yield "MSL 1435", curiosity(shared / "curiosity")
    yield "simulated", read_scene([]).pairs[0]


def row(name: str, c: EpipolarCalibration, seconds: float, fresh: float) -> str:
    """One line of the table."""

    def mdeg(value: float, sigma: float) -> str:
        return f"{np.degrees(value) * 1e3:6.1f} ±{np.degrees(sigma) * 1e3:4.1f}"

    return (
        f"{name:10} {c.focal_px:5.0f} {c.used:5}/{c.matches:<5} "
        f"{c.before.median_px:+.3f} {c.before.mad_px:.3f} {c.before.trend_px:.3f}  "
        f"{c.after.median_px:+.3f} {c.after.mad_px:.3f} {c.after.trend_px:.3f} {fresh:+.3f}  "
        f"{mdeg(c.pitch_rad, c.sigma[0])} {mdeg(c.roll_rad, c.sigma[1])} "
        f"{c.row_scale * 1e6:5.0f} ±{c.sigma[2] * 1e6:3.0f} "
        f"{c.vergence_sigma_px:6.2f} {c.beyond_infinity_rad * c.focal_px:5.2f} {seconds:5.2f}  "
        f"{'yes' if c.applied else 'no: ' + c.why_not}"
    )


def downstream(pair: StereoPair, usable: list[np.ndarray]) -> str:
    """What the matcher makes of a pair, as shares of the usable left pixels; and how alike the two images become."""
    r = rectify(pair, *usable)
    d = match(r)
    seen = r.left_valid
    values = np.nan_to_num(d.values, nan=-1e4)
    x = np.arange(values.shape[1], dtype=np.float32) - values
    x -= np.float32(r.left_camera.H @ r.left_camera.A - r.right_camera.H @ r.right_camera.A)
    y = np.repeat(np.arange(values.shape[0], dtype=np.float32)[:, None], values.shape[1], axis=1)
    warped = cv2.remap(r.right, x.astype(np.float32), y, cv2.INTER_CUBIC)
    correlation = _local_correlation(r.left, warped)[np.isfinite(d.values)]
    return (
        f"filled {np.isfinite(d.values)[seen].mean():.4f}, left-right mismatch "
        f"{((d.reason & int(Reason.LEFT_RIGHT)) > 0)[seen].mean():.4f}, correlation of the warped right image "
        f"{np.median(correlation):.4f} (at 5 %: {np.percentile(correlation, 5):.4f})"
    )


def _local_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Zero-mean normalised correlation in 9 x 9 windows, (rows, columns)."""
    size = (9, 9)
    a, b = (i - cv2.blur(i, (41, 41)) for i in (a, b))
    ma, mb = cv2.blur(a, size), cv2.blur(b, size)
    va, vb = cv2.blur(a * a, size) - ma * ma, cv2.blur(b * b, size) - mb * mb
    return (cv2.blur(a * b, size) - ma * mb) / np.sqrt(np.maximum(va * vb, 1e-3))


def main(arguments: list[str]) -> None:
    """Print the tables."""
    folders = [Path(a) for a in arguments if not a.startswith("-")]
    shared = folders[0] if folders else SHARED
    if not shared.is_dir():
        print("NO SHARED DATA: only the simulated pair is shown")
    print(f"{'':23} before               after                      turn of the right camera    row     doubt beyond")
    print(
        "pair       focal  matches      med   MAD   trend  med    MAD   trend fresh   pitch mdeg   roll mdeg    "
        "scale ppm   px     px     s    applied"
    )
    for name, pair in pairs(shared):
        usable = [known_reasons(o) == 0 for o in (pair.left, pair.right)]
        began = time.perf_counter()
        images = (pair.left.image.grey, pair.right.image.grey)
        found = find_matches(*images, pair.left.camera, pair.right.camera, *usable)
        c = calibrate(pair.left.camera, pair.right.camera, found)
        seconds = time.perf_counter() - began
        better = aligned(pair, c)
        r = rectify(better, *usable)
        m = find_matches(r.left, r.right, r.left_camera, r.right_camera, r.left_valid, r.right_valid)
        print(row(name, c, seconds, float(np.median(m.left[:, 1] - m.right[:, 1]))), flush=True)
        if "--downstream" in arguments:
            # Without the row scale too, to tell its part.
            turn_only = aligned(pair, replace(c, row_scale=0.0))
            for label, candidate in (("as given", pair), ("turned", turn_only), ("corrected", better)):
                print(f"           {label:10} {downstream(candidate, usable)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
