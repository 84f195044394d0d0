"""Planes: the height of a place above three others, and dip and strike of the plane through many.

A plane's dip is its steepest slope, its dip direction the compass direction in which it falls.  Strike is told by the
right-hand rule: looking along it, the plane falls to the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stereo3d.frames import locked
from stereo3d.view.tools.propagate import Float, Place, propagate

_ROUNDS = 10
_LEAST_PLACES = 4
_IN_LINE = 1e-12
"""Places whose second extent squared is less than this share of the first one's lie in a line."""
_LEAST_AREA_M2 = 1e-9
_LEVEL = 1e-9
_NO_DIRECTION_DEG = 180.0
"""A direction whose sigma is larger is not known at all."""


@dataclass(frozen=True)
class Height:
    """How far a place lies above the plane of three others, square to that plane."""

    value: float
    """m, negative below; NaN where the three lie in a line."""
    sigma: float
    unit: str = "m"

    def lines(self) -> list[str]:
        """What a person reads."""
        return [f"height above the plane  {self.value:+.3f} m \u00b1 {self.sigma:.3f} m"]


@dataclass(frozen=True, eq=False)
class PlaneFit:
    """The plane that fits places best.  Angles are degrees; all is NaN where there is no such plane."""

    dip_deg: float
    dip_sigma_deg: float
    dip_direction_deg: float
    """Clockwise from north, 0 to 360."""
    strike_deg: float
    strike_sigma_deg: float
    """Of the dip direction as well."""
    normal: Float
    """(3,) unit, ENU, upwards."""
    centre: Float
    """(3,) m, ENU."""
    rms_m: float
    """Of the places' distances from the plane."""
    reduced_chi2: float
    """Of the distances over their sigmas; where it is above 1 the ground is rougher than its errors, and the sigmas
    told are larger by its root."""
    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "normal", locked(self.normal))
        object.__setattr__(self, "centre", locked(self.centre))

    @property
    def value(self) -> float:
        """The dip."""
        return self.dip_deg

    @property
    def sigma(self) -> float:
        """One sigma of the dip."""
        return self.dip_sigma_deg

    @property
    def unit(self) -> str:
        """Degrees."""
        return "deg"

    def lines(self) -> list[str]:
        """What a person reads."""
        if not np.isfinite(self.dip_deg):
            return ["plane  none: its places lie in a line, or are too few"]
        if np.isnan(self.strike_deg):
            return [f"dip  {self.dip_deg:.2f}\u00b0 \u00b1 {self.dip_sigma_deg:.2f}\u00b0  (level: no strike)"]
        return [
            f"dip  {self.dip_deg:.2f}\u00b0 \u00b1 {self.dip_sigma_deg:.2f}\u00b0  "
            f"towards {self.dip_direction_deg:.1f}\u00b0",
            f"strike  {self.strike_deg:.1f}\u00b0 \u00b1 {self.strike_sigma_deg:.1f}\u00b0  (falls to its right)",
            f"from {self.count} places, {1000 * self.rms_m:.1f} mm rms, chi2 {self.reduced_chi2:.2f}",
        ]


def height_above_plane(place: Place, first: Place, second: Place, third: Place) -> Height:
    """The distance of ``place`` from the plane of three others; the side that looks up is above."""

    def measure(points: Float) -> float:
        across = np.cross(points[2] - points[1], points[3] - points[1])
        length = float(np.linalg.norm(across))
        if length < _LEAST_AREA_M2:
            return float("nan")
        normal = across / (length if across[2] >= 0.0 else -length)
        return float(normal @ (points[0] - points[1]))

    value, sigma = propagate(measure, [place, first, second, third])
    return Height(float(value[0]), float(sigma[0]) if np.isfinite(value[0]) else float("nan"))


def plane_fit(places: Sequence[Place]) -> PlaneFit:
    """The plane of places, see :func:`fit_plane`."""
    points = np.array([p.xyz_enu for p in places], dtype=np.float64).reshape(-1, 3)
    return fit_plane(points, np.array([p.covariance for p in places], dtype=np.float64).reshape(-1, 3, 3))


def fit_plane(points: Float, covariances: Float) -> PlaneFit:
    """Weighted total least squares: the plane with the least sum of (distance / its sigma)^2 over points (n, 3), m.

    The sigma of a distance follows from the point's covariance (n, 3, 3) along the plane's normal; ten rounds of
    weights.  The errors of the plane's tilt follow from the same sum, times the root of the reduced chi^2 where that is
    above 1.  Points must not be so near to each other that their errors are the same ones.
    """
    count = len(points)
    if count < _LEAST_PLACES:
        return _no_plane(count)
    weights = np.ones(count)
    values, axes, centre, off = _principal(points, weights)
    for _ in range(_ROUNDS):
        normal = axes[:, 0]
        weights = 1.0 / np.maximum(np.einsum("i,nij,j->n", normal, covariances, normal), 1e-18)
        values, axes, centre, off = _principal(points, weights)
    if not values[1] > _IN_LINE * values[2]:
        return _no_plane(count)
    chi2 = float((weights * off**2).sum() / (count - 3))
    scale = max(1.0, chi2)
    normal = axes[:, 0]
    level = float(np.hypot(normal[0], normal[1]))
    dip = float(np.degrees(np.arctan2(level, normal[2])))
    tilt = scale / values[1:]  # variances of the turns about the plane's own two axes, rad^2
    if level < _LEVEL:
        # A level plane falls in no direction; its dip is as doubtful as its most doubtful tilt.
        direction, dip_sigma, turn_sigma = float("nan"), float(np.sqrt(tilt[0])), float("nan")
    else:
        direction = float(np.degrees(np.arctan2(normal[0], normal[1])) % 360.0)
        dip_sigma = float(np.sqrt(tilt @ (axes[2, 1:] / level) ** 2))
        across = (normal[1] * axes[0, 1:] - normal[0] * axes[1, 1:]) / level**2
        turn_sigma = float(np.sqrt(tilt @ across**2))
    rms = float(np.sqrt(np.mean(off**2)))
    return PlaneFit(
        dip, float(np.degrees(dip_sigma)), direction, (direction - 90.0) % 360.0,
        min(float(np.degrees(turn_sigma)), _NO_DIRECTION_DEG), normal, centre, rms, chi2, count,
    )  # fmt: skip


def _principal(points: Float, weights: Float) -> tuple[Float, Float, Float, Float]:
    """Eigenvalues (3,) of the weighted scatter, smallest first; eigenvectors (3, 3) in columns, the first one upwards;
    the centre (3,); the distances (n,) from the plane."""
    centre = (weights[:, None] * points).sum(axis=0) / weights.sum()
    offset = points - centre
    values, axes = np.linalg.eigh((weights[:, None] * offset).T @ offset)
    if axes[2, 0] < 0.0:
        axes[:, 0] = -axes[:, 0]
    return values, axes, centre, offset @ axes[:, 0]


def _no_plane(count: int) -> PlaneFit:
    nan, none = float("nan"), np.full(3, np.nan)
    return PlaneFit(nan, nan, nan, nan, nan, none, none, nan, nan, count)
