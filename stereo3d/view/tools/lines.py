"""Distance, polyline and angle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stereo3d.view.tools.propagate import Float, Place, propagate

_SAME_M = 1e-9
"""Places nearer to each other are one, and their line has no direction."""


@dataclass(frozen=True)
class Distance:
    """The straight line between two points."""

    value: float
    """m."""
    sigma: float
    horizontal_m: float
    horizontal_sigma_m: float
    rise_m: float
    """Up from the first to the second point."""
    rise_sigma_m: float
    unit: str = "m"

    @property
    def length_m(self) -> float:
        """The value."""
        return self.value

    @property
    def sigma_m(self) -> float:
        """One sigma of the value."""
        return self.sigma

    def lines(self) -> list[str]:
        """What a person reads."""
        return [
            f"distance  {self.value:.3f} m \u00b1 {self.sigma:.3f} m",
            f"level  {self.horizontal_m:.3f} \u00b1 {self.horizontal_sigma_m:.3f} m  "
            f"rise  {self.rise_m:+.3f} \u00b1 {self.rise_sigma_m:.3f} m",
        ]


@dataclass(frozen=True)
class Polyline:
    """A line of straight pieces."""

    value: float
    """m, the sum of the pieces."""
    sigma: float
    horizontal_m: float
    horizontal_sigma_m: float
    pieces: int
    unit: str = "m"

    def lines(self) -> list[str]:
        """What a person reads."""
        return [
            f"polyline  {self.value:.3f} m \u00b1 {self.sigma:.3f} m  in {self.pieces} pieces",
            f"level  {self.horizontal_m:.3f} \u00b1 {self.horizontal_sigma_m:.3f} m",
        ]


@dataclass(frozen=True)
class Angle:
    """The angle at the middle one of three points."""

    value: float
    """Degrees, 0 to 180; NaN where a leg has no length."""
    sigma: float
    unit: str = "deg"

    def lines(self) -> list[str]:
        """What a person reads."""
        return [f"angle  {self.value:.2f}\u00b0 \u00b1 {self.sigma:.2f}\u00b0"]


def distance(first: Place, second: Place) -> Distance:
    """Length between two points.

    For one and the same place, where the line has no direction, sigma is the most that any direction gives.
    """
    value, sigma = propagate(_steps, [first, second])
    if value[0] < _SAME_M:
        total = np.asarray(first.covariance) + np.asarray(second.covariance)
        sigma[0] = np.sqrt(np.linalg.eigvalsh(total)[-1])
        sigma[1] = np.sqrt(np.linalg.eigvalsh(total[:2, :2])[-1])
    elif value[1] < _SAME_M:
        total = np.asarray(first.covariance) + np.asarray(second.covariance)
        sigma[1] = np.sqrt(np.linalg.eigvalsh(total[:2, :2])[-1])
    (a, sa), (b, sb), (c, sc) = zip(value.tolist(), sigma.tolist(), strict=True)
    return Distance(a, sa, b, sb, c, sc)


def _steps(points: Float) -> list[float]:
    """Length, level length, rise of two points."""
    line = points[1] - points[0]
    return [float(np.linalg.norm(line)), float(np.hypot(line[0], line[1])), float(line[2])]


def polyline_length(places: Sequence[Place], closed: bool = False) -> Polyline:
    """Length of the line through places in turn, and back to the first one when ``closed``.  ValueError for fewer
    than two."""
    if len(places) < 2:
        raise ValueError("a line needs two places")

    def measure(points: Float) -> list[float]:
        ring = np.concatenate([points, points[:1]]) if closed else points
        steps = np.diff(ring, axis=0)
        return [float(np.linalg.norm(steps, axis=1).sum()), float(np.hypot(steps[:, 0], steps[:, 1]).sum())]

    value, sigma = propagate(measure, places)
    pieces = len(places) if closed else len(places) - 1
    return Polyline(float(value[0]), float(sigma[0]), float(value[1]), float(sigma[1]), pieces)


def angle(first: Place, corner: Place, second: Place) -> Angle:
    """The angle at ``corner`` between the lines to the two others."""

    def measure(points: Float) -> float:
        a, b = points[0] - points[1], points[2] - points[1]
        if min(np.linalg.norm(a), np.linalg.norm(b)) < _SAME_M:
            return float("nan")
        return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))

    value, sigma = propagate(measure, [first, corner, second])
    return Angle(float(value[0]), float(sigma[0]) if np.isfinite(value[0]) else float("nan"))
