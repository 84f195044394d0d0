"""Maps of a textured ground seen from straight above: height, colours, slope, roughness, sigma, coverage.

A vertical ray falls through the centre of each pixel; the surface that it meets first counts.  What no face lies under
stays without a value: nothing is filled here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.errors import FrameMismatchError, StereoError
from stereo3d.frames import Float, Frame, locked
from stereo3d.terrain.mesh import FaceKind, TerrainMesh
from stereo3d.terrain.relief import roughness, slope_deg
from stereo3d.terrain.sampling import sample_texture
from stereo3d.terrain.surface import Hits, Surface
from stereo3d.terrain.texture import TexturedMesh

WHEEL_M = 0.526
"""Diameter of the wheels of Perseverance, m."""

_RAYS_AT_ONCE = 1 << 20
_FLATTEST = 0.2
"""The up component of a normal below which a height sigma grows no further: a wall has no height at a place."""


@dataclass(frozen=True)
class MapSettings:
    """How maps are made of a mesh."""

    resolution_m: float | None = None
    """Side of a pixel, m; None takes a step of 1-2-5 that the data are worth."""
    extent_m: float = 15.0
    """The map reaches this far east, north, west and south of the origin, or as far as there is ground."""
    wheel_m: float = WHEEL_M
    """Diameter of the disc that the roughness is of, m."""
    colour_rays: int = 3
    """Rays per side of a pixel for the orthophoto; odd, so that the middle one is the centre's."""
    most_pixels: int = 16_000_000
    """No map has more pixels."""

    def __post_init__(self) -> None:
        if self.resolution_m is not None and not self.resolution_m > 0.0:
            raise ValueError(f"resolution_m must be positive, got {self.resolution_m}")
        if not (self.extent_m > 0.0 and self.wheel_m > 0.0 and self.most_pixels > 0):
            raise ValueError("extent_m, wheel_m and most_pixels must be positive")
        if self.colour_rays < 1 or self.colour_rays % 2 == 0:
            raise ValueError(f"colour_rays must be odd, got {self.colour_rays}")


class Coverage(IntEnum):
    """What the ground under a pixel is."""

    NONE = 0
    MEASURED = 1
    FILLED = 2
    EXTENDED = 3


_COVERAGE_OF_KIND = np.zeros(256, dtype=np.uint8)
for _kind in FaceKind:
    _COVERAGE_OF_KIND[_kind] = Coverage[_kind.name]


@dataclass(frozen=True)
class Grid:
    """Square pixels, north up, rows from north to south.  A pixel is an area; edges are multiples of its side."""

    west_m: float
    """East coordinate of the west edge of the first column, m."""
    north_m: float
    """North coordinate of the north edge of the first row, m."""
    resolution_m: float
    width: int
    height: int

    @property
    def east_of_columns(self) -> Float:
        """(width,) east coordinate of the centres of the columns, m."""
        return np.asarray(self.west_m + (np.arange(self.width) + 0.5) * self.resolution_m, dtype=np.float64)

    @property
    def north_of_rows(self) -> Float:
        """(height,) north coordinate of the centres of the rows, m."""
        return np.asarray(self.north_m - (np.arange(self.height) + 0.5) * self.resolution_m, dtype=np.float64)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north edge, m."""
        right, bottom = self.width * self.resolution_m, self.height * self.resolution_m
        return self.west_m, self.north_m - bottom, self.west_m + right, self.north_m


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps on one grid, in the ENU frame of a stop (X east, Y north, Z up, m; origin of its ROVER_NAV frame)."""

    frame: Frame
    grid: Grid
    elevation_m: NDArray[np.float32]
    """(rows, columns) float32, m above the origin, at the centre of the pixel; NaN = no ground known."""
    rgba: NDArray[np.uint8]
    """(rows, columns, 4) uint8: mean colour of the pixel's area, and 255 where its centre has ground, else 0."""
    slope_deg: NDArray[np.float32]
    """(rows, columns) float32, degrees, over three by three pixels (Horn 1981); NaN where one of them is missing."""
    roughness_m: NDArray[np.float32]
    """(rows, columns) float32, m: RMS deviation from the plane fitted over the footprint of a wheel; NaN = unknown."""
    sigma_m: NDArray[np.float32]
    """(rows, columns) float32, m, one sigma of the elevation; NaN = no ground known."""
    coverage: NDArray[np.uint8]
    """(rows, columns) uint8, :class:`Coverage`."""

    def __post_init__(self) -> None:
        shape = (self.grid.height, self.grid.width)
        for name in ("elevation_m", "slope_deg", "roughness_m", "sigma_m"):
            object.__setattr__(self, name, locked(getattr(self, name), np.float32))
        for name in ("rgba", "coverage"):
            object.__setattr__(self, name, locked(getattr(self, name), np.uint8))
        rasters = (self.elevation_m, self.slope_deg, self.roughness_m, self.sigma_m, self.coverage, self.rgba[..., 0])
        if any(raster.shape != shape for raster in rasters) or self.rgba.shape[2:] != (4,):
            raise ValueError(f"all maps must be {shape}")


