"""The ground in the light of a sun that stands where one wants it, with the shadows that it casts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.pipeline import Result
from stereo3d.terrain.surface import Surface

AMBIENT = 0.12
"""Light of the sky, which reaches the shadows too, as a share of all light."""
_USUAL_DEG = (315.0, 45.0)
_RAYS = 1 << 20
_CLEAR_M = 2e-3
"""A ray towards the sun starts this far off the ground, and further where the ground is far: it must not hit itself."""
_CLEAR_SHARE = 5e-4


@dataclass(frozen=True)
class Sun:
    """A light that is infinitely far."""

    azimuth_deg: float
    """Clockwise from north."""
    elevation_deg: float
    """Above the horizon."""

    @property
    def direction(self) -> NDArray[np.float64]:
        """(3,) unit, ENU: towards the sun."""
        azimuth, elevation = np.radians([self.azimuth_deg, self.elevation_deg])
        level = np.cos(elevation)
        return np.array([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)])

    def on(self, normals: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n,) float32, 0 to 1: light on ground with these unit normals (n, 3), without cast shadows."""
        facing = np.maximum(normals @ self.direction.astype(normals.dtype), 0)
        return np.asarray(AMBIENT + (1.0 - AMBIENT) * facing, dtype=np.float32)


def usual_sun(result: Result) -> Sun:
    """The sun of the first frame that tells one above the horizon; else in the north-west, as maps have it."""
    for frame in result.observations:
        if frame.sun_deg is not None and frame.sun_deg[1] > 0.0:
            return Sun(*frame.sun_deg)
    return Sun(*_USUAL_DEG)


def in_shadow(
    surface: Surface, places: NDArray[np.floating], normals: NDArray[np.floating], sun: Sun, eye: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n,) whether the ground hides the sun from places (n, 3), m, ENU, on it, with unit normals (n, 3).

    ``eye`` (3,): where the ground was measured from; its grain grows with the range from there.
    """
    out = np.zeros(len(places), dtype=np.bool_)
    towards = sun.direction
    for first in range(0, len(places), _RAYS):
        part = slice(first, first + _RAYS)
        here = np.asarray(places[part], dtype=np.float64)
        clear = _CLEAR_M + _CLEAR_SHARE * np.linalg.norm(here - eye, axis=1, keepdims=True)
        start = here + clear * (normals[part] + towards)
        hits = surface.hits(start, np.broadcast_to(towards, start.shape))
        out[part] = hits.face >= 0
    return out


def lit(
    surface: Surface, places: NDArray[np.floating], normals: NDArray[np.floating], sun: Sun, eye: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(n,) float32, 0 to 1: light on places of the ground, cast shadows among it; see :func:`in_shadow`."""
    light = sun.on(normals)
    light[in_shadow(surface, places, normals, sun, eye)] = AMBIENT
    return light


def vertex_light(result: Result, surface: Surface, sun: Sun) -> NDArray[np.float32]:
    """(n,) float32, 0 to 1: light on the vertices of the ground, with cast shadows."""
    mesh = surface.mesh
    return lit(surface, mesh.vertices, mesh.normals, sun, result.eye_enu)
