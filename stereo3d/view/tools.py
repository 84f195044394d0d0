"""Measuring: a point and the distance of two points, each number with its sigma.  No window here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.frames import RigidTransform
from stereo3d.pipeline import Result
from stereo3d.terrain.surface import Surface
from stereo3d.view.viewpoint import camera_centre

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measurement:
    """One point of the ground."""

    xyz_enu: Float
    """(3,) east, north, up, m."""
    xyz_rover: Float
    """(3,) ROVER_NAV: forward, right, down, m."""
    range_m: float
    """From the left camera; from the middle of them when several pairs were measured."""
    sigma_m: float
    """One sigma of the range, along the ray from the camera."""
    ray: Float
    """(3,) unit, ENU, from the camera to the point."""

    def lines(self) -> list[str]:
        """What a person reads."""
        f, r, d = self.xyz_rover
        e, n, u = self.xyz_enu
        return [
            f"rover  forward {f:.3f}  right {r:.3f}  down {d:.3f} m",
            f"level  east {e:.3f}  north {n:.3f}  up {u:.3f} m",
            f"range  {self.range_m:.3f} m \u00b1 {self.sigma_m:.3f} m",
        ]


@dataclass(frozen=True)
class Distance:
    """The straight line between two points."""

    length_m: float
    sigma_m: float
    horizontal_m: float
    rise_m: float
    """Up from the first to the second point."""

    def lines(self) -> list[str]:
        """What a person reads."""
        return [
            f"distance  {self.length_m:.3f} m \u00b1 {self.sigma_m:.3f} m",
            f"horizontal {self.horizontal_m:.3f} m  rise {self.rise_m:+.3f} m",
        ]


def measure_point(xyz_enu: ArrayLike, sigma_m: float, camera_enu: ArrayLike, enu: RigidTransform) -> Measurement:
    """The measurement of a point (3,), m, ENU, seen from ``camera_enu`` (3,); ``enu`` is ENU from ROVER_NAV."""
    point = np.asarray(xyz_enu, dtype=np.float64)
    away = point - np.asarray(camera_enu, dtype=np.float64)
    range_m = float(np.linalg.norm(away))
    return Measurement(point, enu.inverse().apply(point), range_m, float(sigma_m), away / range_m)


def distance(first: Measurement, second: Measurement) -> Distance:
    """Length between two points, its sigma from the range sigmas along their two rays.

    With the line's unit vector e: sigma^2 = (e . r1)^2 s1^2 + (e . r2)^2 s2^2, first order, the two errors taken as
    independent; where the pixel was clicked counts as exact.  For one and the same place, where e has no direction,
    it is the most that any direction gives.
    """
    line = second.xyz_enu - first.xyz_enu
    length = float(np.linalg.norm(line))
    along = [float(line @ m.ray) / length if length > 1e-9 else 1.0 for m in (first, second)]
    sigma = float(np.hypot(along[0] * first.sigma_m, along[1] * second.sigma_m))
    return Distance(length, sigma, float(np.hypot(line[0], line[1])), float(line[2]))


def pick(result: Result, surface: Surface, origin: ArrayLike, direction: ArrayLike) -> Measurement | None:
    """The point where a ray (ENU; origin (3,) m, direction (3,)) first meets the ground; None where it does not."""
    hits = surface.hits(np.asarray(origin)[None], np.asarray(direction)[None])
    if hits.face[0] < 0:
        return None
    mesh = surface.mesh
    point = surface.interpolate(hits, mesh.vertices)[0]
    sigma = float(surface.interpolate(hits, mesh.sigma_m)[0])
    return measure_point(point, sigma, camera_centre(result), result.enu_from_rover)
