"""Projections: which ray of the level world each pixel of a panorama's canvas stands for, and back.

All in LOCAL_LEVEL (X north, Y east, Z down, m), so that the horizon is level; azimuth counts from north to east,
elevation from the horizon upwards.  The origin of a ray is where the mast holds the eye when it looks at the ray's
azimuth (:class:`EyePath`), so that two canvases of the two eyes are a stereo pair all around.  A canvas pixel
(column, row) has its centre at whole numbers; the left edge of the canvas is column -0.5.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.errors import RecordError
from stereo3d.frames import Frame
from stereo3d.panorama.eye_path import EyePath

Float = NDArray[np.float64]

MAX_SIDE = 65_535
LARGEST, LEAST_SCALE = 1e9, 1e-9
"""Of a projection's numbers, and of those that are divided by."""
ABOVE_M = 100.0
"""The rays of the overhead view start so far above the origin of LOCAL_LEVEL."""


@dataclass(frozen=True, eq=False)
class Projection(ABC):
    """A canvas of ``width`` x ``height`` pixels and its rays."""

    kind: ClassVar[str]
    frame: Frame
    """The LOCAL_LEVEL frame of the stop."""
    width: int
    height: int
    path: EyePath

    def __post_init__(self) -> None:
        if self.frame.kind != "LOCAL_LEVEL" or len(self.frame.number) != 2:
            raise ValueError(f"a panorama is in LOCAL_LEVEL of one stop, not in {self.frame}")
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise ValueError(f"a canvas of {self.width} x {self.height} px is not possible")
        if not all(abs(v) <= LARGEST for v in self.parameters.values()):
            raise ValueError(f"the {self.kind} projection's parameters must be finite, and within {LARGEST:g}")

    @abstractmethod
    def rays(self, pixels: ArrayLike) -> tuple[Float, Float]:
        """Pixels (..., 2) to ray origins (..., 3), m, and unit directions (..., 3); NaN where there is no ray."""

    @abstractmethod
    def pixels_of(self, points: ArrayLike) -> Float:
        """Points (..., 3), m, to the pixels (..., 2) whose rays pass through them; NaN where none does."""

    @abstractmethod
    def pixels_towards(self, directions: ArrayLike) -> Float:
        """Directions (..., 3) of what is infinitely far to pixels (..., 2); NaN where there is none."""

    @abstractmethod
    def scaled(self, width: int) -> Self:
        """The same view on a canvas of another width."""

    @property
    def full_circle(self) -> bool:
        """Whether the right edge of the canvas is its left edge too."""
        return False

    def _height_at(self, width: int) -> int:
        return max(1, round(self.height * width / self.width))

    @property
    def parameters(self) -> dict[str, float]:
        """The numbers of this kind of projection by name."""
        common = {f.name for f in fields(Projection)}
        return {f.name: float(getattr(self, f.name)) for f in fields(self) if f.name not in common}

    def as_json(self) -> dict[str, Any]:
        """Plain values from which :func:`projection_from_json` makes the same mapping."""
        return {
            "kind": self.kind,
            "frame": {"kind": self.frame.kind, "site": self.frame.number[0], "drive": self.frame.number[1]},
            "width": self.width,
            "height": self.height,
            "eye_path": {
                "centre_m": self.path.centre.tolist(),
                "forward_m": self.path.forward_m,
                "right_m": self.path.right_m,
                "slope": list(self.path.slope),
            },
            "parameters": self.parameters,
        }


def _unit(azimuth_rad: Float, level: Float, down: Float) -> Float:
    """Directions (..., 3) at azimuths, with level and downward parts (...) that together have length one."""
    return np.stack([level * np.cos(azimuth_rad), level * np.sin(azimuth_rad), down + 0.0 * azimuth_rad], axis=-1)


def _azimuth_level_down(directions: ArrayLike) -> tuple[Float, Float, Float]:
    d = np.asarray(directions, dtype=np.float64)
    return np.arctan2(d[..., 1], d[..., 0]), np.hypot(d[..., 0], d[..., 1]), d[..., 2]


