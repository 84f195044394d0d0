"""The measured ground as the window shows it: perhaps higher than it is, perhaps only within a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.pipeline import Result
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools import Measurement, pick
from stereo3d.view.viewpoint import camera_centre

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Box:
    """What is shown of the ground, m, ENU."""

    low: Float
    """(3,)."""
    high: Float
    """(3,)."""

    def span(self, origin: Float, direction: Float) -> tuple[float, float] | None:
        """From where to where (in lengths of ``direction``) a ray is inside; None when it never is."""
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (self.low - origin) / direction, (self.high - origin) / direction
        near, far = float(np.nanmax(np.minimum(a, b))), float(np.nanmin(np.maximum(a, b)))
        return (max(near, 0.0), far) if far > max(near, 0.0) else None

    def grown(self, factor: float) -> Box:
        """A box ``factor`` times as wide about the same middle; its height stays."""
        middle, half = (self.low + self.high) / 2.0, (self.high - self.low) / 2.0
        half = np.array([half[0] * factor, half[1] * factor, half[2]])
        return Box(middle - half, middle + half)


class World:
    """Rays of the window to places of the ground and back.

    "Shown" places are those of the picture: heights times ``exaggeration``.  Measured ones are never stretched.
    """

    def __init__(self, result: Result) -> None:
        """Raises StereoError for a ground without a face, MissingLibraryError without embree."""
        self.result = result
        self.surface = Surface(result.terrain.mesh)
        self.eye = camera_centre(result)
        self.exaggeration = 1.0
        self.box: Box | None = None

    def shown(self, xyz_enu: Float) -> Float:
        """(..., 3) where the picture shows places (..., 3), m."""
        out: Float = np.asarray(xyz_enu) * np.array([1.0, 1.0, self.exaggeration])
        return out

    def true(self, shown: Float) -> Float:
        """(..., 3) the places, or directions, that are shown there."""
        out: Float = np.asarray(shown) / np.array([1.0, 1.0, self.exaggeration])
        return out

    def pick(self, origin: Float, direction: Float) -> Measurement | None:
        """The place of the ground that a ray of the picture, (3,) and (3,), meets first; None for none."""
        ray = self._within(origin, direction)
        if ray is None:
            return None
        point = pick(self.result, self.surface, ray[0], ray[1])
        return point if point is not None and self._reached(ray, point.xyz_enu) else None

    def hit(self, origin: Float, direction: Float) -> Float | None:
        """(3,) the same place, m, ENU, without anything else that is known of it: quick."""
        ray = self._within(origin, direction)
        if ray is None:
            return None
        hits = self.surface.hits(ray[0][None], ray[1][None])
        if hits.face[0] < 0:
            return None
        place: Float = self.surface.interpolate(hits, self.surface.mesh.vertices)[0]
        return place if self._reached(ray, place) else None

    def _within(self, origin: Float, direction: Float) -> tuple[Float, Float, float] | None:
        """True origin and direction of a ray of the picture, and how far (m) it may go; from the box's side on."""
        origin, direction = self.true(origin), self.true(direction)
        if not np.isfinite(direction).all():
            return None
        if self.box is None:
            return origin, direction, np.inf
        span = self.box.span(origin, direction)
        if span is None:
            return None
        return origin + span[0] * direction, direction, (span[1] - span[0]) * float(np.linalg.norm(direction))

    @staticmethod
    def _reached(ray: tuple[Float, Float, float], place: Float) -> bool:
        return float(np.linalg.norm(place - ray[0])) <= ray[2]

    def ground_height(self, east_m: float, north_m: float, below_m: float = np.inf) -> float:
        """Height, m, as it is shown, of the highest ground under ``below_m`` (shown); NaN where there is none."""
        k = self.exaggeration
        return k * self.surface.ground_height(east_m, north_m, below_m / k)

    def place(self, east_m: float, north_m: float) -> Float | None:
        """(3,) the ground there, m, ENU, or None."""
        up = self.surface.ground_height(east_m, north_m)
        return np.array([east_m, north_m, up]) if np.isfinite(up) else None
