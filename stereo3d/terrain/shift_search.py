"""Level shifts tried one by one: where two grounds fit best, and where else they fit as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import Float
from stereo3d.terrain.overlap import LEAST_BLOCKS, Comparer, Pairing, Places, StopGround, robust_cost
from stereo3d.terrain.pose_graph import Link, between, block, scale_of

SEARCH_STEP_M, SEARCH_MOST_M, SEARCH_SIGMA = 0.15, 3.0, 2.5
"""Shifts to begin with are tried on squares of this side, out to so many sigma of the prior, but not further."""
DECISIVE = 3.0
"""One shift fits better than another when the squares of ground say so by so many sigma."""


def begin(grounds: Sequence[StopGround], links: Sequence[Link], comparers: dict[int, Comparer], spans: Float) -> Float:
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
        shifts, found = search(grounds, best, comparers[best.first], state, spans)
        told = int(np.argmin(np.linalg.norm(shifts, axis=1)))
        top = int(np.argmin(found.mean(axis=1)))
        if lead(found[top], found[told]) > DECISIVE:
            state[k, 3:5] += shifts[top]
        state[k, 5] += _height(grounds, best, comparers[best.first], state)
    return state


def _shifts(spans: Float, link: Link) -> Float:
    """(n, 2) m, east and north, to be tried."""
    sigma = float(np.sqrt(block(spans, link.first, link.second)[3, 3]))
    reach = min(SEARCH_MOST_M, SEARCH_SIGMA * sigma)
    steps = np.arange(0.0, reach + SEARCH_STEP_M, SEARCH_STEP_M)
    side = np.concatenate([-steps[:0:-1], steps])
    east, north = np.meshgrid(side, side)
    inside = np.hypot(east, north) <= reach + 1e-9
    return np.stack([east[inside], north[inside]], axis=1)


def search(
    grounds: Sequence[StopGround], link: Link, comparer: Comparer, state: Float, spans: Float
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
        pairings.append(comparer.pair(places, between(grounds, link, there)))
    # In units of the noise that is left under the best of them.
    scale = min((scale_of(p.off_m - np.median(p.off_m), p) for p in pairings if len(p.chosen) >= 30), default=1.0)
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
    square = places.block[pairing.chosen]
    number = np.bincount(square, minlength=squares)
    total = np.bincount(square, weights=cost, minlength=squares)
    out[number > 0] = total[number > 0] / number[number > 0]
    return out


def lowest(shifts: Float, cost: Float) -> NDArray[np.bool_]:
    """(n,) where the cost is lower than under all shifts beside."""
    apart = np.linalg.norm(shifts[:, None] - shifts[None], axis=2)
    beside = (apart > 0) & (apart < 1.5 * SEARCH_STEP_M)
    return np.asarray(cost < np.where(beside, cost[None], np.inf).min(axis=1))


def lead(better: Float, worse: Float) -> float:
    """By how many sigma the squares say that one shift costs less than another."""
    gain = worse - better
    error = float(np.std(gain)) / np.sqrt(len(gain))
    return float(np.mean(gain)) / error if error > 0 else 0.0


def _height(grounds: Sequence[StopGround], link: Link, comparer: Comparer, state: Float) -> float:
    off = comparer.pair(link.places, between(grounds, link, state)).off_m
    return -float(np.median(off)) if len(off) else 0.0
