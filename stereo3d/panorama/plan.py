"""Which canvas holds the frames: its projection, limits and size, from what the user asked for and what is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import PanoramaError
from stereo3d.frames import Frame
from stereo3d.observation import Eye
from stereo3d.panorama.eye_path import EyePath
from stereo3d.panorama.projection import (
    KINDS,
    Cylindrical,
    Equirectangular,
    Perspective,
    Polar,
    Projection,
    Vertical,
)
from stereo3d.panorama.resample import Source, footprint

Float = NDArray[np.float64]

MAX_WIDTH = 20_000
MAX_PIXELS = 200_000_000
_MAX_RISE = math.tan(math.radians(65.0))
"""A cylindrical picture stops 65 degrees above and below the horizon, where it is stretched sixfold."""
_USUAL_FOV_DEG = 60.0
_USUAL_EXTENT_M = 20.0
_LEAN = 0.12
"""Of the rays of the two overhead eyes: a rock of 0.5 m moves by 0.06 m in each."""


@dataclass(frozen=True)
class CanvasWish:
    """What the user asks of the canvas; None leaves it to the frames."""

    kind: str = "cylindrical"
    """A name of :data:`KINDS`."""
    width: int | None = None
    """px."""
    start_azimuth_deg: float | None = None
    """The azimuth of the left edge (cylindrical, equirectangular) where the canvas goes all around."""
    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    """Aim of a perspective."""
    fov_deg: float | None = None
    """Of a perspective, from its left to its right edge."""
    extent_m: float | None = None
    """Side of the square of an overhead view, about the rover."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PanoramaError(f"'{self.kind}' is no projection", expected=f"one of {', '.join(KINDS)}")
        limits: tuple[tuple[str, float | None, float, float, str, tuple[str, ...]], ...] = (
            ("width", self.width, 16, MAX_WIDTH, "px", tuple(KINDS)),
            ("start", self.start_azimuth_deg, -360.0, 360.0, "degrees", ("cylindrical", "equirectangular")),
            ("azimuth", self.azimuth_deg, -360.0, 360.0, "degrees", ("perspective",)),
            ("elevation", self.elevation_deg, -90.0, 90.0, "degrees", ("perspective",)),
            ("field of view", self.fov_deg, 1.0, 150.0, "degrees", ("perspective",)),
            ("extent", self.extent_m, 0.5, 1000.0, "m", ("vertical",)),
        )
        for name, value, low, high, unit, kinds in limits:
            if value is None:
                continue
            if self.kind not in kinds:
                raise PanoramaError(
                    f"a {self.kind} panorama has no {name}", expected=f"it for {' or '.join(kinds)} only"
                )
            if not low <= value <= high:
                raise PanoramaError(
                    f"a {name} of {value:g} {unit} is not possible", expected=f"{low:g} to {high:g} {unit}"
                )


@dataclass(frozen=True, eq=False)
class Footprint:
    """Where a frame lies about the eye's path."""

    azimuth_deg: Float
    """(n,)."""
    elevation_deg: Float
    """(n,)."""


def plan(
    wish: CanvasWish,
    sources: Sequence[Source],
    frame: Frame,
    path: EyePath,
) -> Projection:
    """The canvas of one eye's frames.  ``frame`` is LOCAL_LEVEL of the stop.

    Raises PanoramaError where the frames see nothing that the projection shows.
    """
    seen = [_footprint(s, path) for s in sources]
    azimuths, elevations = (
        np.concatenate([getattr(f, name) for f in seen]) for name in ("azimuth_deg", "elevation_deg")
    )
    if not azimuths.size:
        raise PanoramaError("no frame has a usable pixel", todo="see 'stereo3d info' about them")
    native = max(s.px_per_deg for s in sources)
    if wish.kind == "vertical":
        extent = wish.extent_m or _USUAL_EXTENT_M
        # Straight below the mast a pixel of a frame is this wide on the ground.
        finest = abs(float(path.centre[2])) * math.radians(1.0 / native)
        side = wish.width or int(np.clip(math.ceil(extent / (2.0 * finest)), 200, 6000))
        return Vertical(frame, side, side, path, extent / side, 0.0, 0.0)
    if wish.kind == "polar":
        reach = min(float(elevations.max()) + 90.5, 150.0)
        side = wish.width or min(math.ceil(2.0 * reach * native), 8000)
        return Polar(frame, side, side, path, side / (2.0 * reach))
    if wish.kind == "perspective":
        return _perspective(wish, azimuths, elevations, native, frame, path)
    return _around(wish, azimuths, elevations, native, frame, path)