@dataclass(frozen=True, eq=False)
class _Around(Projection):
    """Columns are azimuths; the row is a function of the elevation."""

    start_azimuth_deg: float
    """Of the left edge."""
    px_per_deg: float
    """Along the columns; along the rows at the horizon."""
    horizon_row: float
    """The row (of pixel centres) at elevation 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.width <= 360.0 * self.px_per_deg * (1.0 + 1e-9):
            raise ValueError("the canvas goes further than around")

    @property
    def full_circle(self) -> bool:
        return self.width > 360.0 * self.px_per_deg - 0.5

    def scaled(self, width: int) -> Self:
        share = width / self.width
        row = (self.horizon_row + 0.5) * share - 0.5
        height = max(1, math.ceil(self.height * share - 1e-9))
        return replace(self, width=width, height=height, px_per_deg=self.px_per_deg * share, horizon_row=row)

    @abstractmethod
    def _level_down(self, rise_rad: Float) -> tuple[Float, Float]:
        """The level and downward parts of the direction ``rise_rad`` (px over px per rad) above the horizon's row."""

    @abstractmethod
    def _rise_rad(self, level: Float, down: Float) -> Float: ...

    def rays(self, pixels: ArrayLike) -> tuple[Float, Float]:
        p = np.asarray(pixels, dtype=np.float64)
        azimuth = np.radians(self.start_azimuth_deg + (p[..., 0] + 0.5) / self.px_per_deg)
        level, down = self._level_down(np.radians((self.horizon_row - p[..., 1]) / self.px_per_deg))
        return self.path.at(azimuth), _unit(azimuth, level, down)

    def pixels_of(self, points: ArrayLike) -> Float:
        return self._pixels(*self.path.sight(points))

    def pixels_towards(self, directions: ArrayLike) -> Float:
        return self._pixels(*_azimuth_level_down(directions))

    def _pixels(self, azimuth: Float, level: Float, down: Float) -> Float:
        turned = np.mod(np.degrees(azimuth) - self.start_azimuth_deg, 360.0)
        # Just left of the left edge is -0.3 px, not a whole turn: half the rest of the circle lies on either side.
        turned = np.where(turned > 180.0 + 0.5 * self.width / self.px_per_deg, turned - 360.0, turned)
        rise = np.degrees(self._rise_rad(level, down))
        return np.stack([turned * self.px_per_deg - 0.5, self.horizon_row - rise * self.px_per_deg], axis=-1)


@dataclass(frozen=True, eq=False)
class Cylindrical(_Around):
    """Rows go with the tangent of the elevation: upright things stay straight."""

    kind: ClassVar[str] = "cylindrical"

    def _level_down(self, rise_rad: Float) -> tuple[Float, Float]:
        length = np.sqrt(1.0 + rise_rad * rise_rad)
        return 1.0 / length, -rise_rad / length

    def _rise_rad(self, level: Float, down: Float) -> Float:
        with np.errstate(divide="ignore", invalid="ignore"):
            out: Float = np.where(level > 0.0, -down / level, np.nan)
        return out


@dataclass(frozen=True, eq=False)
class Equirectangular(_Around):
    """Rows go with the elevation itself: a photosphere."""

    kind: ClassVar[str] = "equirectangular"

    def _level_down(self, rise_rad: Float) -> tuple[Float, Float]:
        inside = np.where(np.abs(rise_rad) <= math.pi / 2 + 1e-12, rise_rad, np.nan)
        return np.cos(inside), -np.sin(inside)

    def _rise_rad(self, level: Float, down: Float) -> Float:
        out: Float = np.arctan2(-down, level)
        return out


