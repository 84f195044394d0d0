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

from stereo3d.frames import Float, RigidTransform, locked
from stereo3d.terrain.overlap import LEAST_BLOCKS, LEAST_PLACES, Comparer, StopGround, shared_places, spread
from stereo3d.terrain.pose_graph import Link, between, block, inverse, moved_by, solve
from stereo3d.terrain.shift_search import begin, lead, lowest, search


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


_APART_M = 0.45
"""Shifts nearer to each other than this are one."""
_CHI2_MOST = 33.0
"""Of six: a correction that telemetry gives a chance of 1e-5 is wrong."""
_WORSE = 1.05
_AMBIGUOUS = 1.0


def place_stops(grounds: Sequence[StopGround], order: Sequence[float], telemetry: Telemetry = Telemetry()) -> Placement:
    """Place all ``grounds`` in the frame that they are told in; the first stays.

    ``order`` tells which stop came after which (spacecraft clock, s): telemetry errs from each to the next.
    An alignment that does not hold (too little ground, no better fit, an unlikely correction, another place that fits
    as well) is not used, with a note, and telemetry stands.
    """
    count = len(grounds)
    prior = _prior(grounds, order, telemetry)
    spans = inverse(prior)
    links, dropped = _links(grounds, spans)
    comparers = {k: Comparer(grounds[k]) for link in links for k in (link.first, link.second)}
    notes: list[str] = []
    while True:
        state = begin(grounds, links, comparers, spans)
        state, covariance = solve(grounds, links, comparers, prior, state)
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
    moved = tuple(moved_by(g, x) for g, x in zip(grounds, state, strict=True))
    fits.sort(key=lambda f: (f.first, f.second))
    return Placement(moved, blocks, tuple(k > 0 and k in joined for k in range(count)), tuple(fits), tuple(notes))


def _named(link: Link) -> str:
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


def _links(grounds: Sequence[StopGround], spans: Float) -> tuple[list[Link], list[tuple[Link, str]]]:
    links: list[Link] = []
    for first in range(len(grounds)):
        for second in range(first + 1, len(grounds)):
            slack = 3.0 * float(np.sqrt(block(spans, first, second)[3, 3]))
            places = shared_places(grounds[first], grounds[second], slack)
            back = shared_places(grounds[second], grounds[first], slack)
            if places is not None and back is not None:
                links.append(Link(first, second, places, back))
    kept, dropped = [], []
    for link in links:
        pairing = Comparer(grounds[link.first]).pair(link.places, between(grounds, link, np.zeros((len(grounds), 6))))
        few = len(pairing.chosen) < LEAST_PLACES
        few |= len(np.unique(link.places.block[pairing.chosen])) < LEAST_BLOCKS
        if few:
            dropped.append((link, f"only {len(pairing.chosen)} places lie on each other"))
        else:
            kept.append(link)
    return kept, dropped


def _wrong(
    grounds: Sequence[StopGround],
    links: Sequence[Link],
    comparers: dict[int, Comparer],
    prior: Float,
    covariance: Float,
    state: Float,
) -> tuple[Link, str, bool] | None:
    """The link that holds least, why, and whether it is only ambiguous; None where all hold."""
    spans = inverse(prior)
    worst: tuple[float, Link, str] | None = None
    for link in links:
        found = _complaint(grounds, link, comparers[link.first], spans, covariance, state)
        if found is not None and (worst is None or found[0] > worst[0]):
            worst = found[0], link, found[1]
    return None if worst is None else (worst[1], worst[2], worst[0] == _AMBIGUOUS)


def _complaint(
    grounds: Sequence[StopGround], link: Link, comparer: Comparer, spans: Float, covariance: Float, state: Float
) -> tuple[float, str] | None:
    after = comparer.pair(link.places, between(grounds, link, state))
    if len(after.chosen) < LEAST_PLACES:
        return 1e9, f"only {len(after.chosen)} places lie on each other"
    difference = state[link.second] - state[link.first]
    chi2 = float(difference @ np.linalg.solve(block(spans, link.first, link.second), difference))
    if chi2 > _CHI2_MOST:
        shift = float(np.linalg.norm(difference[3:]))
        return chi2, f"it would move one by {shift:.2f} m, {np.sqrt(chi2):.1f} sigma of what telemetry allows"
    before = comparer.pair(link.places, between(grounds, link, np.zeros_like(state)))
    if spread(after.off_m) > _WORSE * spread(before.off_m):
        return 1e3, "the grounds fit no better than telemetry places them"
    if link.level:
        return None
    shifts, cost = search(grounds, link, comparer, state, spans)
    here = int(np.argmin(np.linalg.norm(shifts, axis=1)))
    sure = 3.0 * np.sqrt(np.diag(block(covariance, link.first, link.second))[3:5])
    # Elsewhere: further off than the solution's own sigma leaves open.
    elsewhere = np.flatnonzero((np.linalg.norm(shifts, axis=1) > _APART_M) & (np.abs(shifts) > sure).any(axis=1))
    elsewhere = elsewhere[lowest(shifts, cost.mean(axis=1))[elsewhere]]
    if len(elsewhere):
        rival = int(elsewhere[np.argmin(cost[elsewhere].mean(axis=1))])
        if lead(cost[here], cost[rival]) < 2.0:
            east, north = shifts[rival]
            return _AMBIGUOUS, f"it fits as well {np.hypot(east, north):.1f} m further off"
    return None


def _fit(
    link: Link,
    grounds: Sequence[StopGround],
    comparers: dict[int, Comparer],
    told: Float,
    state: Float,
    why: str,
) -> OverlapFit:
    comparer = comparers[link.first]
    before, after = (comparer.pair(link.places, between(grounds, link, x)) for x in (told, state))
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
