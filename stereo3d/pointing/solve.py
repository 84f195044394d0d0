"""The one least-squares problem: the mast's angles of every shot and the range of every tie, robustly.

Unknown are pan and tilt of each shot, the inverse range of each track from its reference frame, and for each overlap by
which share the ground there is nearer or farther than the plane of the wheels.  Known, with their sigma, are the places
where ties are seen, the telemetry, and that ground is roughly where the wheels stand; without the latter one eye alone
could take any turn for parallax.  Gauss-Newton with Tukey's weights, their width lowered step by step; the normal
equations are sparse, as each tie knows two shots and one range only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from stereo3d.frames import Float
from stereo3d.pointing.shots import Shot
from stereo3d.pointing.ties import RANGE_FLOOR, RANGE_SHARE, Ties
from stereo3d.pointing.views import View, seen_at

Int = NDArray[np.int64]

_WIDTHS = (8.0, 5.0, 3.0, 2.0, 1.5, 1.0, 1.0, 1.0)
_TUKEY = 4.685
_MIN_SIGMA_PX = 0.02
_COMMON_RANGE_SHARE = 0.25
_ANGLE_STEP, _RANGE_STEP = 1e-6, 1e-5
_CELLS = 6


@dataclass(frozen=True, eq=False)
class Solution:
    """The angles that fit best, and how well they are known."""

    angles: Float
    """(shots, 2) rad: pan and tilt to be added."""
    covariance: Float
    """(2 shots, 2 shots) rad^2, in the order pan 0, tilt 0, pan 1, ..."""
    before_px: Float
    """(ties,) px of the frame as delivered: how far the telemetry puts the points of the solution off."""
    after_px: Float
    """(ties,) the same with the solution."""
    agree: NDArray[np.bool_]
    """(ties,) which ties count."""
    sigma_px: float
    """One sigma of a coordinate of a tie, px of the views."""


class _Problem:
    """Residuals and their derivatives, for fixed ties."""

    def __init__(self, views: Sequence[View], shots: Sequence[Shot], ties: Ties) -> None:
        self.views, self.shots, self.ties = views, shots, ties
        of = np.empty(len(views), dtype=np.int64)
        for k, shot in enumerate(shots):
            of[list(shot.members)] = k
        self.shot_of_reference = of[ties.reference][ties.track]
        self.shot_of_target = of[ties.target]
        self.origin = np.empty((len(ties.reference), 3))
        self.direction = np.empty((len(ties.reference), 3))
        for r in np.unique(ties.reference):
            rows = ties.reference == r
            self.origin[rows], self.direction[rows] = views[r].camera.ray(ties.pixel[rows])

    def residual(
        self, turns_from: Sequence[tuple[Float, Float]], turns_to: Sequence[tuple[Float, Float]], rho: Float
    ) -> Float:
        """(ties, 2), px of the views: projected minus seen.  ``rho`` (tracks,); turns as of :meth:`Shot.turn`."""
        t = self.ties
        out = np.empty((len(t.track), 2))
        for target in np.unique(t.target):
            rows = np.flatnonzero(t.target == target)
            camera = self.views[target].camera
            from_rotation = np.array([turns_from[k][0] for k in range(len(self.shots))])[self.shot_of_reference[rows]]
            from_shift = np.array([turns_from[k][1] for k in range(len(self.shots))])[self.shot_of_reference[rows]]
            back, shift = turns_to[self.shot_of_target[rows[0]]]
            track = t.track[rows]
            # Into the target's frame as the telemetry has it: points turn, cameras stay.
            origin = (np.einsum("nij,nj->ni", from_rotation, self.origin[track]) + from_shift - shift) @ back
            direction = np.einsum("nij,nj->ni", from_rotation, self.direction[track]) @ back
            out[rows] = camera.project(seen_at(origin, direction, rho[track], camera.C)) - t.seen[rows]
        return out

    def turns(self, angles: Float, column: int | None = None) -> list[tuple[Float, Float]]:
        """The turn of every shot, with one step more of pan (0) or tilt (1) when asked."""
        more = np.zeros(2)
        if column is not None:
            more[column] = _ANGLE_STEP
        return [s.turn(*(a + more)) for s, a in zip(self.shots, angles, strict=True)]

    def jacobian(self, angles: Float, rho: Float, residual: Float) -> tuple[Float, Float, Float]:
        """Derivatives (ties, 2, 2) with the reference shot's pan and tilt, the same with the target shot's, and
        (ties, 2) with inverse range."""
        here = self.turns(angles)
        with_from = [(self.residual(self.turns(angles, c), here, rho) - residual) / _ANGLE_STEP for c in range(2)]
        with_to = [(self.residual(here, self.turns(angles, c), rho) - residual) / _ANGLE_STEP for c in range(2)]
        with_range = (self.residual(here, here, rho + _RANGE_STEP) - residual) / _RANGE_STEP
        return np.stack(with_from, axis=2), np.stack(with_to, axis=2), with_range


def solve(views: Sequence[View], shots: Sequence[Shot], ties: Ties, prior_rad: float) -> Solution:
    """The most likely angles.  ``prior_rad``: one sigma of the telemetry's pan and tilt.

    Shots without ties get a correction of zero with the telemetry's sigma.
    """
    problem = _Problem(views, shots, ties)
    count, tracks = 2 * len(shots), len(ties.reference)
    overlaps, overlap_of_track = _overlaps(problem, ties)
    range_sigma = RANGE_SHARE * ties.plane + RANGE_FLOOR
    prior = _prior(count, tracks, overlaps, overlap_of_track, ties.plane, range_sigma, prior_rad)
    x = np.zeros(count + tracks + overlaps)
    x[count : count + tracks] = ties.inverse_range
    x[count + tracks :] = 0.0
    target = np.concatenate([np.zeros(count), ties.plane / range_sigma, np.zeros(overlaps)])
    # Ties that are good on their own start at their own range: what is then left is pointing and mistakes.
    residual = problem.residual(
        problem.turns(x[:count].reshape(-1, 2)), problem.turns(x[:count].reshape(-1, 2)), x[count : count + tracks]
    )
    known = np.isfinite(residual).all(axis=1)
    cross = problem.shot_of_reference != problem.shot_of_target
    size = np.linalg.norm(np.where(known[:, None], residual, 0.0), axis=1)
    spread = _spread(size[known & cross])
    for width in _WIDTHS:
        cut = _TUKEY * np.sqrt(2.0) * width * spread
        weight = np.where(known & (size < cut), (1.0 - np.minimum(size / cut, 1.0) ** 2) ** 2, 0.0)
        jacobian = _assembled(problem, x[:count].reshape(-1, 2), x[count : count + tracks], residual, known, x.size)
        weights = sparse.diags_array(np.repeat(weight / spread**2, 2))
        normal = (jacobian.T @ weights @ jacobian + prior.T @ prior).tocsc()
        gradient = jacobian.T @ (weights @ np.where(np.isfinite(residual), residual, 0.0).ravel()) + prior.T @ (
            prior @ x - target
        )
        x = x - splu(normal).solve(gradient)
        turns = problem.turns(x[:count].reshape(-1, 2))
        residual = problem.residual(turns, turns, x[count : count + tracks])
        known = np.isfinite(residual).all(axis=1)
        size = np.linalg.norm(np.where(known[:, None], residual, 0.0), axis=1)
        # Each track's range is fitted to its own ties: what is left of them is less than their scatter.
        agree = known & (weight > 0.0)
        freedom = max(1.0 - len(np.unique(ties.track[agree])) / max(2.0 * agree.sum(), 1.0), 0.1)
        spread = _spread(size[agree]) / np.sqrt(freedom)
    angles = x[:count].reshape(-1, 2)
    clusters = _clusters(views, ties)
    covariance = _covariance(jacobian, weight, residual, spread, prior, normal, count, clusters)
    still = problem.turns(np.zeros_like(angles))
    before = np.linalg.norm(problem.residual(still, still, x[count : count + tracks]), axis=1)
    factor = np.array([v.factor for v in views])[ties.target]
    return Solution(angles, covariance, before * factor, size * factor, agree, spread)


def _spread(size: Float) -> float:
    """One sigma of a coordinate from the lengths (n,) of residuals: their median is 1.1774 sigma for a normal law."""
    return max(float(np.median(size)) / 1.1774, _MIN_SIGMA_PX) if size.size else _MIN_SIGMA_PX


def _overlaps(problem: _Problem, ties: Ties) -> tuple[int, Int]:
    """How many pairs of a reference and another shot there are, and (tracks,) the first of them that each track is in."""
    cross = np.flatnonzero(problem.shot_of_reference != problem.shot_of_target)
    code = np.zeros(len(ties.reference), dtype=np.int64)
    code[ties.track[cross[::-1]]] = (problem.shot_of_reference * len(problem.shots) + problem.shot_of_target)[
        cross[::-1]
    ]
    names, number = np.unique(code, return_inverse=True)
    return len(names), number


def _prior(
    count: int, tracks: int, overlaps: int, overlap_of_track: Int, plane: Float, range_sigma: Float, prior_rad: float
) -> sparse.csr_array:
    """Rows, in units of their sigma: angles; inverse range - plane (1 + share of its overlap); shares."""
    i = np.arange(tracks)
    size = count + tracks + overlaps
    rows = np.concatenate([np.arange(count), count + i, count + i, count + tracks + np.arange(overlaps)])
    columns = np.concatenate(
        [np.arange(count), count + i, count + tracks + overlap_of_track, count + tracks + np.arange(overlaps)]
    )
    values = np.concatenate(
        [
            np.full(count, 1.0 / prior_rad),
            1.0 / range_sigma,
            -plane / range_sigma,
            np.full(overlaps, 1.0 / _COMMON_RANGE_SHARE),
        ]
    )
    return sparse.csr_array((values, (rows, columns)), shape=(size, size))


def _assembled(
    problem: _Problem, angles: Float, rho: Float, residual: Float, known: NDArray[np.bool_], size: int
) -> sparse.csr_array:
    with_from, with_to, with_range = problem.jacobian(angles, rho, residual)
    n, count = len(residual), angles.size
    row = np.arange(2 * n).reshape(n, 2)
    columns = [2 * problem.shot_of_reference + c for c in range(2)] + [2 * problem.shot_of_target + c for c in range(2)]
    columns.append(count + problem.ties.track)
    values = [with_from[..., 0], with_from[..., 1], with_to[..., 0], with_to[..., 1], with_range]
    ok = known[:, None] & np.all([np.isfinite(v) for v in values], axis=0)
    return sparse.csr_array(
        (
            np.concatenate([np.where(ok, v, 0.0).ravel() for v in values]),
            (np.tile(row.ravel(), 5), np.concatenate([np.repeat(c, 2) for c in columns])),
        ),
        shape=(2 * n, size),
    )


def _clusters(views: Sequence[View], ties: Ties) -> Int:
    """(ties,): which of 6 x 6 parts of which reference frame each lies in: there errors may be alike."""
    size = np.array([[v.camera.width, v.camera.height] for v in views])[ties.reference]
    part = np.clip((ties.pixel + 0.5) / size * _CELLS, 0, _CELLS - 1).astype(np.int64)
    code = (ties.reference * _CELLS + part[:, 1]) * _CELLS + part[:, 0]
    return np.asarray(np.unique(code[ties.track], return_inverse=True)[1])


def _covariance(
    jacobian: sparse.csr_array,
    weight: Float,
    residual: Float,
    spread: float,
    prior: sparse.csr_array,
    normal: sparse.csc_array,
    count: int,
    clusters: Int,
) -> Float:
    """Covariance (count, count) of the angles that lets the errors of one cluster be alike (Liang & Zeger 1986), and
    is nowhere smaller than if they were independent."""
    unit = np.zeros((normal.shape[0], count))
    unit[:count] = np.eye(count)
    rows = splu(normal).solve(unit)
    plain = rows[:count]
    pull = np.repeat(weight / spread**2, 2) * np.where(np.isfinite(residual), residual, 0.0).ravel()
    influence = (jacobian @ rows) * pull[:, None]
    sums = np.zeros((int(clusters.max()) + 1, count))
    np.add.at(sums, np.repeat(clusters, 2), influence)
    of_prior = prior @ rows
    sandwich = sums.T @ sums + of_prior.T @ of_prior
    grow = np.sqrt(np.maximum(np.diag(sandwich) / np.diag(plain), 1.0))
    return np.asarray(plain * np.outer(grow, grow))
