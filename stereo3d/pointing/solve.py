"""The one least-squares problem: the mast's angles of every shot and the range of every tie, robustly.

Unknown are pan and tilt of each shot, the inverse range of each track from its reference frame, for each overlap
how the ground there bends away from the plane of the wheels, and by how much the right eye is bent
against the left one, the same in all shots: the rig is rigid, but not as its models say, and what is taken for parallax
or tilt otherwise would go into the mast's angles.  Known, with their sigma, are the places where ties are seen, the
telemetry, the rig, and that ground is roughly where the wheels stand; without the latter one eye alone could take any
turn for parallax.  Gauss-Newton with Tukey's weights, their width lowered step by step; the normal
equations are sparse, as each tie knows two shots and one range only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import SuperLU, splu

from stereo3d.frames import Float
from stereo3d.pointing.shots import Shot, rotation_vector, shot_of
from stereo3d.pointing.ties import RANGE_FLOOR, RANGE_SHARE, Ties
from stereo3d.pointing.views import Bool, View, seen_at

Int = NDArray[np.int64]
_Turns = list[tuple[Float, Float]]
"""Rotation and translation of each frame, as of :meth:`Shot.turn`."""

_WIDTHS = (8.0, 5.0, 3.0, 2.0, 1.5, 1.0, 1.0, 1.0)
_TUKEY = 4.685
_MIN_SIGMA_PX = 0.02
_COMMON_RANGE_SHARE, _COMMON_RANGE = 0.3, 0.01
"""One sigma of what the ground of an overlap has in common: shares of the plane's inverse range, and 1/m besides."""
_MEASURED = 10.0
"""So much more doubt about the plane of the wheels is left to points whose range both eyes of a shot tell."""
RIG_SIGMA_RAD = np.radians(0.03)
"""One sigma of how the right eye is bent about each axis: the size of what Navcam pairs of sols 60 to 1280 show."""
_FARTHEST_POINT_M = 100.0
_ANGLE_STEP, _RANGE_STEP = 1e-6, 1e-5
_CELLS = 3


@dataclass(frozen=True, eq=False)
class Solution:
    """The angles that fit best, and how well they are known."""

    angles: Float
    """(shots, 2) rad: pan and tilt to be added."""
    covariance: Float
    """(2 shots, 2 shots) rad^2, in the order pan 0, tilt 0, pan 1, ..."""
    rig: Float
    """(3,) rad: the right eye's pitch, vergence and roll against the left one; NaN with one eye only."""
    rig_sigma: Float
    """(3,) rad: one sigma."""
    before_px: Float
    """(ties,) px of the frame as delivered: how far the telemetry puts the points of the solution off."""
    after_px: Float
    """(ties,) the same with the solution."""
    points: Float
    """(tracks, 3) m, ROVER_NAV: where the tracks are; NaN for those farther than 100 m."""
    agree: Bool
    """(ties,) which ties count."""
    sigma_px: float
    """One sigma of a coordinate of a tie, px of the views."""


