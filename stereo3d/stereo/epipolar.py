"""Epipolar self-calibration: what sparse matches tell about the right camera's attitude towards the left one.

The mast bends and the cameras warm, so that after exact rectification the two images of a point may still lie a
fraction of a row apart.  In the baseline's axes (X along the baseline, Y down, Z forward; tangents x = X/Z, y = Y/Z) a
small turn w of the right camera and a scale s of its rows move the row of a ray by

    dy = -(1 + y^2) w_x + x w_z + y s + x y w_y

Pitch w_x, roll w_z and scale s are seen by the rows and corrected.  The row scale (focal lengths that drift apart, or
what is left of the lens models) changes rows only: columns, and with them disparity, stay as the model has them.
Vergence w_y moves columns by (1 + x^2) w_y, so it is one with range; the rows see only its keystone x y, which a wrong
lens model makes just as well.  It is therefore never corrected: its size in the rows goes into the doubt instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel
from stereo3d.frames import Float, RigidTransform
from stereo3d.observation import StereoPair
from stereo3d.stereo.sparse import Matches, baseline_axes, find_matches

_PITCH, _ROLL, _SCALE, _VERGENCE = range(4)
_PRIOR = np.array([np.radians(0.3), np.radians(0.3), 5e-4, np.radians(0.3)])
"""One sigma of each, rad or 1: wide for what matches measure, and an anchor for what they do not reach."""
_MOST = np.array([np.radians(0.5), np.radians(0.5), 2e-3])
"""Nothing that bends by more than this is still the published rig."""
UNMEASURED_VERGENCE_RAD = np.radians(0.02)
"""One sigma of vergence where nothing was measured: the size of what is seen on Navcam pairs of sols 60 to 1280."""
_MIN_MATCHES = 40
_MIN_CELLS = 8
_CELLS = 8
_MIN_CHI2 = 16.3
"""Three parameters that are truly zero exceed it once in a thousand."""
_MIN_EFFECT_PX = 0.02
_BIN_CELLS = 4
_BIN_MATCHES = 30


@dataclass(frozen=True)
class RowResidual:
    """How far matches lie from their epipolar planes, px of the right frame's middle, row of left minus right."""

    median_px: float
    mad_px: float
    """Median absolute deviation from the median."""
    trend_px: float
    """Largest size of the medians in 4 x 4 parts of the left frame that hold at least 30 matches; NaN without such."""


@dataclass(frozen=True)
class EpipolarCalibration:
    """The turn and row scale of the right camera that make the rays of matches meet, and whether it is believed."""

    applied: bool
    why_not: str
    """Why it is not applied; empty when it is."""
    matches: int
    used: int
    """Matches that agree with each other; the residuals are of these."""
    pitch_rad: float
    """Right-handed about the baseline, from the left eye to the right one; with the two below, NaN if not measured."""
    roll_rad: float
    """Right-handed about the viewing axis, forward."""
    row_scale: float
    """Tangents of the right camera's rows grow by this share."""
    sigma: tuple[float, float, float]
    """One sigma of pitch, roll (rad) and row scale, correlated errors of neighbouring matches included."""
    vergence_sigma_rad: float
    """One sigma of the doubt that is left about vergence, see :func:`calibrate`."""
    beyond_infinity_rad: float
    """By how much the farthest matches diverge; 0 when none do beyond their scatter."""
    before: RowResidual
    after: RowResidual
    """With the correction; equal to ``before`` when it is not applied."""
    focal_px: float
    """Pixels of the right image per rad at its middle."""

    @property
    def vergence_sigma_px(self) -> float:
        """The doubt about vergence as one sigma of disparity, px of the raw image."""
        return self.vergence_sigma_rad * self.focal_px

    @property
    def summary(self) -> str:
        """One line for a person: what was done to the rows."""
        if not self.applied:
            return f"rows of the eyes left as they were: {self.why_not}"
        return (
            f"rows of the eyes aligned from {self.before.median_px:+.3f} to {self.after.median_px:+.3f} px: pitch "
            f"{np.degrees(self.pitch_rad):+.4f}, roll {np.degrees(self.roll_rad):+.4f} degrees, {self.used:,} matches"
        )

    def notes(self) -> list[str]:
        """What a user should know before trusting ranges, one sentence each."""
        notes = []
        if not self.applied and not abs(self.before.median_px) < 0.1:
            notes.append(f"The eyes were not aligned with each other: {self.why_not}.")
        if self.beyond_infinity_rad * self.focal_px > 0.3:
            notes.append(
                f"Far matches lie {self.beyond_infinity_rad * self.focal_px:.1f} px beyond infinity: the vergence "
                "is off by at least that, far ground is nearer than measured; sigma includes it."
            )
        return notes

    def as_json(self) -> dict[str, Any]:
        """Plain values: angles in degrees, px of the raw image."""

        def number(value: float, digits: int = 6) -> float | None:
            return round(float(value), digits) if np.isfinite(value) else None

        def residual(r: RowResidual) -> dict[str, float | None]:
            return {k: number(getattr(r, k), 4) for k in ("median_px", "mad_px", "trend_px")}

        return {
            "applied": self.applied,
            "why_not": self.why_not,
            "matches": self.matches,
            "used": self.used,
            "pitch_deg": number(np.degrees(self.pitch_rad)),
            "pitch_sigma_deg": number(np.degrees(self.sigma[_PITCH])),
            "roll_deg": number(np.degrees(self.roll_rad)),
            "roll_sigma_deg": number(np.degrees(self.sigma[_ROLL])),
            "row_scale": number(self.row_scale),
            "row_scale_sigma": number(self.sigma[_SCALE]),
            "before": residual(self.before),
            "after": residual(self.after),
            "vergence_sigma_deg": number(np.degrees(self.vergence_sigma_rad)),
            "vergence_sigma_px": number(self.vergence_sigma_px, 4),
            "beyond_infinity_px": number(self.beyond_infinity_rad * self.focal_px, 4),
        }


