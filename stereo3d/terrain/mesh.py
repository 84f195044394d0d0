"""A triangle mesh straight from an XYZ map: no triangle across a depth step, far ground as coarse as its error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.errors import FrameMismatchError, StereoError
from stereo3d.frames import Frame, RigidTransform, locked
from stereo3d.stereo.disparity import XyzMap
from stereo3d.terrain.adaptive import GridTriangles, half_width, triangulate
from stereo3d.terrain.pieces import sound_cells
from stereo3d.terrain.steps import Array, Mask, Steps, find_steps


@dataclass(frozen=True)
class MeshSettings:
    """How a mesh is made of an XYZ map."""

    error_sigma: float = 0.5
    """A triangle is split while a pixel under it is further from it than this many sigma of the range."""
    step_sigma: float = 6.0
    """A jump of the range between neighbours beyond what the slant explains is a step from this many sigma on."""
    grazing_deg: float = 8.0
    """Sideways faces that the line of sight meets at less than this angle are cut."""
    min_island_px: int = 100
    """Connected pieces of fewer pixels are dropped."""
    most_pixels: int = 2_500_000
    """Of larger maps only every second (third, ...) pixel of every second row is taken, so that no more remain."""
    block_px: int = 32
    """Side of the largest square of pixels that two triangles may stand for; a power of two."""

    def __post_init__(self) -> None:
        if self.block_px < 2 or self.block_px & (self.block_px - 1):
            raise ValueError(f"block_px must be a power of two from 2 on, got {self.block_px}")


class FaceKind(IntEnum):
    """Where a face comes from."""

    MEASURED = 0
    FILLED = 1
    EXTENDED = 2


@dataclass(frozen=True, eq=False)
class TerrainMesh:
    """Triangles in one frame.  Faces turn counter-clockwise seen from the camera: normals point out of the ground."""

    frame: Frame
    vertices: NDArray[np.float64]
    """(n, 3) float64, m, in ``frame``."""
    faces: NDArray[np.int32]
    """(m, 3) int32 indices into ``vertices``."""
    normals: NDArray[np.float32]
    """(n, 3) float32, unit, out of the ground."""
    pixels: NDArray[np.float32]
    """(n, 2) float32, px (column, row) of the left raw image that the vertex was measured at; NaN where the surface
    comes from several pairs."""
    sigma_m: NDArray[np.float32]
    """(n,) float32, m, one sigma of the range."""
    kind: NDArray[np.uint8]
    """(m,) uint8, :class:`FaceKind` of each face."""

    def __post_init__(self) -> None:
        n, m = len(self.vertices), len(self.faces)
        shapes = {
            "vertices": (n, 3),
            "faces": (m, 3),
            "normals": (n, 3),
            "pixels": (n, 2),
            "sigma_m": (n,),
            "kind": (m,),
        }
        types = {"vertices": np.float64, "faces": np.int32, "kind": np.uint8}
        for name, shape in shapes.items():
            array = locked(getattr(self, name), types.get(name, np.float32))
            if array.shape != shape:
                raise ValueError(f"{name} must be {shape}, got {array.shape}")
            object.__setattr__(self, name, array)
        if not np.isfinite(self.vertices).all():
            raise ValueError("vertices must be finite")
        if m and not (self.faces.min() >= 0 and self.faces.max() < n):
            raise ValueError("faces point outside the vertices")

    def moved(self, to_from_frame: RigidTransform) -> TerrainMesh:
        """The same mesh in another frame (a rotation and translation)."""
        if to_from_frame.source != self.frame:
            raise FrameMismatchError(
                f"the mesh is in {self.frame}, the transform starts in {to_from_frame.source}",
                expected="the same frame",
            )
        return replace(
            self,
            frame=to_from_frame.to,
            vertices=to_from_frame.apply(self.vertices),
            normals=to_from_frame.rotate(self.normals).astype(np.float32),
        )


def build_mesh(xyz: XyzMap, camera_center: ArrayLike, settings: MeshSettings = MeshSettings()) -> TerrainMesh:
    """A mesh of the measured pixels of ``xyz``, in its frame.

    ``camera_center`` (3,) is the left camera's centre, m, in the frame of ``xyz``.  Every vertex is a measured pixel
    at its own place in the image.  Where triangles are larger than two pixels, its range is the mean (of inverse
    range, which is linear on a plane) over the pixels that it stands for; its sigma stays that of one pixel, as the
    errors of neighbouring pixels are not independent.

    Raises StereoError when no surface at all was measured.
    """
    center = np.asarray(camera_center, dtype=np.float64)
    if center.shape != (3,):
        raise ValueError(f"camera_center must be (3,), got {center.shape}")
    step = int(np.ceil(np.sqrt(xyz.reason.size / settings.most_pixels)))
    if step > 1:
        thin = build_mesh(thinned(xyz, step), center, settings)
        return replace(thin, pixels=thin.pixels * np.float32(step) + np.float32(step // 2))
    part = clean_surface(xyz, center, settings)
    triangles, means = triangulate(part.rho, part.sigma, part.steps, part.keep, settings.error_sigma, settings.block_px)
    if not len(triangles.rows):
        raise nothing_to_mesh(settings)
    return assemble(xyz, center, part, triangles, means)


def nothing_to_mesh(settings: MeshSettings) -> StereoError:
    """The error for a map without a surface."""
    return StereoError(
        "no surface to build a mesh from: no piece of the measured ground is large enough",
        expected=f"{settings.min_island_px} neighbouring measured pixels",
    )


@dataclass(frozen=True, eq=False)
class CleanSurface:
    """A map ready to be meshed: inverse range without single wrong pixels, and where it must be cut."""

    offsets: Array
    """(rows, columns, 3) float32, m: the measured points from the camera."""
    rho: Array
    """(rows, columns) float32, 1/m; NaN = none."""
    sigma: Array
    """(rows, columns) float32, 1/m: one sigma of what differs from pixel to pixel in ``rho``."""
    steps: Steps
    keep: Mask
    """(rows - 1, columns - 1): the cells of the pixel grid that belong to a piece that is large enough."""


def clean_surface(xyz: XyzMap, center: NDArray[np.float64], settings: MeshSettings) -> CleanSurface:
    """The surface of a map as seen from ``center`` (3,), m, in its frame; it may have no cell at all."""
    offsets = xyz.xyz - center.astype(np.float32)
    range_m = np.sqrt(np.einsum("ijk,ijk->ij", offsets, offsets))
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = np.where(xyz.measured & (range_m > 0), 1.0 / range_m, np.nan).astype(np.float32)
        noise = xyz.sigma_range_m if xyz.noise_range_m is None else xyz.noise_range_m
        sigma = (noise * rho * rho).astype(np.float32)
        # Beside a step matches are uncertain; were the step judged by that, it would excuse itself.
        tolerance = np.float32(settings.step_sigma) * np.minimum(sigma, _usual(sigma, xyz.contrast))
        rho[~(np.abs(rho - _median3(rho)) <= tolerance)] = np.nan
    angle = pixel_angle(offsets * rho[..., None])
    # Near the rover a ripple hides a centimetre: no step while a face over it is hardly longer than a pixel is wide.
    limit = np.fmax(tolerance, np.float32(_STRETCH * angle) * rho)
    steps = find_steps(rho, limit, angle, np.deg2rad(settings.grazing_deg))
    return CleanSurface(offsets, rho, sigma, steps, sound_cells(rho, sigma, steps, settings.min_island_px, angle))


_STRETCH = 5.0
"""A face across a step is to be so many times as long as its pixel is wide, beyond what the slope explains."""
_USUAL = 1.2
"""Noise counts up to this many times what is usual about a pixel ..."""
_ANYWHERE = 2.5
"""... and what is usual up to this many times that of the whole map: among rocks every pixel is beside a step.  Where
the picture has half the contrast, twice the noise is believed: the sigma of a match is noise over slope (Gruen 1985),
and a step, unlike want of light or texture, does not take the contrast away."""
_LEAST_CONTRAST = 0.05
"""Contrast counts as at least so much: below it no noise is doubted."""


def _usual(sigma: Array, contrast: Array | None) -> Array:
    """The largest noise (rows, columns) that steps are judged by: some more than the median within some 20 px, less
    where the picture's ``contrast`` does not explain so much; NaN counts as the whole map's."""
    known = np.isfinite(sigma)
    if not known.any():
        return sigma
    middle = np.median(sigma[known])
    coarse = np.where(known, sigma, middle)[::4, ::4].astype(np.float32)
    usual: Array = cv2.resize(cv2.medianBlur(np.ascontiguousarray(coarse), 5), sigma.shape[::-1])
    explained = np.full_like(usual, _ANYWHERE * middle)
    if contrast is not None:
        explained /= np.fmax(contrast, np.float32(_LEAST_CONTRAST))
    return np.minimum(np.float32(_USUAL) * usual, explained)  # type: ignore[no-any-return]


def thinned(xyz: XyzMap, step: int) -> XyzMap:
    """Every ``step``-th pixel of every ``step``-th row, beginning in the middle of the first ``step`` x ``step``."""
    return part_of(xyz, (slice(step // 2, None, step),) * 2)


def part_of(xyz: XyzMap, part: tuple[slice, slice | NDArray[np.intp]]) -> XyzMap:
    """The map of some rows and columns only."""
    return replace(
        xyz,
        xyz=xyz.xyz[part],
        range_m=xyz.range_m[part],
        sigma_range_m=xyz.sigma_range_m[part],
        miss_m=xyz.miss_m[part],
        reason=xyz.reason[part],
        noise_range_m=None if xyz.noise_range_m is None else xyz.noise_range_m[part],
        contrast=None if xyz.contrast is None else xyz.contrast[part],
    )


def assemble(
    xyz: XyzMap,
    center: NDArray[np.float64],
    part: CleanSurface,
    triangles: GridTriangles,
    means: dict[int, Array],
) -> TerrainMesh:
    """The mesh of grid triangles on ``part``; ``means``: its rho averaged, by half width."""
    rho = part.rho
    columns = rho.shape[1]
    corner = triangles.rows * columns + triangles.columns
    number = np.full(rho.size, -1, dtype=np.int32)
    number[corner.ravel()] = 0
    pixel = np.flatnonzero(number == 0)
    number[pixel] = np.arange(len(pixel), dtype=np.int32)
    faces = number[corner]

    # A corner stands for as many pixels as the smallest triangle at it allows: the largest are entered first.
    best = rho.ravel()[pixel]
    for leg in sorted(set(np.unique(triangles.legs).tolist()), reverse=True):
        at = np.unique(faces[triangles.legs == leg])
        best[at] = means[half_width(leg)].ravel()[pixel[at]]
    stretch = rho.ravel()[pixel].astype(np.float64) / best
    vertices = center + part.offsets.reshape(-1, 3)[pixel] * stretch[:, None]
    return TerrainMesh(
        frame=xyz.frame,
        vertices=vertices,
        faces=faces,
        normals=vertex_normals(vertices - center, faces),
        pixels=np.stack([pixel % columns, pixel // columns], axis=1).astype(np.float32),
        sigma_m=xyz.sigma_range_m.ravel()[pixel],
        kind=np.full(len(faces), FaceKind.MEASURED, dtype=np.uint8),
    )


def vertex_normals(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> NDArray[np.float32]:
    """(n, 3) float32, unit: the mean of the normals of the faces at each vertex, weighted by their areas."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    total = np.stack(
        [np.bincount(faces.ravel(), weights=np.repeat(across[:, k], 3), minlength=len(vertices)) for k in range(3)],
        axis=1,
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.maximum(length, 1e-300)).astype(np.float32)  # type: ignore[no-any-return]


def _median3(rho: Array) -> Array:
    """The median of each pixel and its eight neighbours; a missing neighbour counts as the pixel itself."""
    missing = np.isnan(rho)
    filled = np.where(missing, np.float32(0.0), rho)
    near_hole = cv2.dilate(missing.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    out = cv2.medianBlur(filled, 3)
    out[near_hole] = rho[near_hole]
    return out  # type: ignore[no-any-return]


def pixel_angle(directions: Array) -> float:
    """The angle between the rays of neighbouring pixels of a row, rad: the median over a sample."""
    sample = directions[:: max(1, directions.shape[0] // 64)]
    gap = np.linalg.norm(np.diff(sample, axis=1), axis=-1)
    gap = gap[np.isfinite(gap)]
    return float(np.median(gap)) if gap.size else 0.0
