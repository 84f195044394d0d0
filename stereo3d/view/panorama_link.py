"""The panorama and the ground, linked: the direction of each pixel, the pixel of each direction, the place it shows.

The picture is equirectangular about the place that ranges are counted from, so that a direction there is a pixel here,
whatever the range.  A panorama file that ``stereo3d panorama`` wrote has its own eye: its pixels are linked by rays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.errors import FrameMismatchError
from stereo3d.export.panorama import PanoramaFile, read_panorama
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform, locked
from stereo3d.panorama.projection import Projection
from stereo3d.pipeline import Result
from stereo3d.pipeline.surroundings import surroundings
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools import Measurement, pick

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PanoramaLink:
    """Pixels (column, row; the first one's centre is (0, 0)) of an equirectangular panorama about ``eye``, ENU."""

    eye: Float
    """(3,) m."""
    azimuth_left_deg: float
    """Of the left edge, which is column -0.5; clockwise from north."""
    elevation_top_deg: float
    """Of the upper edge, which is row -0.5."""
    deg_per_px: float
    width: int
    height: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "eye", locked(self.eye))

    def azimuth_elevation(self, pixels: ArrayLike) -> Float:
        """(..., 2) degrees, azimuth from 0 to 360, of pixels (..., 2)."""
        at = np.asarray(pixels, dtype=np.float64)
        azimuth = (self.azimuth_left_deg + (at[..., 0] + 0.5) * self.deg_per_px) % 360.0
        return np.stack([azimuth, self.elevation_top_deg - (at[..., 1] + 0.5) * self.deg_per_px], axis=-1)

    def direction(self, pixels: ArrayLike) -> Float:
        """(..., 3) unit, ENU, of pixels (..., 2)."""
        azimuth, elevation = np.moveaxis(np.radians(self.azimuth_elevation(pixels)), -1, 0)
        level = np.cos(elevation)
        return np.stack([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)], axis=-1)

    def pixel(self, directions: ArrayLike) -> Float:
        """Pixels (..., 2) of directions (..., 3), ENU, of any length.

        The column lies within half a turn of the picture's middle; it may be outside of a picture that does not go all
        around, as the row may.
        """
        d = np.asarray(directions, dtype=np.float64)
        azimuth = np.degrees(np.arctan2(d[..., 0], d[..., 1]))
        elevation = np.degrees(np.arctan2(d[..., 2], np.hypot(d[..., 0], d[..., 1])))
        middle = self.azimuth_left_deg + 0.5 * self.width * self.deg_per_px
        off = (azimuth - middle + 180.0) % 360.0 - 180.0
        column = 0.5 * self.width + off / self.deg_per_px - 0.5
        return np.stack([column, (self.elevation_top_deg - elevation) / self.deg_per_px - 0.5], axis=-1)

    def pixel_of(self, places: ArrayLike) -> Float:
        """Pixels (..., 2) that show places (..., 3), m, ENU."""
        return self.pixel(np.asarray(places, dtype=np.float64) - self.eye)

    def inside(self, pixels: ArrayLike) -> NDArray[np.bool_]:
        """(...) whether pixels (..., 2) lie in the picture."""
        at = np.asarray(pixels, dtype=np.float64)
        across = (at[..., 0] >= -0.5) & (at[..., 0] <= self.width - 0.5)
        return np.asarray(across & (at[..., 1] >= -0.5) & (at[..., 1] <= self.height - 0.5))

    def ground(self, surface: Surface, pixel: ArrayLike) -> Float | None:
        """(3,) m, ENU: the ground that a pixel (2,) shows; None for sky or a hole."""
        found = surface.hits(self.eye[None], self.direction(pixel)[None])
        if found.face[0] < 0:
            return None
        return np.asarray(surface.interpolate(found, surface.mesh.vertices)[0], dtype=np.float64)


def surroundings_of(result: Result, most_columns: int = 4096) -> tuple[NDArray[np.uint8], PanoramaLink] | None:
    """The panorama of the left frames (rows, columns, 4), clear where nothing was seen, and its link to the ground.

    None where the frames show nothing.
    """
    found = surroundings(result, most_columns)
    if found is None:
        return None
    alpha = np.where(found.seen, np.uint8(255), np.uint8(0))
    rows, columns = found.seen.shape
    link = PanoramaLink(
        result.eye_enu, found.azimuth_left_deg, found.elevation_top_deg, found.deg_per_px, columns, rows
    )  # fmt: skip
    return np.dstack([found.pixels, alpha]), link


@dataclass(frozen=True, eq=False)
class FileLink:
    """A panorama's file, of any projection, over the ground of the same stop."""

    projection: Projection
    enu_from_level: RigidTransform

    def ray(self, pixel: ArrayLike) -> tuple[Float, Float]:
        """Origin (3,), m, and unit direction (3,), ENU, of a pixel (2,); NaN where there is none."""
        origin, direction = self.projection.rays(np.asarray(pixel, dtype=np.float64))
        return self.enu_from_level.apply(origin), self.enu_from_level.rotate(direction)

    def pixel_of(self, places: ArrayLike) -> Float:
        """Pixels (..., 2) that show places (..., 3), m, ENU; NaN where there are none."""
        return self.projection.pixels_of(self.enu_from_level.inverse().apply(places))

    def measure(self, result: Result, surface: Surface, pixel: ArrayLike) -> Measurement | None:
        """The ground that a pixel (2,) shows; None for sky or a hole."""
        origin, direction = self.ray(pixel)
        if not np.isfinite(direction).all():
            return None
        return pick(result, surface, origin, direction)


def link_file(path: Path, result: Result) -> tuple[PanoramaFile, FileLink]:
    """A panorama that ``stereo3d panorama`` wrote (its picture or its JSON file), linked to the ground of ``result``.

    Raises what :func:`stereo3d.export.panorama.read_panorama` raises, and FrameMismatchError for one of another stop.
    """
    found = read_panorama(path)
    first = result.observations[0]
    here = Frame.local_level(first.site, first.drive)
    if found.projection.frame != here:
        raise FrameMismatchError(
            f"this panorama is in {found.projection.frame}, the ground is of {here}", file=path,
            expected="a panorama of the same stop",
        )  # fmt: skip
    return found, FileLink(found.projection, RigidTransform(result.terrain.mesh.frame, here, ENU_FROM_NED))