def for_eye(projection: Projection, path: EyePath, eye: Eye) -> Projection:
    """The same canvas for an eye of an anaglyph."""
    if isinstance(projection, Vertical):
        # What is high stands out when the left eye sees it from the left.
        return replace(projection, path=path, lean=_LEAN if eye is Eye.LEFT else -_LEAN)
    return replace(projection, path=path)


def _footprint(source: Source, path: EyePath) -> Footprint:
    azimuth, level, drop = path.sight(footprint(source))
    known = np.isfinite(azimuth)
    return Footprint(np.degrees(azimuth[known]), np.degrees(np.arctan2(-drop[known], level[known])))


def covered_arc(azimuths_deg: Float) -> tuple[float, float]:
    """Start and width, degrees, of the smallest arc that holds all azimuths; width 360 without a gap over 3."""
    a = np.unique(np.mod(azimuths_deg, 360.0))
    gaps = np.diff(np.append(a, a[0] + 360.0))
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 3.0:
        return 0.0, 360.0
    return float(a[(widest + 1) % len(a)]), 360.0 - float(gaps[widest])


def quietest_azimuth(azimuths_deg: Sequence[Float]) -> float:
    """The azimuth, degrees, where the fewest frames (their azimuths, each (n,)) overlap: a circle is cut open there."""
    count = np.zeros(360, dtype=np.int64)
    for a in azimuths_deg:
        bins = np.zeros(360, dtype=bool)
        bins[np.floor(np.mod(a, 360.0)).astype(np.int64) % 360] = True
        # Samples stand a few degrees apart.
        count += np.convolve(np.tile(bins, 3), np.ones(7, dtype=np.int64), mode="same")[360:720] > 0
    least = count == count.min()
    runs = np.convolve(np.tile(least, 3), np.ones(9), mode="same")[360:720]
    return float(np.argmax(np.where(least, runs, -1.0))) + 0.5


def cut_open(projection: Projection, sources: Sequence[Source]) -> tuple[Projection, int]:
    """A full circle cut where the fewest frames overlap, and by how many pixels its columns are to be rolled to the
    right at the end to stand as planned.  Other canvases as they are, and 0."""
    if not (projection.full_circle and isinstance(projection, Cylindrical | Equirectangular)):
        return projection, 0
    cut = quietest_azimuth([_footprint(s, projection.path).azimuth_deg for s in sources])
    shift = round(np.mod(cut - projection.start_azimuth_deg, 360.0) * projection.px_per_deg) % projection.width
    return replace(projection, start_azimuth_deg=projection.start_azimuth_deg + shift / projection.px_per_deg), shift


def _around(
    wish: CanvasWish, azimuths: Float, elevations: Float, native: float, frame: Frame, path: EyePath
) -> Projection:
    start, arc = covered_arc(azimuths)
    if wish.start_azimuth_deg is not None:
        # Someone who names the left edge wants to go all around from there.
        start, arc = wish.start_azimuth_deg, 360.0
    kind = Cylindrical if wish.kind == "cylindrical" else Equirectangular

    def rise(elevation_deg: float) -> float:
        """Degrees of rows above the horizon's."""
        if kind is Equirectangular:
            return elevation_deg
        return math.degrees(float(np.clip(math.tan(math.radians(elevation_deg)), -_MAX_RISE, _MAX_RISE)))

    limit = 89.9
    top = rise(float(np.clip(elevations.max(), -limit, limit)))
    bottom = rise(float(np.clip(elevations.min(), -limit, limit)))
    width = wish.width or min(math.ceil(arc * native), MAX_WIDTH)
    scale = width / arc
    height = max(math.ceil((top - bottom) * scale), 1)
    if width * height > MAX_PIXELS:
        raise PanoramaError(
            f"a panorama of {width} x {height} px is too large",
            expected=f"at most {MAX_PIXELS // 1_000_000} megapixels",
            todo=f"ask for a width of {int(width * math.sqrt(MAX_PIXELS / (width * height)))} px",
        )
    return kind(frame, width, height, path, start, scale, top * scale - 0.5)


def _perspective(
    wish: CanvasWish, azimuths: Float, elevations: Float, native: float, frame: Frame, path: EyePath
) -> Projection:
    start, arc = covered_arc(azimuths)
    aim = wish.azimuth_deg if wish.azimuth_deg is not None else (start + 0.5 * arc) % 360.0
    tilt = wish.elevation_deg if wish.elevation_deg is not None else 0.5 * float(elevations.max() + elevations.min())
    fov = math.radians(wish.fov_deg or _USUAL_FOV_DEG)
    width = wish.width or min(math.ceil(2.0 * math.degrees(math.tan(fov / 2.0)) * native), 8000)
    focal = 0.5 * width / math.tan(fov / 2.0)
    return Perspective(frame, width, max(round(0.75 * width), 1), path, aim, tilt, focal)
