"""The pose graph of stops that share ground: corrections of telemetry by robust least squares, with their covariance.

See :mod:`stereo3d.terrain.placement` for what stands behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stereo3d.frames import Float, RigidTransform
from stereo3d.terrain.overlap import CAUCHY, LEAST_PLACES, Comparer, Pairing, Places, StopGround, spread

_LEAST_SCALE = 0.25
_ALONG = [2, 3, 4]
"""Of a correction: heading, east, north."""


@dataclass(frozen=True, eq=False)
class Link:
    """Two stops that share ground."""

    first: int
    second: int
    places: Places
    """Of the second, to be looked up on the first."""
    back: Places
    """And the other way round, so that neither ground is the smoother one."""
    level: bool = False
    """Whether only height and tilt are taken from it: along itself the one ground fits the other in several places."""


def inverse(matrix: Float) -> Float:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def block(matrix: Float, first: int, second: int) -> Float:
    """(6, 6) covariance of the correction of one stop against that of another; the first stop has none."""

    def part(a: int, b: int) -> Float:
        return matrix[6 * a - 6 : 6 * a, 6 * b - 6 : 6 * b] if a and b else np.zeros((6, 6))

    return part(first, first) + part(second, second) - part(first, second) - part(second, first)


def moved_by(ground: StopGround, x: Float) -> RigidTransform:
    """The common frame from the ground's own, after the correction (6,): turn (rad) about the own origin, shift (m)."""
    from scipy.spatial.transform import Rotation

    told = ground.told
    turn = Rotation.from_rotvec(x[:3]).as_matrix()
    return RigidTransform(told.to, told.source, turn @ told.rotation, told.translation + x[3:])


def between(grounds: Sequence[StopGround], link: Link, state: Float) -> RigidTransform:
    first, second = (moved_by(grounds[k], state[k]) for k in (link.first, link.second))
    return first.inverse() @ second


def scale_of(off: Float, pairing: Pairing) -> float:
    """By how much residuals are larger than their noise tells."""
    return max(_LEAST_SCALE, spread(off / pairing.noise_m))


def solve(
    grounds: Sequence[StopGround],
    links: Sequence[Link],
    comparers: dict[int, Comparer],
    prior: Float,
    state: Float,
) -> tuple[Float, Float]:
    """Corrections (stops, 6) and the covariance of all but the first, (6 (n - 1),) squared.

    What all places of a pair or a stop have in common (vergence, the bias of matching) is neither solved for nor has it
    a say in the weights, so that the grounds fit as they are; the covariance holds what it may have moved them by
    (a "consider" covariance, Schmidt 1966).
    """
    size = len(prior)
    if not size:
        return state, np.zeros((0, 0))
    spans = inverse(prior)
    held = [np.sqrt(np.diag(block(spans, li.first, li.second))[_ALONG]) * li.level for li in links]
    common = np.concatenate([*(np.append(g.doubt, g.bias) for g in grounds), *held])
    x = state.reshape(-1)[6:].copy()
    covariance = inverse(prior)
    for _ in range(25):
        now = np.concatenate([np.zeros(6), x]).reshape(-1, 6)
        hessian, shared, scores = _normal(grounds, links, comparers, now)
        meat = scores.T @ scores + hessian
        # H M^-1 H and H M^-1 g, with M made invertible where nothing at all is known.
        scale = np.sqrt(np.maximum(np.diag(meat), 1e-12 * max(float(np.diag(meat).max()), 1e-300)))
        inner = meat / np.outer(scale, scale) + 1e-9 * np.eye(size)
        left = np.linalg.solve(inner, hessian / scale[:, None])
        information = (hessian / scale[:, None]).T @ left
        gradient = left.T @ (scores.sum(axis=0) / np.sqrt(2.0) / scale)
        whole = information + prior
        step = -np.linalg.solve(whole, gradient + prior @ x)
        swing = np.linalg.solve(whole, left.T @ (shared * common / scale[:, None]))
        covariance = inverse(whole) + swing @ swing.T
        x += step
        if float(step @ whole @ step) < 1e-4:
            break
    return np.concatenate([np.zeros(6), x]).reshape(-1, 6), covariance


def _normal(
    grounds: Sequence[StopGround],
    links: Sequence[Link],
    comparers: dict[int, Comparer],
    state: Float,
) -> tuple[Float, Float, Float]:
    """Of the robust cost: the Hessian (p, p), its mixed part with what pairs and stops have in common (p, commons), and
    the gradient in parts, one for each square of ground (squares, p)."""
    size = 6 * (len(grounds) - 1)
    begins = np.cumsum([0, *(len(g.doubt) + 1 for g in grounds)])
    hessian, parts = np.zeros((size, size)), [np.zeros((1, size))]
    shared = np.zeros((size, int(begins[-1]) + 3 * len(links)))
    directions = [(k, link.first, link.second, link.places) for k, link in enumerate(links)]
    directions += [(k, link.second, link.first, link.back) for k, link in enumerate(links)]
    for number, own, other, places in directions:
        one, two = (moved_by(grounds[k], state[k]) for k in (own, other))
        pairing = comparers[own].pair(places, one.inverse() @ two)
        count = len(pairing.chosen)
        if count < LEAST_PLACES:
            continue
        rows = np.zeros((count, size))
        normal = one.rotate(pairing.normal)
        for k, arm, sign in (
            (other, two.rotate(places.points[pairing.chosen]), 1.0),
            (own, one.rotate(pairing.on), -1.0),
        ):
            if k:
                columns = slice(6 * k - 6, 6 * k)
                rows[:, columns] = sign * np.concatenate([np.cross(arm, normal), normal], axis=1)
        each = np.arange(count)
        bends = np.zeros((count, shared.shape[1]))
        for k, numbers, bend in (
            (own, pairing.own_pair, pairing.bend[:, 0]),
            (other, places.pair[pairing.chosen], pairing.bend[:, 1]),
        ):
            bends[each, begins[k] + numbers] = bend
            bends[:, begins[k + 1] - 1] = bend
        if links[number].level:
            along = [6 * k - 6 + a for k in (own, other) if k for a in _ALONG]
            held = slice(int(begins[-1]) + 3 * number, int(begins[-1]) + 3 * number + 3)
            # What the later of the two is held by; the two directions see it with opposite signs.
            bends[:, held] = rows[:, [6 * max(own, other) - 6 + a for a in _ALONG]]
            rows[:, along] = 0.0
        scale = scale_of(pairing.off_m, pairing)
        e = pairing.off_m / pairing.noise_m
        # Both directions compare the same ground: each counts half.
        weight = 0.5 / (1.0 + (e / (CAUCHY * scale)) ** 2) / scale**2
        rows /= pairing.noise_m[:, None]
        weighted = rows * weight[:, None]
        hessian += rows.T @ weighted
        shared += weighted.T @ (bends / pairing.noise_m[:, None])
        square = places.block[pairing.chosen]
        scores = np.zeros((int(square.max()) + 1, size))
        np.add.at(scores, square, weighted * e[:, None])
        # As if the scores of both directions went wholly together.
        parts.append(np.sqrt(2.0) * scores)
    return hessian, shared, np.concatenate(parts)