class _Problem:
    """Residuals and their derivatives, for fixed ties."""

    def __init__(self, views: Sequence[View], shots: Sequence[Shot], ties: Ties) -> None:
        self.views, self.shots, self.ties = views, shots, ties
        self.of = shot_of(shots)
        self.of_reference, self.of_target = self.of[ties.reference][ties.track], self.of[ties.target]
        right = np.array([v.right for v in views])
        self.bent = right & (not right.all())
        self.origin = np.empty((len(ties.reference), 3))
        self.direction = np.empty((len(ties.reference), 3))
        for r in np.unique(ties.reference):
            rows = ties.reference == r
            self.origin[rows], self.direction[rows] = views[r].camera.ray(ties.pixel[rows])

    def residual(self, from_turns: _Turns, to_turns: _Turns, rho: Float) -> Float:
        """(ties, 2), px of the views: projected minus seen; NaN outside a model.

        ``rho`` (tracks,) 1/m; the turns of the frames as references and as targets.
        """
        t = self.ties
        out = np.empty((len(t.track), 2))
        rotations, shifts = (np.array(part) for part in zip(*from_turns, strict=True))
        for target in np.unique(t.target):
            rows = np.flatnonzero(t.target == target)
            track = t.track[rows]
            frame = t.reference[track]
            back, shift = to_turns[target]
            # Into the target's frame as the telemetry has it: points turn, cameras stay.
            origin = (np.einsum("nij,nj->ni", rotations[frame], self.origin[track]) + shifts[frame] - shift) @ back
            direction = np.einsum("nij,nj->ni", rotations[frame], self.direction[track]) @ back
            camera = self.views[target].camera
            out[rows] = camera.project(seen_at(origin, direction, rho[track], camera.C)) - t.seen[rows]
        return out

    def turns(self, turning: Float, step: int | None = None) -> _Turns:
        """The turn of every frame: (2 shots + 3,) rad, the angles of the shots, then the rig's.

        With ``step`` the pan (0) or tilt (1) of every shot, or a bend of the rig (2, 3, 4) is one step more.
        """
        angles, rig = turning[:-3].reshape(-1, 2).copy(), turning[-3:].copy()
        if step is not None and step < 2:
            angles[:, step] += _ANGLE_STEP
        elif step is not None:
            rig[step - 2] += _ANGLE_STEP
        of_shots = [s.turn(*a) for s, a in zip(self.shots, angles, strict=True)]
        out = []
        for frame, view in enumerate(self.views):
            rotation, shift = of_shots[self.of[frame]]
            if self.bent[frame]:
                # About the eye's own centre: pitch about the tilt axis, roll about its line of sight.
                across, ahead = self.shots[self.of[frame]].tilt_axis, view.camera.A / np.linalg.norm(view.camera.A)
                bend = rotation_vector(rig[0] * across + rig[1] * np.cross(ahead, across) + rig[2] * ahead)
                shift = shift + rotation @ (view.camera.C - bend @ view.camera.C)
                rotation = rotation @ bend
            out.append((rotation, shift))
        return out

    def points(self, turning: Float, rho: Float) -> Float:
        """(tracks, 3) m, ROVER_NAV; NaN beyond 100 m."""
        rotations, shifts = (np.array(part)[self.ties.reference] for part in zip(*self.turns(turning), strict=True))
        near = np.where(rho > 1.0 / _FARTHEST_POINT_M, rho, np.nan)[:, None]
        out: Float = np.einsum("nij,nj->ni", rotations, self.origin + self.direction / near) + shifts
        return out

    def jacobian(self, turning: Float, rho: Float, residual: Float, size: int) -> sparse.csr_array:
        """(2 ties, size): derivatives of the residuals with turning, inverse ranges and, all zero, what follows."""
        here, reference, target = self.turns(turning), 2 * self.of_reference, 2 * self.of_target
        columns, values = [], []
        for step in range(2):
            more = self.turns(turning, step)
            columns += [reference + step, target + step]
            values += [self.residual(more, here, rho), self.residual(here, more, rho)]
        if self.bent.any():
            for step in range(2, 5):
                more = self.turns(turning, step)
                columns.append(np.full(len(reference), len(turning) - 5 + step))
                values.append(self.residual(more, more, rho))
        slopes = [(v - residual) / _ANGLE_STEP for v in values]
        columns.append(len(turning) + self.ties.track)
        slopes.append((self.residual(here, here, rho + _RANGE_STEP) - residual) / _RANGE_STEP)
        entries = np.stack(slopes)
        entries[:, ~np.isfinite(entries).all(axis=(0, 2))] = 0.0
        places = (
            np.tile(np.arange(2 * len(residual)), len(columns)),
            np.concatenate([np.repeat(c, 2) for c in columns]),
        )
        return sparse.csr_array((entries.ravel(), places), shape=(2 * len(residual), size))