@dataclass(frozen=True, eq=False)
class _Fit:
    """The robust solution for pitch, roll and row scale."""

    parameters: Float
    covariance: Float
    residual: Float
    """(n,), rad, after the correction."""
    weight: Float
    """(n,), 0 for matches that do not agree."""
    cells: int
    """How many of 8 x 8 parts of the left frame hold matches that agree."""


def self_calibrate(
    pair: StereoPair, left_usable: NDArray[np.bool_], right_usable: NDArray[np.bool_], min_range_m: float = 1.0
) -> EpipolarCalibration:
    """Find matches in the raw images, where the masks (rows, columns) are True, and :func:`calibrate` with them."""
    matches = find_matches(
        pair.left.image.grey,
        pair.right.image.grey,
        pair.left.camera,
        pair.right.camera,
        left_usable,
        right_usable,
        min_range_m,
    )
    return calibrate(pair.left.camera, pair.right.camera, matches)


def aligned(pair: StereoPair, calibration: EpipolarCalibration) -> StereoPair:
    """The pair with its right camera corrected; the pair itself when the calibration is not applied.

    The left camera, and so the frame of all XYZ, stays as it is.
    """
    if not calibration.applied:
        return pair
    found = np.array([calibration.pitch_rad, calibration.roll_rad, calibration.row_scale])
    axes = baseline_axes(pair.left.camera, pair.right.camera)
    return replace(pair, right=replace(pair.right, camera=corrected(pair.right.camera, axes, found)))


def corrected(right: CameraModel, axes: Float, parameters: Float) -> CameraModel:
    """The right camera with its rows scaled, then turned about its own centre.

    ``parameters``: pitch, roll (rad), row scale and, if there is a fourth, vergence (rad); ``axes`` (3, 3) as
    :func:`baseline_axes` gives them.
    """
    vergence = float(parameters[_VERGENCE]) if len(parameters) > _VERGENCE else 0.0
    about = axes.T @ np.array([parameters[_PITCH], vergence, parameters[_ROLL]])
    turn = np.asarray(cv2.Rodrigues(about)[0], dtype=np.float64)
    return right.row_scaled(1.0 / (1.0 + float(parameters[_SCALE]))).moved(
        RigidTransform(right.frame, right.frame, turn, right.C - turn @ right.C)
    )


def row_angles(left: CameraModel, right: CameraModel, matches: Matches) -> Float:
    """(n,), rad: how far each right ray lies above the epipolar plane of its left ray (row of left minus right).

    Exact for moving pupils: the plane holds the left ray and the origin of the right one.
    """
    origins, directions = left.ray(matches.left)
    origins_r, directions_r = right.ray(matches.right)
    normal = np.cross(origins_r - origins, directions)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return np.asarray(np.arcsin(np.clip(np.einsum("ni,ni->n", normal, directions_r), -1.0, 1.0)))


