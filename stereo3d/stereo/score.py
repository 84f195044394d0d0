"""How good an XYZ map is: errors against the truth or another map, in metres and in equivalent pixels of disparity."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, pixel_grid
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Float, locked
from stereo3d.stereo.truth import Truth, map_as_truth

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
class Footprint:
    """Numbers of pixels of the whole image by who has XYZ there: the map that is scored, the reference, or both."""

    both: int
    only_map: int
    only_reference: int
    neither: int

    @property
    def pixels(self) -> int:
        """All pixels of the image."""
        return self.both + self.only_map + self.only_reference + self.neither

    @property
    def map_filled(self) -> float:
        """Share of the image that the map has."""
        return (self.both + self.only_map) / self.pixels

    @property
    def reference_filled(self) -> float:
        """Share of the image that the reference has."""
        return (self.both + self.only_reference) / self.pixels


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
    footprint: Footprint


@dataclass(frozen=True, eq=False)
class Errors:
    """The error of every pixel that can be scored: ground nearer than ``FARTHEST_M`` that both eyes see."""

    px: Float
    """(rows, columns) signed error of disparity, px; positive = too near; NaN = not scored."""
    metres: Float
    """(rows, columns) signed error of range, m; positive = too far; NaN = not scored."""
    over_sigma: Float
    """(rows, columns) ``metres`` in multiples of the map's own sigma; NaN without one."""
    measured: NDArray[np.bool_]
    """(rows, columns): the map has XYZ."""
    wanted: NDArray[np.bool_]
    """(rows, columns): what is scored where it is measured, and missed where it is not."""

    def __post_init__(self) -> None:
        for name in ("px", "metres", "over_sigma"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        for name in ("measured", "wanted"):
            object.__setattr__(self, name, locked(getattr(self, name), np.bool_))


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


def xyz_errors(
    xyz: NDArray[np.floating],
    truth: Truth,
    left: CameraModel,
    right: CameraModel,
    sigma_range_m: NDArray[np.floating] | None = None,
) -> Errors:
    """The errors of a map ``xyz`` (rows, columns, 3), m, NaN = none, in the frame and pixel grid of the left image.

    ``sigma_range_m`` (rows, columns) is its own doubt.  Raises FrameMismatchError when truth and cameras are in
    different frames, ValueError when the sizes differ.
    """
    if not left.frame == right.frame == truth.frame:
        raise FrameMismatchError(f"the truth is in {truth.frame}, the cameras in {left.frame} and {right.frame}")
    if xyz.shape != truth.xyz.shape or (sigma_range_m is not None and sigma_range_m.shape != truth.range_m.shape):
        raise ValueError(f"the map is {xyz.shape}, the truth {truth.xyz.shape}")
    measured = np.isfinite(xyz).all(axis=-1)
    wanted = truth.ground & (truth.range_m < FARTHEST_M) & truth.both_eyes
    # Only what can be scored is projected.
    scored = wanted & measured
    values = np.asarray(xyz[scored], dtype=np.float64)
    px, metres, over_sigma = (np.full(measured.shape, np.nan) for _ in range(3))
    px[scored] = disparity_error(values, truth.xyz[scored], left, right)
    origin = left.ray(left.project(truth.xyz[scored]))[0]
    metres[scored] = np.linalg.norm(values - origin, axis=-1) - truth.range_m[scored]
    if sigma_range_m is not None:
        sigma = sigma_range_m[scored]
        with np.errstate(divide="ignore", invalid="ignore"):
            over_sigma[scored] = np.where(sigma > 0, metres[scored] / sigma, np.nan)
    return Errors(px, metres, over_sigma, measured, wanted)


def evaluate_errors(errors: Errors, truth: Truth) -> Evaluation:
    """The scores of the errors against ``truth``."""
    near = truth.ground & (truth.range_m < FARTHEST_M)

    def score(label: str, mask: NDArray[np.bool_]) -> Score:
        found = mask & errors.measured
        return _score(label, int(mask.sum()), *(a[found] for a in (errors.px, errors.metres, errors.over_sigma)))

    bins = tuple(score(label, errors.wanted & inside) for label, inside in range_bins(truth))
    measured = errors.measured
    return Evaluation(
        overall=score(f"all nearer than {FARTHEST_M:g} m", errors.wanted),
        by_range=bins,
        near_step=score("near a depth step", errors.wanted & truth.near_step),
        sky_filled=_share(measured[~truth.ground]),
        one_eye_filled=_share(measured[near & ~truth.both_eyes]),
        footprint=Footprint(
            both=int((measured & truth.ground).sum()),
            only_map=int((measured & ~truth.ground).sum()),
            only_reference=int((~measured & truth.ground).sum()),
            neither=int((~measured & ~truth.ground).sum()),
        ),
    )


def range_bins(truth: Truth) -> list[tuple[str, NDArray[np.bool_]]]:
    """The label of each range bin, and where (rows, columns) the truth lies in it."""
    return [
        (f"{a:g} to {b:g} m", (truth.range_m >= a) & (truth.range_m < b)) for a, b in itertools.pairwise(RANGE_BINS_M)
    ]


def evaluate_xyz(
    xyz: NDArray[np.floating],
    truth: Truth,
    left: CameraModel,
    right: CameraModel,
    sigma_range_m: NDArray[np.floating] | None = None,
) -> Evaluation:
    """Score a map against the truth; arguments and errors as of :func:`xyz_errors`."""
    return evaluate_errors(xyz_errors(xyz, truth, left, right, sigma_range_m), truth)


def compare_errors(errors: Errors, reference: Truth) -> Evaluation:
    """The scores against another map (``reference`` of :func:`map_as_truth`), which cannot tell false ground."""
    nan = float("nan")
    return replace(evaluate_errors(errors, reference), sky_filled=nan, one_eye_filled=nan)


def compare_xyz(
    xyz: NDArray[np.floating],
    other: NDArray[np.floating],
    left: CameraModel,
    right: CameraModel,
    sigma_range_m: NDArray[np.floating] | None = None,
) -> Evaluation:
    """Score a map against ``other`` one of the same left image, both (rows, columns, 3), m, NaN = none.

    ``sky_filled`` and ``one_eye_filled`` are NaN: only a truth can tell them.  Errors as of :func:`xyz_errors`.
    """
    reference = map_as_truth(other, left, right)
    return compare_errors(xyz_errors(xyz, reference, left, right, sigma_range_m), reference)


def ray_offset_px(xyz: NDArray[np.floating], left: CameraModel) -> float:
    """Median distance, px, between the pixels of a map (rows, columns, 3) and where the left camera sees their points.

    Far from zero, the map is not of this image or not in the camera's frame.  NaN for a map without a point;
    infinite where the camera sees most points not at all.
    """
    step = max(1, int(np.sqrt(xyz.shape[0] * xyz.shape[1] / 1e5)))
    points = np.asarray(xyz[::step, ::step], dtype=np.float64)
    known = np.isfinite(points).all(axis=-1)
    away = left.project(points[known]) - pixel_grid(left.width, left.height)[::step, ::step][known]
    return _median(np.nan_to_num(np.linalg.norm(away, axis=-1), nan=np.inf))


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else float("nan")


def _median(values: Float) -> float:
    return float(np.median(values)) if values.size else float("nan")


def _nmad(values: Float) -> float:
    finite = values[np.isfinite(values)]
    return 1.4826 * _median(np.abs(finite - _median(finite)))


def _score(label: str, pixels: int, px: Float, metres: Float, over_sigma: Float) -> Score:
    size, nan = np.abs(px), float("nan")
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
        sigma_spread=_nmad(over_sigma),
    )