def solve(
    views: Sequence[View], shots: Sequence[Shot], ties: Ties, prior_rad: float, common_px: float = 0.01
) -> Solution:
    """The most likely angles.  ``prior_rad``: one sigma of the telemetry's pan and tilt; ``common_px``: of an
    error that all ties of an overlap share and that no number of them averages out.

    Shots without ties get a correction of zero with the telemetry's sigma.
    """
    problem = _Problem(views, shots, ties)
    count, tracks = 2 * len(shots) + 3, len(ties.reference)
    relief = _relief(problem)
    terms = relief.shape[1]
    range_sigma = RANGE_SHARE * ties.plane + RANGE_FLOOR
    range_sigma[ties.track[problem.of_reference == problem.of_target]] *= _MEASURED
    turning_sigma = np.concatenate([np.full(count - 3, prior_rad), np.full(3, RIG_SIGMA_RAD)])
    prior = _prior(turning_sigma, relief, range_sigma)
    wanted = np.concatenate([np.zeros(count), ties.plane / range_sigma, np.zeros(terms)])
    x = np.concatenate([np.zeros(count), ties.inverse_range, np.zeros(terms)])
    rho = slice(count, count + tracks)

    def evaluated(turning: Float) -> tuple[Float, Bool, Float]:
        """Residuals with the ranges of ``x``, 0 where there is none; whether there is one; their lengths."""
        turns = problem.turns(turning)
        residual = problem.residual(turns, turns, x[rho])
        known = np.asarray(np.isfinite(residual).all(axis=1))
        residual[~known] = 0.0
        return residual, known, np.linalg.norm(residual, axis=1)

    residual, known, size = evaluated(x[:count])
    spread = _spread(size[known & (problem.of_reference != problem.of_target)])
    for width in _WIDTHS:
        cut = _TUKEY * np.sqrt(2.0) * width * spread
        weight = np.where(known & (size < cut), (1.0 - np.minimum(size / cut, 1.0) ** 2) ** 2, 0.0)
        jacobian = problem.jacobian(x[:count], x[rho], residual, x.size)
        weights = np.repeat(weight / spread**2, 2)
        normal = (jacobian.T @ sparse.diags_array(weights) @ jacobian + prior.T @ prior).tocsc()
        x -= _factors(normal).solve(jacobian.T @ (weights * residual.ravel()) + prior.T @ (prior @ x - wanted))
        residual, known, size = evaluated(x[:count])
        agree = known & (weight > 0.0)
        # Each track's range is fitted to its own ties: what is left of them is less than their scatter.
        freedom = 1.0 - len(np.unique(ties.track[agree])) / max(2.0 * float(agree.sum()), 1.0)
        spread = _spread(size[agree]) / float(np.sqrt(max(freedom, 0.1)))
    covariance = _covariance(jacobian, weights * residual.ravel(), prior, normal, count, _clusters(views, ties))
    covariance += np.eye(count) * (common_px * max(v.pixel_rad for v in views)) ** 2
    _, _, before = evaluated(np.concatenate([np.zeros(count - 3), x[count - 3 : count]]))
    factor = np.array([v.factor for v in views])[ties.target]
    return Solution(
        angles=x[: count - 3].reshape(-1, 2),
        covariance=covariance[:-3, :-3],
        rig=x[count - 3 : count] if problem.bent.any() else np.full(3, np.nan),
        rig_sigma=np.sqrt(np.diag(covariance)[-3:]) if problem.bent.any() else np.full(3, np.nan),
        before_px=before * factor,
        after_px=size * factor,
        points=problem.points(x[:count], x[rho]),
        agree=agree,
        sigma_px=spread,
    )


