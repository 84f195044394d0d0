"""Several pairs of one stop become one surface, as it looks from the middle of their eyes.

The eyes of a mast move by some decimetres when it turns, so nearly all that they see can be seen from the point in
their middle.  There the maps of all pairs meet on one grid of directions.  In each direction the pairs that agree are
averaged, each by its sigma and by how far from the rim of its picture it looks; what does not agree is voted on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, inside
from stereo3d.errors import StereoError
from stereo3d.frames import Float, RigidTransform, locked
from stereo3d.stereo.disparity import Reason, XyzMap
from stereo3d.terrain.mesh import MeshSettings
from stereo3d.terrain.resample import Layer, map_angle, resample
from stereo3d.terrain.sphere import SphereGrid, grid_about

AGREE_SIGMA = 4.0
"""Two ranges agree when they differ by less than this many sigma of the difference."""


@dataclass(frozen=True, eq=False)
class View:
    """What one pair measured, and from where."""

    xyz: XyzMap
    camera: CameraModel
    """The left camera, in the frame of ``xyz``, whose pixels are those of ``xyz``."""

    @property
    def centre(self) -> Float:
        """(3,) float64, m: the camera's centre."""
        return self.camera.C


@dataclass(frozen=True, eq=False)
class FusedMap:
    """One range image about one centre, from all pairs."""

    grid: SphereGrid
    xyz: XyzMap
    """On the pixels of ``grid``, in its frame."""
    layers: tuple[Layer | None, ...]
    """Of each view in turn, as it looks from the centre of the grid; None for one without a surface."""
    count: NDArray[np.uint8]
    """(rows, columns) uint8: how many views agree on the surface."""
    outvoted: NDArray[np.uint8]
    """(rows, columns) uint8: how many views saw another surface there, which lost."""

    def __post_init__(self) -> None:
        for name in ("count", "outvoted"):
            object.__setattr__(self, name, locked(getattr(self, name), np.uint8))


def fuse(
    views: Sequence[View],
    enu_from_map: RigidTransform,
    settings: MeshSettings = MeshSettings(),
    tell: Callable[[float], None] = lambda share: None,
) -> FusedMap:
    """One surface from the maps of all ``views``, which share a frame, on a grid in ENU (``enu_from_map``).

    The step of the grid is that of the maps' pixels, or coarser so that it has no more than ``settings.most_pixels``
    for each view.  ``tell`` hears the share of the work done.  Raises StereoError when no view has a surface.
    """
    if not views:
        raise StereoError("there is no pair to make ground of", expected="one pair or more")
    grid = _grid(views, enu_from_map, settings)
    done: list[int] = []

    def one(view: View) -> Layer | None:
        layer = resample(view.xyz, view.centre, enu_from_map, grid, settings)
        done.append(1)
        tell(0.8 * len(done) / len(views))
        return layer

    with ThreadPoolExecutor(max_workers=2) as pool:
        layers = tuple(pool.map(one, views))
    present = [layer for layer in layers if layer is not None]
    if not present:
        raise StereoError(
            "no surface to build a mesh from: no piece of the measured ground is large enough",
            expected=f"{settings.min_island_px} neighbouring measured pixels",
        )
    maps = merged(present, (grid.rows, grid.columns))
    tell(0.9)
    through = looked_through(maps, grid, views, enu_from_map.inverse())
    maps.rho[through] = np.nan
    return FusedMap(grid, _as_map(grid, maps), layers, np.where(through, 0, maps.agreeing), maps.outvoted + through)


def _grid(views: Sequence[View], enu_from_map: RigidTransform, settings: MeshSettings) -> SphereGrid:
    centre = np.mean([enu_from_map.apply(view.centre) for view in views], axis=0)
    angles = [angle for view in views if (angle := map_angle(view.xyz, view.centre)) > 0]
    if not angles:
        raise StereoError("no two neighbouring pixels were measured", expected="measured ground")
    directions = []
    for view in views:
        offsets = enu_from_map.apply(view.xyz.xyz[::4, ::4][view.xyz.measured[::4, ::4]]) - centre
        directions.append(offsets.astype(np.float32))
    step, most = float(np.median(angles)), settings.most_pixels * len(views)
    while True:
        grid = grid_about(enu_from_map.to, centre, directions, step, settings.block_px)
        if grid.rows * grid.columns <= most:
            return grid
        step *= 1.01 * float(np.sqrt(grid.rows * grid.columns / most))


