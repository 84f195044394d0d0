"""Where the stops of a drive stand to each other: telemetry as a prior, the ground that they share as the measurement.

Telemetry.  The rover's attitude comes from gyroscopes and accelerometers, so its tilt is known well and does not drift,
while heading does (Ali et al. 2005, "Attitude and position estimation on the Mars Exploration Rovers", IEEE SMC); its
position comes from wheel and visual odometry.  Maimone, Cheng & Matthies 2007 ("Two years of visual odometry on the
Mars Exploration Rovers", J. Field Robotics 24) tell less than 2.5 % of the distance driven over courses of 24 and 29 m;
for Perseverance NASA tells up to 35 m on long drives (Mars Global Localization, 2026).  A drive winds, and only its
ends are known here: :class:`Telemetry` takes 4 % of the straight line.

Measurement.  Samples of one ground are compared with the other, point to plane (Chen & Medioni 1992), by one robust
least-squares problem over all pairs of stops (a pose graph).  Neighbouring samples err together, so the information in
them is that of Godambe (1960): H M^-1 H, with the scores summed over squares of ground in M (the cluster-robust
"sandwich" of Liang & Zeger 1986).  Flat ground gives none along itself: there the prior remains, and its sigma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import Float, RigidTransform, locked
from stereo3d.terrain.overlap import (
    CAUCHY,
    LEAST_BLOCKS,
    LEAST_PLACES,
    Comparer,
    Pairing,
    Places,
    StopGround,
    robust_cost,
    shared_places,
    spread,
)


@dataclass(frozen=True)
class Telemetry:
    """One sigma of what the records tell of the step from one stop to the next."""

    position_share: float = 0.04
    """Of the straight line between the two, in each of east, north and up."""
    position_floor_m: float = 0.05
    heading_deg: float = 0.5
    tilt_deg: float = 0.15
    """Of roll and of pitch."""

    def covariance(self, step_m: float) -> Float:
        """(6, 6) of (turn about east, north, up in rad; shift east, north, up in m) over a step of so many metres."""
        place = float(np.hypot(self.position_floor_m, self.position_share * step_m))
        # Tilt is told at both ends, each with its own error.
        tilt = float(np.radians(self.tilt_deg) * np.sqrt(2.0))
        return np.diag(np.array([tilt, tilt, np.radians(self.heading_deg), place, place, place]) ** 2)


@dataclass(frozen=True)
class OverlapFit:
    """How the grounds of two stops fit where both measured."""

    first: int
    second: int
    places: int
    before_mm: float
    """Spread of the distances between the two grounds, across them, as telemetry places them."""
    after_mm: float
    """And as they are placed."""
    expected_mm: float
    """What the noise of both makes likely (median)."""
    used: bool
    why: str = ""
    """Why it was not used."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        mm = {name: round(getattr(self, name), 2) for name in ("before_mm", "after_mm", "expected_mm")}
        return {"first": self.first, "second": self.second, "places": self.places, **mm} | (
            {"used": True} if self.used else {"used": False, "why": self.why}
        )


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the stops stand in the frame of the first."""

    moved: tuple[RigidTransform, ...]
    """The common frame from the ENU frame of each stop; that of the first is the told one."""
    covariance: Float
    """(stops, 6, 6) of each stop relative to the first: turn about east, north, up (rad, about the stop's own origin)
    and shift east, north, up (m)."""
    aligned: tuple[bool, ...]
    """Whether shared ground had a say in it; False for the first, and where telemetry is all there is."""
    overlaps: tuple[OverlapFit, ...]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", locked(self.covariance))

    def sigma_deg(self, stop: int) -> Float:
        """(3,) one sigma of the turn about east, north and up (heading)."""
        return np.degrees(np.sqrt(np.diag(self.covariance[stop])[:3]))

    def sigma_m(self, stop: int) -> Float:
        """(3,) one sigma of the place, east, north, up."""
        return np.sqrt(np.diag(self.covariance[stop])[3:])


@dataclass(frozen=True, eq=False)
class _Link:
    """Two stops that share ground."""

    first: int
    second: int
    places: Places
    """Of the second, to be looked up on the first."""
    back: Places
    """And the other way round, so that neither ground is the smoother one."""
    level: bool = False
    """Whether only height and tilt are taken from it: along itself the one ground fits the other in several places."""


SEARCH_STEP_M, SEARCH_MOST_M, SEARCH_SIGMA = 0.15, 3.0, 2.5
"""Shifts to begin with are tried on squares of this side, out to so many sigma of the prior, but not further."""
_DECISIVE = 3.0
"""One shift fits better than another when the squares of ground say so by so many sigma."""
_APART_M = 0.45
"""Shifts nearer to each other than this are one."""
_CHI2_MOST = 33.0
"""Of six: a correction that telemetry gives a chance of 1e-5 is wrong."""
_WORSE = 1.05
_LEAST_SCALE = 0.25
_AMBIGUOUS = 1.0
_ALONG = [2, 3, 4]
"""Of a correction: heading, east, north."""


def place_stops(grounds: Sequence[StopGround], order: Sequence[float], telemetry: Telemetry = Telemetry()) -> Placement:
    """Place all ``grounds`` in the frame that they are told in; the first stays.

    ``order`` tells which stop came after which (spacecraft clock, s): telemetry errs from each to the next.
    An alignment that does not hold (too little ground, no better fit, an unlikely correction, another place that fits
    as well) is not used, with a note, and telemetry stands.
    """
    count = len(grounds)
    prior = _prior(grounds, order, telemetry)
    spans = _inverse(prior)
    links, dropped = _links(grounds, spans)
    comparers = {k: Comparer(grounds[k]) for link in links for k in (link.first, link.second)}
    notes: list[str] = []
    while True:
        state = _begin(grounds, links, comparers, spans)
        state, covariance = _solve(grounds, links, comparers, prior, state)
        wrong = _wrong(grounds, links, comparers, prior, covariance, state)
        if wrong is None:
            break
        link, why, ambiguous = wrong
        links = [other for other in links if other is not link]
        if ambiguous:
            links.append(replace(link, level=True))
            notes.append(f"{_named(link)} fix each other in height and tilt alone: {why}")
        else:
            dropped.append((link, why))
    told = np.zeros_like(state)
    fits = [_fit(link, grounds, comparers, told, state, "") for link in links]
    for link, why in dropped:
        comparers.setdefault(link.first, Comparer(grounds[link.first]))
        fits.append(_fit(link, grounds, comparers, told, state, why))
        notes.append(f"{_named(link)} are not aligned on the ground they share: {why}")
    joined = {s for link in links for s in (link.first, link.second)}
    blocks = np.zeros((count, 6, 6))
    for k in range(1, count):
        blocks[k] = covariance[6 * k - 6 : 6 * k, 6 * k - 6 : 6 * k]
        if k not in joined:
            notes.append(f"stop {k + 1} stands where telemetry puts it: it shares no ground that could be used")
    moved = tuple(_moved(g, x) for g, x in zip(grounds, state, strict=True))
    fits.sort(key=lambda f: (f.first, f.second))
    return Placement(moved, blocks, tuple(k > 0 and k in joined for k in range(count)), tuple(fits), tuple(notes))


def _named(link: _Link) -> str:
    return f"stops {link.first + 1} and {link.second + 1}"


def _prior(grounds: Sequence[StopGround], order: Sequence[float], telemetry: Telemetry) -> Float:
    """(6 (n - 1), 6 (n - 1)) information of telemetry on the corrections of all stops but the first."""
    count = len(grounds)
    whole = np.zeros((6 * count, 6 * count))
    drive = sorted(range(count), key=lambda k: order[k])
    for a, b in pairwise(drive):
        step = float(np.linalg.norm(grounds[a].told.translation - grounds[b].told.translation))
        weight = np.linalg.inv(telemetry.covariance(step))
        for s, t, sign in ((a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)):
            whole[6 * s : 6 * s + 6, 6 * t : 6 * t + 6] += sign * weight
    return whole[6:, 6:]


def _inverse(matrix: Float) -> Float:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _block(matrix: Float, first: int, second: int) -> Float:
    """(6, 6) covariance of the correction of one stop against that of another; the first stop has none."""

    def part(a: int, b: int) -> Float:
        return matrix[6 * a - 6 : 6 * a, 6 * b - 6 : 6 * b] if a and b else np.zeros((6, 6))

    return part(first, first) + part(second, second) - part(first, second) - part(second, first)


def _links(grounds: Sequence[StopGround], spans: Float) -> tuple[list[_Link], list[tuple[_Link, str]]]:
    links: list[_Link] = []
    for first in range(len(grounds)):
        for second in range(first + 1, len(grounds)):
            slack = 3.0 * float(np.sqrt(_block(spans, first, second)[3, 3]))
            places = shared_places(grounds[first], grounds[second], slack)
            back = shared_places(grounds[second], grounds[first], slack)
            if places is not None and back is not None:
                links.append(_Link(first, second, places, back))
    kept, dropped = [], []
    for link in links:
        pairing = Comparer(grounds[link.first]).pair(link.places, _between(grounds, link, np.zeros((len(grounds), 6))))
        few = len(pairing.chosen) < LEAST_PLACES
        few |= len(np.unique(link.places.block[pairing.chosen])) < LEAST_BLOCKS
        if few:
            dropped.append((link, f"only {len(pairing.chosen)} places lie on each other"))
        else:
            kept.append(link)
    return kept, dropped


def _moved(ground: StopGround, x: Float) -> RigidTransform:
    """The common frame from the ground's own, after the correction (6,): turn (rad) about the own origin, shift (m)."""
    from scipy.spatial.transform import Rotation

    told = ground.told
    turn = Rotation.from_rotvec(x[:3]).as_matrix()
    return RigidTransform(told.to, told.source, turn @ told.rotation, told.translation + x[3:])


def _between(grounds: Sequence[StopGround], link: _Link, state: Float) -> RigidTransform:
    first, second = (_moved(grounds[k], state[k]) for k in (link.first, link.second))
    return first.inverse() @ second


def _begin(
    grounds: Sequence[StopGround], links: Sequence[_Link], comparers: dict[int, Comparer], spans: Float
) -> Float:
    """(stops, 6) corrections to begin with: of each stop the level shift under which it fits one before it best."""
    state = np.zeros((len(grounds), 6))
    for k in range(1, len(grounds)):
        best = max((li for li in links if li.second == k), key=lambda li: len(li.places.points), default=None)
        if best is None:
            continue
        if best.level:
            state[k, 5] += _height(grounds, best, comparers[best.first], state)
            continue
        state[k] = state[best.first]
        shifts, found = _search(grounds, best, comparers[best.first], state, spans)
        told = int(np.argmin(np.linalg.norm(shifts, axis=1)))
        top = int(np.argmin(found.mean(axis=1)))
        if _lead(found[top], found[told]) > _DECISIVE:
            state[k, 3:5] += shifts[top]
        state[k, 5] += _height(grounds, best, comparers[best.first], state)
    return state


def _shifts(spans: Float, link: _Link) -> Float:
    """(n, 2) m, east and north, to be tried."""
    sigma = float(np.sqrt(_block(spans, link.first, link.second)[3, 3]))
    reach = min(SEARCH_MOST_M, SEARCH_SIGMA * sigma)
    steps = np.arange(0.0, reach + SEARCH_STEP_M, SEARCH_STEP_M)
    side = np.concatenate([-steps[:0:-1], steps])
    east, north = np.meshgrid(side, side)
    inside = np.hypot(east, north) <= reach + 1e-9
    return np.stack([east[inside], north[inside]], axis=1)


def _search(
    grounds: Sequence[StopGround], link: _Link, comparer: Comparer, state: Float, spans: Float
) -> tuple[Float, Float]:
    """Shifts (n, 2), m, and what each costs in each square of ground (n, squares), with the height left free."""
    shifts = _shifts(spans, link)
    thin = max(1, len(link.places.points) // 2500)
    places = link.places.every(thin)
    squares = int(places.block.max()) + 1
    cost = np.full((len(shifts), squares), np.nan)
    pairings = []
    for shift in shifts:
        there = state.copy()
        there[link.second, 3:5] += shift
        pairings.append(comparer.pair(places, _between(grounds, link, there)))
    # In units of the noise that is left under the best of them.
    scale = min((_scale(p.off_m - np.median(p.off_m), p) for p in pairings if len(p.chosen) >= 30), default=1.0)
    for number, pairing in enumerate(pairings):
        cost[number] = _cost(pairing, places, squares, scale)
    # Only squares count that are compared under nearly all shifts; a missing one costs as usual.
    often = np.isfinite(cost).mean(axis=0) > 0.8
    cost = cost[:, often] if often.sum() >= LEAST_BLOCKS else cost
    usual = np.nanmedian(np.where(np.isfinite(cost).any(axis=0), cost, 0.0), axis=0)
    return shifts, np.where(np.isfinite(cost), cost, usual)


def _cost(pairing: Pairing, places: Places, squares: int, scale: float) -> Float:
    """(squares,) mean robust cost in each square, in which nothing else than the height was fitted; NaN = none."""
    out = np.full(squares, np.nan)
    if len(pairing.chosen) < 30:
        return out
    level = pairing.off_m - np.median(pairing.off_m)
    cost = robust_cost(level / pairing.noise_m / scale)
    block = places.block[pairing.chosen]
    number = np.bincount(block, minlength=squares)
    total = np.bincount(block, weights=cost, minlength=squares)
    out[number > 0] = total[number > 0] / number[number > 0]
    return out


def _lowest(shifts: Float, cost: Float) -> NDArray[np.bool_]:
    """(n,) where the cost is lower than under all shifts beside."""
    apart = np.linalg.norm(shifts[:, None] - shifts[None], axis=2)
    beside = (apart > 0) & (apart < 1.5 * SEARCH_STEP_M)
    return np.asarray(cost < np.where(beside, cost[None], np.inf).min(axis=1))


def _scale(off: Float, pairing: Pairing) -> float:
    """By how much residuals are larger than their noise tells."""
    return max(_LEAST_SCALE, spread(off / pairing.noise_m))


def _lead(better: Float, worse: Float) -> float:
    """By how many sigma the squares say that one shift costs less than another."""
    gain = worse - better
    error = float(np.std(gain)) / np.sqrt(len(gain))
    return float(np.mean(gain)) / error if error > 0 else 0.0


def _height(grounds: Sequence[StopGround], link: _Link, comparer: Comparer, state: Float) -> float:
    off = comparer.pair(link.places, _between(grounds, link, state)).off_m
    return -float(np.median(off)) if len(off) else 0.0


def _solve(
    grounds: Sequence[StopGround],
    links: Sequence[_Link],
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
    spans = _inverse(prior)
    held = [np.sqrt(np.diag(_block(spans, li.first, li.second))[_ALONG]) * li.level for li in links]
    common = np.concatenate([*(np.append(g.doubt, g.bias) for g in grounds), *held])
    x = state.reshape(-1)[6:].copy()
    covariance = _inverse(prior)
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
        covariance = _inverse(whole) + swing @ swing.T
        x += step
        if float(step @ whole @ step) < 1e-4:
            break
    return np.concatenate([np.zeros(6), x]).reshape(-1, 6), covariance


def _normal(
    grounds: Sequence[StopGround],
    links: Sequence[_Link],
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
        one, two = (_moved(grounds[k], state[k]) for k in (own, other))
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
        scale = _scale(pairing.off_m, pairing)
        e = pairing.off_m / pairing.noise_m
        # Both directions compare the same ground: each counts half.
        weight = 0.5 / (1.0 + (e / (CAUCHY * scale)) ** 2) / scale**2
        rows /= pairing.noise_m[:, None]
        weighted = rows * weight[:, None]
        hessian += rows.T @ weighted
        shared += weighted.T @ (bends / pairing.noise_m[:, None])
        block = places.block[pairing.chosen]
        scores = np.zeros((int(block.max()) + 1, size))
        np.add.at(scores, block, weighted * e[:, None])
        # As if the scores of both directions went wholly together.
        parts.append(np.sqrt(2.0) * scores)
    return hessian, shared, np.concatenate(parts)


def _wrong(
    grounds: Sequence[StopGround],
    links: Sequence[_Link],
    comparers: dict[int, Comparer],
    prior: Float,
    covariance: Float,
    state: Float,
) -> tuple[_Link, str, bool] | None:
    """The link that holds least, why, and whether it is only ambiguous; None where all hold."""
    spans = _inverse(prior)
    worst: tuple[float, _Link, str] | None = None
    for link in links:
        found = _complaint(grounds, link, comparers[link.first], spans, covariance, state)
        if found is not None and (worst is None or found[0] > worst[0]):
            worst = found[0], link, found[1]
    return None if worst is None else (worst[1], worst[2], worst[0] == _AMBIGUOUS)


def _complaint(
    grounds: Sequence[StopGround], link: _Link, comparer: Comparer, spans: Float, covariance: Float, state: Float
) -> tuple[float, str] | None:
    after = comparer.pair(link.places, _between(grounds, link, state))
    if len(after.chosen) < LEAST_PLACES:
        return 1e9, f"only {len(after.chosen)} places lie on each other"
    difference = state[link.second] - state[link.first]
    chi2 = float(difference @ np.linalg.solve(_block(spans, link.first, link.second), difference))
    if chi2 > _CHI2_MOST:
        shift = float(np.linalg.norm(difference[3:]))
        return chi2, f"it would move one by {shift:.2f} m, {np.sqrt(chi2):.1f} sigma of what telemetry allows"
    before = comparer.pair(link.places, _between(grounds, link, np.zeros_like(state)))
    if spread(after.off_m) > _WORSE * spread(before.off_m):
        return 1e3, "the grounds fit no better than telemetry places them"
    if link.level:
        return None
    shifts, cost = _search(grounds, link, comparer, state, spans)
    here = int(np.argmin(np.linalg.norm(shifts, axis=1)))
    sure = 3.0 * np.sqrt(np.diag(_block(covariance, link.first, link.second))[3:5])
    # Elsewhere: further off than the solution's own sigma leaves open.
    elsewhere = np.flatnonzero((np.linalg.norm(shifts, axis=1) > _APART_M) & (np.abs(shifts) > sure).any(axis=1))
    elsewhere = elsewhere[_lowest(shifts, cost.mean(axis=1))[elsewhere]]
    if len(elsewhere):
        rival = int(elsewhere[np.argmin(cost[elsewhere].mean(axis=1))])
        if _lead(cost[here], cost[rival]) < 2.0:
            east, north = shifts[rival]
            return _AMBIGUOUS, f"it fits as well {np.hypot(east, north):.1f} m further off"
    return None


def _fit(
    link: _Link,
    grounds: Sequence[StopGround],
    comparers: dict[int, Comparer],
    told: Float,
    state: Float,
    why: str,
) -> OverlapFit:
    comparer = comparers[link.first]
    before, after = (comparer.pair(link.places, _between(grounds, link, x)) for x in (told, state))
    return OverlapFit(
        link.first,
        link.second,
        len(after.chosen),
        1e3 * spread(before.off_m),
        1e3 * spread(after.off_m),
        1e3 * float(np.median(after.noise_m)) if len(after.noise_m) else float("nan"),
        not why,
        why,
    )