def calibrate(left: CameraModel, right: CameraModel, matches: Matches) -> EpipolarCalibration:
    """Robust estimate from matches in px of the two raw images; wrong ones are outvoted.

    It is applied when at least 40 matches in 8 of 64 parts of the frame agree, it is larger than its own doubt, moves
    rows by at least 0.02 px, makes the residual smaller, and is physically possible.

    The doubt about vergence is the root sum of squares of: the size of the corrections found (what bends one way bends
    the other way too), the vergence that the keystone of the rows would ask for with its own sigma, and how far the
    farthest matches lie beyond infinity.
    """
    axes = baseline_axes(left, right)
    focal = _focal_px(right)
    known = np.isfinite(row_angles(left, right, matches))
    matches = matches[known]
    unmeasured = _unmeasured(len(matches), focal)
    if len(matches) < _MIN_MATCHES:
        return replace(unmeasured, why_not=f"only {len(matches)} matches, {_MIN_MATCHES} are needed")
    fit = _fit(left, right, axes, matches, focal)
    agree = fit.weight > 0
    used = matches[agree]
    before = _row_residual(left, right, used, focal)
    after = _row_residual(left, corrected(right, axes, fit.parameters), used, focal)
    if len(used) < _MIN_MATCHES or fit.cells < _MIN_CELLS:
        why = f"only {len(used)} matches agree, in {fit.cells} of {_CELLS**2} parts of the frame"
        return replace(unmeasured, why_not=why, used=len(used), before=before, after=before)
    angles = row_angles(left, right, used)
    moved_px = float(np.sqrt(np.mean((angles - fit.residual[agree]) ** 2))) * focal
    chi2 = float(fit.parameters @ np.linalg.solve(fit.covariance, fit.parameters))
    why = ""
    if (np.abs(fit.parameters) > _MOST).any():
        why = "what the matches ask for is larger than a rig can bend"
    elif moved_px < _MIN_EFFECT_PX:
        why = f"the camera models agree with the matches: rows would move by {moved_px:.3f} px"
    elif chi2 < _MIN_CHI2 or not np.median(np.abs(fit.residual[agree])) < np.median(np.abs(angles)):
        why = "what the matches ask for is not larger than its doubt"
    beyond = _beyond_infinity(left, corrected(right, axes, fit.parameters), axes, used)
    pitch, roll, scale = fit.parameters.tolist()
    sigma = np.sqrt(np.diag(fit.covariance)).tolist()
    keystone = _keystone(left, right, axes, matches, fit)
    doubt = float(np.sqrt((pitch**2 + roll**2) / 2.0 + keystone @ keystone + beyond**2))
    return EpipolarCalibration(
        applied=not why,
        why_not=why,
        matches=len(matches),
        used=len(used),
        pitch_rad=pitch,
        roll_rad=roll,
        row_scale=scale,
        sigma=(sigma[0], sigma[1], sigma[2]),
        vergence_sigma_rad=doubt,
        beyond_infinity_rad=beyond,
        before=before,
        after=before if why else after,
        focal_px=focal,
    )


def _unmeasured(matches: int, focal: float) -> EpipolarCalibration:
    nan = float("nan")
    nothing = RowResidual(nan, nan, nan)
    return EpipolarCalibration(
        applied=False,
        why_not="",
        matches=matches,
        used=0,
        pitch_rad=nan,
        roll_rad=nan,
        row_scale=nan,
        sigma=(nan, nan, nan),
        vergence_sigma_rad=UNMEASURED_VERGENCE_RAD,
        beyond_infinity_rad=0.0,
        before=nothing,
        after=nothing,
        focal_px=focal,
    )


def _focal_px(camera: CameraModel) -> float:
    middle = np.array([(camera.width - 1) / 2.0, (camera.height - 1) / 2.0])
    _, d = camera.ray(middle + np.array([[0.0, -0.5], [0.0, 0.5]]))
    return float(1.0 / np.linalg.norm(d[1] - d[0]))


def _row_residual(left: CameraModel, right: CameraModel, matches: Matches, focal: float) -> RowResidual:
    rows = row_angles(left, right, matches) * focal
    if not len(rows):
        return RowResidual(float("nan"), float("nan"), float("nan"))
    cell = _cells(left, matches, _BIN_CELLS)
    medians = [
        abs(float(np.median(rows[cell == c])))
        for c in np.flatnonzero(np.bincount(cell) >= _BIN_MATCHES)
    ]  # fmt: skip
    median = float(np.median(rows))
    return RowResidual(median, float(np.median(np.abs(rows - median))), max(medians, default=float("nan")))


