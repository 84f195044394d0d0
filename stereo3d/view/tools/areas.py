"""Area of a polygon of places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stereo3d.view.tools.propagate import Float, Place, propagate


@dataclass(frozen=True)
class Area:
    """A polygon, whose last place is joined to the first."""

    value: float
    """m^2, of the polygon seen square on: in the plane in which it is largest."""
    sigma: float
    horizontal_m2: float
    """Of the polygon seen from above."""
    horizontal_sigma_m2: float
    perimeter_m: float
    perimeter_sigma_m: float
    unit: str = "m2"

    def lines(self) -> list[str]:
        """What a person reads."""
        return [
            f"area  {self.value:.4g} m2 \u00b1 {self.sigma:.2g} m2  (in its plane)",
            f"level  {self.horizontal_m2:.4g} \u00b1 {self.horizontal_sigma_m2:.2g} m2  "
            f"around  {self.perimeter_m:.3f} \u00b1 {self.perimeter_sigma_m:.3f} m",
        ]


def area(places: Sequence[Place]) -> Area:
    """The polygon's area by Newell's sum of cross products, whose direction is the best plane's normal.

    A polygon that crosses itself counts its turns against each other.  Raises ValueError for fewer than three places.
    """
    if len(places) < 3:
        raise ValueError("an area needs three places")
    value, sigma = propagate(_numbers, places)
    (a, sa), (b, sb), (c, sc) = zip(value.tolist(), sigma.tolist(), strict=True)
    return Area(a, sa, b, sb, c, sc)


def _numbers(points: Float) -> list[float]:
    """Area, level area, perimeter."""
    offset = points - points[0]
    following = np.roll(offset, -1, axis=0)
    vector = 0.5 * np.cross(offset, following).sum(axis=0)
    around = np.linalg.norm(following - offset, axis=1).sum()
    return [float(np.linalg.norm(vector)), float(abs(vector[2])), float(around)]
