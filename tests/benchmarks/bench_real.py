"""Real pairs, which have no truth: python tests/benchmarks/bench_real.py [SHARED_DATA] [--only NAME ...]

Prints figures and asserts none: for every real pair of the shared data (../shared/data beside the project unless a
folder is given) and, to tell what the figures are worth, for the bundled simulated pair, of which the truth itself is
judged like a method.  OpenCV's modes get our rectified images (rows aligned, masks set) and our range of disparities.
All figures but ``filled`` and the worst percentiles are of the pixels that every method fills.

- filled: share of what is no sky, dark corner or rover, and inside the other eye's frame.
- likeness: correlation (median, and the 5th percentile of what the method itself fills) of 9 x 9 px of the left raw
  image with the right raw image warped to it; rest / noise: what is left after gain and offset of each window, in
  multiples of both images' noise (median).  It tells false matches; a shift of 0.1 px it can hardly see.
- agreement: the pair is matched anew from the right eye (both images mirrored and exchanged), and each left pixel
  followed there and back: median and 95th percentile of the distance, in px and in our own sigmas of both (1 = as
  normal errors of that size), and astray: the share without an answer within 1 px, refusals included.  Errors that both
  directions share do not show: smoothness that both impose, and the most of pixel locking, look like agreement.
- ground: the robust spread (NMAD) of disparity about a plane fitted to 25 x 25 px, nearer than 15 m: the smoothest
  quarter of such windows, in px and in sigmas of our own.  The ground's own roughness is in it, and whoever smooths
  more looks better; under one sigma is expected, as errors of neighbours go together and the plane takes their share.
- error: the simulated pair's true median error, px.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import peers
from bench_epipolar import SHARED, pairs
from bench_peers import MODES, OURS, disparity_of
from rich.console import Console
from rich.table import Table

from stereo3d.camera import CameraModel, pixel_grid
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.pipeline import measure_pair
from stereo3d.read import read_scene
from stereo3d.simulate.truth_file import read_truth
from stereo3d.stereo.compression import damage
from stereo3d.stereo.disparity import Disparity, Matches, Reason, RectifiedPair
from stereo3d.stereo.masks import known_reasons
from stereo3d.stereo.match import match, noise_dn
from stereo3d.stereo.rectify import rectify
from stereo3d.stereo.refine import refine, whole_matches

WINDOW_PX, PLANE_PX, NEAR_M = 9, 25, 15.0
MIRROR = np.diag([1.0, -1.0, 1.0])
Method = Callable[[StereoPair, RectifiedPair, np.ndarray], Matches]


@dataclass(frozen=True)
class Figures:
    """One row of the table; px where no unit is told."""

    filled: float
    likeness: float
    worst_likeness: float
    rest: float
    apart: float
    worst_apart: float
    astray: float
    apart_sigmas: float
    worst_apart_sigmas: float
    plane: float
    plane_sigmas: float
    error: float


def ours(pair: StereoPair, rectified: RectifiedPair, masks: np.ndarray) -> Matches:
    """This program's."""
    return refine(pair, rectified, match(rectified), masks)


def opencv(mode: int, low: int, high: int) -> Method:
    """OpenCV's in one of its modes."""

    def matched(pair: StereoPair, rectified: RectifiedPair, masks: np.ndarray) -> Matches:
        values, _ = peers.opencv(rectified, low, high, mode)
        reason = np.where(np.isfinite(values) & rectified.left_valid, 0, int(Reason.NO_MATCH)).astype(np.uint16)
        values = np.where(reason == 0, values, np.nan).astype(np.float32)
        return whole_matches(pair, rectified, Disparity(values, reason), masks, 0.15)

    return matched


def mirrored_camera(camera: CameraModel) -> CameraModel:
    """The camera in a mirror that exchanges left and right of the rover; column x becomes width - 1 - x."""
    vectors = {name: MIRROR @ getattr(camera, name) for name in "CAVO" if hasattr(camera, name)}
    across = (camera.width - 1) * vectors["A"] - MIRROR @ camera.H
    return replace(camera, **vectors, H=across)


def mirrored(pair: StereoPair) -> StereoPair:
    """The mirror image of a pair: what was the right eye is the left one."""

    def eye(observation: Observation, which: Eye) -> Observation:
        image = Image(observation.image.pixels[:, ::-1], observation.image.valid[:, ::-1])
        return replace(observation, image=image, camera=mirrored_camera(observation.camera), eye=which)

    return StereoPair(eye(pair.right, Eye.LEFT), eye(pair.left, Eye.RIGHT))