def _cells(camera: CameraModel, matches: Matches, side: int) -> NDArray[np.int64]:
    """(n,): which of side x side equal parts of the left frame each match lies in."""
    part = (matches.left + 0.5) / np.array([camera.width, camera.height]) * side
    column, row = np.clip(part.astype(np.int64), 0, side - 1).T
    return np.asarray(row * side + column)


def _jacobian(
    left: CameraModel, right: CameraModel, axes: Float, matches: Matches, at: Float, count: int
) -> tuple[Float, Float]:
    """Row angles (n,) at the parameters ``at``, and their change with the first ``count`` parameters, (n, count)."""
    here = np.zeros(count)
    here[: len(at)] = at
    angles = row_angles(left, corrected(right, axes, here), matches)
    columns = []
    for i in range(count):
        step = np.zeros(count)
        step[i] = 1e-6
        columns.append((row_angles(left, corrected(right, axes, here + step), matches) - angles) / 1e-6)
    return angles, np.stack(columns, axis=1)


def _fit(left: CameraModel, right: CameraModel, axes: Float, matches: Matches, focal: float) -> _Fit:
    """Gauss-Newton with Tukey's weights, their width lowered step by step; each part of the frame has one voice."""
    cell = _cells(left, matches, _CELLS)
    # Textured ground holds most matches: without this, it alone would be fitted.
    voice = 1.0 / np.sqrt(np.bincount(cell)[cell])
    voice /= voice.mean()
    at = np.zeros(3)
    prior = np.diag(1.0 / _PRIOR[:3] ** 2)
    angles, jacobian = _jacobian(left, right, axes, matches, at, 3)
    residual = angles - np.median(angles)
    for width in (3.0, 2.5, 2.0, 1.5, 1.0, 1.0, 1.0, 1.0):
        spread = max(1.4826 * float(np.median(np.abs(residual))), 0.01 / focal)
        cut = 4.685 * width * spread
        weight = np.where(np.abs(residual) < cut, (1.0 - (residual / cut) ** 2) ** 2, 0.0) * voice
        information = jacobian.T @ (weight[:, None] * jacobian) / spread**2 + prior
        pull = -jacobian.T @ (weight * angles) / spread**2 - prior @ at
        at = at + np.linalg.solve(information, pull)
        angles, jacobian = _jacobian(left, right, axes, matches, at, 3)
        residual = angles
    covariance = _sandwich(jacobian, weight * residual / spread**2, information, prior, cell)
    return _Fit(at, covariance, residual, weight, len(np.unique(cell[weight > 0])))


def _sandwich(jacobian: Float, scores: Float, information: Float, prior: Float, cell: NDArray[np.int64]) -> Float:
    """Covariance that lets the errors of one part of the frame be alike (Liang & Zeger 1986)."""
    sums = np.zeros((int(cell.max()) + 1, jacobian.shape[1]))
    np.add.at(sums, cell, jacobian * scores[:, None])
    count = max(len(np.unique(cell)), 5)
    meat = sums.T @ sums * (count / (count - 4.0)) + prior
    inverse = np.linalg.inv(information)
    return np.asarray(inverse @ meat @ inverse)


def _keystone(left: CameraModel, right: CameraModel, axes: Float, matches: Matches, fit: _Fit) -> Float:
    """(2,), rad: the vergence that the rows ask for when it is let go beside the other three, and its sigma."""
    angles, jacobian = _jacobian(left, right, axes, matches, fit.parameters, 4)
    spread = max(1.4826 * float(np.median(np.abs(angles[fit.weight > 0]))), 1e-9)
    prior = np.diag(1.0 / _PRIOR**2)
    information = jacobian.T @ (fit.weight[:, None] * jacobian) / spread**2 + prior
    asked = np.linalg.solve(information, -jacobian.T @ (fit.weight * angles) / spread**2)
    residual = angles + jacobian @ asked
    cell = _cells(left, matches, _CELLS)
    covariance = _sandwich(jacobian, fit.weight * residual / spread**2, information, prior, cell)
    return np.array([asked[_VERGENCE], np.sqrt(covariance[_VERGENCE, _VERGENCE])])


def _beyond_infinity(left: CameraModel, right: CameraModel, axes: Float, matches: Matches) -> float:
    """By how much the farthest matches diverge, rad: rays of one point cannot."""
    along = [
        np.arccos(np.clip(c.ray(m)[1] @ axes[0], -1.0, 1.0)) for c, m in ((left, matches.left), (right, matches.right))
    ]
    parallax = np.sort(along[1] - along[0])
    # The farthest hundredth, but not the very farthest, which chance makes.
    return max(0.0, -float(parallax[max(9, len(parallax) // 100)]))