class Maps(NamedTuple):
    """What several layers make together, (rows, columns) each."""

    rho: NDArray[np.float32]
    """Inverse range from the centre, 1/m; NaN = none."""
    sigma: NDArray[np.float32]
    noise: NDArray[np.float32]
    """1/m: the part of ``sigma`` that differs from pixel to pixel."""
    score: NDArray[np.float32]
    """How much the layers that agree count together."""
    contrast: NDArray[np.float32]
    """Of the pictures that agree, see :class:`XyzMap`."""
    agreeing: NDArray[np.uint8]
    """How many layers agree."""
    outvoted: NDArray[np.uint8]
    """How many have another surface there."""


def merged(layers: Sequence[Layer], shape: tuple[int, int]) -> Maps:
    """Inverse range, its sigma, its noise, how many layers agree, and how many were outvoted, (rows, columns) each.

    A layer counts by its place in the picture over its noise squared.  In each direction the layer leads that counts
    most together with those that agree with it, and these are averaged.
    """
    lead = np.full((*shape, 3), np.nan, dtype=np.float32)
    most = np.zeros(shape, dtype=np.float32)
    scores = [_score(layer) for layer in layers]
    for number, layer in enumerate(layers):
        support = scores[number].copy()
        for other, score in zip(layers, scores, strict=True):
            if other is not layer:
                _add_support(support, layer, other, score)
        part = layer.part()
        better = support > most[part]
        most[part] = np.where(better, support, most[part])
        lead[part] = np.where(better[..., None], layer.values[..., :3], lead[part])

    total, rho, sigma2, noise2, contrast = (np.zeros(shape, dtype=np.float32) for _ in range(5))
    count, outvoted = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.uint8)
    for layer, score in zip(layers, scores, strict=True):
        part, leading = layer.part(), lead[layer.part()]
        agrees = _agree(layer.values, leading)
        weight = np.where(agrees, score, np.float32(0.0))
        total[part] += weight
        rho[part] += weight * np.where(agrees, layer.values[..., 0] - leading[..., 0], np.float32(0.0))
        sigma2[part] += np.where(agrees, (weight * layer.values[..., 1]) ** 2, np.float32(0.0))
        noise2[part] += np.where(agrees, (weight * layer.values[..., 2]) ** 2, np.float32(0.0))
        contrast[part] += np.where(agrees, weight * layer.values[..., 4], np.float32(0.0))
        count[part] += agrees
        outvoted[part] += np.isfinite(layer.values[..., 0]) & ~agrees
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = lead[..., 0] + rho / total
        sigma, noise = (np.sqrt(square).astype(np.float32) / total for square in (sigma2, noise2))
        contrast /= total
    return Maps(rho, sigma, noise, total, contrast, count, outvoted)