def _factors(normal: sparse.csc_array) -> SuperLU:
    """Ready to be solved; the matrix is symmetric and positive definite, so no pivot is sought."""
    return splu(normal, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _spread(size: Float) -> float:
    """One sigma of a coordinate from the lengths (n,) of residuals: their median is 1.1774 sigma for a normal law."""
    return max(float(np.median(size)) / 1.1774, _MIN_SIGMA_PX) if size.size else _MIN_SIGMA_PX


def _relief(problem: _Problem) -> sparse.csr_array:
    """(tracks, terms) 1/m: by how much one sigma of each term lifts the inverse range of a track above the plane's.

    Ground does not leave the plane of the wheels at random: in each overlap it is a smooth field that does, of second
    degree over the reference frame; and far ground may stand up or fall away.
    """
    ties, cameras = problem.ties, [v.camera for v in problem.views]
    cross = np.flatnonzero(problem.of_reference != problem.of_target)
    code = np.zeros(len(ties.reference), dtype=np.int64)
    code[ties.track[cross]] = (problem.of_reference * len(problem.shots) + problem.of_target)[cross]
    names, overlap = np.unique(code, return_inverse=True)
    half = np.array([[c.width, c.height] for c in cameras])[ties.reference] / 2.0
    u, v = ((ties.pixel - half) / half).T
    one = np.ones_like(u)
    common = _COMMON_RANGE_SHARE * ties.plane
    values = [*(common * f for f in (one, u, v, u * v, v * v)), *(_COMMON_RANGE * f for f in (one, u))]
    columns = np.concatenate([len(values) * overlap + k for k in range(len(values))])
    rows = np.tile(np.arange(len(u)), len(values))
    return sparse.csr_array((np.concatenate(values), (rows, columns)), shape=(len(u), len(values) * len(names)))


def _prior(turning_sigma: Float, relief: sparse.csr_array, range_sigma: Float) -> sparse.csr_array:
    """Rows, in units of their sigma: turning; inverse range minus the plane's and minus its relief; relief."""
    scale = sparse.diags_array(1.0 / range_sigma)
    turning, terms = sparse.diags_array(1.0 / turning_sigma), sparse.eye_array(relief.shape[1])
    blocks = [[turning, None, None], [None, scale, -(scale @ relief)], [None, None, terms]]
    return sparse.csr_array(sparse.block_array(blocks, format="csr"))


def _clusters(views: Sequence[View], ties: Ties) -> Int:
    """(ties,): which of 6 x 6 parts of which reference frame each lies in: there errors may be alike."""
    size = np.array([[v.camera.width, v.camera.height] for v in views])[ties.reference]
    part = np.clip((ties.pixel + 0.5) / size * _CELLS, 0, _CELLS - 1).astype(np.int64)
    code = (ties.reference * _CELLS + part[:, 1]) * _CELLS + part[:, 0]
    return np.asarray(np.unique(code[ties.track], return_inverse=True)[1])


def _covariance(
    jacobian: sparse.csr_array,
    scores: Float,
    prior: sparse.csr_array,
    normal: sparse.csc_array,
    count: int,
    clusters: Int,
) -> Float:
    """Covariance (count, count) of the angles that lets the errors of one cluster be alike (Liang & Zeger 1986), and
    is nowhere smaller than if they were independent.

    ``scores`` (2 ties,): weight times residual; ``clusters`` (ties,).
    """
    unit = np.zeros((normal.shape[0], count))
    unit[:count] = np.eye(count)
    rows = _factors(normal).solve(unit)
    sums = np.zeros((int(clusters.max()) + 1, count))
    np.add.at(sums, np.repeat(clusters, 2), (jacobian @ rows) * scores[:, None])
    of_prior = prior @ rows
    sandwich = sums.T @ sums + of_prior.T @ of_prior
    plain = rows[:count]
    grow = np.sqrt(np.maximum(np.diag(sandwich) / np.diag(plain), 1.0))
    return np.asarray(plain * np.outer(grow, grow))