def likeness(pair: StereoPair, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlation and rest / noise of the window about each left pixel, (rows, columns); NaN = not known.

    ``right``: (rows, columns, 2), the right raw pixel of each left one.
    """
    a, other = pair.left.image.luminance, pair.right.image.luminance
    at = np.nan_to_num(right, nan=-1e4).astype(np.float32)
    b = cv2.remap(other, at[..., 0], at[..., 1], cv2.INTER_CUBIC)
    known = np.isfinite(right[..., 0])

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(np.where(known, image, 0.0), (WINDOW_PX, WINDOW_PX)) / np.maximum(share, 1e-3)

    share = cv2.blur(known.astype(np.float64), (WINDOW_PX, WINDOW_PX))
    a, b = a.astype(np.float64), b.astype(np.float64)
    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    both = mean(a * b) - mean_a * mean_b
    noise = [noise_dn(eye.image.luminance, eye.image.valid) for eye in (pair.left, pair.right)]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = both / var_b
        rest = np.sqrt(np.maximum(var_a - gain * both, 0)) / np.hypot(noise[0], gain * noise[1])
        found = both / np.sqrt(var_a * var_b)
    unknown = ~known | (share < 0.8) | ~np.isfinite(found)
    return np.where(unknown, np.nan, found), np.where(unknown, np.nan, rest)


def there_and_back(right: np.ndarray, back: np.ndarray) -> np.ndarray:
    """How far from itself each left pixel ends, px, (rows, columns); NaN = no answer.

    ``back``: (rows, columns, 2) of the mirrored right image, the mirrored left pixel of each.
    """
    rows, columns = right.shape[:2]
    back = np.ascontiguousarray(back[:, ::-1])
    at = np.nan_to_num(right, nan=-1e4).astype(np.float32)
    border = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": np.nan}
    column, row = (cv2.remap(np.ascontiguousarray(back[..., k]), at[..., 0], at[..., 1], 1, **border) for k in (0, 1))
    grid = pixel_grid(columns, rows)
    return np.hypot(columns - 1 - column - grid[..., 0], row - grid[..., 1])


def both_sigmas(there: Matches, back: Matches) -> np.ndarray:
    """One sigma of the difference of both directions, were they independent, px, (rows, columns)."""
    at = np.nan_to_num(there.right, nan=-1e4).astype(np.float32)
    other = np.ascontiguousarray(back.sigma_px[:, ::-1])
    border = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": np.nan}
    return np.hypot(there.sigma_px, cv2.remap(other, at[..., 0], at[..., 1], cv2.INTER_LINEAR, **border))


def plane_residuals(values: np.ndarray, sigma: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    """NMAD about the planes of the smoothest quarter of windows, px, and in sigmas."""
    y, x = np.mgrid[:PLANE_PX, :PLANE_PX] - PLANE_PX // 2
    design = np.stack([np.ones(x.size), x.ravel(), y.ravel()], axis=1)
    found = []
    for top in range(0, values.shape[0] - PLANE_PX, PLANE_PX):
        for left in range(0, values.shape[1] - PLANE_PX, PLANE_PX):
            part = np.s_[top : top + PLANE_PX, left : left + PLANE_PX]
            use = where[part].ravel()
            if use.mean() < 0.95:
                continue
            d, m, weight = values[part].ravel()[use], design[use], np.ones(int(use.sum()))
            for _ in range(4):
                plane = np.linalg.lstsq(m * weight[:, None], d * weight, rcond=None)[0]
                rest = d - m @ plane
                spread = 1.4826 * np.median(np.abs(rest))
                weight = 1.0 / np.sqrt(1.0 + (rest / (2.0 * spread + 1e-9)) ** 2)
            found.append((spread, spread / np.median(sigma[part].ravel()[use])))
    if len(found) < 20:
        return float("nan"), float("nan")
    px, sigmas = np.array(sorted(found)[: len(found) // 4]).T
    return float(np.median(px)), float(np.median(sigmas))


def judged(name: str, pair: StereoPair) -> list[tuple[str, Figures]]:
    """The figures of every method."""
    made = measure_pair(pair)
    pair, rectified = made.pair, made.rectified
    masks = [known_reasons(eye) for eye in (pair.left, pair.right)]
    seen = (masks[0] == 0) & ((made.matches.reason & np.uint16(Reason.OUTSIDE_OVERLAP)) == 0)
    low, high = int(np.nanmin(made.disparity.values)) - 8, int(np.nanmax(made.disparity.values)) + 9
    methods: dict[str, Method] = {OURS: ours} | {n: opencv(m, low, high) for n, m in MODES.items()}
    other = mirrored(pair)
    flipped = [np.ascontiguousarray(m[:, ::-1]) for m in masks]
    of_mirrored = rectify(other, flipped[1] == 0, flipped[0] == 0)
    right = {n: made.matches if call is ours else call(pair, rectified, masks[0]) for n, call in methods.items()}
    back = {n: call(other, of_mirrored, flipped[1]) for n, call in methods.items()}
    rights = {n: m.right for n, m in right.items()}
    disparities = {n: m.disparity_px for n, m in right.items()}
    cameras = (rectified.left_camera, rectified.right_camera)
    truth = None
    if name == "simulated":
        truth = read_truth(read_scene([]).truth, pair.left.camera)
        where = truth.both_eyes
        true, exact = np.full(seen.shape, np.nan), np.full((*seen.shape, 2), np.nan, dtype=np.float32)
        true[where], exact[where] = disparity_of(truth.xyz[where], cameras), pair.right.camera.project(truth.xyz[where])
        rights["truth"], disparities["truth"] = exact, true
    common = seen & np.all([np.isfinite(r[..., 0]) for r in rights.values()], axis=0)
    near = common & (made.xyz.range_m < NEAR_M)
    rows = []
    for method, at in rights.items():
        alike, rest = likeness(pair, at)
        apart = there_and_back(at, back[method].right)[common] if method in back else np.full(1, np.nan)
        answered = apart[np.isfinite(apart)]
        doubt = np.nan, np.nan
        if method == OURS:
            ratio = (there_and_back(at, back[method].right) / both_sigmas(right[method], back[method]))[common]
            ratio = ratio[np.isfinite(ratio)]
            doubt = float(np.median(ratio)) / 0.6745, float(np.percentile(ratio, 95)) / 1.96
        plane = plane_residuals(disparities[method], made.matches.sigma_px, near)
        figures = Figures(
            filled=float(np.isfinite(at[..., 0])[seen].mean()),
            likeness=float(np.nanmedian(alike[common])),
            worst_likeness=float(np.nanpercentile(alike[seen], 5)),
            rest=float(np.nanmedian(rest[common])),
            apart=float(np.median(answered)) if answered.size else np.nan,
            worst_apart=float(np.percentile(answered, 95)) if answered.size else np.nan,
            apart_sigmas=doubt[0],
            worst_apart_sigmas=doubt[1],
            astray=float(1 - (apart < 1).mean()) if method in back else np.nan,
            plane=plane[0],
            plane_sigmas=plane[1],
            error=np.nan if truth is None else float(np.median(np.abs(disparities[method] - true)[common])),
        )
        rows.append((method, figures))
    return rows


def cells(f: Figures) -> list[str]:
    """The figures as text."""
    text = [
        f"{f.filled:.1%}", f"{f.likeness:.4f}", f"{f.worst_likeness:.3f}", f"{f.rest:.2f}", f"{f.apart:.3f}",
        f"{f.worst_apart:.2f}", f"{f.apart_sigmas:.2f}", f"{f.worst_apart_sigmas:.2f}", f"{f.astray:.1%}",
        f"{f.plane:.4f}", f"{f.plane_sigmas:.2f}", f"{f.error:.3f}",
    ]  # fmt: skip
    return ["-" if "nan" in t else t for t in text]


def main() -> None:
    """Print a table for each pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=SHARED)
    parser.add_argument("--only", nargs="*", help="names of pairs, as printed")
    args = parser.parse_args()
    console = Console(width=160)
    if not args.shared.is_dir():
        console.print("NO SHARED DATA: only the simulated pair is judged", style="bold red")
    for name, pair in pairs(args.shared):
        if args.only and name not in args.only:
            continue
        table = Table(title=f"{name}, damage by JPEG {damage(pair):.2f}", title_justify="left", min_width=145)
        for head in (
            "method", "filled", "likeness", "its 5 %", "rest / noise", "agreement px", "its 95 %", "in sigmas",
            "its 95 %", "astray", "ground px", "in sigmas", "error px",
        ):  # fmt: skip
            table.add_column(head, justify="left" if head == "method" else "right")
        for method, figures in judged(name, pair):
            table.add_row(method, *cells(figures))
        console.print(table)


if __name__ == "__main__":
    main()
