"""How good an XYZ map is: errors against the truth, in metres and in equivalent pixels of disparity."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Float
from stereo3d.stereo.truth import Truth

RANGE_BINS_M = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
FARTHEST_M = 60.0


@dataclass(frozen=True)
class Score:
    """Statistics over some pixels of ground that both eyes see.  Shares are 0 to 1; NaN where nothing was measured."""

    label: str
    pixels: int
    """How many pixels of truth there are."""
    filled: float
    """Share of them that has XYZ (completeness)."""
    within_half_px: float
    """Share of them that has XYZ and an error of at most 0.5 px."""
    median_px: float
    """Median of the absolute error, px of disparity.  This and all below are over the pixels that have XYZ."""
    nmad_px: float
    """1.4826 times the median absolute deviation from the median: the standard deviation, were the errors normal."""
    bias_px: float
    """Median of the signed error; positive = disparity too large = measured too near."""
    median_m: float
    nmad_m: float
    bias_m: float
    """Median of the signed error of range; positive = measured too far."""
    bad_025: float
    """Share that is wrong by more than 0.25 px."""
    bad_05: float
    bad_1: float
    sigma_spread: float
    """NMAD of (error of range / its sigma): 1 = the sigmas are right; NaN without sigmas."""


@dataclass(frozen=True)
class Evaluation:
    """The scores of one XYZ map."""

    overall: Score
    """Ground that both eyes see, nearer than ``FARTHEST_M``."""
    by_range: tuple[Score, ...]
    near_step: Score
    """The part of it within a few pixels of a depth step: the edges of rocks."""
    sky_filled: float
    """Share of the sky that was given XYZ; NaN without sky."""
    one_eye_filled: float
    """Share of the ground nearer than ``FARTHEST_M`` seen by the left eye alone that was given XYZ."""


def disparity_error(xyz: Float, true_xyz: Float, left: CameraModel, right: CameraModel) -> Float:
    """Signed errors (...), px, of points (..., 3) against true points (..., 3), all in the frame of the cameras.

    Both points are projected into the right image; the error is their distance there along the epipolar line, on
    which a point moves when its range along the left ray changes.  Positive = measured too near.  A point that has
    no image in the right camera at all is wrong by infinity; NaN stays NaN.
    """
    true_pixel = right.project(true_xyz)
    # A step of a thousandth of the range toward the left eye: its image in the right eye gives the direction.
    nearer = right.project(true_xyz + 1e-3 * (left.C - true_xyz)) - true_pixel
    nearer /= np.linalg.norm(nearer, axis=-1, keepdims=True)
    error = np.sum((right.project(xyz) - true_pixel) * nearer, axis=-1)
    lost = ~np.isfinite(error) & np.isfinite(xyz).all(axis=-1) & np.isfinite(true_pixel).all(axis=-1)
    return np.where(lost, np.inf, error)


def evaluate_xyz(
    xyz: NDArray[np.floating],
    truth: Truth,
    left: CameraModel,
    right: CameraModel,
    sigma_range_m: NDArray[np.floating] | None = None,
) -> Evaluation:
    """Score a map ``xyz`` (rows, columns, 3), m, NaN = none, in the frame and pixel grid of the left image.

    ``sigma_range_m`` (rows, columns) is its own doubt.  Raises FrameMismatchError when truth and cameras are in
    different frames, ValueError when the sizes differ.
    """
    if not left.frame == right.frame == truth.frame:
        raise FrameMismatchError(f"the truth is in {truth.frame}, the cameras in {left.frame} and {right.frame}")
    if xyz.shape != truth.xyz.shape or (sigma_range_m is not None and sigma_range_m.shape != truth.range_m.shape):
        raise ValueError(f"the map is {xyz.shape}, the truth {truth.xyz.shape}")
    measured = np.isfinite(xyz).all(axis=-1)
    near = truth.ground & (truth.range_m < FARTHEST_M)
    wanted = near & truth.both_eyes
    # Only what can be scored is projected.
    scored = wanted & measured
    values = np.asarray(xyz[scored], dtype=np.float64)
    error_px = np.full(measured.shape, np.nan)
    error_px[scored] = disparity_error(values, truth.xyz[scored], left, right)
    error_m = np.full(measured.shape, np.nan)
    origin = left.ray(left.project(truth.xyz[scored]))[0]
    error_m[scored] = np.linalg.norm(values - origin, axis=-1) - truth.range_m[scored]
    sigma = sigma_range_m if sigma_range_m is not None else np.full(measured.shape, np.nan)

    def score(label: str, mask: NDArray[np.bool_]) -> Score:
        return _score(label, int(mask.sum()), *(a[mask & measured] for a in (error_px, error_m, sigma)))

    bins = tuple(
        score(f"{a:g} to {b:g} m", wanted & (truth.range_m >= a) & (truth.range_m < b))
        for a, b in itertools.pairwise(RANGE_BINS_M)
    )
    return Evaluation(
        overall=score(f"all nearer than {FARTHEST_M:g} m", wanted),
        by_range=bins,
        near_step=score("near a depth step", wanted & truth.near_step),
        sky_filled=_share(measured[~truth.ground]),
        one_eye_filled=_share(measured[near & ~truth.both_eyes]),
    )


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else float("nan")


def _median(values: Float) -> float:
    return float(np.median(values)) if values.size else float("nan")


def _nmad(values: Float) -> float:
    finite = values[np.isfinite(values)]
    return 1.4826 * _median(np.abs(finite - _median(finite)))


def _score(label: str, pixels: int, px: Float, metres: Float, sigma: NDArray[np.floating]) -> Score:
    size, nan = np.abs(px), float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        normal = np.where(sigma > 0, metres / sigma, np.nan)
    return Score(
        label=label,
        pixels=pixels,
        filled=len(px) / pixels if pixels else nan,
        within_half_px=float(np.sum(size <= 0.5)) / pixels if pixels else nan,
        median_px=_median(size),
        nmad_px=_nmad(px),
        bias_px=_median(px),
        median_m=_median(np.abs(metres)),
        nmad_m=_nmad(metres),
        bias_m=_median(metres),
        bad_025=_share(size > 0.25),
        bad_05=_share(size > 0.5),
        bad_1=_share(size > 1.0),
        sigma_spread=_nmad(normal),
    )
