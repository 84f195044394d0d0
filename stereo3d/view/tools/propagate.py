"""First-order propagation of the places' covariances to what is measured with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]

STEP_M = 1e-4
"""Places are moved by this much, m, for the differences that stand for derivatives."""


class Place(Protocol):
    """A place of the ground with its error."""

    @property
    def xyz_enu(self) -> Float:
        """(3,) east, north, up, m."""

    @property
    def covariance(self) -> Float:
        """(3, 3), m^2, ENU."""


def place_covariance(xyz_enu: ArrayLike, eye_enu: ArrayLike, sigma_m: ArrayLike, lateral_rad: float) -> Float:
    """Covariance (..., 3, 3), m^2, of places (..., 3) seen from ``eye_enu`` (3,), m.

    C = s^2 r r' + (range lateral_rad)^2 (I - r r') with the line of sight r and one sigma s (...) of the range, m.
    """
    away = np.asarray(xyz_enu, dtype=np.float64) - np.asarray(eye_enu, dtype=np.float64)
    range_m = np.linalg.norm(away, axis=-1)[..., None, None]
    ray = away / range_m[..., 0]
    along = ray[..., :, None] * ray[..., None, :]
    sigma = np.asarray(sigma_m, dtype=np.float64)[..., None, None]
    out: Float = sigma**2 * along + (range_m * lateral_rad) ** 2 * (np.eye(3) - along)
    return out


def propagate(
    measure: Callable[[Float], ArrayLike], places: Sequence[Place], turn: float | None = None
) -> tuple[Float, Float]:
    """What ``measure`` makes of the places, and one sigma of it: arrays (k,).

    ``measure`` takes places (n, 3), ENU, m, and returns k numbers.  sigma^2 is the sum over places of g' C g, with the
    gradient g by central differences; errors of different places are independent.  ``turn``: the numbers are angles
    that begin anew after so much.
    """
    points = np.array([p.xyz_enu for p in places], dtype=np.float64).reshape(-1, 3)
    value = np.atleast_1d(np.asarray(measure(points), dtype=np.float64))
    variance = np.zeros_like(value)
    for number, place in enumerate(places):
        gradient = np.empty((3, len(value)))
        for axis in range(3):
            ends = []
            for sign in (1.0, -1.0):
                moved = points.copy()
                moved[number, axis] += sign * STEP_M
                ends.append(np.atleast_1d(np.asarray(measure(moved), dtype=np.float64)))
            change = ends[0] - ends[1]
            if turn is not None:
                change = (change + 0.5 * turn) % turn - 0.5 * turn
            gradient[axis] = change / (2.0 * STEP_M)
        variance += np.einsum("ik,ij,jk->k", gradient, np.asarray(place.covariance), gradient)
    return value, np.sqrt(variance)