def _agree(values: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where two layers (..., 2 or more: inverse range and its sigma) have one surface; not where either has none."""
    with np.errstate(invalid="ignore"):
        near: NDArray[np.bool_] = np.abs(values[..., 0] - others[..., 0]) <= AGREE_SIGMA * np.hypot(
            values[..., 1], others[..., 1]
        )
    return near


def _add_support(support: NDArray[np.float32], layer: Layer, other: Layer, score: NDArray[np.float32]) -> None:
    """Add ``score`` of ``other`` to ``support`` (on the pixels of ``layer``) where the two agree."""
    top, bottom = max(layer.rows.start, other.rows.start), min(layer.rows.stop, other.rows.stop)
    at = np.full(1 + max(int(layer.columns.max()), int(other.columns.max())), -1, dtype=np.intp)
    at[other.columns] = np.arange(len(other.columns))
    there = at[layer.columns]
    here = np.flatnonzero(there >= 0)
    if top >= bottom or not len(here):
        return
    there = there[here]
    own, its = (
        slice(top - layer.rows.start, bottom - layer.rows.start),
        slice(top - other.rows.start, bottom - other.rows.start),
    )
    agrees = _agree(layer.values[own, here], other.values[its, there])
    support[own, here] += np.where(agrees, score[its, there], np.float32(0.0))


def _score(layer: Layer) -> NDArray[np.float32]:
    """(rows, columns) float32: what a layer counts in each direction; 0 where it has nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        score = layer.values[..., 3] / layer.values[..., 2] ** 2
    out: NDArray[np.float32] = np.where(np.isfinite(score), score, np.float32(0.0))
    return out


def looked_through(
    maps: Maps, grid: SphereGrid, views: Sequence[View], map_from_enu: RigidTransform
) -> NDArray[np.bool_]:
    """(rows, columns): the surfaces that other eyes look through.

    A place of the surface is looked through by an eye that measured, in all of 3 x 3 pixels about where it would see
    the place, something further away by more than ``AGREE_SIGMA`` sigma.  It is false when the eyes that look through
    it count more than those that saw it; a ray near the rim of its picture is as good as another.  Tried on every
    second pixel of every second row.
    """
    rho, sigma = maps.rho[::2, ::2], maps.sigma[::2, ::2]
    rows, columns = np.nonzero(np.isfinite(rho))
    rho, sigma = rho[rows, columns], sigma[rows, columns]
    points = grid.directions()[::2, ::2][rows, columns] / rho[:, None] + grid.centre
    points = map_from_enu.apply(points)
    against = np.zeros(len(points), dtype=np.float32)
    for view in views:
        against += _looks_through(view, points, sigma)
    half = np.zeros((-(-maps.rho.shape[0] // 2), -(-maps.rho.shape[1] // 2)), dtype=np.bool_)
    half[rows, columns] = against > maps.score[::2, ::2][rows, columns]
    whole = np.repeat(np.repeat(half, 2, axis=0), 2, axis=1)[: maps.rho.shape[0], : maps.rho.shape[1]]
    found: NDArray[np.bool_] = whole & np.isfinite(maps.rho)
    return found


def _looks_through(view: View, points: Float, sigma: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) float32: what a view counts that looks through ``points`` (n, 3), in its frame; else 0.

    ``sigma`` (n,): that of their inverse range, 1/m.
    """
    out = np.zeros(len(points), dtype=np.float32)
    offsets = points - view.centre
    range_m = np.linalg.norm(offsets, axis=1)
    axis = view.camera.A / np.linalg.norm(view.camera.A)
    ahead = np.flatnonzero(offsets @ axis > 0.0)
    pixels = view.camera.project(points[ahead])
    seen = inside(view.camera, pixels, 1.0)
    at, pixel = ahead[seen], np.rint(pixels[seen]).astype(np.intp)
    rho, rho_sigma, score = _inverse(view)
    furthest = cv2.dilate(np.where(np.isnan(rho), np.float32(np.inf), rho), np.ones((3, 3), np.uint8))
    row, column = pixel[:, 1], pixel[:, 0]
    with np.errstate(invalid="ignore"):
        beyond = 1.0 / range_m[at] - furthest[row, column]
        through = beyond > AGREE_SIGMA * np.hypot(sigma[at], rho_sigma[row, column])
    out[at[through]] = score[row, column][through]
    return out


def _inverse(view: View) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Inverse range of a view's own pixels, its sigma, and what each counts, (rows, columns) float32."""
    xyz = view.xyz
    noise = xyz.sigma_range_m if xyz.noise_range_m is None else xyz.noise_range_m
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1.0 / xyz.range_m
        square = rho * rho
        return rho, xyz.sigma_range_m * square, 1.0 / (noise * square) ** 2


def _as_map(grid: SphereGrid, maps: Maps) -> XyzMap:
    with np.errstate(divide="ignore", invalid="ignore"):
        range_m = 1.0 / maps.rho
        scale = range_m * range_m
        xyz = grid.directions()
        xyz *= range_m[..., None]
        xyz += grid.centre.astype(np.float32)
        found = np.isfinite(range_m)
        reason = np.where(found, 0, int(Reason.NO_MATCH)).astype(np.uint16)
        miss = np.where(found, np.float32(0.0), np.float32(np.nan))
        return XyzMap(grid.frame, xyz, range_m, maps.sigma * scale, miss, reason, maps.noise * scale, maps.contrast)
