"""One point of the ground, with everything that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.frames import RigidTransform, locked
from stereo3d.pipeline import Result
from stereo3d.pipeline.places import (
    FramePlace,
    frame_showing,
    lateral_rad,
    measured_by,
    pixel_angle_rad,
    site_from_enu,
)
from stereo3d.terrain.mesh import FaceKind
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools.planes import fit_plane
from stereo3d.view.tools.propagate import place_covariance, propagate
from stereo3d.view.viewpoint import camera_centre

Float = NDArray[np.float64]

WINDOW_PX = 15
"""Side of the window in which pixels were matched together: nearer places have their errors in common."""

_BESIDE_SHARE = 0.2
"""What differs in range by more than this share lies on something else."""
_LEAST_BESIDE = 6


@dataclass(frozen=True)
class Sightline:
    """The direction in which a place is seen, degrees."""

    azimuth_deg: float
    """Clockwise from north, 0 to 360."""
    azimuth_sigma_deg: float
    elevation_deg: float
    """Above the horizon."""
    elevation_sigma_deg: float


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
    covariance: Float = field(default_factory=lambda: np.zeros((3, 3)))
    """(3, 3) m^2, ENU: along the ray by ``sigma_m``, across it by the pixel and the pointing."""
    xyz_site: Float | None = None
    """(3,) SITE: north, east, down, m; None where the rover's place is not known."""
    normal: Float | None = None
    """(3,) unit, ENU, out of the ground."""
    slope_deg: float = float("nan")
    """Of the ground about the point, from the horizontal."""
    slope_sigma_deg: float = float("nan")
    """NaN where too little ground lies about the point to tell."""
    kind: FaceKind = FaceKind.MEASURED
    seen: int = 0
    """How many pairs measured it."""
    shown: FramePlace | None = None
    """The frame and pixel that show it best."""

    def __post_init__(self) -> None:
        for name in ("xyz_enu", "xyz_rover", "ray", "covariance", "xyz_site", "normal"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, locked(getattr(self, name)))

    @property
    def eye_enu(self) -> Float:
        """(3,) m: where it is seen from."""
        return self.xyz_enu - self.range_m * self.ray

    @property
    def sigma_enu(self) -> Float:
        """(3,) one sigma of east, north, up, m."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def sight(self) -> Sightline:
        """Azimuth and elevation."""
        return azimuth_elevation(self)

    def lines(self) -> list[str]:
        """What a person reads."""
        f, r, d = self.xyz_rover
        e, n, u = self.xyz_enu
        se, sn, su = self.sigma_enu
        sight = self.sight
        lines = [
            f"rover  forward {f:.3f}  right {r:.3f}  down {d:.3f} m",
            f"level  east {e:.3f} \u00b1 {se:.3f}  north {n:.3f} \u00b1 {sn:.3f}  up {u:.3f} \u00b1 {su:.3f} m",
        ]
        if self.xyz_site is not None:
            lines.append("site  north {:.3f}  east {:.3f}  down {:.3f} m".format(*self.xyz_site))
        lines += [
            f"range  {self.range_m:.3f} m \u00b1 {self.sigma_m:.3f} m",
            f"towards  azimuth {sight.azimuth_deg:.2f}\u00b0 \u00b1 {sight.azimuth_sigma_deg:.2f}\u00b0  "
            f"elevation {sight.elevation_deg:.2f}\u00b0 \u00b1 {sight.elevation_sigma_deg:.2f}\u00b0",
        ]
        if np.isfinite(self.slope_deg):
            doubt = f" \u00b1 {self.slope_sigma_deg:.1f}\u00b0" if np.isfinite(self.slope_sigma_deg) else ""
            lines.append(f"slope  {self.slope_deg:.1f}\u00b0{doubt}  {self._origin()}")
        if self.shown is not None:
            column, row = self.shown.pixel
            lines.append(f"frame  {self.shown.product_id}  pixel {column:.1f}, {row:.1f}")
        return lines

    def _origin(self) -> str:
        if self.kind is not FaceKind.MEASURED:
            return f"{self.kind.name.lower()}, not measured"
        return f"measured by {self.seen} pair{'s' if self.seen != 1 else ''}"


def measure_point(
    xyz_enu: ArrayLike, sigma_m: float, camera_enu: ArrayLike, enu: RigidTransform, lateral: float = 0.0
) -> Measurement:
    """The measurement of a point (3,), m, ENU, seen from ``camera_enu`` (3,); ``enu`` is ENU from ROVER_NAV.

    ``lateral``: one sigma across the line of sight, rad (:func:`stereo3d.pipeline.places.lateral_rad`).
    """
    point = np.asarray(xyz_enu, dtype=np.float64)
    away = point - np.asarray(camera_enu, dtype=np.float64)
    range_m = float(np.linalg.norm(away))
    covariance = place_covariance(point, camera_enu, sigma_m, lateral)
    return Measurement(point, enu.inverse().apply(point), range_m, float(sigma_m), away / range_m, covariance)


def azimuth_elevation(point: Measurement) -> Sightline:
    """Direction in which a point is seen from where its range is counted from."""
    eye = point.eye_enu

    def measure(places: Float) -> tuple[float, float]:
        east, north, up = places[0] - eye
        return float(np.degrees(np.arctan2(east, north))), float(np.degrees(np.arctan2(up, np.hypot(east, north))))

    value, sigma = propagate(measure, [point], turn=360.0)
    return Sightline(float(value[0] % 360.0), float(sigma[0]), float(value[1]), float(sigma[1]))


def pick(result: Result, surface: Surface, origin: ArrayLike, direction: ArrayLike) -> Measurement | None:
    """The point where a ray (ENU; origin (3,) m, direction (3,)) first meets the ground; None where it does not."""
    hits = surface.hits(np.asarray(origin)[None], np.asarray(direction)[None])
    face = int(hits.face[0])
    if face < 0:
        return None
    mesh = surface.mesh
    place = surface.interpolate(hits, mesh.vertices)[0]
    sigma = float(surface.interpolate(hits, mesh.sigma_m)[0])
    lateral = lateral_rad(result)
    bare = measure_point(place, sigma, camera_centre(result), result.enu_from_rover, lateral)
    normal, slope, slope_sigma = _slope_about(result, surface, bare, lateral)
    if normal is None:
        mean = surface.interpolate(hits, mesh.normals)[0].astype(np.float64)
        normal = mean / max(float(np.linalg.norm(mean)), 1e-9)
        slope = float(np.degrees(np.arccos(np.clip(normal[2], -1.0, 1.0))))
    site = site_from_enu(result)
    return Measurement(
        bare.xyz_enu,
        bare.xyz_rover,
        bare.range_m,
        sigma,
        bare.ray,
        bare.covariance,
        site.apply(place) if site is not None else None,
        normal,
        slope,
        slope_sigma,
        FaceKind(int(mesh.kind[face])),
        int(measured_by(result, place)[0]),
        frame_showing(result, surface, place),
    )


def _slope_about(
    result: Result, surface: Surface, point: Measurement, lateral: float
) -> tuple[Float | None, float, float]:
    """Normal (3,), slope and its sigma (degrees) of the plane through what 3 x 3 lines of sight meet about the point.

    The lines are one matching window apart, so that each tells something of its own.  (None, NaN, NaN) where the
    point is hidden from the eye, or stands alone.
    """
    step = WINDOW_PX * max(pixel_angle_rad(m.pair.left.camera) for m in result.pairs)
    right = np.cross(point.ray, [0.0, 0.0, 1.0])
    if np.linalg.norm(right) < 1e-6:
        right = np.array([1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, point.ray)
    grid = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)], dtype=np.float64) * step
    rays = point.ray + grid[:, :1] * right + grid[:, 1:] * up
    eye = point.eye_enu
    hits = surface.hits(np.broadcast_to(eye, rays.shape), rays)
    places = surface.interpolate(hits, surface.mesh.vertices)
    sigma = surface.interpolate(hits, surface.mesh.sigma_m)
    with np.errstate(invalid="ignore"):
        near = np.abs(np.linalg.norm(places - eye, axis=1) - point.range_m) < _BESIDE_SHARE * point.range_m
    if not near[4] or np.linalg.norm(places[4] - point.xyz_enu) > 0.01 * point.range_m or near.sum() < _LEAST_BESIDE:
        return None, float("nan"), float("nan")
    fit = fit_plane(places[near], place_covariance(places[near], eye, sigma[near], lateral))
    if not np.isfinite(fit.dip_deg):
        return None, float("nan"), float("nan")
    return fit.normal, fit.dip_deg, fit.dip_sigma_deg