@dataclass(frozen=True, eq=False)
class Polar(Projection):
    """Azimuthal equidistant about the nadir, which is the middle of the canvas; north is up, east to the right."""

    kind: ClassVar[str] = "polar"
    px_per_deg: float
    """Along the radius."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.px_per_deg >= LEAST_SCALE:
            raise ValueError("a polar view needs pixels per degree")

    def scaled(self, width: int) -> Self:
        share = width / self.width
        return replace(self, width=width, height=self._height_at(width), px_per_deg=self.px_per_deg * share)

    def rays(self, pixels: ArrayLike) -> tuple[Float, Float]:
        p = np.asarray(pixels, dtype=np.float64)
        x, y = p[..., 0] - 0.5 * (self.width - 1), 0.5 * (self.height - 1) - p[..., 1]
        azimuth = np.arctan2(x, y)
        from_nadir = np.radians(np.hypot(x, y) / self.px_per_deg)
        from_nadir = np.where(from_nadir <= math.pi, from_nadir, np.nan)
        return self.path.at(azimuth), _unit(azimuth, np.sin(from_nadir), np.cos(from_nadir))

    def pixels_of(self, points: ArrayLike) -> Float:
        return self._pixels(*self.path.sight(points))

    def pixels_towards(self, directions: ArrayLike) -> Float:
        return self._pixels(*_azimuth_level_down(directions))

    def _pixels(self, azimuth: Float, level: Float, down: Float) -> Float:
        radius = np.degrees(np.arctan2(level, down)) * self.px_per_deg
        x, y = radius * np.sin(azimuth), radius * np.cos(azimuth)
        return np.stack([0.5 * (self.width - 1) + x, 0.5 * (self.height - 1) - y], axis=-1)


@dataclass(frozen=True, eq=False)
class Perspective(Projection):
    """As a pinhole camera sees it that is held level and aimed; both eyes look along the same aim."""

    kind: ClassVar[str] = "perspective"
    azimuth_deg: float
    elevation_deg: float
    focal_px: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.focal_px >= LEAST_SCALE and abs(self.elevation_deg) <= 90.0):
            raise ValueError("a perspective needs a focal length and an elevation from -90 to 90 degrees")

    def scaled(self, width: int) -> Self:
        share = width / self.width
        return replace(self, width=width, height=self._height_at(width), focal_px=self.focal_px * share)

    @property
    def _axes(self) -> Float:
        """(3, 3): the rows point right, down and forward."""
        a, e = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        right = np.array([-math.sin(a), math.cos(a), 0.0])
        forward = np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), -math.sin(e)])
        return np.stack([right, np.cross(forward, right), forward])

    @property
    def _eye(self) -> Float:
        return self.path.at(math.radians(self.azimuth_deg))

    def rays(self, pixels: ArrayLike) -> tuple[Float, Float]:
        p = np.asarray(pixels, dtype=np.float64)
        d = np.empty((*p.shape[:-1], 3))
        d[..., 0] = (p[..., 0] - 0.5 * (self.width - 1)) / self.focal_px
        d[..., 1] = (p[..., 1] - 0.5 * (self.height - 1)) / self.focal_px
        d[..., 2] = 1.0
        d /= np.linalg.norm(d, axis=-1, keepdims=True)
        return np.broadcast_to(self._eye, d.shape), d @ self._axes

    def pixels_of(self, points: ArrayLike) -> Float:
        return self.pixels_towards(np.asarray(points, dtype=np.float64) - self._eye)

    def pixels_towards(self, directions: ArrayLike) -> Float:
        seen = np.asarray(directions, dtype=np.float64) @ self._axes.T
        depth = np.where(seen[..., 2] > 0.0, seen[..., 2], np.nan)
        middle = 0.5 * np.array([self.width - 1, self.height - 1])
        out: Float = middle + self.focal_px * seen[..., :2] / depth[..., None]
        return out


@dataclass(frozen=True, eq=False)
class Vertical(Projection):
    """The ground from straight above, north up: a map.

    ``lean`` tilts the parallel rays to one side, so that the maps of the two eyes (one leans to the west, one to the
    east) are a stereo pair: what lies h metres above the wheels' level is moved by lean * h.
    """

    kind: ClassVar[str] = "vertical"
    m_per_px: float
    north_m: float
    """Of the middle of the canvas, from the rover's origin."""
    east_m: float
    lean: float = 0.0
    """Metres to the east for each metre that a ray goes down."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.m_per_px >= LEAST_SCALE and abs(self.lean) < 1.0):
            raise ValueError("an overhead view needs a size of its pixels, and less than 45 degrees of lean")

    def scaled(self, width: int) -> Self:
        share = width / self.width
        return replace(self, width=width, height=self._height_at(width), m_per_px=self.m_per_px / share)

    def rays(self, pixels: ArrayLike) -> tuple[Float, Float]:
        p = np.asarray(pixels, dtype=np.float64)
        origins = np.empty((*p.shape[:-1], 3))
        origins[..., 0] = self.north_m + (0.5 * (self.height - 1) - p[..., 1]) * self.m_per_px
        origins[..., 1] = self.east_m + (p[..., 0] - 0.5 * (self.width - 1)) * self.m_per_px - self.lean * ABOVE_M
        origins[..., 2] = -ABOVE_M
        direction = np.array([0.0, self.lean, 1.0]) / math.hypot(self.lean, 1.0)
        return origins, np.broadcast_to(direction, origins.shape)

    def pixels_of(self, points: ArrayLike) -> Float:
        p = np.asarray(points, dtype=np.float64)
        east = p[..., 1] - self.lean * p[..., 2]
        x = 0.5 * (self.width - 1) + (east - self.east_m) / self.m_per_px
        y = 0.5 * (self.height - 1) - (p[..., 0] - self.north_m) / self.m_per_px
        return np.stack([x, y], axis=-1)

    def pixels_towards(self, directions: ArrayLike) -> Float:
        """Nothing infinitely far is on a map: NaN (..., 2)."""
        return np.full((*np.shape(directions)[:-1], 2), np.nan)


KINDS: dict[str, type[Projection]] = {c.kind: c for c in (Cylindrical, Equirectangular, Vertical, Polar, Perspective)}


def projection_from_json(content: Any) -> Projection:
    """The projection that :meth:`Projection.as_json` described.  Raises RecordError for anything else."""
    try:
        kind = KINDS[content["kind"]]
        frame = Frame.local_level(int(content["frame"]["site"]), int(content["frame"]["drive"]))
        eye = content["eye_path"]
        slope = [float(v) for v in eye["slope"]]
        centre = np.array(eye["centre_m"], dtype=np.float64)
        path = EyePath(centre, float(eye["forward_m"]), float(eye["right_m"]), (slope[0], slope[1]))
        wanted = {f.name for f in fields(kind)} - {f.name for f in fields(Projection)}
        numbers = {name: float(content["parameters"][name]) for name in wanted}
        return kind(frame, int(content["width"]), int(content["height"]), path, **numbers)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise RecordError(
            f"this does not describe a panorama's projection ({type(error).__name__}: {error})"[:300],
            expected="the JSON file that 'stereo3d panorama' writes beside its picture",
        ) from error