def make_maps(textured: TexturedMesh, eye: ArrayLike, settings: MapSettings = MapSettings()) -> Maps:
    """Maps of ``textured``, which must be in an ENU frame.

    ``eye`` (3,), m, in that frame, is where the ground was measured from (the mean of the left cameras' centres of
    several pairs), or (vertices, 3) where that differs: sigma of the range becomes sigma of the height by it.  Raises
    StereoError when no ground lies within the extent, or when the pixels asked for are too many; FrameMismatchError for
    a mesh in another frame.
    """
    mesh = textured.mesh
    if mesh.frame.kind != "ENU":
        raise FrameMismatchError(f"the mesh is in {mesh.frame}", expected="a mesh in the ENU frame")
    center = np.asarray(eye, dtype=np.float64)
    if center.shape not in ((3,), mesh.vertices.shape):
        raise ValueError(f"eye must be (3,) or (vertices, 3), got {center.shape}")
    grid = choose_grid(textured, settings)
    surface = Surface(mesh)
    values = np.concatenate([mesh.vertices[:, 2:], height_sigma(mesh, center)[:, None], textured.uv], axis=1)
    fine = texel_width(textured) < grid.resolution_m
    top = float(mesh.vertices[:, 2].max()) + 1.0
    shape = (grid.height, grid.width)
    elevation, sigma = (np.full(shape, np.nan, dtype=np.float32) for _ in range(2))
    coverage, rgba = np.zeros(shape, dtype=np.uint8), np.zeros((*shape, 4), dtype=np.uint8)
    band = max(1, _RAYS_AT_ONCE // (grid.width * settings.colour_rays**2))
    for start in range(0, grid.height, band):
        rows = slice(start, min(start + band, grid.height))
        places = np.stack(np.meshgrid(grid.east_of_columns, grid.north_of_rows[rows]), axis=-1).reshape(-1, 2)
        hits = _cast(surface, places, top)
        found, on = surface.interpolate(hits, values), hits.face >= 0
        colours = np.zeros((len(places), 4), dtype=np.uint8)
        colours[on, :3] = sample_texture(textured.image, found[on, 2:].astype(np.float32))
        colours[on, 3] = 255
        # Only where the texture is finer than the map is there anything to average.
        many = on & fine[hits.face]
        colours[many, :3] = _mean_colours(textured, surface, places[many], grid, top, settings.colour_rays)
        elevation[rows], sigma[rows] = (found[:, k].reshape(-1, grid.width) for k in (0, 1))
        coverage[rows] = np.where(on, _COVERAGE_OF_KIND[mesh.kind[hits.face]], Coverage.NONE).reshape(-1, grid.width)
        rgba[rows] = colours.reshape(-1, grid.width, 4)
    if not (coverage != Coverage.NONE).any():
        raise _nothing_within(settings.extent_m)
    slope = slope_deg(elevation, grid.resolution_m)
    rough = roughness(elevation, grid.resolution_m, settings.wheel_m)
    return Maps(mesh.frame, grid, elevation, rgba, slope, rough, sigma, coverage)


def height_sigma(mesh: TerrainMesh, eye: Float) -> NDArray[np.float64]:
    """(vertices,) m: one sigma of the height of the surface over each vertex's place.

    An error dr of the range moves the ground along the line of sight d.  Seen at one place of the map, the surface with
    normal n rises by dr (d . n) / n_up: on level ground that is dr times the sine of the angle that it is looked at
    by, and on steep ground more.
    """
    sight = mesh.vertices - eye
    sight /= np.maximum(np.linalg.norm(sight, axis=1, keepdims=True), 1e-9)
    along = np.abs(np.einsum("ij,ij->i", sight, mesh.normals))
    rise: NDArray[np.float64] = mesh.sigma_m * along / np.maximum(np.abs(mesh.normals[:, 2]), _FLATTEST)
    return rise


def choose_grid(textured: TexturedMesh, settings: MapSettings) -> Grid:
    """The grid over the ground within the extent.

    Without a resolution asked for it is the step of 1-2-5 next to the width that an image pixel has on the ground, over
    the quarter of the ground (within the extent) where that is smallest.  It is made coarser until the map is small
    enough.  Raises StereoError as :func:`make_maps` says.
    """
    extent, most = settings.extent_m, settings.most_pixels
    corners = textured.mesh.vertices[textured.mesh.faces][..., :2]
    low, high = corners.min(axis=1), corners.max(axis=1)
    within = (low < extent).all(axis=1) & (high > -extent).all(axis=1)
    if not within.any():
        raise _nothing_within(extent)
    west, south = np.maximum(low[within].min(axis=0), -extent)
    east, north = np.minimum(high[within].max(axis=0), extent)
    resolution = settings.resolution_m or _worth(textured, within)
    while True:
        # A hair of tolerance, so that an edge on a multiple is not pushed over it by rounding.
        left, bottom = (int(np.floor(v / resolution + 1e-6)) for v in (west, south))
        right, top = (int(np.ceil(v / resolution - 1e-6)) for v in (east, north))
        width, height = max(right - left, 1), max(top - bottom, 1)
        if width * height <= most:
            return Grid(left * resolution, top * resolution, resolution, width, height)
        if settings.resolution_m is not None:
            raise StereoError(
                f"a map of {width:,} x {height:,} pixels is too large",
                expected=f"at most {most:,} pixels",
                todo="ask for a coarser resolution or a smaller extent",
            )
        resolution = step_from(1.5 * resolution)


def _worth(textured: TexturedMesh, within: NDArray[np.bool_]) -> float:
    """The resolution (m) that the faces ``within`` are worth; see :func:`choose_grid`."""
    width, area = texel_width(textured)[within], _area(textured.mesh.vertices[:, :2], textured.mesh.faces[within])
    # What is seen edge-on from above says nothing about the spacing on the map.
    known = (area > 1e-10) & np.isfinite(width)
    if not known.any():
        return 0.05
    order = np.argsort(width[known])
    share = np.cumsum(area[known][order])
    quarter = width[known][order][np.searchsorted(share, 0.25 * share[-1])]
    # In ratios, the middle between two steps of 1-2-5 is some 1.5 from both.
    return step_from(float(np.clip(quarter, 1e-3, 10.0)) / 1.5)


def texel_width(textured: TexturedMesh) -> Float:
    """(faces,) side of the square on the map (seen from above) that one pixel of the texture covers, m; inf = all."""
    faces = textured.mesh.faces
    rows, columns = textured.image.shape[:2]
    painted = _area(textured.uv.astype(np.float64) * [columns, rows], faces)
    area = _area(textured.mesh.vertices[:, :2], faces)
    return np.sqrt(np.divide(area, painted, out=np.full_like(area, np.inf), where=painted > 1e-6))


def _area(places: Float, faces: NDArray[np.int32]) -> Float:
    """(faces,) areas of triangles of places (n, 2)."""
    a, b, c = (places[faces[:, k]] for k in range(3))
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    return np.asarray(0.5 * np.abs(ux * vy - uy * vx))


def step_from(least: float) -> float:
    """The smallest of ..., 0.01, 0.02, 0.05, 0.1, ... that is not below ``least``."""
    power = int(np.floor(np.log10(least)))
    steps = (float(f"{digit}e{exponent}") for exponent in (power, power + 1) for digit in (1, 2, 5))
    return next(step for step in steps if step >= least * (1 - 1e-9))


def _cast(surface: Surface, places: Float, top: float) -> Hits:
    """First hits from above of places (n, 2) east, north, m."""
    origins = np.column_stack([places, np.full(len(places), top)])
    directions = np.zeros((len(places), 3), dtype=np.float32)
    directions[:, 2] = -1.0
    return surface.hits(origins, directions)


def _mean_colours(
    textured: TexturedMesh, surface: Surface, places: Float, grid: Grid, top: float, rays: int
) -> NDArray[np.uint8]:
    """(n, 3): mean over ``rays`` x ``rays`` spots in each pixel about ``places`` (n, 2), of those that have ground."""
    part = (np.arange(rays) - (rays - 1) / 2.0) / rays * grid.resolution_m
    spots = np.stack(np.meshgrid(part, part), axis=-1).reshape(-1, 2)
    hits = _cast(surface, (places[:, None] + spots).reshape(-1, 2), top)
    on = hits.face >= 0
    colours = np.zeros((len(on), 3), dtype=np.float32)
    colours[on] = sample_texture(textured.image, surface.interpolate(hits, textured.uv)[on].astype(np.float32))
    count = on.reshape(-1, rays**2).sum(axis=1)
    total = colours.reshape(-1, rays**2, 3).sum(axis=1)
    mean: NDArray[np.uint8] = (total / np.maximum(count, 1)[:, None] + 0.5).astype(np.uint8)
    return mean


def _nothing_within(extent_m: float) -> StereoError:
    return StereoError(
        f"no ground was measured within {extent_m:g} m east, north, west or south of the rover",
        todo="ask for a larger extent",
    )
